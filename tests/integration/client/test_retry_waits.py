"""An audit waits as long as `Retry-After` says, and never past its deadline."""

from datetime import timedelta

import pytest

from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.reader import open_reader
from backup_auditor.domain.listing import ReadFailure
from backup_auditor.errors import ThrottledError
from backup_auditor_simulator.web.faults import Fault
from support.raw_server import serve_answer
from support.simulator import (
    SIMULATED_NOW,
    RecordingClock,
    add_healthy_index,
    build_empty_project,
    collect_inventory,
    make_connection,
    open_simulated_reader,
    serve,
)

KEY = "canary-of-the-waiting-tests"


@pytest.mark.parametrize(
    "headers, expected_waits",
    [
        pytest.param({"retry-after": "7"}, 7.0, id="seconds"),
        pytest.param({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, 30.0, id="date"),
        pytest.param({}, 0.0, id="absent"),
    ],
)
def test_the_service_says_how_long_to_wait(headers: dict[str, str], expected_waits: float) -> None:
    """`Retry-After` is waited in full before the call is repeated, in seconds or as a date."""
    clock = RecordingClock()
    with serve(build_empty_project()) as server:
        server.faults.append(Fault(status=429, headers=headers, times=1, path="/indexes"))
        with open_simulated_reader(server, clock) as reader:
            assert reader.read_indexes().rows == ()
    assert [round(it, 1) for it in clock.waited_seconds] == [expected_waits or 0.1]


def test_throttled_calls_are_counted() -> None:
    """Each 429 counts, whatever the outcome of its call; other failures do not."""
    with serve(build_empty_project()) as server:
        server.faults.append(Fault(status=429, times=2, path="/indexes"))
        server.faults.append(Fault(status=503, times=1, path="/backups"))
        with open_simulated_reader(server) as reader:
            reader.read_indexes()
            reader.read_backups()
            assert (reader.throttles, reader.requests) == (2, 5)


def test_a_wait_past_the_deadline_is_not_started() -> None:
    """If `Retry-After` is longer than the time left, the call ends with its response."""
    clock = RecordingClock()
    with (
        serve(build_empty_project()) as server,
        open_simulated_reader(server, clock, deadline=timedelta(seconds=60)) as reader,
    ):
        server.faults.append(Fault(status=429, headers={"retry-after": "3600"}))
        with pytest.raises(ThrottledError):
            reader.read_indexes()
    assert clock.waited_seconds == []
    assert len(server.requests) == 1


def test_after_the_deadline_nothing_is_sent() -> None:
    """Everything that is left is a read error with that reason."""
    project = build_empty_project()
    add_healthy_index(project, "orders")
    clock = RecordingClock()
    with serve(project) as server, open_simulated_reader(server, clock, deadline=timedelta(seconds=60)) as reader:
        reader.read_indexes()
        clock.sleep(60)
        listing_read = reader.read_backups()
    assert len(server.requests) == 1
    assert listing_read.failure == ReadFailure("GET /backups", "the time limit was reached")


def test_a_slow_body_does_not_exceed_the_deadline() -> None:
    """The body of the response arrives byte by byte."""
    project = build_empty_project()
    add_healthy_index(project, "orders")
    with serve(project) as server:
        server.faults.append(Fault(kind="slow", seconds=30, path="/backups"))
        with open_reader(make_connection(server, deadline=timedelta(seconds=0.2))) as reader:
            inventory, _ = collect_inventory(reader, project.now)
    assert ReadFailure("GET /backups", "no response arrived in time") in inventory.read_failures


def test_slow_headers_do_not_exceed_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call whose headers never end is a read error."""
    monkeypatch.setattr("backup_auditor.adapters.pinecone.reader._GRACE_SECONDS", 0.05)
    monkeypatch.setattr("backup_auditor.worker_pool._STOP_SECONDS", 0.05)
    with serve_answer(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 1000, byte_interval=0.02) as (port, _):
        connection = Connection(KEY, f"http://127.0.0.1:{port}", deadline=timedelta(seconds=0.1))
        with open_reader(connection) as reader:
            inventory, _ = collect_inventory(reader, SIMULATED_NOW)
    deadline_text = "the time limit was reached"
    assert inventory.read_failures == (
        ReadFailure("GET /backups", deadline_text),
        ReadFailure("GET /indexes", deadline_text),
    )
