"""What is read at the moment of acting: little, and all of it or an error."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from backup_auditor.adapters.pinecone.writer import open_writer
from backup_auditor.domain.model import Frequency
from backup_auditor.errors import BadKeyError, ForbiddenError, NotFoundError, PineconeError, UnavailableError
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from support.simulator import RecordingClock, build_empty_project, make_connection, open_simulated_writer, serve

pytestmark = pytest.mark.writes
WEEK = timedelta(days=7)


@pytest.fixture
def project() -> SimulatedProject:
    """Begin with one index."""
    project = build_empty_project()
    project.create_index("orders")
    return project


def test_what_was_just_read_is_not_read_again(project: SimulatedProject) -> None:
    """It tells as well which schedule, or backup, is the new one."""
    existing_backup = project.create_backup("orders", "by-hand")
    with open_simulated_writer(project) as (writer, server):
        server.faults.append(Fault(kind="reset_after_effect", method="POST"))
        known_backups = writer.project.read_backups("orders")
        request_count = len(server.requests)
        created_backup = writer.project.create_backup("orders", "by-hand", known_backups)
        assert [it.method for it in server.requests[request_count:]] == ["POST", "GET"]
        assert created_backup.backup_id != existing_backup.id
        request_count = len(server.requests)
        writer.project.create_schedule("orders", "nightly", Frequency.DAILY, WEEK, ())
        assert [it.method for it in server.requests[request_count:]] == ["POST", "GET"]


def test_at_the_moment_of_acting_every_answer_but_the_whole_one_is_an_error(project: SimulatedProject) -> None:
    """A key that is not accepted is told from an index that is gone, and from a listing that breaks off."""
    cases: list[tuple[Fault, type[PineconeError]]] = [
        (Fault(status=401), BadKeyError),
        (Fault(status=403), ForbiddenError),
        (Fault(status=404), NotFoundError),
        (Fault(status=503), UnavailableError),
        (Fault(kind="garbage", body=b'{"data": [{}]}'), UnavailableError),
    ]
    with open_simulated_writer(project) as (writer, server):
        assert writer.project.read_index("orders").state == "Ready"
        for fault, error in cases:
            server.faults[:] = [fault]
            for read_listing in (writer.project.read_schedules, writer.project.read_backups):
                with pytest.raises(error):
                    read_listing("orders")


def test_one_listing_of_the_indexes_serves_for_a_second(project: SimulatedProject) -> None:
    """Then it is read again; an index that is gone is not found, unless not all could be read."""
    with serve(project) as server:
        clock = RecordingClock()
        with open_writer(make_connection(server, key=server.editor_key), clock.build_runtime()) as writer:
            assert [writer.project.read_index("orders").name for _ in range(3)] == ["orders"] * 3
            assert len(server.requests) == 1
            project.delete_index("orders")
            clock.sleep(1.1)
            with pytest.raises(NotFoundError):
                writer.project.read_index("orders")
            clock.sleep(1.1)
            server.faults.append(Fault(kind="garbage", body=b'{"indexes": [{}]}'))
            with pytest.raises(UnavailableError, match="GET /indexes: 1 of 1 rows"):
                writer.project.read_index("orders")


def test_who_waits_for_a_slow_listing_takes_it(project: SimulatedProject) -> None:
    """Else twenty that act at once would list the indexes one after the other."""
    with serve(project) as server:
        connection = make_connection(server, key=server.editor_key)
        server.faults.append(Fault(kind="delay", path="/indexes", seconds=1.3))
        with open_writer(connection) as writer, ThreadPoolExecutor(4) as pool:
            assert [it.name for it in pool.map(writer.project.read_index, ["orders"] * 4)] == ["orders"] * 4
    assert len(server.requests) == 1
