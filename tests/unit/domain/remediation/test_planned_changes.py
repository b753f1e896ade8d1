"""Which schedules are changed, which are not, and why."""

from dataclasses import replace
from typing import Any

import pytest

from backup_auditor.domain.remediation.actions import ActionKind
from support.builders.facts import DAY, IndexCase, index, renamed, schedule
from support.builders.plans import ACCEPTED, calls, left_out, planned, remedial, scheduled


@pytest.mark.parametrize(
    "settings,body",
    [
        pytest.param({"frequency": "weekly", "retention": 30 * DAY}, '{"frequency": "daily"}', id="too-slow"),
        pytest.param({"retention": 3 * DAY}, '{"retention": {"expire_after_days": 7}}', id="too-short"),
        pytest.param({"enabled": False}, '{"enabled": true}', id="paused"),
        pytest.param(
            {"enabled": False, "frequency": "monthly", "retention": DAY},
            '{"enabled": true, "frequency": "daily", "retention": {"expire_after_days": 7}}',
            id="everything",
        ),
    ],
)
def test_a_schedule_that_falls_short_is_changed_by_one_call(settings: dict[str, Any], body: str) -> None:
    """Faster, longer kept, or resumed; another call undoes it."""
    plan = planned(remedial(), scheduled(**settings))
    assert calls(plan) == [f"PATCH /backup-schedules/orders-schedule-1 {body}"]
    (action,) = plan.actions
    before = {"enabled": True, "frequency": "daily", "retention": 7 * DAY} | settings
    undone = {"enabled": before["enabled"], "frequency": before["frequency"]}
    told = action.build_undo_call("orders-schedule-1").body
    assert told.keys() == action.call.body.keys()
    assert {key: told[key] for key in told.keys() & undone.keys()} == {
        key: undone[key] for key in told.keys() & undone.keys()
    }


@pytest.mark.parametrize(
    "case,why",
    [
        pytest.param(scheduled(retention=500 * DAY), "never lowered", id="kept-too-long"),
        pytest.param(scheduled(frequency="weekly", name="n" * 29), "a name cannot be changed", id="name-too-long"),
        pytest.param(scheduled(name="n" * 29), "every run fails", id="name-alone-too-long"),
        pytest.param(scheduled(frequency="weekly", retention=500 * DAY), "never lowered", id="slow-and-kept-too-long"),
        pytest.param(scheduled(enabled=False, retention=500 * DAY), "never lowered", id="paused-and-kept-too-long"),
        pytest.param(scheduled(frequency="hourly"), "not known", id="frequency-unknown"),
        pytest.param(scheduled(retention=None), "not known", id="retention-unknown"),
        pytest.param(
            renamed(index(schedules=[schedule(frequency="weekly"), schedule("two")], state="Ready"), "orders"),
            "2 enabled schedules",
            id="two-enabled",
        ),
        pytest.param(
            renamed(
                index(schedules=[schedule(enabled=False), schedule("two", enabled=False)], state="Ready"), "orders"
            ),
            "2 paused schedules",
            id="two-paused",
        ),
        pytest.param(
            renamed(index(schedules=[schedule(frequency="weekly")], state="Terminating"), "orders"),
            "not ready",
            id="being-deleted",
        ),
    ],
)
def test_a_schedule_that_is_not_changed_says_why(case: IndexCase, why: str) -> None:
    """Retention is never lowered, and no guess is made."""
    plan = planned(remedial(), case)
    assert plan.actions == ()
    assert why in left_out(plan, ActionKind.UPDATE_SCHEDULE)["orders"]


def test_what_is_exempted_of_a_schedule_is_not_changed_with_the_rest() -> None:
    """A frequency that somebody accepted stays, whether the schedule is enabled or paused."""
    accepted = replace(ACCEPTED, controls=("schedule-frequency-meets-policy",))
    required = replace(remedial(), exemptions=(accepted,))
    slow = scheduled(frequency="weekly", retention=8 * DAY)
    assert calls(planned(required, slow)) == [
        'PATCH /backup-schedules/orders-schedule-1 {"retention": {"expire_after_days": 14}}'
    ]
    paused = scheduled(frequency="weekly", retention=30 * DAY, enabled=False)
    assert calls(planned(required, paused)) == ['PATCH /backup-schedules/orders-schedule-1 {"enabled": true}']
    shortest = replace(ACCEPTED, controls=("schedule-retention-meets-minimum",))
    brief = scheduled(retention=DAY)
    assert calls(planned(replace(remedial(), exemptions=(shortest,)), brief)) == [
        'PATCH /backup-schedules/orders-schedule-1 {"retention": {"expire_after_days": 2}}'
    ]
