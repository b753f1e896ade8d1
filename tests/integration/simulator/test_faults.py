"""Test the faults of the simulator."""

import json
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from backup_auditor_simulator.web.faults import Fault, FaultKind
from backup_auditor_simulator.web.server import Server
from support.simulator import NEW_VERSION, OLD_VERSION, build_empty_project, open_plain_client, serve


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve a project with one index and one backup."""
    project = build_empty_project()
    project.create_index("orders")
    project.create_backup("orders", "first")
    project.advance(timedelta(hours=1))
    with serve(project) as running_server:
        yield running_server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    """Open a client of the newest version."""
    with open_plain_client(server) as plain_client:
        yield plain_client


def test_a_status_has_an_error_and_headers(client: httpx.Client, server: Server) -> None:
    """A fault with a status returns an error object and the headers of the fault."""
    server.faults.append(Fault(status=429, message="Too many requests", headers={"Retry-After": "7"}))
    response = client.get("/indexes")
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert response.json() == {"error": {"code": "RESOURCE_EXHAUSTED", "message": "Too many requests"}, "status": 429}


def test_a_status_can_have_any_body(client: httpx.Client, server: Server) -> None:
    """A body can be the fault with a status can return an HTML page."""
    server.faults.append(Fault(status=502, body="<html>Bad Gateway</html>", content_type="text/html"))
    response = client.get("/indexes")
    assert (response.status_code, response.text) == (502, "<html>Bad Gateway</html>")
    assert response.headers["content-type"] == "text/html"


@pytest.mark.parametrize(
    "body,content_type,body_start",
    [
        pytest.param(None, "text/html", b"<html>", id="html"),
        pytest.param('{"data": [', "application/json", b'{"data": [', id="truncated-json"),
        pytest.param('{"data": 7}', "application/json", b'{"data": 7}', id="wrong-shape"),
        pytest.param(b"\xff\xfe", "application/octet-stream", b"\xff\xfe", id="binary"),
    ],
)
def test_garbage_looks_like_success(
    client: httpx.Client, server: Server, body: str | bytes | None, content_type: str, body_start: bytes
) -> None:
    """Garbage has the status 200 and unexpected content."""
    server.faults.append(Fault(kind="garbage", body=body, content_type=content_type))
    response = client.get("/backups")
    assert response.status_code == 200
    assert response.headers["content-type"] == content_type
    assert response.content.startswith(body_start)


def test_a_fault_applies_only_to_matching_requests(client: httpx.Client, server: Server) -> None:
    """A fault applies to requests that match its path, method and version."""
    server.faults.append(Fault(path="/indexes/*/backups", method="GET", version=NEW_VERSION))
    assert client.get("/indexes/orders/backups").status_code == 503
    assert client.get("/backups").status_code == 200
    assert client.post("/indexes/orders/backups", json={}).status_code == 200
    assert client.get("/indexes/orders/backups", headers={"X-Pinecone-Api-Version": OLD_VERSION}).status_code == 200


def test_a_fault_has_a_start_and_an_end(client: httpx.Client, server: Server) -> None:
    """A fault starts after `after` requests and applies to `times` requests."""
    server.faults.append(Fault(after=2, times=3))
    assert [client.get("/indexes").status_code for _ in range(7)] == [200, 200, 503, 503, 503, 200, 200]


def test_a_random_fault_is_reproducible(client: httpx.Client, server: Server) -> None:
    """The affected requests depend on the seed of the fault."""
    status_lists = []
    for seed in (1, 1, 2):
        server.faults[:] = [Fault(status=429, probability=0.5, seed=seed)]
        status_lists.append([client.get("/indexes").status_code for _ in range(30)])
    assert status_lists[0] == status_lists[1] != status_lists[2]
    assert set(status_lists[0]) == {200, 429}


def test_a_reset_has_no_effect(client: httpx.Client, server: Server) -> None:
    """A reset closes the connection, and no backup is created."""
    server.faults.append(Fault(kind=FaultKind.RESET, method="POST", times=1))
    with pytest.raises(httpx.ReadError):
        client.post("/indexes/orders/backups", json={})
    assert len(server.project.backups) == 1
    assert server.requests[-1].status is None


def test_a_reset_can_follow_the_effect(client: httpx.Client, server: Server) -> None:
    """A reset after the effect closes the connection error, and a backup is created."""
    server.faults.append(Fault(kind=FaultKind.RESET_AFTER_EFFECT, method="POST", times=1))
    with pytest.raises(httpx.ReadError):
        client.post("/indexes/orders/backups", json={})
    assert len(server.project.backups) == 2
    assert server.requests[-1].status is None


def test_a_response_can_be_truncated(client: httpx.Client, server: Server) -> None:
    """A truncated response is shorter than its declared length."""
    server.faults.append(Fault(kind=FaultKind.TRUNCATE, times=1))
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/backups")
    assert client.get("/backups").status_code == 200


def test_a_response_can_hang(client: httpx.Client, server: Server) -> None:
    """A hanging response keeps the connection open until the client's timeout."""
    server.faults.append(Fault(kind=FaultKind.HANG, times=1))
    with pytest.raises(httpx.ReadTimeout):
        client.get("/backups", timeout=0.05)
    assert client.get("/backups").status_code == 200


@pytest.mark.parametrize("kind", [FaultKind.DELAY, FaultKind.SLOW])
def test_a_response_can_be_late_or_slow(client: httpx.Client, server: Server, kind: FaultKind) -> None:
    """A late or slow response is correct, unless the client's timeout is shorter."""
    whole_response = client.get("/backups").json()
    server.faults.append(Fault(kind=kind, seconds=0.02, times=1))
    assert client.get("/backups").json() == whole_response
    server.faults.append(Fault(kind=kind, seconds=5, times=1))
    with pytest.raises(httpx.ReadTimeout):
        client.get("/backups", timeout=0.05)


def test_a_refusal_by_the_plan_can_be_simulated(client: httpx.Client, server: Server) -> None:
    """A fault refuses schedules by the plan, although the project's plan includes them."""
    assert client.get("/indexes/orders/backup-schedules").status_code == 200
    server.faults.append(Fault(kind=FaultKind.REFUSE_PLAN, path="*/backup-schedules"))
    response = client.get("/indexes/orders/backup-schedules")
    assert response.status_code == 403
    assert "plan" in response.json()["error"]["message"]


def test_a_change_that_fails_is_a_server_error(
    client: httpx.Client, server: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    """A change that fails returns 500 and prints the error to standard error."""
    server.faults.append(Fault(kind=FaultKind.SHIFT, times=1, change=lambda project: project.create_backup("nothing")))
    assert client.get("/indexes").status_code == 500
    assert "Index nothing not found." in capfd.readouterr().err
    assert client.get("/indexes").status_code == 200


def test_latency_delays_every_response(client: httpx.Client, server: Server) -> None:
    """A client with a timeout below the latency receives no response."""
    server.latency = 5.0
    with pytest.raises(httpx.ReadTimeout):
        client.get("/indexes", timeout=0.05)
    server.latency = 0.0
    assert client.get("/indexes").status_code == 200


def test_the_log_has_every_request(client: httpx.Client, server: Server) -> None:
    """The log has every request in order, with the role of its key."""
    client.get("/backups", params={"limit": 5})
    client.get("/nothing", headers={"Api-Key": "another"})
    client.get("/indexes", headers={"Api-Key": server.viewer_key})
    assert [(it.method, it.path, it.query, it.version, it.status, it.role) for it in server.requests] == [
        ("GET", "/backups", {"limit": "5"}, NEW_VERSION, 200, "editor"),
        ("GET", "/nothing", {}, NEW_VERSION, 401, None),
        ("GET", "/indexes", {}, NEW_VERSION, 200, "viewer"),
    ]


def test_an_invalid_request_closes_the_connection(server: Server) -> None:
    """A request that is not HTTP receives no response."""
    with pytest.raises(httpx.TransportError), open_plain_client(server) as client:
        client.request("GET IT", "/indexes")
    with open_plain_client(server) as client:
        assert json.loads(client.get("/indexes").content)["indexes"]
