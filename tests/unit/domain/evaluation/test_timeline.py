"""The timeline of an index: what it shows, and what it leaves out because it is unknown."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given

from backup_auditor.domain.evaluation.results import RecoveryPoint, Timeline
from backup_auditor.domain.evaluation.run_gaps import RunGap
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.model import Deployment
from backup_auditor.domain.policy import Rule
from backup_auditor.domain.timefmt import Period, format_moment
from support.builders.facts import (
    DAY,
    GRACE,
    HOUR,
    NOW,
    READ_FAILURE,
    IndexCase,
    ago,
    build_backup,
    build_complete_listing,
    build_conflicting_listing,
    build_daily_runs,
    build_failed_listing,
    build_index,
    build_inventory,
    build_planned_run,
    build_policy,
    build_run,
    build_schedule,
    evaluate_control,
    evaluate_facts,
)
from support.builders.strategies import inventories

OLD_SCHEDULE = build_schedule(created_at=ago(400 * DAY))


def build_index_timeline(case: IndexCase | Inventory, **requirements: Any) -> Timeline:
    """Tell the nights of the only index."""
    (timeline,) = evaluate_facts(case, build_policy(**requirements)).timelines
    return timeline


def list_moments(*ages: timedelta) -> tuple[datetime, ...]:
    """Return the moments so long before the audit."""
    return tuple(map(ago, ages))


def test_a_healthy_index_has_met_its_objective_since_its_first_point() -> None:
    """Seven points, each with its expiry, one run to come, and nothing missed."""
    timeline = build_index_timeline(build_index())
    assert timeline.recovery_points == tuple(
        RecoveryPoint(it, expires=True, expires_at=it + 7 * DAY)
        for it in list_moments(*(6 * HOUR + n * DAY for n in range(6, -1, -1)))
    )
    assert timeline.scheduled_runs == (NOW + 18 * HOUR,)
    assert timeline.objective_met == (Period(ago(6 * HOUR + 6 * DAY), NOW),)
    assert timeline.last_expires_at == ago(6 * HOUR) + 7 * DAY
    assert (
        timeline.objective_missed,
        timeline.gaps,
        timeline.failed_runs,
        timeline.past_runs,
        timeline.unknown_reasons,
    ) == (
        (),
        (),
        (),
        (),
        (),
    )


def test_the_moment_without_recovery_points_is_that_of_the_finding() -> None:
    """Picture and verdict rest on the same arithmetic."""
    case = build_index(schedules=[build_schedule(enabled=False)])
    evidence_moment = evaluate_control("recovery-points-outlast-horizon", case).evidence[
        "last_recovery_point_expires_at"
    ]
    last_expires_at = build_index_timeline(case).last_expires_at
    assert last_expires_at is not None
    assert format_moment(last_expires_at) == evidence_moment


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(build_index(backups=[build_backup(9 * DAY)]), id="one-never-expires"),
        pytest.param(build_index(backups=[build_backup(None)]), id="one-without-time"),
        pytest.param(build_index(schedules=[build_schedule(retention=None)]), id="retention-not-known"),
        pytest.param(build_index(schedules=()), id="no-point"),
    ],
)
def test_there_may_be_no_such_moment(case: IndexCase) -> None:
    """The last expiry is unset if a backup never expires, none exists, or it is unknown."""
    assert build_index_timeline(case).last_expires_at is None


def test_missing_runs_and_the_missed_objective_are_told_from_end_to_end() -> None:
    """Two nights without a run leave a gap between runs, and a time without a recent point from 30h after the last."""
    timeline = build_index_timeline(build_index(runs=[*build_daily_runs(2), *build_daily_runs(3, 6 * HOUR + 4 * DAY)]))
    gap_start, gap_end = ago(6 * HOUR + 4 * DAY), ago(6 * HOUR + DAY)
    assert timeline.gaps == (RunGap(gap_start, gap_end, 2, "daily", DAY + GRACE),)
    assert timeline.objective_missed == (Period(gap_start + 30 * HOUR, gap_end),)
    assert timeline.objective_met == (Period(ago(6 * HOUR + 6 * DAY), gap_start + 30 * HOUR), Period(gap_end, NOW))


def test_a_point_that_expires_early_meets_nothing_afterwards() -> None:
    """A schedule that keeps for a day leaves six hours of each 30 unmet."""
    timeline = build_index_timeline(
        build_index(schedules=[build_schedule(retention=DAY)], runs=[build_run(30 * HOUR)], listed_backups=[])
    )
    assert timeline.past_runs == list_moments(30 * HOUR)
    assert timeline.objective_met == (Period(ago(30 * HOUR), ago(6 * HOUR)),)
    assert timeline.objective_missed == (Period(ago(6 * HOUR), NOW),)


def test_what_only_one_look_misses_is_not_called_missing() -> None:
    """Without a second read, neither gaps nor missed objectives are shown, but the reason is."""
    runs = [*build_daily_runs(2), *build_daily_runs(3, 6 * HOUR + 4 * DAY)]
    timeline = build_index_timeline(build_inventory(build_index(runs=runs, reads=1), reads=1))
    assert (timeline.gaps, timeline.objective_missed) == ((), ())
    assert [it.partition(";")[0] for it in timeline.unknown_reasons] == [
        "Runs may be missing",
        "The objective may have been missed",
    ]


def test_that_the_newest_point_is_too_old_rests_on_what_its_finding_rests_on() -> None:
    """Two reads of the project's backups are enough, even if histories were read once."""
    case = build_index(runs=build_daily_runs(3, 54 * HOUR), reads=1)
    timeline = build_index_timeline(build_inventory(case))
    assert timeline.objective_missed == (Period(ago(24 * HOUR), NOW),)
    assert [it.partition(";")[0] for it in timeline.unknown_reasons] == ["Runs may be missing"]


def test_failed_runs_and_those_under_way_are_reported() -> None:
    """Each by the moment of its capture."""
    runs = [
        build_run(6 * HOUR, status="Failed"),
        build_run(HOUR, status="Initializing"),
        *build_daily_runs(3, 30 * HOUR),
        build_planned_run(),
    ]
    timeline = build_index_timeline(build_index(runs=runs))
    assert (timeline.failed_runs, timeline.runs_in_progress) == (list_moments(6 * HOUR), list_moments(HOUR))


def test_old_points_are_counted() -> None:
    """Points of more than 30 days ago are only counted, and at most the 60 latest are shown."""
    old_timeline = build_index_timeline(
        build_index(schedules=[replace(OLD_SCHEDULE, retention=60 * DAY)], runs=build_daily_runs(40))
    )
    assert (len(old_timeline.recovery_points), old_timeline.earlier_recovery_point_count) == (30, 10)
    hourly_timeline = build_index_timeline(
        build_index(backups=[build_backup(n * HOUR, backup_id=str(n)) for n in range(100)])
    )
    assert (len(hourly_timeline.recovery_points), hourly_timeline.earlier_recovery_point_count) == (60, 47)


def test_it_is_reported_when_old_points_expire() -> None:
    """The timeline shows later expiries for a time as long as its past."""
    timeline = build_index_timeline(
        build_index(schedules=[replace(OLD_SCHEDULE, retention=33 * DAY)], runs=build_daily_runs(32))
    )
    assert timeline.earlier_expiries == tuple(sorted(it + 33 * DAY for it in list_moments(*(30.25 * DAY, 31.25 * DAY))))
    later_timeline = build_index_timeline(
        build_index(schedules=[replace(OLD_SCHEDULE, retention=62 * DAY)], runs=build_daily_runs(32))
    )
    assert (later_timeline.earlier_recovery_point_count, later_timeline.earlier_expiries) == (2, ())


@pytest.mark.parametrize(
    "facts,expected",
    [
        pytest.param(build_inventory(build_index()), True, id="all-is-known"),
        pytest.param(build_inventory(build_index(schedules=())), True, id="there-is-none"),
        pytest.param(build_inventory(build_index(backups=[build_backup(9 * DAY)])), True, id="one-never-expires"),
        pytest.param(build_inventory(build_index(), backups=build_failed_listing()), False, id="not-all-is-read"),
        pytest.param(build_inventory(build_index(backups=[build_backup(None)])), False, id="one-without-time"),
        pytest.param(
            build_inventory(build_index(schedules=[build_schedule(retention=None)])), False, id="retention-not-known"
        ),
    ],
)
def test_it_is_reported_whether_what_is_left_is_known(facts: Inventory, *, expected: bool) -> None:
    """The last expiry is known only if all recovery points and their expiries are."""
    timeline = build_index_timeline(facts)
    assert timeline.is_remaining_known is expected
    assert expected or timeline.last_expires_at is None


@pytest.mark.parametrize(
    "frequency,length",
    [
        pytest.param("daily", 30 * DAY, id="daily"),
        pytest.param("weekly", 98 * DAY, id="weekly"),
        pytest.param("hourly", 30 * DAY, id="not-known"),
    ],
)
def test_a_slow_schedule_is_reported_further_back(frequency: str, length: timedelta) -> None:
    """The timeline of a slow schedule is as long as the time checked for gaps."""
    assert build_index_timeline(build_index(schedules=[build_schedule(frequency=frequency)])).since == NOW - length


def test_what_was_not_read_is_said() -> None:
    """An incomplete listing, or an unknown id, gives a reason."""
    failed_inventory = build_inventory(build_index(), backups=build_failed_listing(build_index().listed_backups))
    assert (
        f"Could not read everything: {READ_FAILURE.call}: {READ_FAILURE.error}"
        in build_index_timeline(failed_inventory).unknown_reasons
    )
    unknown_timeline = build_index_timeline(
        build_index(schedules=[], listed_backups=[build_backup(DAY)], own_backups=None)
    )
    assert unknown_timeline.recovery_points == ()
    assert "was not read" in unknown_timeline.unknown_reasons[0]


def test_the_rule_and_its_objective_are_named() -> None:
    """Without a rule it is the defaults' objective."""
    timeline = build_index_timeline(build_index(), max_age=48 * HOUR)
    assert (timeline.rule, timeline.max_age) == (None, 48 * HOUR)


def test_an_index_that_cannot_be_backed_up_has_no_nights() -> None:
    """Pods are left out."""
    assert list(evaluate_facts(build_index(deployment=Deployment.POD, schedules=None)).timelines) == []


@given(inventories())
def test_nights_are_sorted_and_agree_with_each_other(facts: Inventory) -> None:
    """Moments come sorted, no stretch is both met and missed, and all of them end with the audit."""
    for timeline in evaluate_facts(facts).timelines:
        for moment_group in (
            timeline.failed_runs,
            timeline.past_runs,
            timeline.scheduled_runs,
            timeline.runs_in_progress,
        ):
            assert list(moment_group) == sorted(set(moment_group))
        periods = sorted([*timeline.objective_met, *timeline.objective_missed])
        assert all(a.end <= b.start for a, b in pairwise(periods))
        assert all(timeline.since <= start < end <= facts.observed_at for start, end in periods)


def test_a_timeline_begins_30_days_ago() -> None:
    """A point captured exactly at the start belongs to the timeline, and earlier points are counted."""
    case = build_index(
        schedules=[build_schedule(retention=61 * DAY, created_at=ago(400 * DAY))],
        runs=[build_run(30 * DAY), build_run(31 * DAY), build_run(32 * DAY)],
    )
    timeline = build_index_timeline(case)
    assert timeline.since == ago(30 * DAY)
    assert [it.captured_at for it in timeline.recovery_points] == [ago(30 * DAY)]
    assert timeline.earlier_recovery_point_count == 2
    assert timeline.earlier_expiries == (NOW + 29 * DAY, NOW + 30 * DAY)


def test_a_timeline_names_the_rule_of_its_index() -> None:
    """A timeline has the name of the rule that applies, and none where the defaults apply."""
    policy = replace(build_policy(), rules=(Rule("production", ("main",), {}, build_policy().defaults),))
    (timeline,) = evaluate_facts(build_index(), policy).timelines
    assert timeline.rule == "production"
    assert build_index_timeline(build_index()).rule is None


def test_the_remaining_points_are_unknown_without_the_id_of_the_index() -> None:
    """Backups that may belong to an earlier index are neither points nor known to be none."""
    timeline = build_index_timeline(build_index(schedules=(), backups=[build_backup(DAY)]))
    assert (timeline.recovery_points, timeline.is_remaining_known) == ((), False)
    assert timeline.unknown_reasons == (
        "The id of the live index main is unknown: its own backup listing was not read.",
    )


def test_an_objective_that_may_be_missed_now_is_not_shown_as_missed() -> None:
    """Without a second read of the backups, it is unknown whether the objective is missed now."""
    timeline = build_index_timeline(build_inventory(build_index(runs=[build_run(40 * HOUR)], reads=1), reads=1))
    assert timeline.objective_missed == ()
    assert "The objective may be missed now; not confirmed: the backup listing was read only once." in (
        timeline.unknown_reasons
    )


def test_changed_backups_of_another_index_leave_the_objective_missed() -> None:
    """Rows of another index that changed between two reads do not concern this index."""
    case = build_index(runs=[build_run(40 * HOUR)])
    other_backup = build_backup(DAY, index_id="id-other", index_name="other")
    rows = case.listed_backups
    inventory = build_inventory(case, backups=build_conflicting_listing(rows, [*rows, other_backup]))
    assert build_index_timeline(inventory).objective_missed == (Period(ago(10 * HOUR), NOW),)


def test_a_gap_needs_the_history_of_its_schedule_alone() -> None:
    """A history of another schedule that was read once does not concern a gap."""
    runs = [*build_daily_runs(2), *build_daily_runs(3, 6 * HOUR + 4 * DAY)]
    case = build_index(
        schedules=[build_schedule(), build_schedule("schedule-2", name="second")],
        runs=runs,
        other_runs={"schedule-2": build_complete_listing(build_daily_runs(7, 5 * HOUR), 1)},
    )
    timeline = build_index_timeline(case)
    assert timeline.gaps == (RunGap(ago(6 * HOUR + 4 * DAY), ago(6 * HOUR + DAY), 2, "daily", DAY + GRACE),)
