"""What is read at the moment of acting: little, and all of it or an error."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from backup_auditor.adapters.pinecone.writer import open_writer
from backup_auditor.domain.model import Frequency
from backup_auditor.errors import BadKeyError, ForbiddenError, NotFoundError, PineconeError, UnavailableError
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from support.simulator import Waits, connection_to, empty_world, serving, writing

pytestmark = pytest.mark.writes
WEEK = timedelta(days=7)


@pytest.fixture
def world() -> SimulatedProject:
    """Begin with one index."""
    world = empty_world()
    world.create_index("orders")
    return world


def test_what_was_just_read_is_not_read_again(world: SimulatedProject) -> None:
    """It tells as well which schedule, or backup, is the new one."""
    there = world.create_backup("orders", "by-hand")
    with writing(world) as (writer, server):
        server.faults.append(Fault(kind="reset_after_effect", method="POST"))
        known = writer.project.read_backups("orders")
        read = len(server.requests)
        made = writer.project.create_backup("orders", "by-hand", known)
        assert [it.method for it in server.requests[read:]] == ["POST", "GET"]
        assert made.backup_id != there.id
        read = len(server.requests)
        writer.project.create_schedule("orders", "nightly", Frequency.DAILY, WEEK, ())
        assert [it.method for it in server.requests[read:]] == ["POST", "GET"]


def test_at_the_moment_of_acting_every_answer_but_the_whole_one_is_an_error(world: SimulatedProject) -> None:
    """A key that is not accepted is told from an index that is gone, and from a listing that breaks off."""
    cases: list[tuple[Fault, type[PineconeError]]] = [
        (Fault(status=401), BadKeyError),
        (Fault(status=403), ForbiddenError),
        (Fault(status=404), NotFoundError),
        (Fault(status=503), UnavailableError),
        (Fault(kind="garbage", body=b'{"data": [{}]}'), UnavailableError),
    ]
    with writing(world) as (writer, server):
        assert writer.project.read_index("orders").state == "Ready"
        for fault, error in cases:
            server.faults[:] = [fault]
            for look in (writer.project.read_schedules, writer.project.read_backups):
                with pytest.raises(error):
                    look("orders")


def test_one_listing_of_the_indexes_serves_for_a_second(world: SimulatedProject) -> None:
    """Then it is read again; an index that is gone is not found, unless not all could be read."""
    with serving(world) as server:
        waits = Waits()
        with open_writer(connection_to(server, key=server.editor_key), waits.surroundings()) as writer:
            assert [writer.project.read_index("orders").name for _ in range(3)] == ["orders"] * 3
            assert len(server.requests) == 1
            world.delete_index("orders")
            waits.sleep(1.1)
            with pytest.raises(NotFoundError):
                writer.project.read_index("orders")
            waits.sleep(1.1)
            server.faults.append(Fault(kind="garbage", body=b'{"indexes": [{}]}'))
            with pytest.raises(UnavailableError, match="GET /indexes: 1 of 1 rows"):
                writer.project.read_index("orders")


def test_who_waits_for_a_slow_listing_takes_it(world: SimulatedProject) -> None:
    """Else twenty that act at once would list the indexes one after the other."""
    with serving(world) as server:
        connection = connection_to(server, key=server.editor_key)
        server.faults.append(Fault(kind="delay", path="/indexes", seconds=1.3))
        with open_writer(connection) as writer, ThreadPoolExecutor(4) as pool:
            assert [it.name for it in pool.map(writer.project.read_index, ["orders"] * 4)] == ["orders"] * 4
    assert len(server.requests) == 1
