"""The end of the command when its streams are closed or full, or when a signal stops it."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from backup_auditor_simulator.testing import COMMAND
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
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
    """Run a line of shell."""
    return subprocess.run(
        ["/bin/bash", "-c", script], env=env or build_environment(), capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("words", COMMAND_LINES)
def test_a_full_disk_is_reported_by_every_command(words: str) -> None:
    """One line, whatever was to be printed, and however Python buffers it."""
    for variables in ({}, {"PYTHONUNBUFFERED": "1"}):
        process = run_in_shell(f'"{COMMAND}" {words} >/dev/full', build_environment(**variables))
        assert process.returncode == 2
        assert process.stderr == "backup-auditor: standard output cannot be written: No space left on device\n"


@pytest.mark.parametrize("words", COMMAND_LINES)
def test_two_full_streams_leave_the_exit_code(words: str) -> None:
    """Where nothing can be said, the exit code is the same."""
    assert run_in_shell(f'"{COMMAND}" {words} >/dev/full 2>/dev/full').returncode == 2


@pytest.mark.parametrize("words", [it for it in COMMAND_LINES if it != "simulate"])
def test_a_reader_that_left_is_no_error_of_any_command(words: str) -> None:
    """Help, version and results end alike where the pipe is closed."""
    for variables in ({}, {"PYTHONUNBUFFERED": "1"}):
        script = f'("{COMMAND}" {words}; echo "code $?" >&2) | true'
        assert run_in_shell(script, build_environment(**variables)).stderr == "code 0\n"


@pytest.mark.parametrize("words", COMMAND_LINES)
def test_closed_output_makes_no_traceback(words: str) -> None:
    """Output that cannot be written is reported in one line, or goes to standard error."""
    process = run_in_shell(f'"{COMMAND}" {words} >&-')
    assert "Traceback" not in process.stderr
    assert "fault of" not in process.stderr
    assert process.stdout == ""


def test_results_may_go_to_a_pipe_by_its_name(healthy_server: Server) -> None:
    """A name such as /dev/stdout, or that of a process substitution, leads to a pipe that has no name of its own."""
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
def test_who_stops_it_finds_nothing_left_behind(
    number: signal.Signals, code: int, expected_output: bytes, faulty_server: Server, tmp_path: Path
) -> None:
    """While a service does not answer, it ends at once, and removes its unfinished files."""
    faulty_server.faults.append(Fault(kind="hang", path="/backups"))
    files = ["--output", str(tmp_path / "report"), "--save-inventory", str(tmp_path / "inventory")]
    with subprocess.Popen(
        [COMMAND, "audit", *files], env=build_access_environment(faulty_server), stderr=subprocess.PIPE
    ) as process:
        while len(faulty_server.requests) < 2 and process.poll() is None:  # it is under way
            time.sleep(0.01)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (code, expected_output)
    assert list(tmp_path.iterdir()) == []
