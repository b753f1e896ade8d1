"""Test that the results of an execution state which actions of a plan were applied."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from backup_auditor.cli.exit_codes import choose_remediation_exit_code
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.remediation.plan import ActionState
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.builders.plans import build_remediation_policy
from support.simulator import (
    RemediatedProject,
    build_empty_project,
    get_states_by_index,
    list_schedules,
    serve_remediated_project,
)

pytestmark = pytest.mark.writes
SCHEDULES_PATH = "/indexes/*/backup-schedules"
type ProjectChange = Callable[[SimulatedProject], object]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[RemediatedProject]:
    """Serve three indexes without a schedule."""
    simulated_project = build_empty_project()
    for name in ("carts", "logs", "orders"):
        simulated_project.create_index(name)
    with serve_remediated_project(simulated_project, tmp_path / "state") as remediated_project:
        yield remediated_project


def test_every_index_gets_the_schedule_of_the_plan(project: RemediatedProject) -> None:
    """Each schedule is created, verified and recorded, and the next plan has no actions."""
    outcome = project.run()
    assert set(get_states_by_index(outcome.results).values()) == {ActionState.DONE}
    assert set(map(str, list_schedules(project.simulated_project).values())) == {"[('auditor', 'daily', 7, True)]"}
    calls = [it for it in project.server.requests if it.role == "editor" and "orders" in it.path]
    assert [(it.method, it.path.removeprefix("/indexes/orders")) for it in calls] == [
        ("GET", "/backup-schedules"),
        ("POST", "/backup-schedules"),
        ("GET", "/backup-schedules"),
    ]
    plan = project.plan
    assert plan is not None
    for result in outcome.results:
        record = project.log.find_last_attempt("default", result.action.key)
        assert record is not None
        assert (record.state, record.actor, record.plan_id) == (ActionState.DONE, "tester@here", plan.plan_id)
        assert record.after == {
            "name": "auditor",
            "enabled": True,
            "frequency": "daily",
            "retention": {"expire_after_days": 7},
        }
        assert record.target_id in project.simulated_project.schedules
        assert str(result.undo_call) == f"DELETE /backup-schedules/{record.target_id}"
    assert project.create_plan().actions == ()


def test_a_plan_applies_each_action_once(project: RemediatedProject) -> None:
    """A second execution applies no action; after a deletion of the schedules, only a new plan creates them again."""
    plan = project.create_plan()
    project.execute_plan(plan)
    write_count = len(project.write_requests)
    second_result = project.execute_plan(plan)
    assert set(get_states_by_index(second_result.results).values()) == {ActionState.ALREADY_SATISFIED}
    assert choose_remediation_exit_code(second_result.results, is_refused=False) == 0
    for schedule in list(project.simulated_project.schedules):
        project.simulated_project.delete_schedule(schedule)
    second_result = project.execute_plan(plan)
    assert set(get_states_by_index(second_result.results).values()) == {ActionState.SKIPPED}
    assert choose_remediation_exit_code(second_result.results, is_refused=False) == 1
    assert "tester@here applied it" in second_result.results[0].detail
    assert len(project.write_requests) == write_count
    project.simulated_project.advance(timedelta(minutes=1))
    new_plan = project.create_plan()
    assert new_plan.plan_id == plan.plan_id
    assert set(get_states_by_index(project.execute_plan(new_plan).results).values()) == {ActionState.DONE}


@pytest.mark.parametrize(
    "change,state,reason",
    [
        pytest.param(
            lambda simulated_project: simulated_project.create_schedule("orders", "theirs", "daily", 30),
            ActionState.ALREADY_SATISFIED,
            "theirs satisfies the policy",
            id="other-schedule-satisfies",
        ),
        pytest.param(
            lambda simulated_project: simulated_project.create_schedule("orders", "theirs", "weekly", 30),
            ActionState.SKIPPED,
            "theirs runs weekly (required: daily)",
            id="other-schedule-violates",
        ),
        pytest.param(
            lambda simulated_project: simulated_project.update_schedule(
                simulated_project.create_schedule("orders", "theirs").id, enabled=False
            ),
            ActionState.SKIPPED,
            "theirs is paused",
            id="other-schedule-paused",
        ),
        pytest.param(
            lambda simulated_project: simulated_project.delete_index("orders"),
            ActionState.SKIPPED,
            "The index no longer exists.",
            id="deleted",
        ),
        pytest.param(
            lambda simulated_project: setattr(
                simulated_project.get_index("orders"), "ready_at", simulated_project.now + timedelta(hours=1)
            ),
            ActionState.SKIPPED,
            "not ready",
            id="not-ready",
        ),
    ],
)
def test_an_index_that_changed_after_the_plan_is_skipped(
    project: RemediatedProject, change: ProjectChange, state: ActionState, reason: str
) -> None:
    """An action whose index changed is not sent and has a reason, and the other actions are applied."""
    plan = project.create_plan()
    change(project.simulated_project)
    outcome = project.execute_plan(plan)
    (orders_result,) = (it for it in outcome.results if it.action.index == "orders")
    assert (orders_result.state, orders_result.undo_call) == (state, None)
    assert reason in orders_result.detail
    assert not [it for it in project.write_requests if "orders" in it.path]
    assert list(get_states_by_index(outcome.results).values()).count(ActionState.DONE) == 2


@pytest.mark.parametrize(
    "change,state,reason",
    [
        pytest.param(
            lambda simulated_project: simulated_project.create_schedule("orders", "theirs", "daily", 30),
            ActionState.ALREADY_SATISFIED,
            "satisfies the policy",
            id="satisfies",
        ),
        pytest.param(
            lambda simulated_project: simulated_project.create_schedule("orders", "theirs", "monthly", 30),
            ActionState.FAILED,
            "monthly",
            id="violates",
        ),
        pytest.param(
            lambda simulated_project: simulated_project.delete_index("orders"),
            ActionState.SKIPPED,
            "no longer exists",
            id="deleted-before-the-call",
        ),
    ],
)
def test_a_schedule_created_between_read_and_call_is_found(
    project: RemediatedProject, change: ProjectChange, state: ActionState, reason: str
) -> None:
    """After a conflict, an action is already satisfied if the new schedule satisfies the policy, or else it failed."""
    project.create_plan()
    path = "/indexes/orders/backup-schedules"
    project.server.faults.append(Fault(kind="shift", method="POST", path=path, times=1, change=change))
    outcome = project.execute_plan()
    (orders_result,) = (it for it in outcome.results if it.action.index == "orders")
    assert orders_result.state is state
    assert reason in orders_result.detail
    assert len(project.simulated_project.schedules) in {2, 3}


def test_a_paused_schedule_created_between_read_and_call_fails_verification(project: RemediatedProject) -> None:
    """A new paused schedule causes no conflict, and the verification of the action fails."""

    def pause_other_schedule(simulated_project: SimulatedProject) -> None:
        simulated_project.update_schedule(simulated_project.create_schedule("orders", "theirs").id, enabled=False)

    project.create_plan()
    path = "/indexes/orders/backup-schedules"
    project.server.faults.append(Fault(kind="shift", method="POST", path=path, times=1, change=pause_other_schedule))
    (orders_result,) = (it for it in project.execute_plan().results if it.action.index == "orders")
    assert orders_result.state is ActionState.VERIFICATION_FAILED
    assert "Another schedule appeared at the same time: theirs" in orders_result.detail
    assert orders_result.undo_call is not None


@pytest.mark.parametrize("kind", ["reset_after_effect", "truncate"])
def test_a_lost_response_is_settled_by_reading(project: RemediatedProject, kind: str) -> None:
    """An action whose response was lost is sent once and is done."""
    project.create_plan()
    project.server.faults.append(Fault(kind=kind, method="POST"))
    assert set(get_states_by_index(project.execute_plan().results).values()) == {ActionState.DONE}
    assert len(project.write_requests) == len(project.simulated_project.schedules) == 3


def test_an_unknown_outcome_is_settled_by_the_next_run(project: RemediatedProject) -> None:
    """The next run settles an unknown outcome by reading, and creates the missing schedule."""
    project.create_plan()
    project.server.faults.append(Fault(kind="reset", method="POST", path="/indexes/orders/*"))
    outcome = project.execute_plan()
    assert get_states_by_index(outcome.results)["orders"] is ActionState.UNKNOWN
    project.server.faults.clear()
    assert get_states_by_index(project.run().results) == {"orders": ActionState.DONE}
    records = [it for it in project.log.list_plan_attempts("default", get_last_plan_id(project)) if "orders" in it.key]
    assert [it.state for it in records] == [ActionState.DONE]
    first_attempts = project.log.list_plan_attempts("default", find_first_plan_id(project))
    assert {it.state for it in first_attempts if "orders" in it.key} <= {ActionState.FAILED, ActionState.DONE}


def get_last_plan_id(project: RemediatedProject) -> str:
    """Return the id of the last plan."""
    assert project.plan is not None
    return project.plan.plan_id


def find_first_plan_id(project: RemediatedProject) -> str:
    """Return the id of the plan of the first attempt for an index."""
    record = project.log.find_last_attempt("default", "create_schedule/orders")
    assert record is not None
    assert record.attempt == 2
    return record.plan_id


def test_a_first_backup_is_taken_once(project: RemediatedProject) -> None:
    """A first backup is not repeated while it is running or after it failed."""
    backups = project.with_policy(build_remediation_policy(first_backup=True))
    outcome = backups.run()
    assert [it.state for it in outcome.results] == [ActionState.DONE] * 6
    assert {it.name for it in project.simulated_project.backups.values() if it.schedule is None} == {
        "auditor-first-20261120"
    }
    assert backups.create_plan().actions == ()
    for backup in list(project.simulated_project.backups.values()):
        if backup.schedule is None:
            project.simulated_project.fail_backup(backup)
    project.simulated_project.advance(timedelta(hours=1))
    assert backups.create_plan().actions == ()


def test_a_backup_with_an_unknown_outcome_is_not_repeated_before_it_can_be_listed(project: RemediatedProject) -> None:
    """A backup whose request may have been lost is requested again only after 15 minutes without a listing."""
    backups = project.with_policy(build_remediation_policy(first_backup=True))
    backups.create_plan()
    project.server.faults.append(Fault(kind="reset", method="POST", path="/indexes/orders/backups"))
    backups.execute_plan()
    project.server.faults.clear()
    orders_results = [it for it in backups.run().results if it.action.index == "orders"]
    assert [it.state for it in orders_results] == [ActionState.SKIPPED]
    assert "it may not be listed yet" in orders_results[0].detail
    project.simulated_project.advance(timedelta(minutes=16))
    assert [it.state for it in backups.run().results] == [ActionState.DONE]


def test_the_quota_is_checked_again_before_the_execution(project: RemediatedProject) -> None:
    """Actions that no longer fit the quota are skipped."""
    bounded_project = project.with_policy(build_remediation_policy(quota=24))
    plan = bounded_project.create_plan()
    assert len(plan.actions) == 3
    project.simulated_project.create_index("theirs")
    project.simulated_project.create_schedule("theirs", "theirs", "daily", 9)
    outcome = bounded_project.execute_plan(plan)
    assert sorted(get_states_by_index(outcome.results).values()) == [
        ActionState.DONE,
        ActionState.SKIPPED,
        ActionState.SKIPPED,
    ]
    assert "of 24 are free" in outcome.results[-1].detail


def test_a_viewer_key_cannot_remediate(project: RemediatedProject) -> None:
    """A viewer key stops the execution, and no schedule is created."""
    project.create_plan()
    outcome = project.execute_plan(key=Server.viewer_key)
    assert outcome.stop_error is not None
    assert ActionState.DONE not in get_states_by_index(outcome.results).values()
    assert project.simulated_project.schedules == {}


@pytest.mark.parametrize("mode", [Mode.NEVER, Mode.PROPOSE])
def test_no_action_is_applied_without_the_mode_apply(project: RemediatedProject, mode: Mode) -> None:
    """The modes `never` and `propose` send no write."""
    project.simulated_project.create_schedule("orders", "slow", "monthly", 40)
    restricted_project = project.with_policy(replace(build_remediation_policy(mode, mode, first_backup=True)))
    assert restricted_project.run().results == ()
    assert project.write_requests == []
