"""Test that results go to standard output, messages to standard error, and colors and progress only to a terminal."""

import json
import os
import pty
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from backup_auditor.rendering.formats import FORMATS
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from simulator_process import COMMAND
from support.cli import build_access_environment, run_command
from support.simulator import SIMULATED_NOW

MOMENT = SIMULATED_NOW.isoformat()


def run_on_terminal(*arguments: str, env: Mapping[str, str], stream: str) -> tuple[int, bytes, bytes]:
    """Run the command with one stream on a terminal; return its code, the terminal's output and the other stream."""
    terminal, terminal_end = pty.openpty()
    with TemporaryFile() as other_output:  # a pipe without a reader would fill up
        streams = {"stdout": other_output, "stderr": other_output} | {stream: terminal_end}
        with subprocess.Popen([COMMAND, *arguments], env=dict(env), stdin=subprocess.DEVNULL, **streams) as process:  # type: ignore[call-overload]  # a file each
            os.close(terminal_end)
            terminal_output = b"".join(iter(lambda: _read_terminal(terminal), b""))
        os.close(terminal)
        other_output.seek(0)
        return process.returncode, terminal_output, other_output.read()


def _read_terminal(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux raises this after the last writer closes
        return b""


def test_json_is_one_document(neglected_server: Server) -> None:
    """Standard output has only the report, and standard error is empty."""
    result = run_command("audit", "--now", MOMENT, "--format", "json", env=build_access_environment(neglected_server))
    assert result.report["summary"]["open"]["critical"] > 0
    assert (result.error_output, result.output[-2:]) == ("", "}\n")


@pytest.mark.parametrize("report_format", FORMATS)
def test_a_file_has_the_same_report_as_standard_output(
    report_format: str, neglected_server: Server, tmp_path: Path
) -> None:
    """`--output` writes the same text to the file, with a byte order mark before CSV."""
    flags = ("audit", "--now", MOMENT, "--format", report_format)
    path = tmp_path / "report"
    result = run_command(*flags, env=build_access_environment(neglected_server))
    file_result = run_command(*flags, "--output", path, env=build_access_environment(neglected_server))
    assert (file_result.output, file_result.error_output, file_result.exit_code) == ("", "", result.exit_code)
    mark = "\ufeff" if report_format == "csv" else ""
    assert path.read_bytes().decode() == mark + result.output


@pytest.mark.parametrize("report_format", FORMATS)
def test_the_same_inputs_give_the_same_bytes(report_format: str, neglected_server: Server) -> None:
    """Two audits of the same project at the same time print the same bytes."""
    flags = ("audit", "--now", MOMENT, "--format", report_format)
    assert (
        run_command(*flags, env=build_access_environment(neglected_server)).output
        == run_command(*flags, env=build_access_environment(neglected_server)).output
    )


def test_a_pipe_has_no_colors(neglected_server: Server) -> None:
    """Output to a pipe has neither colors nor progress."""
    result = run_command("audit", "--now", MOMENT, env=build_access_environment(neglected_server))
    assert "\x1b" not in result.output + result.error_output


def test_a_terminal_has_colors(neglected_server: Server) -> None:
    """The verdict on a terminal has a color."""
    code, terminal_output, _ = run_on_terminal(
        "audit", "--now", MOMENT, env=build_access_environment(neglected_server, TERM="xterm"), stream="stdout"
    )
    assert code == 1
    assert b"\x1b[1;31mNon-compliant: " in terminal_output


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": "dumb"}])
def test_colors_can_be_disabled(variables: dict[str, str], neglected_server: Server) -> None:
    """The table has no colors with NO_COLOR or on a terminal without colors."""
    _, terminal_output, _ = run_on_terminal(
        "audit", "--now", MOMENT, env=build_access_environment(neglected_server, **variables), stream="stdout"
    )
    assert terminal_output.startswith(b"Non-compliant: ")
    assert b"\x1b" not in terminal_output


def test_a_terminal_shows_progress(neglected_server: Server) -> None:
    """A terminal on standard error shows progress during the audit, and standard output has only the report."""
    env = build_access_environment(neglected_server, TERM="xterm")
    _, terminal_output, output = run_on_terminal("audit", "--now", MOMENT, "--format", "json", env=env, stream="stderr")
    assert b"reading schedules" in terminal_output
    assert b"0:00:0" in terminal_output
    assert json.loads(output)["complete"] is True


def test_a_dumb_terminal_shows_no_progress(neglected_server: Server) -> None:
    """A terminal without cursor control receives no progress."""
    env = build_access_environment(neglected_server, TERM="dumb")
    code, terminal_output, _ = run_on_terminal("audit", "--now", MOMENT, env=env, stream="stderr")
    assert (code, terminal_output) == (1, b"")


def test_a_saved_inventory_shows_no_progress(neglected_server: Server, tmp_path: Path) -> None:
    """A saved inventory is evaluated without requests, and so without progress."""
    inventory_path = tmp_path / "inventory"
    run_command(
        "audit", "--now", MOMENT, "--save-inventory", inventory_path, env=build_access_environment(neglected_server)
    )
    env = build_access_environment(neglected_server, TERM="xterm")
    _, terminal_output, _ = run_on_terminal("audit", "--inventory", str(inventory_path), env=env, stream="stderr")
    assert terminal_output == b""


def test_a_closed_pipe_is_not_an_error(neglected_server: Server) -> None:
    """If the reader closes the pipe, the command exits with the code of its verdict and prints no error."""
    script = f'"{COMMAND}" audit --now {MOMENT} --format json; echo "code $?" >&2'
    process = subprocess.run(
        ["/bin/sh", "-c", f"({script}) | head -c 1"],
        env=build_access_environment(neglected_server),
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.stdout == "{"
    assert process.stderr == "code 1\n"


@pytest.mark.parametrize("arguments", [("controls", "--format", "json"), ("policy", "schema"), ("--help",)])
def test_a_closed_pipe_is_not_an_error_of_other_commands(arguments: tuple[str, ...]) -> None:
    """A pipe that closes early causes no traceback."""
    process = subprocess.run(
        ["/bin/sh", "-c", f'"{COMMAND}" {" ".join(arguments)} | true'], capture_output=True, text=True, check=False
    )
    assert process.stderr == ""


def test_a_dash_is_standard_output(healthy_server: Server, tmp_path: Path) -> None:
    """`--output -` writes to standard output, and creates no file."""
    result = run_command(
        "audit", "--now", MOMENT, "--output", "-", env=build_access_environment(healthy_server), cwd=tmp_path
    )
    assert result.output.startswith("Compliant: ")
    assert list(tmp_path.iterdir()) == []


def test_closed_standard_error_does_not_affect_the_results(healthy_server: Server) -> None:
    """With closed standard error the report is written and the exit code is that of the verdict."""
    script = f'"{COMMAND}" audit --now {MOMENT} 2>&-'
    process = subprocess.run(
        ["/bin/sh", "-c", script], env=build_access_environment(healthy_server), capture_output=True, check=False
    )
    assert (process.returncode, process.stdout[:11]) == (0, b"Compliant: ")


def test_closed_standard_output_is_refused_before_the_first_request(faulty_server: Server) -> None:
    """Closed standard output is one error line and no request, unless `--output` names a file."""
    script = f'"{COMMAND}" audit --now {MOMENT}'
    closed_process = subprocess.run(
        ["/bin/sh", "-c", f"{script} >&-"],
        env=build_access_environment(faulty_server),
        capture_output=True,
        check=False,
    )
    assert closed_process.returncode == 2
    assert closed_process.stderr == b"backup-auditor: standard output is closed; open it, or use --output FILE\n"
    assert faulty_server.requests == []
    file_command = f"{script} --output /dev/null >&-"
    assert (
        subprocess.run(
            ["/bin/sh", "-c", file_command], env=build_access_environment(faulty_server), check=False
        ).returncode
        == 0
    )


def test_a_full_disk_is_reported(neglected_server: Server) -> None:
    """Standard output on a full disk is one error line."""
    with Path("/dev/full").open("wb") as full_device:
        process = subprocess.run(
            [COMMAND, "audit", "--now", MOMENT],
            env=build_access_environment(neglected_server),
            stdout=full_device,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert process.returncode == 2
    message = b"backup-auditor: standard output cannot be written: No space left on device; use --output FILE\n"
    assert process.stderr == message


def test_the_variable_columns_sets_the_width(neglected_server: Server) -> None:
    """Without a terminal, COLUMNS is the width of the table."""
    result = run_command("audit", "--now", MOMENT, env=build_access_environment(neglected_server, COLUMNS="72"))
    assert max(map(len, result.output.splitlines())) <= 72


def test_an_ascii_locale_is_supported(faulty_server: Server, tmp_path: Path) -> None:
    """The report is UTF-8 even if the locale is ASCII."""
    policy = tmp_path / "policy.yaml"
    text = "version: 1\nexemptions: [{names: ['fleet-*'], controls: ['*'], owner: é, reason: ✓, expires: 2027-01-01}]\n"
    policy.write_text(text, encoding="utf-8")
    faulty_server.faults.append(Fault(path="/indexes/*/backup-schedules", status=403, message="Access denied"))
    env = build_access_environment(faulty_server, LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    result = run_command("audit", "--now", MOMENT, "--policy", policy, env=env)
    assert "until 2027-01-01, é: ✓" in result.output


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(path="/nothing"), id="no-fault"),
        pytest.param(Fault(status=500), id="service-down"),
        pytest.param(Fault(kind="reset", after=3), id="service-dies"),
        pytest.param(Fault(kind="garbage", body="KEY"), id="response-is-the-key"),
        pytest.param(Fault(path="/indexes", status=403, message="not for KEY"), id="refusal-has-the-key"),
        pytest.param(Fault(path="/backups", status=400, message="not for KEY"), id="error-has-the-key"),
    ],
)
def test_no_output_has_the_key(fault: Fault, faulty_server: Server, tmp_path: Path) -> None:
    """The key is neither in the report, in an error with a traceback, nor in the saved inventory."""
    key = faulty_server.viewer_key
    body = fault.body.replace("KEY", key) if isinstance(fault.body, str) else None
    faulty_server.faults.append(replace(fault, message=fault.message.replace("KEY", key), body=body))
    inventory_path = tmp_path / "inventory"
    env = build_access_environment(faulty_server, BACKUP_AUDITOR_DEADLINE="1s")
    result = run_command(
        "--debug", "audit", "--now", MOMENT, "--save-inventory", inventory_path, "--format", "json", env=env
    )
    all_text = result.output + result.error_output + (inventory_path.read_text() if inventory_path.exists() else "")
    assert all_text
    assert key not in all_text


def test_a_traceback_on_request_has_no_key(faulty_server: Server) -> None:
    """`--debug` before or after the subcommand shows the traceback without the key."""
    env = build_access_environment(faulty_server, PINECONE_CONTROLLER_HOST="http://127.0.0.1:1")
    for flags in (("--debug", "audit"), ("audit", "--debug")):
        result = run_command(*flags, env=env)
        assert "Traceback (most recent call last)" in result.error_output
        assert faulty_server.viewer_key not in result.error_output
        assert result.exit_code == 2
