"""Test how the command exits when its streams are closed or full, or when a signal stops it."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from simulator_process import COMMAND
from support.cli import build_access_environment, build_environment
from support.simulator import SIMULATED_NOW

MOMENT = SIMULATED_NOW.isoformat()
COMMAND_LINES = [
    "--version",
    "--help",
    "audit --help",
    "policy --help",
    "controls",
    "policy init",
    "policy schema",
    "registry schema",
    "simulate",
]


def run_in_shell(script: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run one line of shell script."""
    return subprocess.run(
        ["/bin/bash", "-c", script], env=env or build_environment(), capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("words", COMMAND_LINES)
def test_a_full_disk_is_reported_by_every_command(words: str) -> None:
    """A full disk causes one error line, with and without buffering by Python."""
    for variables in ({}, {"PYTHONUNBUFFERED": "1"}):
        process = run_in_shell(f'"{COMMAND}" {words} >/dev/full', build_environment(**variables))
        assert process.returncode == 2
        assert process.stderr == "backup-auditor: standard output cannot be written: No space left on device\n"


@pytest.mark.parametrize("words", COMMAND_LINES)
def test_two_full_streams_do_not_change_the_exit_code(words: str) -> None:
    """The exit code is 2 if neither stream can be written."""
    assert run_in_shell(f'"{COMMAND}" {words} >/dev/full 2>/dev/full').returncode == 2


@pytest.mark.parametrize("words", [it for it in COMMAND_LINES if it != "simulate"])
def test_a_closed_pipe_is_not_an_error_of_any_command(words: str) -> None:
    """Help, version and results exit with 0 if the reader closed the pipe."""
    for variables in ({}, {"PYTHONUNBUFFERED": "1"}):
        script = f'("{COMMAND}" {words}; echo "code $?" >&2) | true'
        assert run_in_shell(script, build_environment(**variables)).stderr == "code 0\n"


@pytest.mark.parametrize("words", COMMAND_LINES)
def test_closed_output_causes_no_traceback(words: str) -> None:
    """A command with closed standard output prints an error line or writes to standard error."""
    process = run_in_shell(f'"{COMMAND}" {words} >&-')
    assert "Traceback" not in process.stderr
    assert "fault of" not in process.stderr
    assert process.stdout == ""


def test_results_can_be_written_to_a_named_pipe(healthy_server: Server) -> None:
    """`--output` accepts `/dev/stdout` and a process substitution."""
    audit = f'"{COMMAND}" audit --now {MOMENT} --output'
    env = build_access_environment(healthy_server)
    assert run_in_shell(f"{audit} /dev/stdout | cat", env).stdout.startswith("Compliant: ")
    assert run_in_shell(f"{audit} >(cat); wait", env).stdout.startswith("Compliant: ")


@pytest.mark.parametrize(
    "number, code, expected_output",
    [
        pytest.param(signal.SIGINT, 130, b"backup-auditor: interrupted\n", id="interrupted"),
        pytest.param(signal.SIGTERM, 128 + signal.SIGTERM, b"", id="terminated"),
        pytest.param(signal.SIGHUP, 128 + signal.SIGHUP, b"", id="hung-up"),
    ],
)
def test_a_stopped_audit_leaves_no_files(
    number: signal.Signals, code: int, expected_output: bytes, faulty_server: Server, tmp_path: Path
) -> None:
    """A signal ends an audit that waits for Pinecone, and its incomplete files are deleted."""
    faulty_server.faults.append(Fault(kind="hang", path="/backups"))
    files = ["--output", str(tmp_path / "report"), "--save-inventory", str(tmp_path / "inventory")]
    with subprocess.Popen(
        [COMMAND, "audit", *files], env=build_access_environment(faulty_server), stderr=subprocess.PIPE
    ) as process:
        while len(faulty_server.requests) < 2 and process.poll() is None:  # the audit has started
            time.sleep(0.01)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (code, expected_output)
    assert list(tmp_path.iterdir()) == []
