"""Test the control calls of a running simulator, and its command."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta

import httpx
import pytest

from backup_auditor_simulator.web.server import Server
from support.clock import read_real_clock
from support.simulator import SIMULATED_NOW, build_empty_project, open_plain_client, serve


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve a project with one index."""
    project = build_empty_project()
    project.create_index("orders")
    with serve(project) as running_server:
        yield running_server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    """Open a client of the newest version."""
    with open_plain_client(server) as plain_client:
        yield plain_client


def test_the_clock_is_read_set_and_advanced(client: httpx.Client, server: Server) -> None:
    """The clock is read, set and advanced, and the runs that are due are executed."""
    server.project.create_schedule("orders", "nightly")
    assert client.get("/_simulator/clock").json() == {"now": SIMULATED_NOW.isoformat()}
    client.post("/_simulator/clock", json={"seconds": 90_000})
    assert server.project.now == SIMULATED_NOW + timedelta(seconds=90_000)
    later_moment = SIMULATED_NOW + timedelta(days=3, hours=1)
    assert client.post("/_simulator/clock", json={"now": later_moment.isoformat()}).json() == {
        "now": later_moment.isoformat()
    }
    assert len(client.get("/backups").json()["data"]) == 3


def test_faults_are_added_and_cleared(client: httpx.Client) -> None:
    """Faults are added by name, including changes of the project, and cleared."""
    fault = {"kind": "status", "status": 429, "path": "/indexes", "headers": {"Retry-After": "1"}}
    assert client.post("/_simulator/faults", json=fault).json() == {"faults": 1}
    assert client.get("/indexes").status_code == 429
    client.delete("/_simulator/faults")
    assert client.get("/indexes").status_code == 200
    client.post("/_simulator/faults", json={"kind": "shift", "change": "create-backup orders", "times": 1})
    assert len(client.get("/backups").json()["data"]) == 1
    for words in ("delete-last-backup", "advance 60", "delete-index orders", "delete-first-backup"):
        client.delete("/_simulator/faults")
        client.post("/_simulator/faults", json={"kind": "shift", "change": words, "times": 1})
        assert client.get("/indexes").status_code == 200
    assert client.get("/backups").json()["data"] == []
    assert client.get("/indexes").json() == {"indexes": []}


def test_the_log_is_read_and_cleared(client: httpx.Client) -> None:
    """The log has the requests without the control calls, and can be cleared."""
    client.get("/indexes")
    (entry,) = client.get("/_simulator/requests").json()
    assert (entry["method"], entry["path"], entry["status"], entry["role"]) == ("GET", "/indexes", 200, "editor")
    client.delete("/_simulator/requests")
    assert client.get("/_simulator/requests").json() == []


def test_latency_is_read_and_set(client: httpx.Client, server: Server) -> None:
    """The latency is read and set in seconds, and does not apply to control calls."""
    assert client.post("/_simulator/latency", json={"seconds": 9}).json() == {"seconds": 9.0}
    assert client.get("/_simulator/latency").json() == {"seconds": 9.0}
    assert server.latency == 9.0


def test_another_scenario_replaces_the_project(client: httpx.Client) -> None:
    """A new scenario starts at the same time with an empty log."""
    client.get("/indexes")
    assert client.post("/_simulator/scenario", json={"name": "fleet:3x2"}).json() == {
        "now": SIMULATED_NOW.isoformat(),
        "indexes": 3,
    }
    assert client.get("/_simulator/requests").json() == []
    assert len(client.get("/indexes").json()["indexes"]) == 3


@pytest.mark.parametrize(
    "path,body",
    [
        pytest.param("scenario", {"name": "nothing"}, id="no-such-scenario"),
        pytest.param("faults", {"kind": "nothing"}, id="no-such-fault"),
        pytest.param("faults", {"color": "red"}, id="no-such-field"),
        pytest.param("faults", {"kind": "shift", "change": "nothing"}, id="no-such-change"),
        pytest.param("clock", {}, id="no-moment"),
    ],
)
def test_an_invalid_control_call_is_refused(client: httpx.Client, path: str, body: dict[str, str]) -> None:
    """An invalid control call returns 400 with the reason."""
    response = client.post(f"/_simulator/{path}", json=body)
    assert response.status_code == 400
    assert response.json()["error"]


def test_an_unknown_control_call_is_not_found(client: httpx.Client) -> None:
    """An unknown control call returns 404."""
    assert client.get("/_simulator/nothing").status_code == 404


def test_a_project_can_follow_a_clock() -> None:
    """Every request advances the project to the time of the clock."""
    moments = iter([SIMULATED_NOW + timedelta(hours=1), SIMULATED_NOW + timedelta(days=2)])
    project = build_empty_project()
    with Server(project, clock=lambda: next(moments)) as server, open_plain_client(server) as client:
        client.get("/indexes")
        assert project.now == SIMULATED_NOW + timedelta(hours=1)
        client.get("/indexes")
    assert project.now == SIMULATED_NOW + timedelta(days=2)


def test_a_taken_port_is_an_error(server: Server) -> None:
    """Starting a server on a port in use raises an error."""
    with pytest.raises(OSError, match="address already in use"), Server(build_empty_project(), server.port):
        pytest.fail("The server started on a port in use.")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_a_signal(number: signal.Signals) -> None:
    """The command prints its URL and keys, follows the real clock, and exits with 0 on a signal."""
    code = "import sys; from backup_auditor_simulator.cli import run; sys.exit(run('fleet:2x2'))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        addresses = dict(process.stdout.readline().split() for _ in range(4))
        try:
            assert addresses.keys() == {"url", "viewer-key", "editor-key", "drill-key"}
            with httpx.Client(base_url=addresses["url"], trust_env=False) as client:
                now = datetime.fromisoformat(client.get("/_simulator/clock").json()["now"])
                assert abs(now - read_real_clock()) < timedelta(minutes=1)
                response = client.get("/backups", headers={"Api-Key": addresses["viewer-key"]})
                assert len(response.json()["data"]) == 4
        finally:
            process.send_signal(number)
        assert process.wait(timeout=10) == 0
