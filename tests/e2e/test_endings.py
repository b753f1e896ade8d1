"""How the command ends when its streams are gone or full, or when somebody stops it."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from backup_auditor_simulator.testing import COMMAND
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.cli import access, environment
from support.simulator import NOW

MOMENT = NOW.isoformat()
WORDS = [
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


def in_shell(script: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a line of shell."""
    return subprocess.run(
        ["/bin/bash", "-c", script], env=env or environment(), capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("words", WORDS)
def test_a_full_disk_is_told_by_every_command(words: str) -> None:
    """One line, whatever was to be printed, and however Python buffers it."""
    for variables in ({}, {"PYTHONUNBUFFERED": "1"}):
        done = in_shell(f'"{COMMAND}" {words} >/dev/full', environment(**variables))
        assert done.returncode == 2
        assert done.stderr == "backup-auditor: standard output cannot be written: No space left on device\n"


@pytest.mark.parametrize("words", WORDS)
def test_two_full_streams_leave_the_exit_code(words: str) -> None:
    """Where nothing can be said, the exit code is the same."""
    assert in_shell(f'"{COMMAND}" {words} >/dev/full 2>/dev/full').returncode == 2


@pytest.mark.parametrize("words", [it for it in WORDS if it != "simulate"])
def test_a_reader_that_left_is_no_error_of_any_command(words: str) -> None:
    """Help, version and results end alike where the pipe is closed."""
    for variables in ({}, {"PYTHONUNBUFFERED": "1"}):
        script = f'("{COMMAND}" {words}; echo "code $?" >&2) | true'
        assert in_shell(script, environment(**variables)).stderr == "code 0\n"


@pytest.mark.parametrize("words", WORDS)
def test_closed_output_makes_no_traceback(words: str) -> None:
    """What has nowhere to go is told in one line, or goes where errors go."""
    done = in_shell(f'"{COMMAND}" {words} >&-')
    assert "Traceback" not in done.stderr
    assert "fault of" not in done.stderr
    assert done.stdout == ""


def test_results_may_go_to_a_pipe_by_its_name(healthy: Server) -> None:
    """A name such as /dev/stdout, or that of a process substitution, leads to a pipe that has no name of its own."""
    audit = f'"{COMMAND}" audit --now {MOMENT} --output'
    env = access(healthy)
    assert in_shell(f"{audit} /dev/stdout | cat", env).stdout.startswith("COMPLIANT: ")
    assert in_shell(f"{audit} >(cat); wait", env).stdout.startswith("COMPLIANT: ")


@pytest.mark.parametrize(
    "number, code, told",
    [
        pytest.param(signal.SIGINT, 130, b"backup-auditor: interrupted\n", id="interrupted"),
        pytest.param(signal.SIGTERM, 128 + signal.SIGTERM, b"", id="terminated"),
        pytest.param(signal.SIGHUP, 128 + signal.SIGHUP, b"", id="hung-up"),
    ],
)
def test_who_stops_it_finds_nothing_left_behind(
    number: signal.Signals, code: int, told: bytes, failing: Server, tmp_path: Path
) -> None:
    """While a service hangs, it ends at once, and takes its unfinished files with it."""
    failing.faults.append(Fault(kind="hang", path="/backups"))
    files = ["--output", str(tmp_path / "report"), "--save-inventory", str(tmp_path / "inventory")]
    with subprocess.Popen([COMMAND, "audit", *files], env=access(failing), stderr=subprocess.PIPE) as process:
        while len(failing.requests) < 2 and process.poll() is None:  # it is under way
            time.sleep(0.01)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (code, told)
    assert list(tmp_path.iterdir()) == []
