"""What fills the quota beside what the controls count: runs that are listed, and stay until they expire."""

from dataclasses import replace
from typing import Any

import pytest

from backup_auditor.domain.policy import Mode
from support.builders.facts import DAY, daily_runs, index, inventory, renamed
from support.builders.plans import bare, planned, remedial, scheduled


def test_runs_of_a_paused_schedule_fill_the_quota() -> None:
    """They are kept for a year more, and eight of the new schedule come on top."""
    held = scheduled("held", enabled=False, retention=400 * DAY, held=30)
    plan = planned(remedial(fix=Mode.NEVER, quota=40), held, bare("a"), bare("b"), bare("c"))
    assert [it.index for it in plan.actions] == ["a"]
    assert (plan.slots_before, plan.slots_after) == (30, 38)


def test_runs_of_a_schedule_that_is_gone_fill_the_quota() -> None:
    """Their names tell that they were runs; nothing tells when they expire."""
    runs = [replace(it, index_name="orders") for it in daily_runs(5)]
    left = renamed(index(schedules=(), listed=runs, state="Ready"), "orders")
    plan = planned(remedial(quota=12), left)
    assert (plan.slots_before, plan.actions) == (5, ())
    assert planned(remedial(quota=13), left).slots_after == 13


@pytest.mark.parametrize(
    "held,settings,most",
    [
        pytest.param(3, {}, 8, id="young"),
        pytest.param(7, {}, 8, id="steady"),
        pytest.param(12, {}, 13, id="listed-although-they-expired"),
        pytest.param(14, {"frequency": "weekly", "retention": 100 * DAY}, 27, id="slowed-down"),
        pytest.param(14, {"frequency": "weekly", "retention": 14 * DAY}, 15, id="slowed-down-and-kept-for-little"),
    ],
)
def test_an_enabled_schedule_fills_what_it_comes_to_hold(held: int, settings: dict[str, Any], most: int) -> None:
    """What it made stays until it expires, and meanwhile it makes others."""
    policy = remedial(fix=Mode.NEVER, quota=100)
    assert planned(policy, scheduled(held=held, **{"retention": 7 * DAY, **settings})).slots_before == most


@pytest.mark.parametrize(
    "held,settings,more",
    [
        pytest.param(3, {"enabled": False}, 6, id="resumed"),
        pytest.param(7, {"enabled": False}, 2, id="resumed-while-full"),
        pytest.param(20, {"enabled": False}, 2, id="resumed-while-more-than-full"),
        pytest.param(2, {"retention": 3 * DAY}, 4, id="kept-longer"),
        pytest.param(5, {"retention": 3 * DAY}, 2, id="kept-longer-than-was-deleted"),
        pytest.param(14, {"frequency": "weekly", "retention": 100 * DAY}, 74, id="made-faster"),
    ],
)
def test_a_change_takes_what_is_not_filled_by_its_own_runs(held: int, settings: dict[str, Any], more: int) -> None:
    """A schedule that is resumed takes one backup at once and makes one more at least, whatever it holds."""
    plan = planned(remedial(quota=200), scheduled(held=held, **settings))
    assert [it.slots for it in plan.actions] == [more]
    assert plan.slots_after - plan.slots_before == more
    assert len(planned(remedial(quota=plan.slots_after), scheduled(held=held, **settings)).actions) == 1


def test_a_planned_run_fills_nothing() -> None:
    """It is listed before it begins."""
    told = inventory(scheduled(enabled=False, held=2))
    rows = [replace(told.backups.rows[0], backup_id="ahead", status="Scheduled"), *told.backups.rows]
    more = replace(told, backups=replace(told.backups, rows=tuple(rows)))
    assert planned(remedial(fix=Mode.NEVER), told=more).slots_before == 2
