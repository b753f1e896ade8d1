"""How long an audit waits: as the service asks, and never past its own deadline."""

from datetime import timedelta

import pytest

from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.reader import open_reader
from backup_auditor.domain.listing import ReadFailure
from backup_auditor.errors import ThrottledError
from backup_auditor_simulator.web.faults import Fault
from support.raw_server import answering
from support.simulator import NOW, Waits, add_healthy_index, connection_to, empty_world, gathered, reading, serving

KEY = "canary-of-the-waiting-tests"


@pytest.mark.parametrize(
    "headers, waited",
    [
        pytest.param({"retry-after": "7"}, 7.0, id="seconds"),
        pytest.param({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, 30.0, id="date"),
        pytest.param({}, 0.0, id="absent"),
    ],
)
def test_the_service_says_how_long_to_wait(headers: dict[str, str], waited: float) -> None:
    """`Retry-After` is waited in full before the call is repeated, seconds or date."""
    waits = Waits()
    with serving(empty_world()) as server:
        server.faults.append(Fault(status=429, headers=headers, times=1, path="/indexes"))
        with reading(server, waits) as reader:
            assert reader.read_indexes().rows == ()
    assert [round(it, 1) for it in waits.seconds] == [waited or 0.1]


def test_answers_that_ask_for_fewer_calls_are_counted() -> None:
    """Each 429 is one, whatever becomes of its call; other failures are none."""
    with serving(empty_world()) as server:
        server.faults.append(Fault(status=429, times=2, path="/indexes"))
        server.faults.append(Fault(status=503, times=1, path="/backups"))
        with reading(server) as reader:
            reader.read_indexes()
            reader.read_backups()
            assert (reader.throttles, reader.requests) == (2, 5)


def test_a_wait_that_goes_past_the_deadline_is_not_begun() -> None:
    """When the service asks for more time than there is, the call ends with its answer."""
    waits = Waits()
    with serving(empty_world()) as server, reading(server, waits, deadline=timedelta(seconds=60)) as reader:
        server.faults.append(Fault(status=429, headers={"retry-after": "3600"}))
        with pytest.raises(ThrottledError):
            reader.read_indexes()
    assert waits.seconds == []
    assert len(server.requests) == 1


def test_after_the_deadline_nothing_is_sent() -> None:
    """What is left then is unread, and says so."""
    world = empty_world()
    add_healthy_index(world, "orders")
    waits = Waits()
    with serving(world) as server, reading(server, waits, deadline=timedelta(seconds=60)) as reader:
        reader.read_indexes()
        waits.sleep(60)
        walk = reader.read_backups()
    assert len(server.requests) == 1
    assert walk.failure == ReadFailure("GET /backups", "the time for the whole audit was over")


def test_a_dripping_answer_does_not_outlast_the_deadline() -> None:
    """However slowly it comes, the time for the whole audit is kept."""
    world = empty_world()
    add_healthy_index(world, "orders")
    with serving(world) as server:
        server.faults.append(Fault(kind="slow", seconds=30, path="/backups"))
        with open_reader(connection_to(server, deadline=timedelta(seconds=0.2))) as reader:
            found, _ = gathered(reader, world.now)
    assert ReadFailure("GET /backups", "no answer came in time") in found.read_failures


def test_an_answer_that_never_gets_to_its_content_does_not_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who drips headers for ever is left behind, and what was asked of him is unread."""
    monkeypatch.setattr("backup_auditor.adapters.pinecone.reader._GRACE_SECONDS", 0.05)
    monkeypatch.setattr("backup_auditor.worker_pool._STOP_SECONDS", 0.05)
    with answering(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 1000, drip=0.02) as (port, _):
        connection = Connection(KEY, f"http://127.0.0.1:{port}", deadline=timedelta(seconds=0.1))
        with open_reader(connection) as reader:
            found, _ = gathered(reader, NOW)
    over = "the time for the whole audit was over"
    assert found.read_failures == (ReadFailure("GET /backups", over), ReadFailure("GET /indexes", over))
