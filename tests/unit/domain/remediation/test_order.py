"""The order of actions in a plan after earlier failures."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.domain.policy import Mode
from backup_auditor.domain.remediation.plan import ActionRecord, ActionState, RemediationPlan
from backup_auditor.domain.remediation.planner import make_plan
from support.builders.facts import DAY, HOUR, IndexCase, ago, build_inventory, evaluate_facts
from support.builders.plans import (
    build_remediation_policy,
    build_scheduled_index,
    build_unscheduled_index,
    plan_remediation,
)

CASES = (build_unscheduled_index("a"), build_unscheduled_index("b"), build_unscheduled_index("c"))


def build_attempt(
    key: str, age: timedelta = DAY, state: ActionState = ActionState.FAILED, attempt: int = 1
) -> ActionRecord:
    """Build the record of an attempt that was started so long ago."""
    return ActionRecord("default", key, attempt, "a-plan", "tester@here", ago(age), "POST /", {}, state)


def plan_after_attempts(
    attempts: list[ActionRecord], *cases: IndexCase, create_mode: Mode = Mode.APPLY, **facts: Any
) -> RemediationPlan:
    """Create a plan for some indexes after these attempts."""
    policy, inventory = build_remediation_policy(create_mode, **facts), build_inventory(*cases)
    return make_plan(inventory, policy, evaluate_facts(inventory, policy).findings, attempts)


def list_order(plan: RemediationPlan) -> list[str]:
    """Return the keys of the actions in order."""
    return [it.key for it in plan.actions]


@pytest.mark.parametrize("state", [ActionState.FAILED, ActionState.UNKNOWN, ActionState.VERIFICATION_FAILED])
def test_a_failed_action_comes_after_the_others(state: ActionState) -> None:
    """An action that always fails does not use up the limit of creations per run."""
    attempts = [build_attempt("create_schedule/a", state=state), build_attempt("create_schedule/b", state=state)]
    assert list_order(plan_after_attempts(attempts, *CASES, max_creations=1)) == ["create_schedule/c"]


def test_the_oldest_failure_is_tried_first() -> None:
    """Every failed action is tried again, the oldest failure first."""
    attempts = [build_attempt("create_schedule/a", DAY), build_attempt("create_schedule/b", 2 * DAY)]
    assert [it.index for it in plan_after_attempts(attempts, *CASES).actions] == ["c", "b", "a"]


def test_only_the_latest_attempt_counts() -> None:
    """The order of the records does not matter."""
    attempts = [
        build_attempt("create_schedule/a", HOUR, ActionState.SKIPPED, attempt=2),
        build_attempt("create_schedule/a", DAY),
    ]
    assert plan_after_attempts(attempts, *CASES) == plan_remediation(build_remediation_policy(), *CASES)
    later_attempts = [
        build_attempt("create_schedule/a", HOUR, attempt=2),
        build_attempt("create_schedule/a", DAY, ActionState.DONE),
    ]
    assert [it.index for it in plan_after_attempts(later_attempts, *CASES).actions] == ["b", "c", "a"]


def test_the_first_backup_waits_with_a_schedule_that_failed() -> None:
    """All actions of an index stay together: three failures in a row would stop the run."""
    cases = (
        build_unscheduled_index("a"),
        build_unscheduled_index("b"),
        build_scheduled_index("slow", retention=3 * DAY),
    )
    plan = plan_after_attempts([build_attempt("create_schedule/a")], *cases, first_backup=True)
    assert list_order(plan) == [
        "create_schedule/b",
        "update_schedule/slow-schedule-1",
        "first_backup/b",
        "create_schedule/a",
        "first_backup/a",
    ]


def test_a_failed_action_comes_before_proposals() -> None:
    """The quota is used for actions that are applied."""
    cases = (build_unscheduled_index("a"), build_scheduled_index("slow", retention=3 * DAY))
    attempts = [build_attempt("update_schedule/slow-schedule-1")]
    assert [it.index for it in plan_after_attempts(attempts, *cases, create_mode=Mode.PROPOSE).actions] == ["slow", "a"]


def test_the_same_attempts_give_the_same_plan() -> None:
    """Other attempts that change the order give a plan with another id."""
    attempts = [build_attempt("create_schedule/a"), build_attempt("create_schedule/b", HOUR)]
    plan = plan_after_attempts(attempts, *CASES)
    assert plan_after_attempts(attempts[::-1], *CASES[::-1]) == plan
    assert plan_after_attempts([], *CASES).plan_id != plan.plan_id
    assert (
        plan_after_attempts([*attempts, replace(build_attempt("create_schedule/gone"), project="default")], *CASES)
        == plan
    )
