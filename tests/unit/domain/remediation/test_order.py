"""In which order a plan takes what failed before: what is refused for ever keeps nobody waiting."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.domain.policy import Mode
from backup_auditor.domain.remediation.plan import ActionRecord, ActionState, RemediationPlan
from backup_auditor.domain.remediation.planner import make_plan
from support.builders.facts import DAY, HOUR, IndexCase, ago, inventory, judged
from support.builders.plans import bare, planned, remedial, scheduled

CASES = (bare("a"), bare("b"), bare("c"))


def tried(key: str, age: timedelta = DAY, state: ActionState = ActionState.FAILED, attempt: int = 1) -> ActionRecord:
    """Build what is recorded of an attempt that was made so long ago."""
    return ActionRecord("default", key, attempt, "a-plan", "somebody@here", ago(age), "POST /", {}, state)


def planned_after(
    attempts: list[ActionRecord], *cases: IndexCase, create: Mode = Mode.APPLY, **facts: Any
) -> RemediationPlan:
    """Plan for some indexes after that was tried."""
    required, told = remedial(create, **facts), inventory(*cases)
    return make_plan(told, required, judged(told, required).findings, attempts)


def order(plan: RemediationPlan) -> list[str]:
    """Return what is done of what, in its order."""
    return [it.key for it in plan.actions]


@pytest.mark.parametrize("state", [ActionState.FAILED, ActionState.UNKNOWN, ActionState.VERIFICATION_FAILED])
def test_what_failed_leaves_its_place_to_the_rest(state: ActionState) -> None:
    """Those that are refused for ever take none of what a run may create from those that are not."""
    attempts = [tried("create_schedule/a", state=state), tried("create_schedule/b", state=state)]
    assert order(planned_after(attempts, *CASES, max_creations=1)) == ["create_schedule/c"]


def test_of_what_failed_that_comes_first_which_waited_longest() -> None:
    """So each of them is tried again, however many there are."""
    attempts = [tried("create_schedule/a", DAY), tried("create_schedule/b", 2 * DAY)]
    assert [it.index for it in planned_after(attempts, *CASES).actions] == ["c", "b", "a"]


def test_only_the_latest_attempt_counts() -> None:
    """Whatever order the attempts are told in."""
    attempts = [tried("create_schedule/a", HOUR, ActionState.SKIPPED, attempt=2), tried("create_schedule/a", DAY)]
    assert planned_after(attempts, *CASES) == planned(remedial(), *CASES)
    again = [tried("create_schedule/a", HOUR, attempt=2), tried("create_schedule/a", DAY, ActionState.DONE)]
    assert [it.index for it in planned_after(again, *CASES).actions] == ["b", "c", "a"]


def test_with_a_schedule_that_failed_its_first_backup_waits() -> None:
    """All of an index keeps its order, behind changes of others too: three failures in a row would end the run."""
    cases = (bare("a"), bare("b"), scheduled("slow", retention=3 * DAY))
    plan = planned_after([tried("create_schedule/a")], *cases, first_backup=True)
    assert order(plan) == [
        "create_schedule/b",
        "update_schedule/slow-schedule-1",
        "first_backup/b",
        "create_schedule/a",
        "first_backup/a",
    ]


def test_what_failed_comes_before_what_is_only_proposed() -> None:
    """Room is for what is carried out."""
    cases = (bare("a"), scheduled("slow", retention=3 * DAY))
    attempts = [tried("update_schedule/slow-schedule-1")]
    assert [it.index for it in planned_after(attempts, *cases, create=Mode.PROPOSE).actions] == ["slow", "a"]


def test_the_same_attempts_give_the_same_plan() -> None:
    """And others, where they change the order, another: its id tells."""
    attempts = [tried("create_schedule/a"), tried("create_schedule/b", HOUR)]
    plan = planned_after(attempts, *CASES)
    assert planned_after(attempts[::-1], *CASES[::-1]) == plan
    assert planned_after([], *CASES).plan_id != plan.plan_id
    assert planned_after([*attempts, replace(tried("create_schedule/gone"), project="default")], *CASES) == plan
