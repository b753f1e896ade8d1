"""Which schedules are changed, which are not, and why."""

from dataclasses import replace
from typing import Any

import pytest

from backup_auditor.domain.remediation.plan import ActionKind
from support.builders.facts import DAY, IndexCase, build_index, build_schedule, rename_index
from support.builders.plans import (
    FULL_EXEMPTION,
    build_remediation_policy,
    build_scheduled_index,
    find_skipped,
    list_calls,
    plan_remediation,
)


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
def test_a_schedule_that_violates_the_policy_is_changed_by_one_call(settings: dict[str, Any], body: str) -> None:
    """It runs more often, keeps backups longer, or is resumed; another call undoes that."""
    plan = plan_remediation(build_remediation_policy(), build_scheduled_index(**settings))
    assert list_calls(plan) == [f"PATCH /backup-schedules/orders-schedule-1 {body}"]
    (action,) = plan.actions
    previous_settings = {"enabled": True, "frequency": "daily", "retention": 7 * DAY} | settings
    expected_undo = {"enabled": previous_settings["enabled"], "frequency": previous_settings["frequency"]}
    undo_body = action.build_undo_call("orders-schedule-1").body
    assert undo_body.keys() == action.call.body.keys()
    assert {key: undo_body[key] for key in undo_body.keys() & expected_undo.keys()} == {
        key: expected_undo[key] for key in undo_body.keys() & expected_undo.keys()
    }


@pytest.mark.parametrize(
    "case,reason",
    [
        pytest.param(build_scheduled_index(retention=500 * DAY), "never lowered", id="kept-too-long"),
        pytest.param(
            build_scheduled_index(frequency="weekly", name="n" * 29), "a name cannot be changed", id="name-too-long"
        ),
        pytest.param(build_scheduled_index(name="n" * 29), "every run fails", id="name-alone-too-long"),
        pytest.param(
            build_scheduled_index(frequency="weekly", retention=500 * DAY), "never lowered", id="slow-and-kept-too-long"
        ),
        pytest.param(
            build_scheduled_index(enabled=False, retention=500 * DAY), "never lowered", id="paused-and-kept-too-long"
        ),
        pytest.param(build_scheduled_index(frequency="hourly"), "is unknown", id="frequency-unknown"),
        pytest.param(build_scheduled_index(retention=None), "is unknown", id="retention-unknown"),
        pytest.param(
            rename_index(
                build_index(schedules=[build_schedule(frequency="weekly"), build_schedule("two")], state="Ready"),
                "orders",
            ),
            "2 enabled schedules",
            id="two-enabled",
        ),
        pytest.param(
            rename_index(
                build_index(
                    schedules=[build_schedule(enabled=False), build_schedule("two", enabled=False)], state="Ready"
                ),
                "orders",
            ),
            "2 paused schedules",
            id="two-paused",
        ),
        pytest.param(
            rename_index(build_index(schedules=[build_schedule(frequency="weekly")], state="Terminating"), "orders"),
            "not ready",
            id="being-deleted",
        ),
    ],
)
def test_a_skipped_change_has_a_reason(case: IndexCase, reason: str) -> None:
    """A retention is never lowered, and no setting is guessed."""
    plan = plan_remediation(build_remediation_policy(), case)
    assert plan.actions == ()
    assert reason in find_skipped(plan, ActionKind.UPDATE_SCHEDULE)["orders"]


def test_an_exempted_setting_is_not_changed() -> None:
    """An exempted frequency stays, whether the schedule is enabled or paused."""
    exemption = replace(FULL_EXEMPTION, controls=("schedule-frequency-meets-policy",))
    policy = replace(build_remediation_policy(), exemptions=(exemption,))
    slow_index = build_scheduled_index(frequency="weekly", retention=8 * DAY)
    assert list_calls(plan_remediation(policy, slow_index)) == [
        'PATCH /backup-schedules/orders-schedule-1 {"retention": {"expire_after_days": 14}}'
    ]
    paused_index = build_scheduled_index(frequency="weekly", retention=30 * DAY, enabled=False)
    assert list_calls(plan_remediation(policy, paused_index)) == [
        'PATCH /backup-schedules/orders-schedule-1 {"enabled": true}'
    ]
    retention_exemption = replace(FULL_EXEMPTION, controls=("schedule-retention-meets-minimum",))
    short_index = build_scheduled_index(retention=DAY)
    assert list_calls(
        plan_remediation(replace(build_remediation_policy(), exemptions=(retention_exemption,)), short_index)
    ) == ['PATCH /backup-schedules/orders-schedule-1 {"retention": {"expire_after_days": 2}}']
