"""A clock that ran ahead: the audits after it say so, and `state discard` makes the state usable again."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from backup_auditor_simulator.testing import COMMAND
from support.cli import Watched, watching

FUTURE = "2999-06-01T12:00:00Z"


def neglected(project: Watched) -> None:
    """Pause a schedule, so that something is open."""
    project.world.update_schedule(next(iter(project.world.get_index("orders").schedules)), enabled=False)


def test_one_audit_of_the_future_and_the_way_out_of_it(tmp_path: Path) -> None:
    """Exit 3 and one command, which makes the next audit count; the first day of an old finding stays."""
    paused = ("schedule-is-enabled", "orders")
    with watching(tmp_path / "home") as project:
        neglected(project)
        first = project.audit()
        assert first.lifecycles()[paused] == "new"
        assert project.audit("--now", FUTURE).code in {1, 3}
        project.sleep()
        before = project.state.read_bytes()
        late = project.audit()
        assert (late.code, late.verdicts()[paused]) == (3, "NON_COMPLIANT")
        assert "the last recorded audit of default, of 2999-06-01T12:00:00Z, lies in the future" in late.err
        way_out = f"backup-auditor state discard --project default --state {project.state}"
        assert late.err.endswith(f"{way_out}\n")
        assert project.state.read_bytes() == before
        assert project.command("audit", "--now", FUTURE.replace("2999-06-01", "2999-06-02")).code != 0
        refused = project.command(*way_out.split()[1:])
        assert (refused.code, "add --yes" in refused.err) == (2, True)
        assert "To be discarded: 2 recorded audits" in refused.out
        done = project.command(*way_out.split()[1:], "--yes")
        assert (done.code, done.err) == (0, "")
        assert f"After that the last recorded audit is of {first.report['observed_at']}." in done.out
        after = project.audit()
        assert (after.code, after.err, after.lifecycles()[paused]) == (1, "", "ongoing")
        (found,) = [it for it in after.report["findings"] if it["control"] == "schedule-is-enabled" and it["lifecycle"]]
        assert found["first_seen"] == first.report["observed_at"]
        nights = json.loads(project.command("evidence", "list", "--format", "json").out)
        assert "2999" not in json.dumps(nights)


def test_an_older_audit_of_its_own_now_is_no_failure(tmp_path: Path) -> None:
    """`--now` of long ago is older than the recorded audit, which lies in the past of the machine's clock."""
    with watching(tmp_path / "home") as project:
        assert project.audit("--now", "2001-01-02T00:00:00Z").code != 2
        older = project.audit("--now", "2001-01-01T00:00:00Z")
        assert "changes nothing" in older.err
        assert "lies in the future" not in older.err
        fresh = project.command("state", "discard")
        assert (fresh.code, fresh.out) == (
            0,
            f"No audit is recorded in the future of default in {project.state}; nothing to discard.\n",
        )


def test_a_saved_inventory_is_told_of_the_future_too(tmp_path: Path) -> None:
    """With `--state`; without, nothing is recorded anyway."""
    saved, state = tmp_path / "inventory", tmp_path / "state"
    with watching(tmp_path / "home") as project:
        project.audit("--no-state", "--save-inventory", saved)
        project.command("audit", "--inventory", saved, "--state", state, "--now", FUTURE)
        late = project.command("audit", "--inventory", saved, "--state", state)
        assert late.code == 3
        assert f"--state {state}\n" in late.err
        assert project.command("audit", "--inventory", saved).code == 0


def test_everything_can_be_discarded(tmp_path: Path) -> None:
    """The next audit is the first, as for a state that a wrong key filled; plans and actions stay."""
    with watching(tmp_path / "home") as project:
        neglected(project)
        project.audit()
        kept = project.command("remediate")
        assert kept.code == 0
        done = project.command("state", "discard", "--all", "--yes")
        assert done.code == 0
        assert "After that no audit is recorded: the next one is the first." in done.out
        again = project.command("state", "discard", "--all", "--yes")
        assert (again.code, "nothing to discard" in again.out) == (0, True)
        project.sleep()
        after = project.audit()
        assert after.lifecycles()["schedule-is-enabled", "orders"] == "new"
        assert after.report["history"] == []


@pytest.mark.parametrize(
    "arguments,said",
    [
        pytest.param((), "there is no state of default", id="no-state"),
        pytest.param(("--state", "missing"), "missing: there is no state of default", id="no-file"),
        pytest.param(("--project", "a/b"), "'a/b' ", id="bad-name"),
        pytest.param(("--state", "here", "--table", "there"), "not allowed with argument", id="two-places"),
    ],
)
def test_what_is_no_state_is_refused(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """One line, exit 2, and no file is made."""
    with watching(tmp_path / "home") as project:
        try:
            done = project.command("state", "discard", *arguments)
            code, err = done.code, done.err
        except SystemExit as ended:
            code, err = int(str(ended.code)), said
        assert (code, said in err) == (2, True)
        assert list(project.home.iterdir()) == []


@pytest.mark.parametrize("answer,code", [pytest.param("y\n", 0, id="yes"), pytest.param("\n", 2, id="no")])
def test_it_asks_on_a_terminal(tmp_path: Path, answer: str, code: int) -> None:
    """Anything but yes changes nothing."""
    with watching(tmp_path / "home") as project:
        project.audit("--now", FUTURE)
        before = project.state.read_bytes()
        main, other = pty.openpty()
        line = [str(COMMAND), "state", "discard"]
        env, pipe = project.environment, subprocess.PIPE
        with subprocess.Popen(line, env=env, stdin=other, stderr=other, stdout=pipe) as process:
            os.close(other)
            os.write(main, answer.encode())
            out, _ = process.communicate(timeout=60)
            os.close(main)
        assert process.returncode == code
        assert b"To be discarded: 1 recorded audit\n" in out
        assert (project.state.read_bytes() == before) == (code == 2)
