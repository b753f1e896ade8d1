"""Results go to standard output, everything else to standard error; colours and progress only to a terminal."""

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
from backup_auditor_simulator.testing import COMMAND
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.cli import build_access_environment, run_command
from support.simulator import SIMULATED_NOW

MOMENT = SIMULATED_NOW.isoformat()


def run_on_terminal(*arguments: str, env: Mapping[str, str], stream: str) -> tuple[int, bytes, bytes]:
    """Run the command with one of its streams on a terminal; return its code, what that saw, and the other stream."""
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
    except OSError:  # so Linux says that the last writer is gone
        return b""


def test_json_is_one_document_and_nothing_else(neglected_server: Server) -> None:
    """Standard output holds the report alone, standard error nothing."""
    result = run_command("audit", "--now", MOMENT, "--format", "json", env=build_access_environment(neglected_server))
    assert result.report["summary"]["open"]["critical"] > 0
    assert (result.error_output, result.output[-2:]) == ("", "}\n")


@pytest.mark.parametrize("report_format", FORMATS)
def test_a_file_holds_what_standard_output_would(report_format: str, neglected_server: Server, tmp_path: Path) -> None:
    """With `--output` the same text goes to the file, and standard output stays empty; CSV begins with a mark."""
    flags = ("audit", "--now", MOMENT, "--format", report_format)
    path = tmp_path / "report"
    result = run_command(*flags, env=build_access_environment(neglected_server))
    file_result = run_command(*flags, "--output", path, env=build_access_environment(neglected_server))
    assert (file_result.output, file_result.error_output, file_result.exit_code) == ("", "", result.exit_code)
    mark = "\ufeff" if report_format == "csv" else ""
    assert path.read_bytes().decode() == mark + result.output


@pytest.mark.parametrize("report_format", FORMATS)
def test_the_same_inputs_give_the_same_bytes(report_format: str, neglected_server: Server) -> None:
    """Two audits of the same project at the same moment print the same."""
    flags = ("audit", "--now", MOMENT, "--format", report_format)
    assert (
        run_command(*flags, env=build_access_environment(neglected_server)).output
        == run_command(*flags, env=build_access_environment(neglected_server)).output
    )


def test_a_pipe_has_no_colors(neglected_server: Server) -> None:
    """What is not a terminal gets neither colours nor progress."""
    result = run_command("audit", "--now", MOMENT, env=build_access_environment(neglected_server))
    assert "\x1b" not in result.output + result.error_output


def test_a_terminal_has_colors(neglected_server: Server) -> None:
    """On a terminal the verdict is coloured."""
    code, terminal_output, _ = run_on_terminal(
        "audit", "--now", MOMENT, env=build_access_environment(neglected_server, TERM="xterm"), stream="stdout"
    )
    assert code == 1
    assert b"\x1b[1;31mNon-compliant: " in terminal_output


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": "dumb"}])
def test_colors_can_be_refused(variables: dict[str, str], neglected_server: Server) -> None:
    """NO_COLOR, or a terminal without colours, keeps the table plain."""
    _, terminal_output, _ = run_on_terminal(
        "audit", "--now", MOMENT, env=build_access_environment(neglected_server, **variables), stream="stdout"
    )
    assert terminal_output.startswith(b"Non-compliant: ")
    assert b"\x1b" not in terminal_output


def test_a_terminal_sees_progress(neglected_server: Server) -> None:
    """While a project is read, a terminal on standard error shows what, how much and how long; the report is apart."""
    env = build_access_environment(neglected_server, TERM="xterm")
    _, terminal_output, output = run_on_terminal("audit", "--now", MOMENT, "--format", "json", env=env, stream="stderr")
    assert b"reading schedules" in terminal_output
    assert b"0:00:0" in terminal_output
    assert json.loads(output)["complete"] is True


def test_a_dumb_terminal_sees_no_progress(neglected_server: Server) -> None:
    """A terminal without a cursor that moves is left alone."""
    env = build_access_environment(neglected_server, TERM="dumb")
    code, terminal_output, _ = run_on_terminal("audit", "--now", MOMENT, env=env, stream="stderr")
    assert (code, terminal_output) == (1, b"")


def test_progress_leaves_nothing_behind(neglected_server: Server, tmp_path: Path) -> None:
    """A saved inventory is evaluated without a call, and so without progress."""
    inventory_path = tmp_path / "inventory"
    run_command(
        "audit", "--now", MOMENT, "--save-inventory", inventory_path, env=build_access_environment(neglected_server)
    )
    env = build_access_environment(neglected_server, TERM="xterm")
    _, terminal_output, _ = run_on_terminal("audit", "--inventory", str(inventory_path), env=env, stream="stderr")
    assert terminal_output == b""


def test_a_reader_that_leaves_is_no_error(neglected_server: Server) -> None:
    """When the reader of a pipe goes away, the command ends with its verdict and says nothing."""
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
def test_other_commands_survive_a_reader_that_leaves(arguments: tuple[str, ...]) -> None:
    """A pipe that closes early does not make a traceback."""
    process = subprocess.run(
        ["/bin/sh", "-c", f'"{COMMAND}" {" ".join(arguments)} | true'], capture_output=True, text=True, check=False
    )
    assert process.stderr == ""


def test_a_dash_is_standard_output(healthy_server: Server, tmp_path: Path) -> None:
    """`--output -` writes where results go without the flag, and makes no file."""
    result = run_command(
        "audit", "--now", MOMENT, "--output", "-", env=build_access_environment(healthy_server), cwd=tmp_path
    )
    assert result.output.startswith("Compliant: ")
    assert list(tmp_path.iterdir()) == []


def test_closed_errors_do_not_keep_the_results(healthy_server: Server) -> None:
    """Under a scheduler that closes standard error, the report is written and the code is the verdict's."""
    script = f'"{COMMAND}" audit --now {MOMENT} 2>&-'
    process = subprocess.run(
        ["/bin/sh", "-c", script], env=build_access_environment(healthy_server), capture_output=True, check=False
    )
    assert (process.returncode, process.stdout[:11]) == (0, b"Compliant: ")


def test_closed_output_is_reported_before_anything_is_read(faulty_server: Server) -> None:
    """Without a place for results nothing is audited, and one line says so; with `--output` there is one."""
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
    """Standard output that takes no more ends in one line."""
    with Path("/dev/full").open("wb") as full_device:
        process = subprocess.run(
            [COMMAND, "audit", "--now", MOMENT],
            env=build_access_environment(neglected_server),
            stdout=full_device,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert process.returncode == 2
    assert process.stderr.startswith(b"backup-auditor: standard output cannot be written: No space left on device")
    assert len(process.stderr.splitlines()) == 1


def test_columns_give_the_width(neglected_server: Server) -> None:
    """Where there is no terminal, COLUMNS says how wide a table is."""
    result = run_command("audit", "--now", MOMENT, env=build_access_environment(neglected_server, COLUMNS="72"))
    assert max(map(len, result.output.splitlines())) <= 72


def test_an_ascii_terminal_is_enough(faulty_server: Server, tmp_path: Path) -> None:
    """Under a locale without letters beyond ASCII the report is still written, in UTF-8."""
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
        pytest.param(Fault(path="/nothing"), id="all-well"),
        pytest.param(Fault(status=500), id="service-down"),
        pytest.param(Fault(kind="reset", after=3), id="service-dies"),
        pytest.param(Fault(kind="garbage", body="KEY"), id="key-for-an-answer"),
        pytest.param(Fault(path="/indexes", status=403, message="not for KEY"), id="refusal-names-the-key"),
        pytest.param(Fault(path="/backups", status=400, message="not for KEY"), id="error-names-the-key"),
    ],
)
def test_no_text_holds_the_key(fault: Fault, faulty_server: Server, tmp_path: Path) -> None:
    """The key is neither in the report, nor in an error with its traceback, nor in the saved inventory."""
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


def test_a_traceback_on_request_holds_no_key(faulty_server: Server) -> None:
    """`--debug` shows where an error came from, before or after the subcommand, and without the key."""
    env = build_access_environment(faulty_server, PINECONE_CONTROLLER_HOST="http://127.0.0.1:1")
    for flags in (("--debug", "audit"), ("audit", "--debug")):
        result = run_command(*flags, env=env)
        assert "Traceback (most recent call last)" in result.error_output
        assert faulty_server.viewer_key not in result.error_output
        assert result.exit_code == 2
