"""Test `doctor` on a machine, against the simulator: what fails, what is skipped, and that nothing is changed."""

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from backup_auditor.adapters.sqlite.state_store import open_state
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor_simulator.scenarios import build_scenario
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.certificates import make_authority, make_server_context
from support.cli import CompletedCommand, build_access_environment, build_environment, run_command
from support.clock import read_real_clock
from support.fakes.stores import record_change
from support.proxies import ConnectProxy, run_proxy, serve_tls
from support.simulator import serve

ALWAYS_SKIPPED = {"registry", "certificates", "proxy", "role"}
"""The checks that do not apply to one project on loopback, and the one that Pinecone does not answer."""


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve a healthy project whose clock is right."""
    with serve(build_scenario("fleet:3x5", now=read_real_clock())) as it:
        yield it


def find_statuses(result: CompletedCommand) -> dict[str, str]:
    """Return the status of each check, after the checks that every result must pass."""
    document = json.loads(result.output)
    assert document["schema_version"] == "1"
    assert result.exit_code == (1 if document["summary"]["fail"] else 0)
    assert all((it["status"] == "fail") == (it["remedy"] is not None) for it in document["checks"])
    return {it["name"]: it["status"] for it in document["checks"]}


def find_failed(result: CompletedCommand) -> dict[str, Any]:
    """Return the failed checks by their names."""
    find_statuses(result)
    return {it["name"]: it for it in json.loads(result.output)["checks"] if it["status"] == "fail"}


def run_doctor(env: Mapping[str, str], *flags: str | Path, cwd: Path | None = None) -> CompletedCommand:
    """Run the command with a JSON document."""
    return run_command("doctor", "--format", "json", *flags, env=env, cwd=cwd)


def test_a_machine_that_works_passes(server: Server, tmp_path: Path) -> None:
    """Nothing fails, nothing is written to Pinecone, and no state is created."""
    env = build_access_environment(server, XDG_STATE_HOME=str(tmp_path))
    result = run_doctor(env)
    statuses = find_statuses(result)
    assert {name for name, it in statuses.items() if it == "skipped"} == ALWAYS_SKIPPED
    assert (result.exit_code, result.error_output) == (0, "")
    assert {it.method for it in server.requests} == {"GET"}
    assert list(tmp_path.iterdir()) == []
    assert server.viewer_key not in result.output


def test_the_table_fits_a_terminal(server: Server, tmp_path: Path) -> None:
    """A table has at most 80 columns, and the remedy below what failed."""
    env = build_access_environment(server, COLUMNS="80", XDG_STATE_HOME=str(tmp_path), PINECONE_API_KEY="wrong-key-123")
    result = run_command("doctor", env=env)
    assert result.exit_code == 1
    assert max(map(len, result.output.splitlines())) <= 80
    assert "Remedy: set PINECONE_API_KEY to a key of the project" in result.output
    assert "wrong-key-123" not in result.output


def test_without_a_key_the_host_is_not_called(server: Server) -> None:
    """The key fails with its remedy, and what needs it is skipped."""
    env = build_environment(PINECONE_CONTROLLER_HOST=server.url)
    statuses = find_statuses(run_doctor(env))
    assert {name for name, it in statuses.items() if it == "fail"} == {"key"}
    assert statuses["host"] == statuses["clock"] == "skipped"
    assert server.requests == []


@pytest.mark.parametrize(
    "variables, failed",
    [
        pytest.param({"PINECONE_API_KEY": "wrong-key-123"}, "key", id="bad-key"),
        pytest.param({"PINECONE_CONTROLLER_HOST": "http://127.0.0.1:1"}, "host", id="no-host"),
        pytest.param({"PINECONE_CONTROLLER_HOST": "http://example.com"}, "settings", id="plain-http"),
        pytest.param({"PINECONE_API_VERSION": "2099-01"}, "host", id="unknown-version"),
        pytest.param({"PINECONE_API_VERSION": "newest"}, "settings", id="invalid-version"),
        pytest.param({"BACKUP_AUDITOR_DEADLIN": "1m"}, "settings", id="unknown-variable"),
        pytest.param({"PINECONE_SCHEDULES_API_VERSION": "2025-10"}, "permissions", id="version-without-schedules"),
    ],
)
def test_a_wrong_variable_fails_one_check(server: Server, variables: dict[str, str], failed: str) -> None:
    """A wrong key, host or version fails its own check, with what to do."""
    assert set(find_failed(run_doctor(build_access_environment(server, **variables)))) == {failed}


@pytest.mark.parametrize(
    "difference, is_right",
    [
        pytest.param(timedelta(minutes=-4), True, id="4-minutes-ahead"),
        pytest.param(timedelta(minutes=-6), False, id="6-minutes-ahead"),
        pytest.param(timedelta(hours=3), False, id="3-hours-behind"),
    ],
)
def test_a_wrong_clock_fails(server: Server, difference: timedelta, *, is_right: bool) -> None:
    """The clock of the machine is compared with the date of the service's response."""
    moved = read_real_clock().astimezone(UTC) + difference
    headers = {"date": format_datetime(moved, usegmt=True)}
    server.faults.append(Fault(path="/indexes", status=200, body='{"indexes": []}', headers=headers))
    failed = find_failed(run_doctor(build_access_environment(server)))
    assert set(failed) == (set() if is_right else {"clock"})


def test_a_key_without_permission_fails(server: Server) -> None:
    """A key that lists indexes and nothing else fails, and the remedy names the role."""
    server.faults.append(Fault(path="/backups", status=403, message="permission control::backups::list is required"))
    failed = find_failed(run_doctor(build_access_environment(server)))
    assert set(failed) == {"permissions"}
    assert "ControlPlaneViewer" in failed["permissions"]["remedy"]


@pytest.mark.parametrize(
    "text", ["version: 1\nrulez: []\n", "version: 1\nrulez: []\nx: 1\n", "["], ids=["one", "two", "yaml"]
)
def test_an_invalid_policy_fails(server: Server, tmp_path: Path, text: str) -> None:
    """The policy of the working directory is checked, and everything else is checked all the same."""
    (tmp_path / "backup-auditor.yaml").write_text(text)
    result = run_doctor(build_access_environment(server), cwd=tmp_path)
    assert set(find_failed(result)) == {"policy"}
    assert find_statuses(result)["key"] == "pass"


def write_state(path: Path, observed_at: datetime, project_id: str | None = None) -> None:
    """Record one audit of the default project."""
    with open_state(path) as store:
        state = ProjectState(revision=1, audit_id="a", observed_at=observed_at, pinecone_project_id=project_id)
        record_change(store, EMPTY_STATE, state, "default")


def test_the_state_of_another_project_fails(server: Server, tmp_path: Path) -> None:
    """Both ids are named, and the file stays as it is."""
    path = tmp_path / "state.sqlite3"
    write_state(path, read_real_clock(), "other-project-id")
    before = path.read_bytes()
    failed = find_failed(run_doctor(build_access_environment(server), "--state", path))
    assert set(failed) == {"state"}
    assert "other-project-id" in failed["state"]["detail"]
    assert server.project.project_id in failed["state"]["detail"]
    assert path.read_bytes() == before


def test_an_audit_in_the_future_fails(server: Server, tmp_path: Path) -> None:
    """The remedy is the command that discards it."""
    path = tmp_path / "state.sqlite3"
    write_state(path, read_real_clock() + timedelta(days=2))
    failed = find_failed(run_doctor(build_access_environment(server), "--state", path))
    assert set(failed) == {"state"}
    assert "state discard" in failed["state"]["remedy"]


@pytest.mark.parametrize("kind", ["foreign", "folder", "below-a-file"])
def test_a_state_that_cannot_be_used_fails(server: Server, tmp_path: Path, kind: str) -> None:
    """A file of another program, a folder, and a path below a file fail."""
    path = tmp_path / "state"
    if kind == "folder":
        path.mkdir()
    else:
        path.write_text("notes of another program")
    flag = path / "state.sqlite3" if kind == "below-a-file" else path
    assert set(find_failed(run_doctor(build_access_environment(server), "--state", flag))) == {"state"}


def test_an_untrusted_certificate_fails(server: Server, tmp_path: Path) -> None:
    """The check of the certificates names the store and the variable; with the CA it passes."""
    ca_file = tmp_path / "corporate.pem"
    ca_file.write_bytes(make_authority().pem)
    with serve_tls(server.port, make_server_context(tmp_path, "127.0.0.1")) as port:
        env = build_access_environment(server, PINECONE_CONTROLLER_HOST=f"https://127.0.0.1:{port}")
        failed = find_failed(run_doctor(env))
        assert set(failed) == {"certificates"}
        assert "set SSL_CERT_FILE" in failed["certificates"]["remedy"]
        assert find_statuses(run_doctor({**env, "SSL_CERT_FILE": str(ca_file)}))["certificates"] == "pass"
        assert set(find_failed(run_doctor({**env, "SSL_CERT_FILE": str(tmp_path / "none")}))) == {"certificates"}


def test_the_proxy_is_named_without_its_password(server: Server, tmp_path: Path) -> None:
    """A proxy that connects passes; one that refuses fails the host; SOCKS fails before any call."""
    ca_file = tmp_path / "corporate.pem"
    ca_file.write_bytes(make_authority().pem)
    env = build_access_environment(server, SSL_CERT_FILE=str(ca_file))
    del env["PINECONE_CONTROLLER_HOST"]
    with serve_tls(server.port, make_server_context(tmp_path, "api.pinecone.io")) as port:
        with run_proxy(ConnectProxy(port)) as proxy_port:
            env["HTTPS_PROXY"] = f"http://canary-user:canary-word@127.0.0.1:{proxy_port}"
            result = run_doctor(env)
        assert find_statuses(result)["proxy"] == find_statuses(result)["host"] == "pass"
        assert f"http://127.0.0.1:{proxy_port} (HTTPS_PROXY)" in result.output
        assert "canary" not in result.output
        assert set(find_failed(run_doctor({**env, "HTTPS_PROXY": "http://127.0.0.1:1"}))) == {"host"}
    assert set(find_failed(run_doctor({**env, "HTTPS_PROXY": "socks5://127.0.0.1:1"}))) == {"proxy"}


def test_each_entry_of_a_registry_is_checked(server: Server, tmp_path: Path) -> None:
    """Keys that are missing or shared fail, and every policy of an entry is read."""
    registry = tmp_path / "registry.yaml"
    registry.write_text(
        "version: 1\nprojects:\n  - {name: a, key_env: KEY_A}\n  - {name: b, key_env: KEY_B, policy: b.yaml}\n"
        "  - {name: c, key_env: KEY_C}\n"
    )
    env = build_access_environment(server, KEY_A=server.viewer_key, KEY_C=server.editor_key)
    failed = find_failed(run_doctor(env, "--registry", registry))
    assert set(failed) == {"policy of b", "key of b", "keys"}
    assert "KEY_B is not set" in failed["key of b"]["detail"]
    assert server.editor_key not in str(failed)


@pytest.mark.parametrize(
    "flags, words",
    [
        pytest.param(["--send-test"], "--send-test needs --stack", id="test-without-stack"),
        pytest.param(["--stack", "s", "--policy", "p"], "--policy is for this machine", id="policy-of-a-stack"),
        pytest.param(["--registry", "r", "--state", "s"], "--state is for one project", id="state-of-many"),
    ],
)
def test_flags_that_contradict_are_refused(flags: list[str], words: str) -> None:
    """Nothing is checked, and one line says which flag to leave out."""
    result = run_command("doctor", *flags)
    assert (result.exit_code, result.output) == (2, "")
    assert words in result.error_output
    assert len(result.error_output.splitlines()) == 1


def test_a_stack_needs_credentials() -> None:
    """Without a region or credentials nothing is checked, and the error names the variables."""
    result = run_command("doctor", "--stack", "backup-auditor", env=build_environment(AWS_EC2_METADATA_DISABLED="true"))
    assert (result.exit_code, result.output) == (2, "")
    assert "AWS_REGION" in result.error_output


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_a_read_only_folder_fails(server: Server, tmp_path: Path) -> None:
    """A state that could not be created fails before the first audit."""
    folder = tmp_path / "read-only"
    folder.mkdir(mode=0o500)
    assert set(find_failed(run_doctor(build_access_environment(server), "--state", folder / "s"))) == {"state"}
