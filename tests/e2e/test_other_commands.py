"""`explain`, `controls`, `simulate`, `--version`, a registry, and what a start imports."""

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
from backup_auditor_simulator.scenarios.neglected import FAILED_CONTROLS
from backup_auditor_simulator.testing import COMMAND
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.builders.reports import check_report
from support.cli import Done, access, command, environment
from support.simulator import NOW

MOMENT = NOW.isoformat()
VERDICT = r"^  [A-Z][A-Z ]+(?: [a-z]+)?  ([a-z-]+)$"
IN_TROUBLE, FAILS = next((name, fails) for name, fails in FAILED_CONTROLS.items() if len(fails) > 1)


def explain(server: Server, *flags: str) -> Done:
    """Explain the first neglected index that fails more than one control."""
    return command("explain", "--index", IN_TROUBLE, "--now", MOMENT, *flags, env=access(server))


def test_an_explanation_has_every_verdict(neglected: Server) -> None:
    """`explain` shows each control of an index once, those that fail as failing, and ends with 0."""
    done = explain(neglected)
    assert (done.code, done.err) == (0, "")
    shown = re.findall(VERDICT, done.out, re.MULTILINE)
    failed = re.findall(r"^  NON COMPLIANT [a-z]+  ([a-z-]+)$", done.out, re.MULTILINE)
    assert shown == [it.id for it in CATALOG.index_controls]
    assert set(failed) == FAILS


def test_one_control_is_explained_on_request(neglected: Server) -> None:
    """With `--control` there is one verdict, and all the facts."""
    done = explain(neglected, "--control", "index-has-schedule")
    assert re.findall(VERDICT, done.out, re.MULTILINE) == ["index-has-schedule"]
    assert "\nSchedules\n" in done.out


def test_an_explanation_needs_the_indexes(failing: Server) -> None:
    """Where the indexes could not be read, there is nothing to explain: one line, and exit 3."""
    failing.faults.append(Fault(path="/indexes", kind="garbage"))
    done = command("explain", "--index", "fleet-00001", "--now", MOMENT, env=access(failing))
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("backup-auditor: the indexes could not be read: GET /indexes: ")


def test_controls_are_listed() -> None:
    """Every control stands in the table, in JSON and in Markdown."""
    for form in ("table", "markdown"):
        out = command("controls", "--format", form).out
        assert all(it.id in out for it in CATALOG.all_controls)
    told = json.loads(command("controls", "--format", "json").out)
    assert [it["id"] for it in told["controls"]] == [it.id for it in CATALOG.all_controls]


def test_one_control_is_shown_whole() -> None:
    """A control is shown with why it is there and what to do."""
    done = command("controls", "index-has-schedule")
    assert done.code == 0
    assert "what to do" in done.out


def test_the_version_is_told() -> None:
    """`--version` names the command and a version."""
    assert re.fullmatch(r"backup-auditor \d+\.\d+\.\d+\n", command("--version").out)


def test_the_module_is_the_command() -> None:
    """`python -m backup_auditor` is the same as `backup-auditor`."""
    done = subprocess.run(
        [sys.executable, "-m", "backup_auditor", "--help"], capture_output=True, text=True, check=False
    )
    assert done.stdout == command("--help").out


@pytest.mark.parametrize("name", ["audit", "explain", "policy", "controls", "simulate"])
def test_every_command_has_help(name: str) -> None:
    """Each subcommand explains its flags and ends with 0."""
    done = command(name, "--help")
    assert (done.code, done.err) == (0, "")
    assert "usage: backup-auditor" in done.out


def test_an_empty_project_is_audited(world: SimulatedProject) -> None:
    """A project without indexes is audited, says so, and is well."""
    with Server(world) as server:
        done = command("audit", "--now", MOMENT, env=access(server))
    assert (done.code, done.err) == (0, "")
    assert "The project has no indexes: there is nothing to back up." in done.out


def test_an_index_that_goes_meanwhile_is_a_note(failing: Server) -> None:
    """An index deleted while the audit runs is told on standard error, and is neither a finding nor unread."""

    def delete(world: SimulatedProject) -> None:
        world.delete_index("fleet-00001")

    failing.faults.append(Fault(kind="shift", path="/indexes/fleet-00001/backup-schedules", times=1, change=delete))
    done = command("audit", "--now", MOMENT, "--format", "json", env=access(failing))
    assert (done.code, done.report["complete"], done.report["inventory"]["indexes"]) == (0, True, 2)
    assert "fleet-00001" in done.err
    assert len(done.err.splitlines()) == 1


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """Write a registry of two projects."""
    path = tmp_path / "registry.yaml"
    path.write_text("version: 1\nprojects:\n  - {name: a, key_env: KEY_A}\n  - {name: b, key_env: KEY_B}\n")
    return path


def test_a_registry_gives_a_report_each(registry: Path, healthy: Server) -> None:
    """Two entries give two reports in one JSON document, in the order of the registry, and a warning of their key."""
    env = access(healthy, KEY_A=healthy.viewer_key, KEY_B=healthy.viewer_key)
    done = command("audit", "--now", MOMENT, "--registry", registry, "--format", "json", env=env)
    told = json.loads(done.out)
    for document in told:
        check_report(document)
    assert [it["project"]["name"] for it in told] == ["a", "b"]
    assert [len(it["warnings"]) for it in told] == [1, 1]
    assert (done.code, done.err) == (3, "")


@pytest.mark.parametrize("form", ["csv", "junit", "sarif", "ocsf"])
def test_forms_for_machines_hold_all_projects_in_one(form: str, registry: Path, healthy: Server) -> None:
    """However many projects a registry has, it is one document, with the findings of each."""
    env = access(healthy, KEY_A=healthy.viewer_key, KEY_B=healthy.viewer_key)
    out = command("audit", "--now", MOMENT, "--registry", registry, "--format", form, env=env).out
    projects: dict[str, Callable[[], list[str]]] = {
        "csv": lambda: [it["project"] for it in csv.DictReader(out.splitlines())],
        "junit": lambda: re.findall(r'<testsuite name="(\w+)\.', out),
        "sarif": lambda: [it["properties"]["project"] for it in json.loads(out)["runs"]],
        "ocsf": lambda: [json.loads(it)["resources"][0]["namespace"] for it in out.splitlines()],
    }
    assert list(dict.fromkeys(projects[form]())) == ["a", "b"]


def test_one_project_does_not_keep_the_others(registry: Path, healthy: Server, tmp_path: Path) -> None:
    """A project whose key is missing is told on standard error; the other is audited, and the worst code counts."""
    env = access(healthy, KEY_B=healthy.viewer_key)
    path = tmp_path / "reports"
    done = command("audit", "--now", MOMENT, "--registry", registry, "--output", path, env=env)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("backup-auditor: a: KEY_A is not set")
    assert path.read_text().startswith("COMPLIANT: b: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_simulator_serves_until_told(number: signal.Signals) -> None:
    """`simulate` says where it serves and with which keys, is audited, and ends with 0 on a signal: nobody wrote."""
    flags = [str(COMMAND), "simulate", "--scenario", "fleet:1x5", "--now", MOMENT]
    with subprocess.Popen(flags, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        said = dict(process.stdout.readline().split() for _ in range(3))
        env = environment(PINECONE_CONTROLLER_HOST=said["url"], PINECONE_API_KEY=said["viewer-key"])
        done = command("audit", "--now", MOMENT, env=env)
        process.send_signal(number)
        assert process.wait(30) == 0
        assert process.stdout.read() == "writes 0\n"
    assert "on 1 index." in done.out


def test_a_port_that_is_taken_is_told(healthy: Server) -> None:
    """A port that somebody else has ends in one line."""
    port = healthy.url.rpartition(":")[2]
    done = command("simulate", "--scenario", "empty", "--port", port)
    assert (done.code, done.out) == (2, "")
    assert f"port {port} cannot be used" in done.err


def test_an_interrupt_is_no_traceback(failing: Server) -> None:
    """Ctrl-C during an audit ends it promptly with 130 and one line."""
    failing.faults.append(Fault(path="/backups", kind="hang"))
    with subprocess.Popen(
        [COMMAND, "audit", "--now", MOMENT], env=access(failing), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        while not failing.requests:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, b"", b"backup-auditor: interrupted\n")


def imported_by(*arguments: str, env: dict[str, str]) -> set[str]:
    """Run a command in a fresh interpreter, and name the packages that it imported."""
    program = (
        "import sys; from backup_auditor.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(*sorted({it.partition('.')[0] for it in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], env=env, capture_output=True, text=True, check=True
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [("--help",), ("audit", "--help"), ("policy", "--help")])
def test_help_imports_next_to_nothing(arguments: tuple[str, ...]) -> None:
    """Help loads no third party, and none of the costly parts of the standard library."""
    loaded = imported_by(*arguments, env=environment())
    assert "argparse" in loaded
    assert not loaded & {"httpx", "pydantic", "yaml", "rich", "dataclasses", "typing", "json", "ssl", "asyncio"}


def test_an_audit_imports_no_cloud(healthy: Server) -> None:
    """An audit loads neither boto3 nor Powertools, nor the simulator, nor the official SDK."""
    loaded = imported_by("audit", "--now", MOMENT, env=access(healthy))
    assert "httpx" in loaded
    assert not loaded & {"boto3", "botocore", "aws_lambda_powertools", "backup_auditor_simulator", "pinecone"}


def test_a_saved_inventory_needs_no_client(healthy: Server, tmp_path: Path) -> None:
    """Judging a saved inventory ends well where nothing of the network is set up."""
    saved = tmp_path / "inventory"
    command("audit", "--now", MOMENT, "--save-inventory", saved, env=access(healthy))
    assert command("audit", "--inventory", saved, env=environment()).code == 0
