"""Test what `backup-auditor remediate` shows, asks, applies and returns."""

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
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from simulator_process import COMMAND
from support.cli import CompletedCommand, build_access_environment, run_command
from support.clock import read_real_clock
from support.simulator import serve

pytestmark = pytest.mark.writes
APPLY_POLICY = "version: 1\nremediation: {create_schedules: apply, fix_schedules: apply}\n"


class ProjectHome:
    """A project at the present time, and a folder with a policy."""

    def __init__(self, server: Server, folder: Path) -> None:
        """Write a policy that allows applying every action."""
        self.server = server
        self.folder = folder
        self.write_policy(APPLY_POLICY)

    def write_policy(self, text: str) -> None:
        """Write another policy."""
        (self.folder / "backup-auditor.yaml").write_text(text)

    def remediate(self, *flags: str, **variables: str) -> CompletedCommand:
        """Run the command with an editor's key."""
        env = build_access_environment(
            self.server, **{"PINECONE_API_KEY": Server.editor_key, "COLUMNS": "100", **variables}
        )
        return run_command("remediate", "--state", "state", *flags, env=env, cwd=self.folder)

    @property
    def write_requests(self) -> list[str]:
        """Return the requests that write to the project."""
        return [f"{it.method} {it.path}" for it in self.server.requests if it.is_write]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[ProjectHome]:
    """Serve two indexes without a schedule, and one whose schedule is too slow."""
    project = SimulatedProject(read_real_clock())
    for name in ("carts", "orders", "slow"):
        project.create_index(name)
    project.create_schedule("slow", "theirs", "weekly", 60)
    with serve(project) as server:
        yield ProjectHome(server, tmp_path)


def read_plan_id(completed: CompletedCommand) -> str:
    """Return the id of the plan that is shown."""
    match = re.search(r"plan ([0-9a-f]{16})", completed.output)
    assert match, completed
    return match[1]


def test_a_plan_is_shown_without_a_write(home: ProjectHome) -> None:
    """A viewer key is enough to show the calls, the quota use and the day of the first run."""
    result = home.remediate(PINECONE_API_KEY=Server.viewer_key)
    assert (result.exit_code, result.error_output, home.write_requests) == (0, "", [])
    first_run_day = (read_real_clock() + timedelta(days=1)).strftime("%Y-%m-%d")
    assert f"first run by {first_run_day}" in result.output
    assert "9 of 500 now, 77 with this plan" in result.output
    assert "weekly becomes daily" in result.output
    assert "PATCH /backup-schedules/" in result.output


def test_a_plan_is_executed_and_undone_by_the_shown_calls(home: ProjectHome) -> None:
    """The plan is applied with its undo calls, and the next run applies nothing."""
    result = home.remediate("--apply", "--yes")
    assert (result.exit_code, result.error_output) == (0, "")
    assert sorted(home.write_requests)[1:] == [
        "POST /indexes/carts/backup-schedules",
        "POST /indexes/orders/backup-schedules",
    ]
    assert result.output.count("undo: DELETE /backup-schedules/") == 2
    assert "undo: PATCH /backup-schedules/" in result.output
    second_result = home.remediate("--apply", "--yes")
    assert second_result.exit_code == 0
    assert "nothing to do" in second_result.output
    assert len(home.write_requests) == 3


def test_json_is_one_document(home: ProjectHome) -> None:
    """A shown plan and an applied plan are each one JSON document."""
    shown_plan: Any = json.loads(home.remediate("--format", "json").output)
    assert shown_plan["results"] is None
    assert [it["index"] for it in shown_plan["actions"]] == ["carts", "orders", "slow"]
    applied_plan: Any = json.loads(home.remediate("--apply", "--yes", "--format", "json").output)
    assert applied_plan["plan_id"] == shown_plan["plan_id"]
    assert {it["state"] for it in applied_plan["results"]} == {"done"}
    assert all(it["undo"]["path"].startswith("/backup-schedules/") for it in applied_plan["results"])


@pytest.mark.parametrize(
    "streams,code,write_count,words",
    [
        pytest.param(">/dev/full", 3, 3, "No space left on device; `backup-auditor remediate --plan", id="full-disk"),
        pytest.param(">&-", 2, 0, "standard output is closed; open it", id="closed-output"),
        pytest.param("2>/dev/full", 0, 3, "", id="full-disk-of-messages"),
    ],
)
def test_results_that_cannot_be_written_are_not_lost(
    home: ProjectHome, streams: str, code: int, write_count: int, words: str
) -> None:
    """An error after the first write is exit code 3, and the recorded results can be shown."""
    script = f'"{COMMAND}" remediate --state state --apply --yes --format json {streams}'
    env = build_access_environment(home.server, PINECONE_API_KEY=Server.editor_key)
    process = subprocess.run(["/bin/sh", "-c", script], env=env, cwd=home.folder, capture_output=True, check=False)
    assert (process.returncode, len(home.write_requests)) == (code, write_count)
    error_output = process.stderr.decode()
    assert words in error_output
    if code == 3:
        plan_id = error_output.partition("--plan ")[2].partition("`")[0]
        assert "3 applied" in home.remediate("--plan", plan_id).output


def test_a_shown_plan_is_applied_once_by_its_id(home: ProjectHome) -> None:
    """A second execution of the plan writes nothing, and showing the plan again prints the results."""
    plan_id = read_plan_id(home.remediate())
    assert home.remediate("--plan", plan_id, "--apply", "--yes").exit_code == 0
    write_count = len(home.write_requests)
    second_result = home.remediate("--plan", plan_id, "--apply", "--yes")
    assert (second_result.exit_code, len(home.write_requests)) == (0, write_count)
    assert second_result.output.count("already satisfied") >= 3
    third_result = home.remediate("--plan", plan_id)
    assert third_result.output.count("undo: ") == 3


@pytest.mark.parametrize(
    "policy,flags,words",
    [
        pytest.param(APPLY_POLICY, ("--apply",), ("needs a terminal", "--yes"), id="no-terminal"),
        pytest.param(APPLY_POLICY, ("--yes",), ("--apply",), id="yes-without-apply"),
        pytest.param(APPLY_POLICY, ("--plan", "0" * 16), ("has no plan", "create another plan"), id="unknown-plan"),
        pytest.param(APPLY_POLICY, ("--plan", "x" * 500, "--apply", "--yes"), ("no plan",), id="invalid-plan"),
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
            f"{APPLY_POLICY}defaults: {{schedule: {{frequency: weekly, retention_days: {{min: 1, max: 7}}}},"
            " recovery: {min_copies: 1}}",
            (),
            ("at least 8 days",),
            id="impossible",
        ),
    ],
)
def test_an_invalid_command_is_refused_before_the_first_request(
    home: ProjectHome, policy: str, flags: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """An invalid flag or policy is exit code 2 and one error line, and no request is sent."""
    home.write_policy(policy)
    result = home.remediate(*flags)
    assert (result.exit_code, result.output, home.server.requests) == (2, "", []), result
    assert len(result.error_output.splitlines()) == 1
    assert all(expected_word in result.error_output for expected_word in words), result.error_output


def test_a_plan_of_another_policy_project_or_day_is_refused(home: ProjectHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan of another project, another policy or an earlier day is refused before the first request."""
    plan_id = read_plan_id(home.remediate())
    home.server.requests.clear()
    other_result = home.remediate("--plan", plan_id, "--project", "other", "--apply", "--yes")
    home.write_policy(f"{APPLY_POLICY}# changed\n")
    changed_result = home.remediate("--plan", plan_id, "--apply", "--yes")
    for result, expected_word in (
        (other_result, "project 'other' has no plan"),
        (changed_result, "with another policy"),
    ):
        assert (result.exit_code, home.server.requests) == (2, [])
        assert expected_word in result.error_output
    home.write_policy(APPLY_POLICY)
    later_moment = read_real_clock() + timedelta(hours=24, minutes=1)
    monkeypatch.setattr(runtime, "now", lambda: later_moment)
    assert_plan_is_stale(home, plan_id, monkeypatch)


def assert_plan_is_stale(home: ProjectHome, plan_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Assert that an old plan is refused, in this process, because the test sets the clock."""
    from backup_auditor.cli.main import main  # noqa: PLC0415  only here

    monkeypatch.chdir(home.folder)
    monkeypatch.setenv("PINECONE_API_KEY", Server.editor_key)
    monkeypatch.setenv("PINECONE_CONTROLLER_HOST", home.server.url)
    assert main(["remediate", "--state", "state", "--plan", plan_id, "--apply", "--yes"]) == 2
    assert home.server.requests == []


def test_proposed_kinds_are_not_applied(home: ProjectHome) -> None:
    """Only actions of kinds with the mode `apply` are applied, and a plan without such actions is refused."""
    home.write_policy("remediation: {create_schedules: propose, fix_schedules: apply}")
    result = home.remediate("--apply", "--yes")
    assert result.exit_code == 0
    assert "CREATE SCHEDULE  (proposed" in result.output
    assert [it.split(" ", maxsplit=1)[0] for it in home.write_requests] == ["PATCH"]
    second_result = home.remediate("--apply", "--yes")
    assert second_result.exit_code == 2
    assert "create schedule" in second_result.error_output
    assert len(home.write_requests) == 1


def test_a_failed_action_is_exit_code_1(home: ProjectHome) -> None:
    """A failed action is reported beside the actions that were done."""
    home.server.faults.append(Fault(status=400, method="POST", path="/indexes/carts/*", message="No."))
    result = home.remediate("--apply", "--yes")
    assert result.exit_code == 1
    assert "failed. 400: No." in result.output
    assert "2 done, 1 failed" in result.output or "1 failed, 2 done" in result.output


def test_a_key_without_write_access_is_exit_code_2(home: ProjectHome) -> None:
    """A viewer key is refused with status 403."""
    result = home.remediate("--apply", "--yes", PINECONE_API_KEY=Server.viewer_key)
    assert result.exit_code == 2
    assert "failed. 403" in result.output


def test_an_unknown_outcome_is_exit_code_3(home: ProjectHome) -> None:
    """The outcome of a write whose response is lost is reported as unknown."""
    home.server.faults.append(Fault(kind="reset", method="POST", path="/indexes/carts/*"))
    result = home.remediate("--apply", "--yes")
    assert result.exit_code == 3
    assert "unknown. " in result.output


def test_no_plan_is_shown_if_the_indexes_cannot_be_read(home: ProjectHome) -> None:
    """A failed read of the indexes is an error, not an empty plan."""
    home.server.faults.append(Fault(status=503, path="/indexes"))
    result = home.remediate(BACKUP_AUDITOR_DEADLINE="20s")
    assert (result.exit_code, result.output) == (2, "")
    assert "the list of indexes could not be read" in result.error_output


def test_a_project_other_than_the_one_of_the_policy_is_not_changed(home: ProjectHome) -> None:
    """A key of a project that the policy does not expect is refused."""
    home.write_policy(f"{APPLY_POLICY}project: {{expected_id: somewhere-else}}\n")
    result = home.remediate("--apply", "--yes")
    assert (result.exit_code, home.write_requests) == (2, [])
    assert "the policy is for another project" in result.error_output


@pytest.mark.parametrize("expected", [None, "ours"])
def test_a_plan_is_not_executed_with_the_key_of_another_project(home: ProjectHome, expected: str | None) -> None:
    """The plan is refused if the id of the key's project differs from that of the plan or the policy."""
    home.server.project.project_id = "ours"
    home.write_policy(f"{APPLY_POLICY}project: {{expected_id: {expected or 'null'}}}\n")
    plan_id = read_plan_id(home.remediate())
    home.server.project.project_id = "theirs"
    result = home.remediate("--plan", plan_id, "--apply", "--yes")
    assert (result.exit_code, home.write_requests) == (2, [])
    assert ("the policy is for another project" if expected else "is for Pinecone project ours") in result.error_output


@pytest.fixture
def unscheduled_home(tmp_path: Path) -> Iterator[ProjectHome]:
    """Serve three indexes without a schedule, in the project that the policy expects."""
    project = SimulatedProject(read_real_clock())
    project.project_id = "ours"
    for name in ("carts", "orders", "searches"):
        project.create_index(name)
    with serve(project) as server:
        home = ProjectHome(server, tmp_path)
        home.write_policy(f"{APPLY_POLICY}project: {{expected_id: ours}}\n")
        yield home


def audit_with_temporary_schedule(home: ProjectHome) -> None:
    """Audit with a schedule, so that the state has the project's id, and delete the schedule."""
    schedule = home.server.project.create_schedule("carts", "theirs", "daily", 9)
    result = run_command("audit", "--state", "state", env=build_access_environment(home.server), cwd=home.folder)
    assert result.exit_code in {0, 1}
    home.server.project.delete_schedule(schedule.id)


def test_a_project_with_an_unknown_id_is_not_changed(
    unscheduled_home: ProjectHome,
) -> None:
    """If the project's id is unknown, the plan is shown but not applied, and the error has the remedy."""
    assert unscheduled_home.remediate().exit_code == 0
    result = unscheduled_home.remediate("--apply", "--yes")
    assert (result.exit_code, unscheduled_home.write_requests) == (2, [])
    assert "the policy expects project ours" in result.error_output
    assert "create the first schedule by hand" in result.error_output


def test_a_project_with_a_recorded_id_is_changed(unscheduled_home: ProjectHome) -> None:
    """The recorded id of an earlier audit is used if no schedule has the id now."""
    audit_with_temporary_schedule(unscheduled_home)
    result = unscheduled_home.remediate("--apply", "--yes")
    assert (result.exit_code, len(unscheduled_home.write_requests)) == (0, 3)


def test_a_response_from_another_project_stops_the_run(unscheduled_home: ProjectHome) -> None:
    """The run stops after one write, and prints the call that undoes the write."""
    audit_with_temporary_schedule(unscheduled_home)
    unscheduled_home.server.project.project_id = "theirs"
    result = unscheduled_home.remediate("--apply", "--yes")
    assert (result.exit_code, len(unscheduled_home.write_requests)) == (1, 1)
    assert "The API key belongs to Pinecone project theirs, not to ours" in " ".join(result.output.split())
    assert result.output.count("undo: DELETE /backup-schedules/") == 1
    assert result.output.count("not started") >= 2


@pytest.mark.parametrize("expected", ["null", "ours"])
def test_a_plan_with_a_project_id_is_not_applied_to_a_project_with_an_unknown_id(
    unscheduled_home: ProjectHome, expected: str
) -> None:
    """A plan with the project's id is refused if the id cannot be read any more."""
    unscheduled_home.write_policy(f"{APPLY_POLICY}project: {{expected_id: {expected}}}\n")
    schedule = unscheduled_home.server.project.create_schedule("carts", "theirs", "daily", 9)
    plan_id = read_plan_id(unscheduled_home.remediate())
    unscheduled_home.server.project.delete_schedule(schedule.id)
    unscheduled_home.server.project.project_id = "theirs"
    result = unscheduled_home.remediate("--plan", plan_id, "--apply", "--yes")
    assert (result.exit_code, unscheduled_home.write_requests) == (2, [])
    assert "is for Pinecone project ours" in result.error_output


def test_a_state_of_another_project_is_refused(unscheduled_home: ProjectHome) -> None:
    """The error names both ids, and no plan is shown or applied."""
    audit_with_temporary_schedule(unscheduled_home)
    unscheduled_home.server.project.project_id = "theirs"
    unscheduled_home.write_policy(APPLY_POLICY)
    unscheduled_home.server.project.create_schedule("carts", "theirs", "daily", 9)
    result = unscheduled_home.remediate("--apply", "--yes")
    assert (result.exit_code, result.output, unscheduled_home.write_requests) == (2, "", [])
    assert "ours" in result.error_output
    assert "theirs" in result.error_output


def test_an_index_skipped_after_a_read_error_is_exit_code_3(home: ProjectHome) -> None:
    """A read error of one index is exit code 3 for a shown and for an applied plan."""
    fault = Fault(kind="garbage", path="/indexes/carts/backup-schedules", method="GET")
    home.server.faults.append(fault)
    shown_result = home.remediate()
    assert shown_result.exit_code == 3
    assert "carts" in shown_result.output.partition("SKIPPED")[2]
    assert home.remediate("--apply", "--yes").exit_code == 3
    home.server.faults.clear()
    assert home.remediate("--apply", "--yes").exit_code == 0


def test_a_skipped_action_whose_index_is_gone_is_exit_code_0(home: ProjectHome) -> None:
    """An action whose index was deleted is skipped, and the exit code is 0."""
    home.server.project.create_index("fine")
    home.server.project.create_schedule("fine", "theirs", "daily", 9)
    plan_id = read_plan_id(home.remediate())
    home.server.project.delete_index("slow")
    result = home.remediate("--plan", plan_id, "--apply", "--yes")
    assert (result.exit_code, len(home.write_requests)) == (0, 2)
    assert "skipped. The index no longer exists." in result.output


def test_a_schedule_that_is_paused_after_the_call_is_exit_code_1(home: ProjectHome) -> None:
    """Verification fails if the schedule is paused after the write."""
    (slow_schedule,) = home.server.project.get_index("slow").schedules

    def pause_schedule(project: SimulatedProject) -> None:
        project.update_schedule(slow_schedule, enabled=False)

    path = f"/backup-schedules/{slow_schedule}"
    home.server.faults.append(Fault(kind="shift", method="PATCH", path=path, times=1, change=pause_schedule))
    result = home.remediate("--apply", "--yes")
    assert result.exit_code == 1
    assert "Verification failed. Its schedule theirs is paused." in " ".join(result.output.split())
    assert "undo: PATCH" in result.output


@pytest.mark.parametrize("confirmation,code,writes", [("y", 0, 3), ("n", 2, 0), ("", 2, 0)])
def test_applying_asks_for_confirmation_on_a_terminal(
    home: ProjectHome, confirmation: str, code: int, writes: int
) -> None:
    """The plan is applied only if the answer is yes."""
    main, terminal_end = pty.openpty()
    env = build_access_environment(home.server, PINECONE_API_KEY=Server.editor_key)
    line = [str(COMMAND), "remediate", "--state", "state", "--apply"]
    with subprocess.Popen(
        line, env=env, cwd=home.folder, stdin=terminal_end, stderr=terminal_end, stdout=subprocess.PIPE
    ) as process:
        os.close(terminal_end)
        os.write(main, f"{confirmation}\n".encode())
        output, _ = process.communicate(timeout=60)
        os.close(main)
    assert (process.returncode, len(home.write_requests)) == (code, writes)
    assert b"plan " in output


def test_an_interrupted_run_reports_what_was_done(home: ProjectHome) -> None:
    """After an interrupt the sent writes are recorded, no other is started, and the next run continues."""
    home.write_policy("remediation: {create_schedules: apply, max_creations: 100}")
    with home.server.project.lock:
        for number in range(50):
            home.server.project.create_index(f"index-{number}")
    env = build_access_environment(home.server, PINECONE_API_KEY=Server.editor_key)
    line = [str(COMMAND), "remediate", "--state", "state", "--apply", "--yes", "--format", "json"]
    with subprocess.Popen(line, env=env, cwd=home.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not home.write_requests and process.poll() is None:
            time.sleep(0.01)
        home.server.latency = 0.2
        process.send_signal(signal.SIGINT)
        output, error_output = process.communicate(timeout=60)
    action_results = json.loads(output)["results"]
    states = {it["state"] for it in action_results}
    assert (process.returncode, error_output) == (130, b"backup-auditor: interrupted\n")
    assert states == {"done", "not_started"}
    created_ids = {it.id for it in home.server.project.schedules.values() if it.name == "auditor"}
    assert {it["id"] for it in action_results if it["state"] == "done"} == created_ids
    home.server.latency = 0.0
    assert home.remediate("--apply", "--yes").exit_code == 0
    assert len(home.server.project.schedules) == 53
