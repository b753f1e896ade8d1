"""Listed runs that use the quota until they expire, which the quota controls do not count."""

from dataclasses import replace
from typing import Any

import pytest

from backup_auditor.domain.policy import Mode
from support.builders.facts import DAY, build_daily_runs, build_index, build_inventory, rename_index
from support.builders.plans import (
    build_remediation_policy,
    build_scheduled_index,
    build_unscheduled_index,
    plan_remediation,
)


def test_runs_of_a_paused_schedule_use_the_quota() -> None:
    """They stay for another year, and eight runs of the new schedule are added."""
    full_index = build_scheduled_index("held", enabled=False, retention=400 * DAY, run_count=30)
    plan = plan_remediation(
        build_remediation_policy(fix_mode=Mode.NEVER, quota=40),
        full_index,
        build_unscheduled_index("a"),
        build_unscheduled_index("b"),
        build_unscheduled_index("c"),
    )
    assert [it.index for it in plan.actions] == ["a"]
    assert (plan.slots_before, plan.slots_after) == (30, 38)


def test_runs_of_a_deleted_schedule_use_the_quota() -> None:
    """Their names show that they are runs; their expiry is unknown."""
    runs = [replace(it, index_name="orders") for it in build_daily_runs(5)]
    index_without_schedule = rename_index(build_index(schedules=(), listed_backups=runs, state="Ready"), "orders")
    plan = plan_remediation(build_remediation_policy(quota=12), index_without_schedule)
    assert (plan.slots_before, plan.actions) == (5, ())
    assert plan_remediation(build_remediation_policy(quota=13), index_without_schedule).slots_after == 13


@pytest.mark.parametrize(
    "run_count,settings,max_creations",
    [
        pytest.param(3, {}, 8, id="young"),
        pytest.param(7, {}, 8, id="steady"),
        pytest.param(12, {}, 13, id="listed-although-they-expired"),
        pytest.param(14, {"frequency": "weekly", "retention": 100 * DAY}, 27, id="slowed-down"),
        pytest.param(14, {"frequency": "weekly", "retention": 14 * DAY}, 15, id="slowed-down-and-kept-for-little"),
    ],
)
def test_an_enabled_schedule_uses_what_it_will_hold(
    run_count: int, settings: dict[str, Any], max_creations: int
) -> None:
    """Its runs stay until they expire, and new ones are added."""
    policy = build_remediation_policy(fix_mode=Mode.NEVER, quota=100)
    assert (
        plan_remediation(
            policy, build_scheduled_index(run_count=run_count, **{"retention": 7 * DAY, **settings})
        ).slots_before
        == max_creations
    )


@pytest.mark.parametrize(
    "run_count,settings,extra_slots",
    [
        pytest.param(3, {"enabled": False}, 6, id="resumed"),
        pytest.param(7, {"enabled": False}, 2, id="resumed-while-full"),
        pytest.param(20, {"enabled": False}, 2, id="resumed-while-more-than-full"),
        pytest.param(2, {"retention": 3 * DAY}, 4, id="kept-longer"),
        pytest.param(5, {"retention": 3 * DAY}, 2, id="kept-longer-than-was-deleted"),
        pytest.param(14, {"frequency": "weekly", "retention": 100 * DAY}, 74, id="runs-more-often"),
    ],
)
def test_a_change_needs_the_slots_that_its_own_runs_do_not_use(
    run_count: int, settings: dict[str, Any], extra_slots: int
) -> None:
    """A resumed schedule takes one backup at once and at least one more, whatever it holds."""
    plan = plan_remediation(build_remediation_policy(quota=200), build_scheduled_index(run_count=run_count, **settings))
    assert [it.slots for it in plan.actions] == [extra_slots]
    assert plan.slots_after - plan.slots_before == extra_slots
    assert (
        len(
            plan_remediation(
                build_remediation_policy(quota=plan.slots_after), build_scheduled_index(run_count=run_count, **settings)
            ).actions
        )
        == 1
    )


def test_a_planned_run_uses_no_quota() -> None:
    """It is listed before it starts."""
    inventory = build_inventory(build_scheduled_index(enabled=False, run_count=2))
    rows = [replace(inventory.backups.rows[0], backup_id="ahead", status="Scheduled"), *inventory.backups.rows]
    extended_inventory = replace(inventory, backups=replace(inventory.backups, rows=tuple(rows)))
    assert (
        plan_remediation(build_remediation_policy(fix_mode=Mode.NEVER), inventory=extended_inventory).slots_before == 2
    )
