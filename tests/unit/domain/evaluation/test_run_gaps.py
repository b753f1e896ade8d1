"""Test the gaps between the runs of one schedule at the limits of what is known."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.domain.backup_status import merge_backup_rows
from backup_auditor.domain.evaluation.run_gaps import RunGap, RunGaps
from backup_auditor.domain.finding import InsufficientDataError
from backup_auditor.domain.project_state import KnownSchedule
from backup_auditor.domain.settings_history import SettingsHistory
from support.builders.facts import DAY, GRACE, HOUR, NOW, SECOND, ago, build_run, build_schedule

LIMIT = DAY + GRACE


def build_gaps(ages: Iterable[timedelta], known_age: timedelta, **facts: Any) -> RunGaps:
    """Build the runs of these ages of a daily schedule that an audit of another age saw first."""
    schedule = build_schedule(**facts)
    settings = schedule.frequency, schedule.retention, schedule.enabled
    known_schedule = KnownSchedule("schedule-1", "main", "nightly", *settings, since=ago(known_age))
    records = merge_backup_rows((), [(schedule, build_run(it)) for it in ages], NOW, GRACE)
    return RunGaps(schedule, records.values(), NOW, GRACE, SettingsHistory(known_schedule, NOW))


def list_daily_ages(oldest_age: timedelta) -> list[timedelta]:
    """Return the ages of daily runs, the oldest of this age."""
    return [oldest_age - number * DAY for number in range(oldest_age // DAY + 1)]


@pytest.mark.parametrize(
    "ages, expected",
    [
        pytest.param([4 * DAY], True, id="run-at-the-creation"),
        pytest.param([4 * DAY - LIMIT], True, id="at-limit"),
        pytest.param([4 * DAY - LIMIT - SECOND], False, id="one-second-past"),
        pytest.param([5 * DAY], False, id="run-before-the-creation"),
        pytest.param([], False, id="no-run"),
    ],
)
def test_the_first_run_covers_the_time_from_the_creation(ages: list[timedelta], expected: bool) -> None:
    """The time from the creation of a schedule to its first run is covered within the limit."""
    assert build_gaps(ages, 4 * DAY, created_at=ago(4 * DAY)).is_covered is expected


@pytest.mark.parametrize(
    "first_age, is_late",
    [
        pytest.param(5 * DAY - LIMIT, False, id="at-limit"),
        pytest.param(5 * DAY - LIMIT - SECOND, True, id="one-second-past"),
    ],
)
def test_a_late_first_run_needs_the_creation_time(first_age: timedelta, is_late: bool) -> None:
    """A first run may be late if a schedule of unknown creation was created a day before its first audit."""
    gaps = build_gaps(list_daily_ages(first_age), 4 * DAY, created_at=None)
    if is_late:
        with pytest.raises(InsufficientDataError, match="The creation time of schedule nightly is unknown"):
            gaps.find_gaps()
    else:
        assert gaps.find_gaps() == []


@pytest.mark.parametrize(
    "known_age, is_late",
    [
        pytest.param(7 * DAY, True, id="at-the-start-of-the-checked-time"),
        pytest.param(7 * DAY + SECOND, False, id="one-second-earlier"),
    ],
)
def test_a_schedule_known_before_the_checked_time_is_not_late(known_age: timedelta, is_late: bool) -> None:
    """Runs that have expired are not missing, so the first remaining run is not late."""
    gaps = build_gaps(list_daily_ages(5 * DAY), known_age, created_at=None, retention=7 * DAY)
    assert gaps.since == ago(7 * DAY)
    if is_late:
        with pytest.raises(InsufficientDataError, match="creation time"):
            gaps.find_gaps()
    else:
        assert gaps.find_gaps() == []


@pytest.mark.parametrize(
    "created_age, missing_runs",
    [
        pytest.param(7 * DAY, 5, id="at-the-start-of-the-checked-time"),
        pytest.param(7 * DAY + SECOND, 1, id="one-second-earlier"),
    ],
)
def test_a_schedule_without_runs_misses_them_since_its_creation(created_age: timedelta, missing_runs: int) -> None:
    """Before the checked time runs may have expired, so only one run is certainly missing since then."""
    gaps = build_gaps([], created_age, created_at=ago(created_age), retention=7 * DAY)
    assert gaps.find_gaps() == [RunGap(ago(7 * DAY), NOW, missing_runs, "daily", LIMIT)]


@pytest.mark.parametrize(
    "age, expected",
    [
        pytest.param(LIMIT, [], id="at-limit"),
        pytest.param(LIMIT + SECOND, [RunGap(ago(LIMIT + SECOND), NOW, 1, "daily", LIMIT)], id="one-second-past"),
    ],
)
def test_the_newest_run_is_not_too_old(age: timedelta, expected: list[RunGap]) -> None:
    """The time since the newest run is a gap if it exceeds the interval and the grace period."""
    assert build_gaps([age, age + DAY], 30 * DAY).find_gaps() == expected


def test_the_longest_interval_includes_the_time_until_now() -> None:
    """The longest interval is the longest time between two runs, or between the last one and now."""
    assert build_gaps([HOUR, 2 * DAY, 3 * DAY], 30 * DAY).longest_interval == 2 * DAY - HOUR
    assert build_gaps([5 * DAY, 6 * DAY], 30 * DAY).longest_interval == 5 * DAY
    assert build_gaps([], 30 * DAY).longest_interval == timedelta()
