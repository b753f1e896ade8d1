"""Test the records and the results of the actions of a plan."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.domain.model import ApiCall, Frequency, ScheduleSettings
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.remediation.plan import (
    Action,
    ActionRecord,
    ActionResult,
    ActionState,
    CreateBackup,
    CreateSchedule,
    RemediationPlan,
    UpdateSchedule,
    build_result,
    build_results,
)
from support.builders.facts import DAY, HOUR, NOW, SECOND

CREATION = CreateSchedule("orders", "auditor", Frequency.DAILY, 7 * DAY, 8, "It has no schedule.")
CHANGE = UpdateSchedule(
    "carts",
    "schedule-1",
    "nightly",
    ScheduleSettings(enabled=True, retention=14 * DAY),
    ScheduleSettings(enabled=False, frequency=Frequency.DAILY, retention=7 * DAY),
    0,
    "It is paused.",
)
FIRST_BACKUP = CreateBackup("orders", "auditor-first-20261122", "It has no recovery point.")
PLAN = RemediationPlan(
    "search", "0" * 64, NOW, Mode.APPLY, Mode.APPLY, (CREATION, CHANGE, FIRST_BACKUP), (), 0, 9, None
)
APPLIED_VALUES = {"enabled": True, "frequency": "daily", "retention": {"expire_after_days": 14}}


def build_record(action: Action = CREATION, state: ActionState = ActionState.DONE, **facts: Any) -> ActionRecord:
    """Build the record of an attempt at an action, started when the plan was created."""
    defaults: dict[str, Any] = {"attempt": 1, "plan_id": PLAN.plan_id, "actor": "tester@here", "started_at": NOW}
    return ActionRecord(
        **{"project": "search", "key": action.key, "call": str(action.call), "before": {}, "state": state}
        | defaults
        | facts
    )


@pytest.mark.parametrize("action", PLAN.actions, ids=["creation", "change", "first-backup"])
def test_an_action_is_found_by_its_key(action: Action) -> None:
    """Each action of a plan has a key of its own."""
    assert PLAN.find_action(action.key) is action


def test_an_unknown_key_has_no_action() -> None:
    """A key of no action of the plan gives none."""
    assert PLAN.find_action("create_schedule/other") is None


@pytest.mark.parametrize(
    "age, reason",
    [
        pytest.param(timedelta(), None, id="new"),
        pytest.param(timedelta(hours=24), None, id="at-limit"),
        pytest.param(timedelta(hours=24) + SECOND, "is too old (limit: 1d)", id="one-second-past"),
        pytest.param(timedelta(minutes=-5), None, id="five-minutes-in-the-future"),
        pytest.param(timedelta(minutes=-5) - SECOND, "was created in the future", id="one-second-more"),
    ],
)
def test_a_plan_of_an_invalid_age_is_not_applied(age: timedelta, reason: str | None) -> None:
    """A plan is valid for 24 hours, and for clocks that differ by at most 5 minutes."""
    assert PLAN.explain_invalid_age(PLAN.created_at + age) == reason


@pytest.mark.parametrize(
    "state, label",
    [
        pytest.param(ActionState.DONE, "done", id="one-word"),
        pytest.param(ActionState.VERIFICATION_FAILED, "verification failed", id="two-words"),
    ],
)
def test_a_state_is_written_with_spaces(state: ActionState, label: str) -> None:
    """The label of a state has spaces instead of underscores."""
    assert state.label == label


@pytest.mark.parametrize(
    "state, is_satisfied, expected",
    [
        pytest.param(ActionState.DONE, False, True, id="done"),
        pytest.param(ActionState.ALREADY_SATISFIED, False, True, id="already-satisfied"),
        pytest.param(ActionState.SKIPPED, True, True, id="skipped-and-satisfied"),
        pytest.param(ActionState.SKIPPED, False, False, id="skipped"),
        pytest.param(ActionState.FAILED, True, False, id="failed"),
        pytest.param(ActionState.VERIFICATION_FAILED, False, False, id="verification-failed"),
        pytest.param(ActionState.UNKNOWN, False, False, id="unknown"),
        pytest.param(ActionState.NOT_STARTED, False, False, id="not-started"),
    ],
)
def test_a_result_is_successful_if_the_policy_is_satisfied(
    state: ActionState, is_satisfied: bool, expected: bool
) -> None:
    """A skipped action is successful only if the policy is satisfied without it."""
    assert ActionResult(CREATION, state, is_satisfied=is_satisfied).is_successful is expected


@pytest.mark.parametrize(
    "action, target_id, call",
    [
        pytest.param(CREATION, "s/1", ApiCall("DELETE", "/backup-schedules/s%2F1"), id="creation"),
        pytest.param(
            CHANGE,
            "s/1",
            ApiCall("PATCH", "/backup-schedules/s%2F1", {"enabled": False, "retention": {"expire_after_days": 7}}),
            id="change",
        ),
        pytest.param(FIRST_BACKUP, "b/1", ApiCall("DELETE", "/backups/b%2F1"), id="first-backup"),
    ],
)
@pytest.mark.parametrize("state", [ActionState.DONE, ActionState.VERIFICATION_FAILED, ActionState.UNKNOWN])
def test_an_applied_action_is_undone_by_one_call(
    action: Action, target_id: str, call: ApiCall, state: ActionState
) -> None:
    """The undo call deletes what was created, or restores the settings that were changed."""
    assert ActionResult(action, state, target_id=target_id).undo_call == call


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(ActionResult(CREATION, ActionState.DONE), id="unknown-target"),
        pytest.param(ActionResult(CREATION, ActionState.FAILED, target_id="s1"), id="failed"),
        pytest.param(ActionResult(CREATION, ActionState.SKIPPED, target_id="s1"), id="skipped"),
        pytest.param(ActionResult(CREATION, ActionState.ALREADY_SATISFIED, target_id="s1"), id="already-satisfied"),
        pytest.param(
            ActionResult(CHANGE, ActionState.DONE, target_id="s1", has_later_change=True), id="changed-afterwards"
        ),
    ],
)
def test_nothing_is_undone_without_an_applied_action(result: ActionResult) -> None:
    """An action without effect has no undo call, and neither has a schedule that was changed after it."""
    assert result.undo_call is None


def test_a_created_schedule_is_deleted_although_it_was_changed() -> None:
    """A later change of a created schedule does not prevent its undo call."""
    result = ActionResult(CREATION, ActionState.DONE, target_id="s1", has_later_change=True)
    assert result.undo_call == ApiCall("DELETE", "/backup-schedules/s1")


@pytest.mark.parametrize(
    "record, expected",
    [
        pytest.param(build_record(), True, id="done"),
        pytest.param(build_record(state=ActionState.VERIFICATION_FAILED), True, id="verification-failed"),
        pytest.param(build_record(state=ActionState.ALREADY_SATISFIED), True, id="already-satisfied"),
        pytest.param(build_record(plan_id="other"), False, id="another-plan"),
        pytest.param(build_record(started_at=NOW - SECOND), False, id="one-second-before-the-plan"),
        pytest.param(build_record(state=ActionState.FAILED), False, id="failed"),
        pytest.param(build_record(state=ActionState.STARTED), False, id="started"),
        pytest.param(build_record(state=ActionState.UNKNOWN), False, id="unknown"),
        pytest.param(build_record(state=ActionState.FAILED, plan_id="other"), False, id="failed-in-another-plan"),
    ],
)
def test_an_action_that_was_applied_since_the_plan_is_done(record: ActionRecord, expected: bool) -> None:
    """An action is done if its record is of the same plan, not older than the plan, and of an applied state."""
    assert PLAN.has_applied(record) is expected


def test_the_results_of_a_plan_are_the_latest_records_since_it() -> None:
    """Actions without a record since the plan have no result, and the last record of an action counts."""
    records = [
        build_record(CHANGE, started_at=NOW - SECOND),
        build_record(FIRST_BACKUP, ActionState.FAILED, detail="503"),
        build_record(FIRST_BACKUP, attempt=2, started_at=NOW + HOUR, target_id="b1"),
        build_record(CREATION, target_id="s1", detail="Created."),
    ]
    assert build_results(PLAN, records) == (
        ActionResult(CREATION, ActionState.DONE, "Created.", "s1"),
        ActionResult(FIRST_BACKUP, ActionState.DONE, target_id="b1"),
    )


@pytest.mark.parametrize(
    "action, state, after, expected",
    [
        pytest.param(CHANGE, ActionState.DONE, APPLIED_VALUES, False, id="as-changed"),
        pytest.param(CHANGE, ActionState.DONE, APPLIED_VALUES | {"frequency": "weekly"}, False, id="other-setting"),
        pytest.param(CHANGE, ActionState.DONE, APPLIED_VALUES | {"enabled": False}, True, id="paused-again"),
        pytest.param(CHANGE, ActionState.DONE, {}, True, id="settings-missing"),
        pytest.param(CHANGE, ActionState.VERIFICATION_FAILED, {}, False, id="verification-failed"),
        pytest.param(CREATION, ActionState.DONE, {"enabled": False}, False, id="creation"),
    ],
)
def test_a_later_change_shows_in_the_settings_that_were_sent(
    action: Action, state: ActionState, after: Mapping[str, object], expected: bool
) -> None:
    """A changed schedule was changed again if a setting that was sent has another value."""
    record = build_record(action, state, after=after, detail="Sent.", target_id="s1")
    assert build_result(action, record) == ActionResult(
        action, state, "Sent.", "s1", after=after, has_later_change=expected
    )


def test_the_id_of_a_stored_plan_stays() -> None:
    """A plan that was read from a store has the id under which it was stored."""
    assert replace(PLAN, stored_id="5c0f").plan_id == "5c0f"
    assert replace(PLAN, stored_id="5c0f") == PLAN


@pytest.mark.parametrize(
    "call, text",
    [
        pytest.param(ApiCall("DELETE", "/backups/b1"), "DELETE /backups/b1", id="without-a-body"),
        pytest.param(
            ApiCall("POST", "/indexes/a/backups", {"name": "b"}), 'POST /indexes/a/backups {"name": "b"}', id="body"
        ),
    ],
)
def test_a_call_is_written_in_one_line(call: ApiCall, text: str) -> None:
    """A call is written with its method, its path, and its body if it has one."""
    assert str(call) == text
