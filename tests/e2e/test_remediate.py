"""`backup-auditor remediate`, as a user runs it: what it shows, asks, does, and answers with."""

import json
import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backup_auditor.bootstrap import runtime
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.testing import COMMAND
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.cli import Done, access, command
from support.clock import real_now
from support.simulator import serving

pytestmark = pytest.mark.writes
APPLY = "version: 1\nremediation: {create_schedules: apply, fix_schedules: apply}\n"


class Home:
    """A project at the present moment, and a folder with a policy."""

    def __init__(self, server: Server, folder: Path) -> None:
        """Begin with a policy that lets everything be carried out."""
        self.server = server
        self.folder = folder
        self.policy(APPLY)

    def policy(self, text: str) -> None:
        """Write another policy."""
        (self.folder / "backup-auditor.yaml").write_text(text)

    def remediate(self, *flags: str, **variables: str) -> Done:
        """Run the command with an editor's key."""
        env = access(self.server, **{"PINECONE_API_KEY": Server.editor_key, "COLUMNS": "100", **variables})
        return command("remediate", "--state", "state", *flags, env=env, cwd=self.folder)

    @property
    def writes(self) -> list[str]:
        """What would have changed the project."""
        return [f"{it.method} {it.path}" for it in self.server.requests if it.method != "GET"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Serve two indexes without a schedule, and one whose schedule is too slow."""
    world = SimulatedProject(real_now())
    for name in ("carts", "orders", "slow"):
        world.create_index(name)
    world.create_schedule("slow", "theirs", "weekly", 60)
    with serving(world) as server:
        yield Home(server, tmp_path)


def plan_id(done: Done) -> str:
    """Return the id of the plan that is shown."""
    found = re.search(r"plan ([0-9a-f]{16})", done.out)
    assert found, done
    return found[1]


def test_a_plan_is_shown_and_nothing_is_done(home: Home) -> None:
    """With its calls, its slots before and after, and when the first run is expected; a viewer's key is enough."""
    done = home.remediate(PINECONE_API_KEY=Server.viewer_key)
    assert (done.code, done.err, home.writes) == (0, "", [])
    first = (real_now() + timedelta(days=1)).strftime("%Y-%m-%d")
    assert f"first run by {first}" in done.out
    assert "9 of 500 now, 77 with this plan" in done.out
    assert "weekly becomes daily" in done.out
    assert "PATCH /backup-schedules/" in done.out


def test_a_plan_is_carried_out_and_undone_by_what_is_told(home: Home) -> None:
    """The next run has nothing to do, and says so."""
    done = home.remediate("--apply", "--yes")
    assert (done.code, done.err) == (0, "")
    assert sorted(home.writes)[1:] == ["POST /indexes/carts/backup-schedules", "POST /indexes/orders/backup-schedules"]
    assert done.out.count("undo: DELETE /backup-schedules/") == 2
    assert "undo: PATCH /backup-schedules/" in done.out
    again = home.remediate("--apply", "--yes")
    assert again.code == 0
    assert "nothing to do" in again.out
    assert len(home.writes) == 3


def test_json_is_one_document(home: Home) -> None:
    """Shown or carried out."""
    shown: Any = json.loads(home.remediate("--format", "json").out)
    assert shown["results"] is None
    assert [it["index"] for it in shown["actions"]] == ["carts", "orders", "slow"]
    done: Any = json.loads(home.remediate("--apply", "--yes", "--format", "json").out)
    assert done["plan_id"] == shown["plan_id"]
    assert {it["state"] for it in done["results"]} == {"done"}
    assert all(it["undo"]["path"].startswith("/backup-schedules/") for it in done["results"])


def test_a_plan_that_was_shown_is_carried_out_by_its_id_once(home: Home) -> None:
    """Delivered again it acts no more; shown again it tells what was done."""
    shown = plan_id(home.remediate())
    assert home.remediate("--plan", shown, "--apply", "--yes").code == 0
    written = len(home.writes)
    again = home.remediate("--plan", shown, "--apply", "--yes")
    assert (again.code, len(home.writes)) == (0, written)
    assert again.out.count("already satisfied") >= 3
    told = home.remediate("--plan", shown)
    assert told.out.count("undo: ") == 3


@pytest.mark.parametrize(
    "policy,flags,words",
    [
        pytest.param(APPLY, ("--apply",), ("asks on a terminal", "--yes"), id="nobody-to-ask"),
        pytest.param(APPLY, ("--yes",), ("--apply",), id="yes-to-nothing"),
        pytest.param(APPLY, ("--plan", "0" * 16), ("no plan", "is known"), id="unknown-plan"),
        pytest.param(APPLY, ("--plan", "x" * 500, "--apply", "--yes"), ("no plan",), id="no-plan-at-all"),
        pytest.param("version: 1\n", ("--apply", "--yes"), ("create_schedules: never",), id="never"),
        pytest.param(
            "remediation: {create_schedules: propose}",
            ("--apply", "--yes"),
            ("create_schedules: propose",),
            id="propose",
        ),
        pytest.param("remediation: {schedule_name: ''}", (), ("schedule_name",), id="empty-name"),
        pytest.param(f"remediation: {{schedule_name: {'x' * 29}}}", (), ("28",), id="long-name"),
        pytest.param(
            f"{APPLY}defaults: {{schedule: {{frequency: weekly, retention_days: {{min: 1, max: 7}}}},"
            " recovery: {min_copies: 1}}",
            (),
            ("keeps backups 8 days",),
            id="impossible",
        ),
    ],
)
def test_what_is_refused_before_the_first_call(
    home: Home, policy: str, flags: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """One line that says what and how to mend it, exit 2, nothing read and nothing written."""
    home.policy(policy)
    done = home.remediate(*flags)
    assert (done.code, done.out, home.server.requests) == (2, "", []), done
    assert len(done.err.splitlines()) == 1
    assert all(word in done.err for word in words), done.err


def test_a_plan_of_another_policy_project_or_day_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first call."""
    shown = plan_id(home.remediate())
    home.server.requests.clear()
    other = home.remediate("--plan", shown, "--project", "other", "--apply", "--yes")
    home.policy(f"{APPLY}# changed\n")
    changed = home.remediate("--plan", shown, "--apply", "--yes")
    for done, word in ((other, "of project 'other'"), (changed, "under another policy")):
        assert (done.code, home.server.requests) == (2, [])
        assert word in done.err
    home.policy(APPLY)
    later = real_now() + timedelta(hours=24, minutes=1)
    monkeypatch.setattr(runtime, "now", lambda: later)
    assert_stale_in_this_process(home, shown, monkeypatch)


def assert_stale_in_this_process(home: Home, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the command here, where the clock can be held."""
    from backup_auditor.cli.main import main  # noqa: PLC0415  only here

    monkeypatch.chdir(home.folder)
    monkeypatch.setenv("PINECONE_API_KEY", Server.editor_key)
    monkeypatch.setenv("PINECONE_CONTROLLER_HOST", home.server.url)
    assert main(["remediate", "--state", "state", "--plan", shown, "--apply", "--yes"]) == 2
    assert home.server.requests == []


def test_kinds_that_are_only_proposed_are_left_to_be_proposals(home: Home) -> None:
    """The others are done; where there are no others, it is refused."""
    home.policy("remediation: {create_schedules: propose, fix_schedules: apply}")
    done = home.remediate("--apply", "--yes")
    assert done.code == 0
    assert "CREATE SCHEDULE  (proposed" in done.out
    assert [it.split(" ", maxsplit=1)[0] for it in home.writes] == ["PATCH"]
    again = home.remediate("--apply", "--yes")
    assert again.code == 2
    assert "create schedule" in again.err
    assert len(home.writes) == 1


def test_a_part_that_failed_is_told_with_what_was_done(home: Home) -> None:
    """Exit 1."""
    home.server.faults.append(Fault(status=400, method="POST", path="/indexes/carts/*", message="No."))
    done = home.remediate("--apply", "--yes")
    assert done.code == 1
    assert "failed. 400: No." in done.out
    assert "2 done, 1 failed" in done.out or "1 failed, 2 done" in done.out


def test_a_key_that_may_not_write_is_refused(home: Home) -> None:
    """Exit 2: nothing was written."""
    done = home.remediate("--apply", "--yes", PINECONE_API_KEY=Server.viewer_key)
    assert done.code == 2
    assert "failed. 403" in done.out


def test_an_outcome_that_is_not_known_is_told(home: Home) -> None:
    """Exit 3."""
    home.server.faults.append(Fault(kind="reset", method="POST", path="/indexes/carts/*"))
    done = home.remediate("--apply", "--yes")
    assert done.code == 3
    assert "unknown. " in done.out


def test_indexes_that_cannot_be_read_leave_no_plan(home: Home) -> None:
    """Nothing to do is never said of a project that nobody saw."""
    home.server.faults.append(Fault(status=503, path="/indexes"))
    done = home.remediate(BACKUP_AUDITOR_DEADLINE="20s")
    assert (done.code, done.out) == (2, "")
    assert "which indexes there are could not be read" in done.err


def test_a_project_that_is_not_the_one_of_the_policy_is_left_alone(home: Home) -> None:
    """The key is of another."""
    home.policy(f"{APPLY}project: {{expected_id: somewhere-else}}\n")
    done = home.remediate("--apply", "--yes")
    assert (done.code, home.writes) == (2, [])
    assert "not the project that the policy is for" in done.err


@pytest.mark.parametrize("expected", [None, "ours"])
def test_a_plan_is_not_carried_out_with_the_key_of_another_project(home: Home, expected: str | None) -> None:
    """Whatever its owner calls it: Pinecone's own id tells, the plan's or the policy's."""
    home.server.project.project_id = "ours"
    home.policy(f"{APPLY}project: {{expected_id: {expected or 'null'}}}\n")
    shown = plan_id(home.remediate())
    home.server.project.project_id = "theirs"
    done = home.remediate("--plan", shown, "--apply", "--yes")
    assert (done.code, home.writes) == (2, [])
    assert ("not the project that the policy is for" if expected else "is of the project ours") in done.err


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Home]:
    """Serve three indexes without a schedule, in a project that the policy names."""
    world = SimulatedProject(real_now())
    world.project_id = "ours"
    for name in ("carts", "orders", "searches"):
        world.create_index(name)
    with serving(world) as server:
        home = Home(server, tmp_path)
        home.policy(f"{APPLY}project: {{expected_id: ours}}\n")
        yield home


def audited_with_a_schedule(home: Home) -> None:
    """Let an audit record the id of the project, which a schedule tells that is deleted afterwards."""
    schedule = home.server.project.create_schedule("carts", "theirs", "daily", 9)
    done = command("audit", "--state", "state", env=access(home.server), cwd=home.folder)
    assert done.code in {0, 1}
    home.server.project.delete_schedule(schedule.id)


def test_nothing_is_written_to_a_project_that_nothing_tells_to_be_the_expected_one(bare: Home) -> None:
    """The plan is shown; it is not applied, and the message says how to go on."""
    assert bare.remediate().code == 0
    done = bare.remediate("--apply", "--yes")
    assert (done.code, bare.writes) == (2, [])
    assert "the policy expects project ours" in done.err
    assert "create the first schedule by hand" in done.err


def test_a_project_that_the_state_knows_is_written_to(bare: Home) -> None:
    """An audit recorded its id, though no schedule tells it now."""
    audited_with_a_schedule(bare)
    done = bare.remediate("--apply", "--yes")
    assert (done.code, len(bare.writes)) == (0, 3)


def test_the_first_answer_that_names_another_project_stops_everything(bare: Home) -> None:
    """One call was sent, and the call that undoes it is printed."""
    audited_with_a_schedule(bare)
    bare.server.project.project_id = "theirs"
    done = bare.remediate("--apply", "--yes")
    assert (done.code, len(bare.writes)) == (1, 1)
    assert "The key opens Pinecone project theirs instead of ours" in " ".join(done.out.split())
    assert done.out.count("undo: DELETE /backup-schedules/") == 1
    assert done.out.count("not started") >= 2


@pytest.mark.parametrize("expected", ["null", "ours"])
def test_a_plan_of_a_known_project_is_not_applied_to_one_that_nothing_tells(bare: Home, expected: str) -> None:
    """The plan was made while a schedule told the id; the key opens a project without any schedule now."""
    bare.policy(f"{APPLY}project: {{expected_id: {expected}}}\n")
    schedule = bare.server.project.create_schedule("carts", "theirs", "daily", 9)
    shown = plan_id(bare.remediate())
    bare.server.project.delete_schedule(schedule.id)
    bare.server.project.project_id = "theirs"
    done = bare.remediate("--plan", shown, "--apply", "--yes")
    assert (done.code, bare.writes) == (2, [])
    assert "was made for Pinecone project ours" in done.err


def test_a_state_of_another_project_is_not_planned_by(bare: Home) -> None:
    """Both ids are named, and nothing is shown or written."""
    audited_with_a_schedule(bare)
    bare.server.project.project_id = "theirs"
    bare.policy(APPLY)
    bare.server.project.create_schedule("carts", "theirs", "daily", 9)
    done = bare.remediate("--apply", "--yes")
    assert (done.code, done.out, bare.writes) == (2, "", [])
    assert "ours" in done.err
    assert "theirs" in done.err


def test_what_was_left_out_because_it_could_not_be_read_is_exit_code_3(home: Home) -> None:
    """Shown or applied; what could be read is planned and done all the same."""
    fault = Fault(kind="garbage", path="/indexes/carts/backup-schedules", method="GET")
    home.server.faults.append(fault)
    shown = home.remediate()
    assert shown.code == 3
    assert "carts" in shown.out.partition("LEFT OUT")[2]
    assert home.remediate("--apply", "--yes").code == 3
    home.server.faults.clear()
    assert home.remediate("--apply", "--yes").code == 0


def test_a_skipped_action_whose_index_is_gone_is_exit_code_0(home: Home) -> None:
    """Nothing that the policy requires is missing."""
    home.server.project.create_index("fine")
    home.server.project.create_schedule("fine", "theirs", "daily", 9)
    shown = plan_id(home.remediate())
    home.server.project.delete_index("slow")
    done = home.remediate("--plan", shown, "--apply", "--yes")
    assert (done.code, len(home.writes)) == (0, 2)
    assert "skipped. The index is gone." in done.out


def test_a_schedule_that_is_paused_after_the_call_is_exit_code_1(home: Home) -> None:
    """It is written as asked, and verification fails."""
    (slow,) = home.server.project.get_index("slow").schedules

    def pause(world: SimulatedProject) -> None:
        world.update_schedule(slow, enabled=False)

    path = f"/backup-schedules/{slow}"
    home.server.faults.append(Fault(kind="shift", method="PATCH", path=path, times=1, change=pause))
    done = home.remediate("--apply", "--yes")
    assert done.code == 1
    assert "Verification failed. Its schedule theirs is paused." in " ".join(done.out.split())
    assert "undo: PATCH" in done.out


@pytest.mark.parametrize("answer,code,writes", [("y", 0, 3), ("n", 2, 0), ("", 2, 0)])
def test_on_a_terminal_it_asks(home: Home, answer: str, code: int, writes: int) -> None:
    """Anything but yes is no."""
    main, other = pty.openpty()
    env = access(home.server, PINECONE_API_KEY=Server.editor_key)
    line = [str(COMMAND), "remediate", "--state", "state", "--apply"]
    with subprocess.Popen(line, env=env, cwd=home.folder, stdin=other, stderr=other, stdout=subprocess.PIPE) as process:
        os.close(other)
        os.write(main, f"{answer}\n".encode())
        out, _ = process.communicate(timeout=60)
        os.close(main)
    assert (process.returncode, len(home.writes)) == (code, writes)
    assert b"plan " in out


def test_who_ends_it_is_told_what_was_done(home: Home) -> None:
    """What is in flight is finished and recorded; the rest is not begun, and the next run goes on."""
    home.policy("remediation: {create_schedules: apply, max_creations: 100}")
    with home.server.project.lock:
        for number in range(50):
            home.server.project.create_index(f"index-{number}")
    env = access(home.server, PINECONE_API_KEY=Server.editor_key)
    line = [str(COMMAND), "remediate", "--state", "state", "--apply", "--yes", "--format", "json"]
    with subprocess.Popen(line, env=env, cwd=home.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not home.writes and process.poll() is None:
            time.sleep(0.01)
        home.server.latency = 0.2
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    told = json.loads(out)["results"]
    states = {it["state"] for it in told}
    assert (process.returncode, err) == (130, b"backup-auditor: interrupted\n")
    assert states == {"done", "not_started"}
    made = {it.id for it in home.server.project.schedules.values() if it.name == "auditor"}
    assert {it["id"] for it in told if it["state"] == "done"} == made
    home.server.latency = 0.0
    assert home.remediate("--apply", "--yes").code == 0
    assert len(home.server.project.schedules) == 53
