"""Test the audits of a registry that run at the same time: each project once, in one order, within one limit."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from backup_auditor_simulator.web.faults import Fault
from simulator_process import COMMAND
from support.builders.reports import check_fleet
from support.cli import CompletedCommand, build_environment, run_command
from support.fleet_server import FleetServer, build_projects, write_registry_text
from support.simulator import SIMULATED_NOW

MOMENT = SIMULATED_NOW.isoformat()
PROJECT_COUNT = 20


@pytest.fixture
def server() -> Iterator[FleetServer]:
    """Serve 20 projects; those of odd numbers have a paused schedule."""
    projects = build_projects(PROJECT_COUNT, indexes=2, backups=3)
    for project in projects[1::2]:
        project.update_schedule(next(iter(project.schedules)), enabled=False)
    with FleetServer(projects) as running_server:
        yield running_server


def audit_fleet(
    server: FleetServer, folder: Path, *flags: str, count: int = PROJECT_COUNT, **variables: str
) -> CompletedCommand:
    """Audit the registry of a server."""
    registry = folder / "registry.yaml"
    registry.write_text(write_registry_text(count))
    return run_command(
        "audit",
        "--now",
        MOMENT,
        "--registry",
        registry,
        *flags,
        env=build_fleet_environment(server, folder, **variables),
    )


def build_fleet_environment(server: FleetServer, folder: Path, **variables: str) -> dict[str, str]:
    """Return the environment of an audit, with a state folder of its own; an empty variable is absent."""
    environment = build_environment(XDG_STATE_HOME=str(folder / "state")) | dict(server.environment) | variables
    return {name: value for name, value in environment.items() if value}


def read_document(completed: CompletedCommand) -> Any:
    """Return the JSON document, checked."""
    document = json.loads(completed.output)
    check_fleet(document)
    return document


def name_projects(*numbers: int) -> list[str]:
    """Return the names of projects."""
    return [f"project-{it:04}" for it in numbers]


ODD, EVEN = range(1, PROJECT_COUNT, 2), range(0, PROJECT_COUNT, 2)


def test_each_project_is_audited_once_and_the_worst_come_first(server: FleetServer, tmp_path: Path) -> None:
    """Fleet and reports have the same order: by result, then by name."""
    result = audit_fleet(server, tmp_path, "--format", "json")
    document = read_document(result)
    assert (result.exit_code, result.error_output) == (1, "")
    assert server.index_reads == dict.fromkeys(EVEN, 1) | dict.fromkeys(ODD, 2)  # absence needs a second read
    expected_names = name_projects(*ODD, *EVEN)
    assert [it["project"]["name"] for it in document["fleet"]["projects"]] == expected_names
    assert [it["project"]["name"] for it in document["reports"]] == expected_names
    assert document["fleet"]["totals"]["compliance"] == {
        "NON_COMPLIANT": 10,
        "INSUFFICIENT_DATA": 0,
        "COMPLIANT": 10,
    }
    for row, report in zip(document["fleet"]["projects"], document["reports"], strict=True):
        assert (row["audit_id"], row["open"]) == (report["audit_id"], report["summary"]["open"])


def test_the_same_facts_give_the_same_bytes(server: FleetServer, tmp_path: Path) -> None:
    """The output does not depend on which audit finished first."""
    first_result = audit_fleet(server, tmp_path, "--format", "json", "--no-state")
    server.latency = 0.02
    server.faults.append(Fault(kind="delay", path="/backups", seconds=0.3, times=5))
    second_result = audit_fleet(server, tmp_path, "--format", "json", "--no-state")
    assert second_result == first_result


def test_a_second_night_counts_changes(server: FleetServer, tmp_path: Path) -> None:
    """The first audit has nothing to compare with; the second one has no changes; each project has its state."""
    first_document = read_document(audit_fleet(server, tmp_path, "--format", "json"))
    assert first_document["fleet"]["totals"]["changes"] is None
    second_document = read_document(audit_fleet(server, tmp_path, "--format", "json", "--now", "2026-11-21T12:00:00Z"))
    assert second_document["fleet"]["totals"]["changes"] is not None
    states = {it.stem for it in (tmp_path / "state" / "backup-auditor").iterdir()}
    assert states == set(name_projects(*range(PROJECT_COUNT)))


def test_projects_that_cannot_be_audited_are_in_the_fleet(server: FleetServer, tmp_path: Path) -> None:
    """A missing and a refused key are two reasons; the others are audited, and messages come in registry order."""
    result = audit_fleet(server, tmp_path, "--format", "json", KEY_3="", KEY_0="wrong-key-of-project")
    document = read_document(result)
    assert result.exit_code == 2
    lines = result.error_output.splitlines()
    assert [it.split(": ")[1] for it in lines] == name_projects(0, 3)
    assert [it["name"] for it in document["fleet"]["not_audited"]] == name_projects(0, 3)
    reasons = [it["reason"] for it in document["fleet"]["not_audited"]]
    assert "does not accept the key" in reasons[0]
    assert "KEY_3 is not set" in reasons[1]
    assert "wrong-key-of-project" not in result.output + result.error_output
    assert document["fleet"]["totals"]["audited"] == len(document["reports"]) == PROJECT_COUNT - 2


def test_a_table_begins_with_the_fleet(server: FleetServer, tmp_path: Path) -> None:
    """Totals, reasons and projects come before the first report, in 80 columns."""
    output = audit_fleet(server, tmp_path, KEY_3="", COLUMNS="80").output
    assert output.startswith("Fleet: 20 projects: 1 not audited, 9 non-compliant, 10 compliant.\n")
    assert output.index("project-0003: KEY_3 is not set") < output.index("\nNon-compliant: project-0001: ")
    assert max(map(len, output.splitlines())) <= 80


def test_csv_has_the_fleet_in_a_second_file(server: FleetServer, tmp_path: Path) -> None:
    """The file beside the output has a row for each project; standard output has the findings alone."""
    audit_fleet(server, tmp_path, "--format", "csv", "--output", str(tmp_path / "report.csv"), KEY_3="")
    rows = (tmp_path / "report-fleet.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(rows) == 1 + PROJECT_COUNT
    assert rows[1].startswith("project-0003,,false,KEY_3 is not set")
    output = audit_fleet(server, tmp_path, "--format", "csv").output
    assert output.startswith("project,audit_id,")
    assert "not_audited_reason" not in output


@pytest.mark.parametrize(
    "output,used",
    [
        pytest.param("report.csv", "report-fleet.csv", id="policy-of-an-entry-beside-the-output"),
        pytest.param("report-fleet.csv", "report-fleet.csv", id="policy-of-an-entry"),
        pytest.param("backup-auditor.yaml", "backup-auditor.yaml", id="default-policy"),
        pytest.param("state/backup-auditor/search.sqlite3", "state/backup-auditor/search.sqlite3", id="state"),
    ],
)
def test_no_report_overwrites_a_file_that_the_run_uses(
    server: FleetServer, tmp_path: Path, output: str, used: str
) -> None:
    """It is refused before anything is read."""
    registry, used_file = tmp_path / "registry.yaml", tmp_path / used
    registry.write_text("version: 1\nprojects: [{name: search, key_env: KEY_1, policy: report-fleet.csv}]\n")
    (tmp_path / "state/backup-auditor").mkdir(parents=True)
    for path in (used_file, tmp_path / "report-fleet.csv"):
        path.write_text("version: 1\n")
    flags = ("audit", "--registry", registry, "--format", "csv", "--output", output)
    result = run_command(*flags, env=build_fleet_environment(server, tmp_path), cwd=tmp_path)
    assert (result.exit_code, used_file.read_text()) == (2, "version: 1\n")
    assert f"{used}: would overwrite a file that the audit uses; choose another --output" in result.error_output
    assert not server.requests


def test_all_projects_share_one_limit_of_calls(server: FleetServer, tmp_path: Path) -> None:
    """With a limit of five, no more than five calls are in flight, whatever the number of projects."""
    server.latency = 0.01
    result = audit_fleet(server, tmp_path, BACKUP_AUDITOR_MAX_CONCURRENCY="5")
    assert result.exit_code == 1
    assert 2 <= server.max_in_flight <= 5


def test_several_projects_are_audited_at_once(tmp_path: Path) -> None:
    """Eight empty projects that answer after half a second take less than the time of three."""
    with FleetServer(build_projects(8, indexes=1, backups=1), latency=0.5) as server:
        audit_fleet(server, tmp_path, count=8)
        assert server.max_in_flight >= 8


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 128 + signal.SIGTERM)])
def test_a_signal_ends_all_audits_at_once(
    number: signal.Signals, code: int, server: FleetServer, tmp_path: Path
) -> None:
    """Audits that wait for Pinecone do not keep the command from its end, and no file is left."""
    server.faults.append(Fault(kind="hang", path="/backups"))
    registry = tmp_path / "registry.yaml"
    registry.write_text(write_registry_text(PROJECT_COUNT))
    command = [str(COMMAND), "audit", "--registry", str(registry), "--output", str(tmp_path / "report"), "--no-state"]
    with subprocess.Popen(command, env=build_fleet_environment(server, tmp_path), stderr=subprocess.PIPE) as process:
        while len(server.requests) < 8 and process.poll() is None:  # several audits have started
            time.sleep(0.01)
        started_at = time.monotonic()
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode == code
    assert time.monotonic() - started_at < 10
    assert [it.name for it in tmp_path.iterdir()] == ["registry.yaml"]


@pytest.mark.soak
def test_a_thousand_projects_are_audited_once_each(tmp_path: Path) -> None:
    """Every project of 20 indexes is read once and has its own report; memory stays below 400 MB."""
    count = 1_000
    output = tmp_path / "fleet.json"
    registry = tmp_path / "registry.yaml"
    registry.write_text(write_registry_text(count))
    with FleetServer(build_projects(count, indexes=20, backups=2)) as server:
        words = ["--now", MOMENT, "--registry", registry, "--format", "json", "--output", output]
        process = subprocess.Popen(
            [str(COMMAND), "audit", *map(str, words)], env=build_fleet_environment(server, tmp_path)
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert server.index_reads == dict.fromkeys(range(count), 1)
    assert process.returncode in {0, 1}
    assert usage.ru_maxrss * 1024 < 400_000_000
    projects = json.loads(output.read_bytes())["fleet"]["projects"]
    ids: Mapping[str, str] = {it["project"]["name"]: it["project"]["id"] for it in projects}
    assert list(ids) == name_projects(*range(count))
    assert len(set(ids.values())) == count
