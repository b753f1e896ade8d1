"""Test that audits of a failing service keep the facts that were read, and report the rest as read errors."""

import gzip
import json
import socket
from datetime import timedelta

import pytest

from backup_auditor.adapters.pinecone.client import MAX_ATTEMPTS
from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.reader import open_reader
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.listing import Listing, ReadFailure
from backup_auditor.errors import (
    BadKeyError,
    ForbiddenError,
    MalformedResponseError,
    PineconeError,
    UnavailableError,
    UnreachableError,
)
from backup_auditor_simulator.scenarios import build_scenario
from backup_auditor_simulator.web.faults import Fault
from support.raw_server import serve_answer
from support.simulator import (
    SIMULATED_NOW,
    RecordingClock,
    add_healthy_index,
    audit_server,
    build_empty_project,
    count_calls,
    open_simulated_reader,
    serve,
)

KEY = "canary-of-the-fault-tests"
SCHEDULES_CALL = "GET /indexes/orders/backup-schedules"


def audit_with_fault(fault: Fault, **options: object) -> tuple[ReadFailure, ...]:
    """Audit one healthy index with a fault, and return the read errors."""
    project = build_empty_project()
    add_healthy_index(project, "orders")
    with serve(project) as server:
        server.faults.append(fault)
        return audit_server(server, **options).inventory.read_failures


@pytest.mark.parametrize(
    "fault, error",
    [
        pytest.param(Fault(status=503), "503: The service is unavailable.", id="status"),
        pytest.param(Fault(status=500, body=b""), "500: Internal Server Error", id="empty"),
        pytest.param(Fault(status=502, body="<html>", content_type="text/html"), "502: an HTML page", id="html"),
        pytest.param(Fault(status=429, message="Slow down."), "429: Slow down.", id="throttled"),
        pytest.param(Fault(status=401, body="Invalid API key"), "401: Invalid API key", id="revoked-key"),
        pytest.param(Fault(status=403, message="No."), "403: No.", id="forbidden"),
        pytest.param(Fault(kind="garbage"), "the response is not JSON", id="page-of-a-proxy"),
        pytest.param(
            Fault(kind="garbage", body='{"hello": 1}'),
            'the response has no list under the key "data", but other keys: "hello"',
            id="other-json",
        ),
        pytest.param(Fault(kind="reset"), "the connection was lost", id="reset"),
        pytest.param(Fault(kind="truncate"), "the response was cut off, or is not HTTP", id="truncated"),
        pytest.param(
            Fault(status=302, headers={"location": "http://127.0.0.1:9/"}),
            "302: redirects are not followed with a key; check the host",
            id="redirect",
        ),
        pytest.param(
            Fault(kind="garbage", body=b"no gzip", headers={"content-encoding": "gzip"}),
            "the response is not compressed as its header says",
            id="not-compressed",
        ),
    ],
)
def test_a_failed_listing_is_a_read_error_with_call_and_reason(fault: Fault, error: str) -> None:
    """A failed listing is the only read error, and its reason is the same in every run."""
    fault.path = "/indexes/orders/backup-schedules"
    assert audit_with_fault(fault) == (ReadFailure(SCHEDULES_CALL, error),)


@pytest.mark.parametrize(
    "path, call",
    [
        pytest.param("/indexes", "GET /indexes", id="indexes"),
        pytest.param("/backups", "GET /backups", id="backups"),
        pytest.param("/indexes/orders/backup-schedules", SCHEDULES_CALL, id="schedules"),
        pytest.param("*/history", "GET /backup-schedules/", id="history"),
    ],
)
@pytest.mark.parametrize("body", ['{"error": {"code": "UNKNOWN"}}', '{"items": [], "pagination": null}'])
def test_a_response_without_its_list_is_a_read_error(path: str, call: str, body: str) -> None:
    """The read error of a response with other keys names the call."""
    (failure,) = audit_with_fault(Fault(kind="garbage", path=path, body=body))
    assert failure.call.startswith(call)
    assert "but other keys" in failure.error


def test_a_response_without_own_backups_is_a_read_error() -> None:
    """A response without the list of own backups is a read error, because the index may have recovery points."""
    project = build_empty_project()
    project.create_index("orders")
    project.create_backup("orders")
    fault = Fault(kind="garbage", path="/indexes/orders/backups", body='{"backups": []}')
    with serve(project) as server:
        server.faults.append(fault)
        failures = audit_server(server).inventory.read_failures
    error = 'the response has no list under the key "data", but other keys: "backups"'
    assert failures == (ReadFailure("GET /indexes/orders/backups", error),)


@pytest.mark.parametrize("body", ["{}", '{"pagination": null}', '{"pagination": {"next": ""}}'])
def test_an_empty_response_is_an_empty_list(body: str) -> None:
    """A response without keys, or with only `pagination`, lists nothing and is not a read error."""
    assert audit_with_fault(Fault(kind="garbage", path="*/history", body=body)) == ()


def test_a_service_that_never_responds_is_a_read_error_after_the_timeout() -> None:
    """A call without a response is retried, and is then a read error."""
    fault = Fault(kind="hang", path="/indexes/orders/backup-schedules")
    failures = audit_with_fault(fault, read_timeout=timedelta(milliseconds=50))
    assert failures == (ReadFailure(SCHEDULES_CALL, "no response arrived in time"),)
    assert fault.applied_count == MAX_ATTEMPTS


@pytest.mark.parametrize(
    "fault", [Fault(status=404), Fault(status=409), Fault(status=422), Fault(status=400), Fault(status=403)]
)
def test_final_responses_are_not_retried(fault: Fault) -> None:
    """A final status is not retried."""
    with serve(build_empty_project()) as server, open_simulated_reader(server) as reader:
        server.faults.append(fault)
        with pytest.raises(PineconeError):
            reader.read_indexes()
    assert fault.applied_count == 1


@pytest.mark.parametrize(
    "status", [408, 500, 502, 503, 504, 507, 511, 520, 521, 522, 523, 524, 525, 526, 527, 530, 599]
)
@pytest.mark.parametrize("path", ["/indexes", "/backups", "/indexes/orders/backup-schedules"])
def test_a_transient_status_is_retried(status: int, path: str) -> None:
    """The audit is complete after one retry of a transient status."""
    fault = Fault(status=status, times=1, path=path, body="<html>oh</html>", content_type="text/html")
    assert audit_with_fault(fault) == ()
    assert fault.applied_count == 1


@pytest.mark.parametrize("status", [501, 505])
def test_a_permanent_server_error_is_not_retried(status: int) -> None:
    """The statuses 501 and 505 are read errors after one request."""
    fault = Fault(status=status, path="/backups", message="No.")
    assert audit_with_fault(fault) == (ReadFailure("GET /backups", f"{status}: No."),)
    assert fault.applied_count == 1


@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_temporary_fault_is_retried(kind: str) -> None:
    """A read whose response is lost is sent again."""
    assert audit_with_fault(Fault(kind=kind, times=3, path="/indexes/orders/backup-schedules")) == ()


def test_an_audit_is_complete_despite_throttling() -> None:
    """An audit with a quarter of its calls throttled has all facts."""
    with serve(build_scenario("fleet:40x3", now=SIMULATED_NOW)) as server:
        server.faults.append(Fault(status=429, probability=0.25, seed=7, times=60))
        result = audit_server(server)
    assert result.report.is_complete
    assert len(result.inventory.histories) == 40


def test_a_service_that_stops_receives_a_limited_number_of_calls() -> None:
    """After the retry limit no call is sent, and only the indexes that were read are compliant."""
    indexes = 300
    with serve(build_scenario(f"fleet:{indexes}x2", now=SIMULATED_NOW)) as server:
        server.faults.append(Fault(status=503, after=100))
        result = audit_server(server)
        request_count = len(server.requests) - 100
    assert request_count < 250
    assert not result.report.is_complete
    assert len(result.inventory.indexes) == indexes
    errors = {it.error for it in result.inventory.read_failures}
    assert errors == {"503: The service is unavailable.", "not sent: the service had stopped responding"}
    read_counts = {
        it.index.name
        for it in result.inventory.indexes
        if isinstance(it.schedules, Listing) and not it.schedules.failure
    }
    compliance_by_control = {
        it.resource.name
        for it in result.report.findings
        if it.control == "index-has-schedule" and it.compliance is Compliance.COMPLIANT
    }
    assert compliance_by_control == read_counts


def test_a_compressed_response_is_read() -> None:
    """The client reads a compressed response, although it does not request compression."""
    body = gzip.compress(json.dumps({"indexes": [{"name": "orders"}]}).encode())
    with serve(build_empty_project()) as server, open_simulated_reader(server) as reader:
        server.faults.append(Fault(kind="garbage", body=body, headers={"content-encoding": "gzip"}))
        assert [it.name for it in reader.read_indexes().rows] == ["orders"]


@pytest.mark.parametrize("is_compressed", [False, True], ids=["plain", "compressed"])
def test_the_size_of_a_response_is_limited(is_compressed: bool) -> None:
    """The size limit applies to decoded bytes."""
    body = b"[" * 1_000_000
    headers = {"content-encoding": "gzip"} if is_compressed else {}
    with serve(build_empty_project()) as server, open_simulated_reader(server, body_limit=300_000) as reader:
        server.faults.append(
            Fault(kind="garbage", body=gzip.compress(body) if is_compressed else body, headers=headers)
        )
        with pytest.raises(MalformedResponseError, match="limit: 300000 bytes"):
            reader.read_indexes()


def test_a_read_whose_token_repeats_ends_as_incomplete() -> None:
    """A read with a repeated token fails and keeps its rows."""
    with serve(build_scenario("fleet:30x5", now=SIMULATED_NOW)) as server:
        server.faults.append(Fault(kind="repeat_token", path="/backups", after=1))
        with open_simulated_reader(server) as reader:
            listing_read = reader.read_backups()
    assert listing_read.failure == ReadFailure("GET /backups", "the pages repeat")
    assert len(listing_read.rows) == 150


@pytest.mark.parametrize(
    "fault, error",
    [
        pytest.param(Fault(status=401, body="no"), BadKeyError, id="bad-key"),
        pytest.param(Fault(status=403, message="Permission x is required"), ForbiddenError, id="no-permission"),
    ],
)
def test_a_refused_list_of_indexes_ends_the_audit(fault: Fault, error: type[PineconeError]) -> None:
    """A key that must not list the indexes ends the audit with an error."""
    with serve(build_empty_project()) as server:
        server.faults.append(fault)
        with pytest.raises(error):
            audit_server(server)


def test_a_wrong_key_ends_the_audit() -> None:
    """A key that Pinecone refuses ends the audit with an error."""
    with serve(build_empty_project()) as server, pytest.raises(BadKeyError):
        audit_server(server, key="another-key")


@pytest.mark.parametrize(
    "fault",
    [Fault(status=503, path="/indexes"), Fault(status=429, path="/indexes"), Fault(kind="garbage", path="/indexes")],
    ids=["unavailable", "throttled", "garbage"],
)
def test_an_audit_without_the_list_of_indexes_has_a_report(fault: Fault) -> None:
    """A report without the list of indexes has the listed backups and a read error."""
    project = build_empty_project()
    add_healthy_index(project, "orders")
    with serve(project) as server:
        server.faults.append(fault)
        result = audit_server(server)
    assert [it.call for it in result.inventory.read_failures] == ["GET /indexes"]
    assert len(result.inventory.backups.rows) == 3
    assert count_calls(server)["GET /backups"] == 1


def test_a_host_that_refuses_connections_is_unreachable() -> None:
    """A refused connection ends the audit with an error."""
    with serve(build_empty_project()) as server:
        pass
    with pytest.raises(UnreachableError, match="refused"):
        audit_server(server)


def test_a_host_without_a_trusted_certificate_is_refused() -> None:
    """A host that fails the TLS handshake does not receive the key."""
    with serve_answer(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}") as (port, requests):
        connection = Connection(KEY, f"https://127.0.0.1:{port}")
        with (
            open_reader(connection, RecordingClock().build_runtime()) as reader,
            pytest.raises(UnreachableError, match=r"TLS with 127\.0\.0\.1:\d+ failed"),
        ):
            reader.read_indexes()
    assert KEY.encode() not in b"".join(requests)


def test_a_name_that_cannot_be_resolved_is_not_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host name that cannot be resolved is looked up once."""

    def raise_unknown_host(*_args: object, **_named: object) -> None:
        lookups.append(1)
        raise socket.gaierror(-2, "Name or service not known")

    lookups: list[int] = []
    monkeypatch.setattr(socket, "getaddrinfo", raise_unknown_host)
    with (
        serve(build_empty_project()) as server,
        open_simulated_reader(server, host="https://nowhere.invalid") as reader,
        pytest.raises(UnreachableError, match="cannot be resolved"),
    ):
        reader.read_indexes()
    assert len(lookups) == 1


def test_unavailable_is_distinguished_from_unreachable() -> None:
    """The error of a service that responds with errors is not that of an unreachable host."""
    with serve(build_empty_project()) as server, open_simulated_reader(server) as reader:
        server.faults.append(Fault(status=503))
        with pytest.raises(UnavailableError) as error_info:
            reader.read_indexes()
    assert not isinstance(error_info.value, UnreachableError)
