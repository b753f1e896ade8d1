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

from backup_auditor.cli.parser import FORMATS
from backup_auditor_simulator.testing import COMMAND
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.cli import access, command
from support.simulator import NOW

MOMENT = NOW.isoformat()


def on_terminal(*arguments: str, env: Mapping[str, str], stream: str) -> tuple[int, bytes, bytes]:
    """Run the command with one of its streams on a terminal; return its code, what that saw, and the other stream."""
    leader, follower = pty.openpty()
    with TemporaryFile() as other:  # a pipe that nobody reads meanwhile would fill up
        streams = {"stdout": other, "stderr": other} | {stream: follower}
        with subprocess.Popen([COMMAND, *arguments], env=dict(env), stdin=subprocess.DEVNULL, **streams) as process:  # type: ignore[call-overload]  # a file each
            os.close(follower)
            seen = b"".join(iter(lambda: _read(leader), b""))
        os.close(leader)
        other.seek(0)
        return process.returncode, seen, other.read()


def _read(leader: int) -> bytes:
    try:
        return os.read(leader, 65536)
    except OSError:  # so Linux says that the last writer is gone
        return b""


def test_json_is_one_document_and_nothing_else(neglected: Server) -> None:
    """Standard output holds the report alone, standard error nothing."""
    done = command("audit", "--now", MOMENT, "--format", "json", env=access(neglected))
    assert done.report["summary"]["open"]["critical"] > 0
    assert (done.err, done.out[-2:]) == ("", "}\n")


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_holds_what_standard_output_would(form: str, neglected: Server, tmp_path: Path) -> None:
    """With `--output` the same text goes to the file, and standard output stays empty; CSV begins with a mark."""
    flags = ("audit", "--now", MOMENT, "--format", form)
    path = tmp_path / "report"
    shown = command(*flags, env=access(neglected))
    kept = command(*flags, "--output", path, env=access(neglected))
    assert (kept.out, kept.err, kept.code) == ("", "", shown.code)
    mark = "\ufeff" if form == "csv" else ""
    assert path.read_bytes().decode() == mark + shown.out


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_inputs_give_the_same_bytes(form: str, neglected: Server) -> None:
    """Two audits of the same project at the same moment print the same."""
    flags = ("audit", "--now", MOMENT, "--format", form)
    assert command(*flags, env=access(neglected)).out == command(*flags, env=access(neglected)).out


def test_a_pipe_has_no_colours(neglected: Server) -> None:
    """What is not a terminal gets neither colours nor progress."""
    done = command("audit", "--now", MOMENT, env=access(neglected))
    assert "\x1b" not in done.out + done.err


def test_a_terminal_has_colours(neglected: Server) -> None:
    """On a terminal the verdict is coloured."""
    code, seen, _ = on_terminal("audit", "--now", MOMENT, env=access(neglected, TERM="xterm"), stream="stdout")
    assert code == 1
    assert b"\x1b[1;31mNON COMPLIANT: " in seen


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": "dumb"}])
def test_colours_can_be_refused(variables: dict[str, str], neglected: Server) -> None:
    """NO_COLOR, or a terminal without colours, keeps the table plain."""
    _, seen, _ = on_terminal("audit", "--now", MOMENT, env=access(neglected, **variables), stream="stdout")
    assert seen.startswith(b"NON COMPLIANT: ")
    assert b"\x1b" not in seen


def test_a_terminal_sees_progress(neglected: Server) -> None:
    """While a project is read, a terminal on standard error shows what, how much and how long; the report is apart."""
    env = access(neglected, TERM="xterm")
    _, seen, out = on_terminal("audit", "--now", MOMENT, "--format", "json", env=env, stream="stderr")
    assert b"reading schedules" in seen
    assert b"0:00:0" in seen
    assert json.loads(out)["complete"] is True


def test_a_dumb_terminal_sees_no_progress(neglected: Server) -> None:
    """A terminal without a cursor that moves is left alone."""
    env = access(neglected, TERM="dumb")
    code, seen, _ = on_terminal("audit", "--now", MOMENT, env=env, stream="stderr")
    assert (code, seen) == (1, b"")


def test_progress_leaves_nothing_behind(neglected: Server, tmp_path: Path) -> None:
    """A saved inventory is judged without a call, and so without progress."""
    saved = tmp_path / "inventory"
    command("audit", "--now", MOMENT, "--save-inventory", saved, env=access(neglected))
    env = access(neglected, TERM="xterm")
    _, seen, _ = on_terminal("audit", "--inventory", str(saved), env=env, stream="stderr")
    assert seen == b""


def test_a_reader_that_leaves_is_no_error(neglected: Server) -> None:
    """When the reader of a pipe goes away, the command ends with its verdict and says nothing."""
    script = f'"{COMMAND}" audit --now {MOMENT} --format json; echo "code $?" >&2'
    done = subprocess.run(
        ["/bin/sh", "-c", f"({script}) | head -c 1"], env=access(neglected), capture_output=True, text=True, check=False
    )
    assert done.stdout == "{"
    assert done.stderr == "code 1\n"


@pytest.mark.parametrize("arguments", [("controls", "--format", "json"), ("policy", "schema"), ("--help",)])
def test_other_commands_survive_a_reader_that_leaves(arguments: tuple[str, ...]) -> None:
    """A pipe that closes early does not make a traceback."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'"{COMMAND}" {" ".join(arguments)} | true'], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


def test_a_dash_is_standard_output(healthy: Server, tmp_path: Path) -> None:
    """`--output -` writes where results go without the flag, and makes no file."""
    done = command("audit", "--now", MOMENT, "--output", "-", env=access(healthy), cwd=tmp_path)
    assert done.out.startswith("COMPLIANT: ")
    assert list(tmp_path.iterdir()) == []


def test_closed_errors_do_not_keep_the_results(healthy: Server) -> None:
    """Under a scheduler that closes standard error, the report is written and the code is the verdict's."""
    script = f'"{COMMAND}" audit --now {MOMENT} 2>&-'
    done = subprocess.run(["/bin/sh", "-c", script], env=access(healthy), capture_output=True, check=False)
    assert (done.returncode, done.stdout[:11]) == (0, b"COMPLIANT: ")


def test_closed_output_is_told_before_anything_is_read(failing: Server) -> None:
    """Without a place for results nothing is audited, and one line says so; with `--output` there is one."""
    script = f'"{COMMAND}" audit --now {MOMENT}'
    closed = subprocess.run(["/bin/sh", "-c", f"{script} >&-"], env=access(failing), capture_output=True, check=False)
    assert closed.returncode == 2
    assert closed.stderr == b"backup-auditor: standard output is closed; open it, or name a file with --output\n"
    assert failing.requests == []
    filed = f"{script} --output /dev/null >&-"
    assert subprocess.run(["/bin/sh", "-c", filed], env=access(failing), check=False).returncode == 0


def test_a_full_disk_is_told(neglected: Server) -> None:
    """Standard output that takes no more ends in one line."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [COMMAND, "audit", "--now", MOMENT], env=access(neglected), stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 2
    assert done.stderr.startswith(b"backup-auditor: standard output cannot be written: No space left on device")
    assert len(done.stderr.splitlines()) == 1


def test_columns_give_the_width(neglected: Server) -> None:
    """Where there is no terminal, COLUMNS says how wide a table is."""
    done = command("audit", "--now", MOMENT, env=access(neglected, COLUMNS="72"))
    assert max(map(len, done.out.splitlines())) <= 72


def test_an_ascii_terminal_is_enough(failing: Server, tmp_path: Path) -> None:
    """Under a locale without letters beyond ASCII the report is still written, in UTF-8."""
    policy = tmp_path / "policy.yaml"
    text = "version: 1\nexemptions: [{names: ['fleet-*'], controls: ['*'], owner: é, reason: ✓, expires: 2027-01-01}]\n"
    policy.write_text(text, encoding="utf-8")
    failing.faults.append(Fault(path="/indexes/*/backup-schedules", status=403, message="Access denied"))
    env = access(failing, LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    done = command("audit", "--now", MOMENT, "--policy", policy, env=env)
    assert "until 2027-01-01, é: ✓" in done.out


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
def test_no_text_holds_the_key(fault: Fault, failing: Server, tmp_path: Path) -> None:
    """The key stands neither in the report, nor in an error with its traceback, nor in the saved inventory."""
    key = failing.viewer_key
    body = fault.body.replace("KEY", key) if isinstance(fault.body, str) else None
    failing.faults.append(replace(fault, message=fault.message.replace("KEY", key), body=body))
    saved = tmp_path / "inventory"
    env = access(failing, BACKUP_AUDITOR_DEADLINE="1s")
    done = command("--debug", "audit", "--now", MOMENT, "--save-inventory", saved, "--format", "json", env=env)
    told = done.out + done.err + (saved.read_text() if saved.exists() else "")
    assert told
    assert key not in told


def test_a_traceback_on_request_holds_no_key(failing: Server) -> None:
    """`--debug` shows where an error came from, before or after the subcommand, and without the key."""
    env = access(failing, PINECONE_CONTROLLER_HOST="http://127.0.0.1:1")
    for flags in (("--debug", "audit"), ("audit", "--debug")):
        done = command(*flags, env=env)
        assert "Traceback (most recent call last)" in done.err
        assert failing.viewer_key not in done.err
        assert done.code == 2
