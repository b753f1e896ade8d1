"""Test `explain`, `controls`, `simulate`, `--version`, a registry, and the imports of a start."""

import csv
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backup_auditor.controls.catalog import CATALOG
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from simulator_process import COMMAND
from support.builders.reports import check_fleet
from support.cli import CompletedCommand, build_access_environment, build_environment, run_command
from support.neglected import FAILED_CONTROLS
from support.simulator import SIMULATED_NOW

MOMENT = SIMULATED_NOW.isoformat()
VERDICT_PATTERN = r"^  (?:Compliant|Non-compliant|Not applicable|Unknown)(?: [a-z]+)?  +([a-z-]+)$"
NEGLECTED_INDEX, NEGLECTED_FAILURES = next((name, fails) for name, fails in FAILED_CONTROLS.items() if len(fails) > 1)


def explain_index(server: Server, *flags: str) -> CompletedCommand:
    """Explain the first neglected index that fails more than one control."""
    return run_command(
        "explain", "--index", NEGLECTED_INDEX, "--now", MOMENT, *flags, env=build_access_environment(server)
    )


def test_an_explanation_has_every_verdict(neglected_server: Server) -> None:
    """`explain` shows each control of an index once with its verdict, and exits with 0."""
    result = explain_index(neglected_server)
    assert (result.exit_code, result.error_output) == (0, "")
    shown_controls = re.findall(VERDICT_PATTERN, result.output, re.MULTILINE)
    failed_controls = re.findall(r"^  Non-compliant [a-z]+  ([a-z-]+)$", result.output, re.MULTILINE)
    assert shown_controls == [it.id for it in CATALOG.index_controls]
    assert set(failed_controls) == NEGLECTED_FAILURES


def test_one_control_is_explained_on_request(neglected_server: Server) -> None:
    """`explain --control` shows one verdict and all facts."""
    result = explain_index(neglected_server, "--control", "index-has-schedule")
    assert re.findall(VERDICT_PATTERN, result.output, re.MULTILINE) == ["index-has-schedule"]
    assert "\nSchedules\n" in result.output


def test_an_explanation_without_the_list_of_indexes_is_exit_code_3(faulty_server: Server) -> None:
    """`explain` exits with 3 and one error line if the indexes could not be read."""
    faulty_server.faults.append(Fault(path="/indexes", kind="garbage"))
    result = run_command(
        "explain", "--index", "fleet-00001", "--now", MOMENT, env=build_access_environment(faulty_server)
    )
    assert (result.exit_code, result.output) == (3, "")
    assert result.error_output.startswith("backup-auditor: the indexes could not be read: GET /indexes: ")


def test_controls_are_listed() -> None:
    """`controls` lists every control as a table, as JSON and as Markdown."""
    for report_format in ("table", "markdown"):
        output = run_command("controls", "--format", report_format).output
        assert all(it.id in output for it in CATALOG.all_controls)
    documents = json.loads(run_command("controls", "--format", "json").output)
    assert [it["id"] for it in documents["controls"]] == [it.id for it in CATALOG.all_controls]


def test_one_control_is_shown_with_its_guidance() -> None:
    """`controls` with an id shows what to do."""
    result = run_command("controls", "index-has-schedule")
    assert result.exit_code == 0
    assert "what to do" in result.output


def test_the_version_is_reported() -> None:
    """`--version` prints the command and its version."""
    assert re.fullmatch(r"backup-auditor \d+\.\d+\.\d+\n", run_command("--version").output)


def test_the_module_is_the_command() -> None:
    """`python -m backup_auditor` is the same as `backup-auditor`."""
    process = subprocess.run(
        [sys.executable, "-m", "backup_auditor", "--help"], capture_output=True, text=True, check=False
    )
    assert process.stdout == run_command("--help").output


@pytest.mark.parametrize("name", ["audit", "explain", "policy", "controls", "simulate"])
def test_every_command_has_help(name: str) -> None:
    """Each subcommand prints its usage with `--help`, and exits with 0."""
    result = run_command(name, "--help")
    assert (result.exit_code, result.error_output) == (0, "")
    assert "usage: backup-auditor" in result.output


def test_an_empty_project_is_audited(empty_project: SimulatedProject) -> None:
    """A project without indexes is compliant, and the report states that it has no indexes."""
    with Server(empty_project) as server:
        result = run_command("audit", "--now", MOMENT, env=build_access_environment(server))
    assert (result.exit_code, result.error_output) == (0, "")
    assert "The project has no indexes: there is nothing to back up." in result.output


def test_an_index_that_is_deleted_during_an_audit_is_a_note(faulty_server: Server) -> None:
    """An index deleted during the audit is named on standard error, and is neither a finding nor a read error."""

    def delete_index(project: SimulatedProject) -> None:
        project.delete_index("fleet-00001")

    faulty_server.faults.append(
        Fault(kind="shift", path="/indexes/fleet-00001/backup-schedules", times=1, change=delete_index)
    )
    result = run_command("audit", "--now", MOMENT, "--format", "json", env=build_access_environment(faulty_server))
    assert (result.exit_code, result.report["complete"], result.report["inventory"]["indexes"]) == (0, True, 2)
    assert "fleet-00001" in result.error_output
    assert len(result.error_output.splitlines()) == 1


@pytest.fixture
def registry_path(tmp_path: Path) -> Path:
    """Write a registry of two projects."""
    path = tmp_path / "registry.yaml"
    path.write_text("version: 1\nprojects:\n  - {name: a, key_env: KEY_A}\n  - {name: b, key_env: KEY_B}\n")
    return path


def test_a_registry_gives_one_report_per_project(registry_path: Path, healthy_server: Server) -> None:
    """Two entries give two reports in one JSON document with the fleet, and a warning about the shared key."""
    env = build_access_environment(healthy_server, KEY_A=healthy_server.viewer_key, KEY_B=healthy_server.viewer_key)
    result = run_command("audit", "--now", MOMENT, "--registry", registry_path, "--format", "json", env=env)
    document = json.loads(result.output)
    check_fleet(document)
    reports = document["reports"]
    assert [it["project"]["name"] for it in reports] == ["a", "b"]
    assert [it["project"]["name"] for it in document["fleet"]["projects"]] == ["a", "b"]
    assert [it["warnings"] for it in reports] == [document["fleet"]["warnings"]] * 2
    assert (result.exit_code, result.error_output) == (3, "")


@pytest.mark.parametrize("report_format", ["csv", "junit", "sarif", "ocsf"])
def test_machine_formats_have_all_projects_in_one_document(
    report_format: str, registry_path: Path, healthy_server: Server
) -> None:
    """A machine-readable report of a registry is one document with the findings of each project."""
    env = build_access_environment(healthy_server, KEY_A=healthy_server.viewer_key, KEY_B=healthy_server.viewer_key)
    output = run_command(
        "audit", "--now", MOMENT, "--registry", registry_path, "--format", report_format, env=env
    ).output
    projects: dict[str, Callable[[], list[str]]] = {
        "csv": lambda: [it["project"] for it in csv.DictReader(output.splitlines())],
        "junit": lambda: re.findall(r'<testsuite name="(\w+)\.', output),
        "sarif": lambda: [it["properties"]["project"] for it in json.loads(output)["runs"]],
        "ocsf": lambda: [json.loads(it)["resources"][0]["namespace"] for it in output.splitlines()],
    }
    assert list(dict.fromkeys(projects[report_format]())) == ["a", "b"]


def test_one_project_does_not_keep_the_others(registry_path: Path, healthy_server: Server, tmp_path: Path) -> None:
    """A project without a key is an error, the other project is audited, and the highest exit code counts."""
    env = build_access_environment(healthy_server, KEY_B=healthy_server.viewer_key)
    path = tmp_path / "reports"
    result = run_command("audit", "--now", MOMENT, "--registry", registry_path, "--output", path, env=env)
    assert (result.exit_code, result.output) == (2, "")
    assert result.error_output.startswith("backup-auditor: a: KEY_A is not set")
    assert path.read_text().startswith("Fleet: 2 projects: 1 not audited, 1 compliant.\n")
    assert "\nCompliant: b: " in path.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_simulator_serves_until_a_signal(number: signal.Signals) -> None:
    """`simulate` prints its address and keys, serves an audit, and exits with 0 on a signal."""
    flags = [str(COMMAND), "simulate", "--scenario", "fleet:1x5", "--now", MOMENT]
    with subprocess.Popen(flags, stdout=subprocess.PIPE, text=True, env=build_environment()) as process:
        assert process.stdout is not None
        addresses = dict(process.stdout.readline().split() for _ in range(4))
        env = build_environment(PINECONE_CONTROLLER_HOST=addresses["url"], PINECONE_API_KEY=addresses["viewer-key"])
        result = run_command("audit", "--now", MOMENT, env=env)
        process.send_signal(number)
        assert process.wait(30) == 0
        assert process.stdout.read() == "writes 0\n"
    assert "on 1 index." in result.output


def test_a_port_that_is_taken_is_reported(healthy_server: Server) -> None:
    """A port in use is reported in one error line."""
    port = healthy_server.url.rpartition(":")[2]
    result = run_command("simulate", "--scenario", "empty", "--port", port)
    assert (result.exit_code, result.output) == (2, "")
    assert f"port {port} cannot be used" in result.error_output


def test_an_interrupt_causes_no_traceback(faulty_server: Server) -> None:
    """Ctrl-C during an audit causes exit code 130 and one error line."""
    faulty_server.faults.append(Fault(path="/backups", kind="hang"))
    with subprocess.Popen(
        [COMMAND, "audit", "--now", MOMENT],
        env=build_access_environment(faulty_server),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        while not faulty_server.requests:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        output, error_output = process.communicate(timeout=30)
    assert (process.returncode, output, error_output) == (130, b"", b"backup-auditor: interrupted\n")


def list_imports(*arguments: str, env: dict[str, str]) -> set[str]:
    """Run a command in a new interpreter, and return the packages that it imported."""
    program = (
        "import sys; from backup_auditor.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(*sorted({it.partition('.')[0] for it in sys.modules}), file=sys.stderr)"
    )
    process = subprocess.run(
        [sys.executable, "-c", program, *arguments], env=env, capture_output=True, text=True, check=True
    )
    return set(process.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [("--help",), ("audit", "--help"), ("policy", "--help")])
def test_help_imports_no_slow_packages(arguments: tuple[str, ...]) -> None:
    """Help imports no third-party package and no slow module of the standard library."""
    loaded_packages = list_imports(*arguments, env=build_environment())
    assert "argparse" in loaded_packages
    assert not loaded_packages & {
        "httpx",
        "pydantic",
        "yaml",
        "rich",
        "dataclasses",
        "typing",
        "json",
        "ssl",
        "asyncio",
    }


def test_an_audit_imports_no_aws_packages(healthy_server: Server) -> None:
    """An audit imports neither boto3, Powertools, the simulator nor the official SDK."""
    loaded_packages = list_imports("audit", "--now", MOMENT, env=build_access_environment(healthy_server))
    assert "httpx" in loaded_packages
    assert not loaded_packages & {"boto3", "botocore", "aws_lambda_powertools", "backup_auditor_simulator", "pinecone"}


def test_a_saved_inventory_needs_no_settings(healthy_server: Server, tmp_path: Path) -> None:
    """A saved inventory is evaluated without any variable for Pinecone."""
    inventory_path = tmp_path / "inventory"
    run_command(
        "audit", "--now", MOMENT, "--save-inventory", inventory_path, env=build_access_environment(healthy_server)
    )
    assert run_command("audit", "--inventory", inventory_path, env=build_environment()).exit_code == 0
