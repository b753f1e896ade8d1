"""What fills the quota beside what the controls count: runs that are listed, and stay until they expire."""

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


def test_runs_of_a_paused_schedule_fill_the_quota() -> None:
    """They are kept for a year more, and eight of the new schedule come on top."""
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


def test_runs_of_a_schedule_that_is_gone_fill_the_quota() -> None:
    """Their names tell that they were runs; nothing tells when they expire."""
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
def test_an_enabled_schedule_fills_what_it_comes_to_hold(
    run_count: int, settings: dict[str, Any], max_creations: int
) -> None:
    """What it made stays until it expires, and meanwhile it makes others."""
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
        pytest.param(14, {"frequency": "weekly", "retention": 100 * DAY}, 74, id="made-faster"),
    ],
)
def test_a_change_takes_what_is_not_filled_by_its_own_runs(
    run_count: int, settings: dict[str, Any], extra_slots: int
) -> None:
    """A schedule that is resumed takes one backup at once and makes one more at least, whatever it holds."""
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


def test_a_planned_run_fills_nothing() -> None:
    """It is listed before it begins."""
    inventory = build_inventory(build_scheduled_index(enabled=False, run_count=2))
    rows = [replace(inventory.backups.rows[0], backup_id="ahead", status="Scheduled"), *inventory.backups.rows]
    extended_inventory = replace(inventory, backups=replace(inventory.backups, rows=tuple(rows)))
    assert (
        plan_remediation(build_remediation_policy(fix_mode=Mode.NEVER), inventory=extended_inventory).slots_before == 2
    )
