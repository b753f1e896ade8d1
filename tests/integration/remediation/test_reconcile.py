"""Test that the next run finds the actions of an interrupted run, and records their effect."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from backup_auditor.application.remediation.reconcile import settle_open_actions
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.remediation.plan import ActionKind, ActionRecord, ActionState
from backup_auditor.ports.stores import RemediationLog
from support.builders.plans import build_remediation_policy
from support.simulator import RemediatedProject, build_empty_project, serve_remediated_project

pytestmark = pytest.mark.writes
ACTION_KEYS = ("create_schedule/orders", "first_backup/orders")
ACTOR = "tester@here"


def run_everything(project: RemediatedProject) -> dict[str, ActionRecord]:
    """Apply one action of each kind, and return the records by action."""
    simulated_project = project.simulated_project
    simulated_project.create_index("orders")
    simulated_project.create_index("slow")
    simulated_project.create_schedule("slow", "theirs", "monthly", 100)
    simulated_project.advance(timedelta(hours=1))
    result = project.run()
    assert {it.state for it in result.results} == {ActionState.DONE}
    records = {it.action.key: project.log.find_last_attempt("default", it.action.key) for it in result.results}
    return {key: it for key, it in records.items() if it is not None}


def leave_unfinished(log: RemediationLog, record: ActionRecord) -> None:
    """Store a record as an interrupted run leaves it."""
    log.record_result(replace(record, state=ActionState.STARTED, detail="", target_id=None, after={}, ended_at=None))


@pytest.mark.parametrize(
    "actor, delay, is_settled",
    [
        pytest.param(ACTOR, timedelta(minutes=1), True, id="same-invocation"),
        pytest.param("another", timedelta(minutes=15), True, id="another-at-limit"),
        pytest.param("another", timedelta(minutes=15, seconds=-1), False, id="another-before-limit"),
        pytest.param(ACTOR, timedelta(seconds=-1), False, id="started-after-the-read"),
    ],
)
def test_a_visible_effect_settles_an_attempt(tmp_path: Path, actor: str, delay: timedelta, *, is_settled: bool) -> None:
    """An attempt with a visible effect is recorded once as done by the actor that started it."""
    with serve_remediated_project(
        build_empty_project(), tmp_path / "state", build_remediation_policy(first_backup=True)
    ) as project:
        records = run_everything(project)
        assert {it.partition("/")[0] for it in records} == set(ActionKind)
        for record in records.values():
            leave_unfinished(project.log, record)
        recorded_attempt = project.audit().inventory
        observed_inventory = replace(
            recorded_attempt, observed_at=min(it.started_at for it in records.values()) + delay
        )
        settled_records = settle_open_actions(observed_inventory, project.policy, project.log, actor)
        records_by_key = {it.key: it for it in settled_records}
        assert records_by_key.keys() == (records.keys() if is_settled else set())
        for key, record in records_by_key.items():
            assert record == project.log.find_last_attempt("default", key)
            assert (record.state, record.target_id, record.actor) == (ActionState.DONE, records[key].target_id, ACTOR)
            assert record.after.keys() == records[key].after.keys()
        assert settle_open_actions(observed_inventory, project.policy, project.log, actor) == []
        assert len(project.log.list_unsettled("default")) == (0 if is_settled else len(records))


@pytest.mark.parametrize("key", ACTION_KEYS)
def test_an_attempt_without_a_visible_effect_stays_open(tmp_path: Path, key: str) -> None:
    """A resource that existed before the attempt is not its effect."""
    with serve_remediated_project(
        build_empty_project(), tmp_path / "state", build_remediation_policy(first_backup=True)
    ) as project:
        record = run_everything(project)[key]
        leave_unfinished(project.log, replace(record, before={str(record.target_id): {}}))
        project.simulated_project.advance(timedelta(hours=1))
        assert settle_open_actions(project.audit().inventory, project.policy, project.log, ACTOR) == []
        assert [it.key for it in project.log.list_unsettled("default")] == [key]


def test_an_attempt_without_a_stored_plan_stays_open(tmp_path: Path) -> None:
    """An attempt whose plan is not stored any more is not settled."""
    with serve_remediated_project(
        build_empty_project(), tmp_path / "state", build_remediation_policy(fix_mode=Mode.NEVER)
    ) as project:
        (record,) = run_everything(project).values()
        leave_unfinished(project.log, replace(record, plan_id="deleted"))
        project.simulated_project.advance(timedelta(hours=1))
        assert settle_open_actions(project.audit().inventory, project.policy, project.log, ACTOR) == []


@pytest.mark.parametrize("is_own_schedule", [True, False])
def test_an_existing_schedule_settles_an_interrupted_creation(tmp_path: Path, *, is_own_schedule: bool) -> None:
    """The attempt is done if it created the schedule, and failed if another actor did; the action is satisfied."""
    with serve_remediated_project(
        build_empty_project(), tmp_path / "state", build_remediation_policy(fix_mode=Mode.NEVER)
    ) as project:
        (record,) = run_everything(project).values()
        leave_unfinished(
            project.log, record if is_own_schedule else replace(record, before={str(record.target_id): {}})
        )
        assert {it.state for it in project.execute_plan().results} == {ActionState.ALREADY_SATISFIED}
        recorded_attempt = project.log.find_last_attempt("default", record.key)
        assert recorded_attempt is not None
        expected_record = (ActionState.DONE, record.target_id) if is_own_schedule else (ActionState.FAILED, None)
        assert (recorded_attempt.state, recorded_attempt.target_id, recorded_attempt.after) == (
            *expected_record,
            record.after if is_own_schedule else {},
        )
