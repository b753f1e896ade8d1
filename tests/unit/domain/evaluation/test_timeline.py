"""The nights of an index: what is told of each, and what is left out because it is not known."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given

from backup_auditor.domain.evaluation.run_gaps import RunGap
from backup_auditor.domain.evaluation.timeline import RecoveryPoint, Timeline
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.model import Deployment
from backup_auditor.domain.timefmt import Period, format_moment
from support.builders.facts import (
    BROKEN,
    DAY,
    GRACE,
    HOUR,
    NOW,
    IndexCase,
    ago,
    backup,
    broken,
    daily_runs,
    finding,
    index,
    inventory,
    judged,
    planned_run,
    policy,
    run,
    schedule,
)
from support.builders.strategies import projects

OLD = schedule(created_at=ago(400 * DAY))


def told(case: IndexCase | Inventory, **required: Any) -> Timeline:
    """Tell the nights of the only index."""
    (timeline,) = judged(case, policy(**required)).timelines
    return timeline


def moments(*ages: timedelta) -> tuple[datetime, ...]:
    """Return the moments so long before the audit."""
    return tuple(map(ago, ages))


def test_a_healthy_index_has_met_its_objective_since_its_first_point() -> None:
    """Seven points, each with its expiry, one run to come, and nothing missed."""
    found = told(index())
    assert found.recovery_points == tuple(
        RecoveryPoint(it, expires=True, expires_at=it + 7 * DAY)
        for it in moments(*(6 * HOUR + n * DAY for n in range(6, -1, -1)))
    )
    assert found.scheduled_runs == (NOW + 18 * HOUR,)
    assert found.objective_met == (Period(ago(6 * HOUR + 6 * DAY), NOW),)
    assert found.last_expires_at == ago(6 * HOUR) + 7 * DAY
    assert (found.objective_missed, found.gaps, found.failed_runs, found.past_runs, found.unknown_reasons) == (
        (),
        (),
        (),
        (),
        (),
    )


def test_the_moment_without_recovery_points_is_that_of_the_finding() -> None:
    """Picture and verdict rest on the same arithmetic."""
    case = index(schedules=[schedule(enabled=False)])
    told_there = finding("recovery-points-outlast-horizon", case).evidence["last_recovery_point_expires_at"]
    zero = told(case).last_expires_at
    assert zero is not None
    assert format_moment(zero) == told_there


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(index(backups=[backup(9 * DAY)]), id="one-never-expires"),
        pytest.param(index(backups=[backup(None)]), id="one-tells-no-time"),
        pytest.param(index(schedules=[schedule(retention=None)]), id="retention-not-known"),
        pytest.param(index(schedules=()), id="no-point"),
    ],
)
def test_there_may_be_no_such_moment(case: IndexCase) -> None:
    """Nothing is said of the end where something lasts, where there is nothing, or where it is not known."""
    assert told(case).last_expires_at is None


def test_missing_runs_and_the_missed_objective_are_told_from_end_to_end() -> None:
    """Two nights without a run leave a gap between runs, and a time without a recent point from 30h after the last."""
    found = told(index(runs=[*daily_runs(2), *daily_runs(3, 6 * HOUR + 4 * DAY)]))
    before, after = ago(6 * HOUR + 4 * DAY), ago(6 * HOUR + DAY)
    assert found.gaps == (RunGap(before, after, 2, "daily", DAY + GRACE),)
    assert found.objective_missed == (Period(before + 30 * HOUR, after),)
    assert found.objective_met == (Period(ago(6 * HOUR + 6 * DAY), before + 30 * HOUR), Period(after, NOW))


def test_a_point_that_expires_early_meets_nothing_afterwards() -> None:
    """A schedule that keeps for a day leaves six hours of each 30 unmet."""
    found = told(index(schedules=[schedule(retention=DAY)], runs=[run(30 * HOUR)], listed=[]))
    assert found.past_runs == moments(30 * HOUR)
    assert found.objective_met == (Period(ago(30 * HOUR), ago(6 * HOUR)),)
    assert found.objective_missed == (Period(ago(6 * HOUR), NOW),)


def test_what_only_one_look_misses_is_not_called_missing() -> None:
    """Without a second walk neither gap nor missed objective is told, but why is."""
    runs = [*daily_runs(2), *daily_runs(3, 6 * HOUR + 4 * DAY)]
    found = told(inventory(index(runs=runs, walks=1), walks=1))
    assert (found.gaps, found.objective_missed) == ((), ())
    assert [it.partition(",")[0] for it in found.unknown_reasons] == [
        "Runs seem to be missing",
        "The objective seems to have been missed",
    ]


def test_that_the_newest_point_is_too_old_rests_on_what_its_finding_rests_on() -> None:
    """Two looks at the project's backups are enough, even where nobody looked twice at histories."""
    case = index(runs=daily_runs(3, 54 * HOUR), walks=1)
    found = told(inventory(case))
    assert found.objective_missed == (Period(ago(24 * HOUR), NOW),)
    assert [it.partition(",")[0] for it in found.unknown_reasons] == ["Runs seem to be missing"]


def test_failed_runs_and_those_under_way_are_told() -> None:
    """Each by the moment of its capture."""
    runs = [run(6 * HOUR, status="Failed"), run(HOUR, status="Initializing"), *daily_runs(3, 30 * HOUR), planned_run()]
    found = told(index(runs=runs))
    assert (found.failed_runs, found.runs_in_progress) == (moments(6 * HOUR), moments(HOUR))


def test_old_points_are_counted() -> None:
    """Points of before the last 30 nights are not told one by one, nor are more than the 60 latest."""
    old = told(index(schedules=[replace(OLD, retention=60 * DAY)], runs=daily_runs(40)))
    assert (len(old.recovery_points), old.earlier_recovery_point_count) == (30, 10)
    hourly = told(index(backups=[backup(n * HOUR, backup_id=str(n)) for n in range(100)]))
    assert (len(hourly.recovery_points), hourly.earlier_recovery_point_count) == (60, 47)


def test_it_is_told_when_old_points_expire() -> None:
    """As far as nights to come are shown: as long as those that were."""
    found = told(index(schedules=[replace(OLD, retention=33 * DAY)], runs=daily_runs(32)))
    assert found.earlier_expiries == tuple(sorted(it + 33 * DAY for it in moments(*(30.25 * DAY, 31.25 * DAY))))
    later = told(index(schedules=[replace(OLD, retention=62 * DAY)], runs=daily_runs(32)))
    assert (later.earlier_recovery_point_count, later.earlier_expiries) == (2, ())


@pytest.mark.parametrize(
    "facts,expected",
    [
        pytest.param(inventory(index()), True, id="all-is-known"),
        pytest.param(inventory(index(schedules=())), True, id="there-is-none"),
        pytest.param(inventory(index(backups=[backup(9 * DAY)])), True, id="one-never-expires"),
        pytest.param(inventory(index(), backups=broken()), False, id="not-all-is-read"),
        pytest.param(inventory(index(backups=[backup(None)])), False, id="one-tells-no-time"),
        pytest.param(inventory(index(schedules=[schedule(retention=None)])), False, id="retention-not-known"),
    ],
)
def test_it_is_told_whether_what_is_left_is_known(facts: Inventory, *, expected: bool) -> None:
    """All recovery points have to be, and the end of each; without that no moment of none is told."""
    found = told(facts)
    assert found.is_remaining_known is expected
    assert expected or found.last_expires_at is None


@pytest.mark.parametrize(
    "frequency,length",
    [
        pytest.param("daily", 30 * DAY, id="daily"),
        pytest.param("weekly", 98 * DAY, id="weekly"),
        pytest.param("hourly", 30 * DAY, id="not-known"),
    ],
)
def test_a_slow_schedule_is_told_further_back(frequency: str, length: timedelta) -> None:
    """As far as missing runs are looked for."""
    assert told(index(schedules=[schedule(frequency=frequency)])).since == NOW - length


def test_what_was_not_read_is_said() -> None:
    """A listing that broke off, or an id in doubt, leaves a reason."""
    broke = inventory(index(), backups=broken(index().listed))
    assert f"Not all was read: {BROKEN.call}: {BROKEN.error}" in told(broke).unknown_reasons
    doubted = told(index(schedules=[], listed=[backup(DAY)], own=None))
    assert doubted.recovery_points == ()
    assert "was not read" in doubted.unknown_reasons[0]


def test_the_rule_and_its_objective_are_named() -> None:
    """Without a rule it is the defaults' objective."""
    found = told(index(), max_age=48 * HOUR)
    assert (found.rule, found.max_age) == (None, 48 * HOUR)


def test_an_index_that_cannot_be_backed_up_has_no_nights() -> None:
    """Pods are left out."""
    assert list(judged(index(deployment=Deployment.POD, schedules=None)).timelines) == []


@given(projects())
def test_nights_are_sorted_and_agree_with_each_other(facts: Inventory) -> None:
    """Moments come sorted, no stretch is both met and missed, and all of them end with the audit."""
    for it in judged(facts).timelines:
        for found in (it.failed_runs, it.past_runs, it.scheduled_runs, it.runs_in_progress):
            assert list(found) == sorted(set(found))
        stretches = sorted([*it.objective_met, *it.objective_missed])
        assert all(a.end <= b.start for a, b in pairwise(stretches))
        assert all(it.since <= start < end <= facts.observed_at for start, end in stretches)
