"""Which audits are missing: intervals between complete audits count, not days of a calendar."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

import pytest

from backup_auditor.domain.audit_record import (
    AuditDays,
    AuditGap,
    AuditRecord,
    DayStatus,
    build_audit_days,
    build_time_range,
    filter_audits,
)
from backup_auditor.domain.finding import Compliance
from support.builders.facts import DAY, HOUR, NOW

AUDIT = AuditRecord("audit", NOW, is_complete=True, compliance=Compliance.COMPLIANT, report=None)
TODAY = NOW.date()
USUAL_INTERVAL = 26 * HOUR
SECOND = timedelta(seconds=1)
WHOLE_SPAN = build_time_range(None, None)


def build_audit_record(observed_at: datetime, *, is_complete: bool = True) -> AuditRecord:
    """Build the record of an audit."""
    return replace(AUDIT, observed_at=observed_at, is_complete=is_complete)


def list_days(
    *audits: AuditRecord,
    start_day: date | None = None,
    end_day: date | None = None,
    interval: timedelta = USUAL_INTERVAL,
    now: datetime = NOW,
) -> AuditDays:
    """Return what is known of a time."""
    days = build_audit_days(audits, build_time_range(start_day, end_day), interval, now)
    assert days is not None
    return days


def count_days(days: AuditDays) -> tuple[int, int, int]:
    """Return how many audits are complete, incomplete, and missing."""
    audited_count, incomplete_count, missing_count = (days.count(it) for it in DayStatus)
    return audited_count, incomplete_count, missing_count


@pytest.mark.parametrize(
    "start,hours_before,hours_after",
    [
        pytest.param("2026-10-22T01:30", 2, 1, id="berlin-in-autumn"),
        pytest.param("2026-03-26T01:30", 1, 2, id="berlin-in-spring"),
        pytest.param("2026-10-29T00:05", -4, -5, id="new-york"),
        pytest.param("2026-04-01T01:45", 11, 10.5, id="lord-howe"),
        pytest.param("2028-02-26T23:59", 14, 13, id="leap-day-at-plus-14"),
        pytest.param("2026-12-28T00:00", -12, -11, id="end-of-the-year-at-minus-12"),
    ],
)
@pytest.mark.parametrize("changed_at", range(8))
def test_a_clock_change_makes_no_audit_missing(
    start: str, hours_before: float, hours_after: float, changed_at: int
) -> None:
    """Seven audits at one time of the local clock are seven audits, whichever days of UTC they fall on."""
    local_start = datetime.fromisoformat(f"{start}Z")
    offsets = [HOUR * (hours_before if night < changed_at else hours_after) for night in range(7)]
    audits = [build_audit_record(local_start + night * DAY - offset) for night, offset in enumerate(offsets)]
    last_moment = audits[-1].observed_at
    assert count_days(list_days(*audits, now=last_moment + 25 * HOUR)) == (7, 0, 0)
    assert count_days(list_days(*audits, end_day=last_moment.date(), now=last_moment + 99 * DAY)) == (7, 0, 0)


@pytest.mark.parametrize("seed", range(20))
def test_a_flexible_window_makes_no_audit_missing(seed: int) -> None:
    """A start that varies around midnight leaves one day of UTC empty and another with two audits."""
    rng = Random(seed)  # noqa: S311  no secret
    start = datetime(2026, 11, 1, 23, 50, tzinfo=NOW.tzinfo)
    audits = [build_audit_record(start + night * DAY + timedelta(minutes=rng.uniform(0, 15))) for night in range(30)]
    days = [it.observed_at.date() for it in audits]
    assert len(set(days)) < len(days)
    last_moment = audits[-1].observed_at
    assert count_days(list_days(*audits, now=last_moment + DAY)) == (30, 0, 0)
    start_day, end_day = date(2026, 11, 5), date(2026, 11, 20)
    inner_days = list_days(*audits, start_day=start_day, end_day=end_day, now=last_moment)
    assert count_days(inner_days)[1:] == (0, 0)


@pytest.mark.parametrize(
    "distance,missing_count",
    [
        pytest.param(26 * HOUR, 0, id="at-limit"),
        pytest.param(26 * HOUR + SECOND, 1, id="one-second-past"),
        pytest.param(48 * HOUR, 1, id="one-night"),
        pytest.param(52 * HOUR, 1, id="at-twice-the-limit"),
        pytest.param(72 * HOUR, 2, id="two-nights"),
        pytest.param(7 * DAY, 6, id="a-week"),
    ],
)
def test_complete_audits_too_far_apart_leave_missing_ones_between_them(distance: timedelta, missing_count: int) -> None:
    """A gap has as many missing audits as would close it; the time from the last audit to now counts too."""
    first_audit, second_audit = build_audit_record(NOW - distance), build_audit_record(NOW)
    assert count_days(list_days(first_audit, second_audit)) == (2, 0, missing_count)
    assert count_days(list_days(first_audit)) == (1, 0, missing_count)


def test_a_gap_names_the_audits_around_it_and_when_each_missing_one_was_due() -> None:
    """One interval after the other."""
    first_audit, second_audit = build_audit_record(NOW - 3 * DAY), build_audit_record(NOW)
    day_before, gap, day_after = list_days(first_audit, second_audit).rows
    assert (day_before, day_after) == (first_audit, second_audit)
    assert gap == AuditGap(NOW - 3 * DAY, NOW, (NOW - 46 * HOUR, NOW - 20 * HOUR))


def test_an_incomplete_audit_closes_no_gap() -> None:
    """An incomplete audit is shown next to the missing one."""
    audits = (
        build_audit_record(NOW - 2 * DAY),
        build_audit_record(NOW - DAY, is_complete=False),
        build_audit_record(NOW),
    )
    assert count_days(list_days(*audits)) == (2, 1, 1)
    repeated_audits = (*audits, build_audit_record(NOW - DAY + HOUR))
    assert count_days(list_days(*repeated_audits)) == (3, 1, 0)


def test_time_counts_from_the_first_audit_though_it_is_incomplete() -> None:
    """After one interval without a complete audit the first is missing."""
    assert count_days(list_days(build_audit_record(NOW - 26 * HOUR, is_complete=False))) == (0, 1, 0)
    assert count_days(list_days(build_audit_record(NOW - 27 * HOUR, is_complete=False))) == (0, 1, 1)


@pytest.mark.parametrize(
    "interval,missing_count",
    [
        pytest.param(2 * HOUR, 5, id="hourly"),
        pytest.param(12 * HOUR, 0, id="at-limit"),
        pytest.param(8 * DAY, 0, id="weekly"),
    ],
)
def test_the_interval_may_be_another(interval: timedelta, missing_count: int) -> None:
    """The interval fits audits twice a day, or once a week."""
    assert (
        count_days(list_days(build_audit_record(NOW - 12 * HOUR), build_audit_record(NOW), interval=interval))[2]
        == missing_count
    )


def test_time_from_the_start_that_is_asked_for_counts() -> None:
    """Before the first audit nothing was audited, and who asks for that time hears so."""
    audits = build_audit_record(NOW - DAY), build_audit_record(NOW)
    assert count_days(list_days(*audits, start_day=TODAY - DAY)) == (2, 0, 0)
    assert count_days(list_days(*audits, start_day=TODAY - 3 * DAY)) == (2, 0, 2)
    assert count_days(list_days(*audits, start_day=TODAY - 4 * DAY, end_day=TODAY - 3 * DAY)) == (0, 0, 1)


@pytest.mark.parametrize(
    "start_day,end_day,expected",
    [
        pytest.param(-6, -6, (1, 0, 0), id="before-the-gap"),
        pytest.param(-5, -5, (0, 0, 1), id="the-first-day-of-the-gap"),
        pytest.param(-5, -4, (0, 0, 2), id="within-the-gap"),
        pytest.param(-4, -4, (0, 0, 1), id="a-later-day-of-the-gap"),
        pytest.param(-6, -3, (2, 0, 2), id="around-the-gap"),
        pytest.param(-3, -3, (1, 0, 0), id="behind-the-gap"),
    ],
)
def test_a_gap_counts_where_audits_were_due(start_day: int, end_day: int, expected: tuple[int, int, int]) -> None:
    """Audits before and after the requested days show whether an audit is missing within them."""
    audits = [build_audit_record(NOW + night * DAY) for night in (-8, -7, -6, -3, -2, -1, 0)]
    assert count_days(list_days(*audits, start_day=TODAY + start_day * DAY, end_day=TODAY + end_day * DAY)) == expected


@pytest.mark.parametrize("day", range(1, 40))
def test_no_day_of_a_long_gap_passes_for_audited(day: int) -> None:
    """Due times drift through the day, by two hours each night; a day without an audit is missing all the same."""
    audits = build_audit_record(NOW - 40 * DAY), build_audit_record(NOW)
    asked_day = TODAY - day * DAY
    assert count_days(list_days(*audits, start_day=asked_day, end_day=asked_day))[2] >= 1


def test_no_time_to_come_is_missing() -> None:
    """The future has no missing audit, even if it is requested; audits recorded ahead of the clock are shown."""
    assert count_days(list_days(build_audit_record(NOW), end_day=TODAY + 9 * DAY)) == (1, 0, 0)
    future_audits = build_audit_record(NOW), build_audit_record(NOW + DAY), build_audit_record(NOW + 3 * DAY)
    assert count_days(list_days(*future_audits)) == (3, 0, 1)
    assert count_days(list_days(*future_audits, end_day=TODAY)) == (1, 0, 0)


@pytest.mark.parametrize(
    "audits,start_day,end_day",
    [
        pytest.param((), None, None, id="no-audit"),
        pytest.param((), TODAY - DAY, TODAY, id="no-audit-in-days"),
        pytest.param((build_audit_record(NOW),), TODAY + DAY, None, id="still-to-come"),
        pytest.param((build_audit_record(NOW),), None, TODAY - DAY, id="before-the-first"),
    ],
)
def test_there_may_be_nothing_to_look_at(
    audits: tuple[AuditRecord, ...], start_day: date | None, end_day: date | None
) -> None:
    """Without a known audit, or with an empty time range, there are no audit days."""
    assert build_audit_days(audits, build_time_range(start_day, end_day), USUAL_INTERVAL, NOW) is None


def test_the_order_of_records_does_not_matter() -> None:
    """Rows come in the order of time."""
    audits = [build_audit_record(NOW + night * DAY) for night in (-8, -7, -3, -1)]
    assert list_days(*reversed(audits)) == list_days(*audits)


def test_audits_are_chosen_by_their_days() -> None:
    """The first and the last included, to the end of that day in UTC."""
    audits = [build_audit_record(NOW + number * DAY) for number in range(4)]
    assert filter_audits(audits, build_time_range(TODAY + DAY, TODAY + 2 * DAY)) == audits[1:3]
    assert filter_audits(audits, WHOLE_SPAN) == audits
    late_audit = build_audit_record(datetime(2026, 11, 22, 23, 59, 59, tzinfo=NOW.tzinfo))
    assert filter_audits(
        [late_audit], build_time_range(late_audit.observed_at.date(), late_audit.observed_at.date())
    ) == [late_audit]
    assert filter_audits([late_audit], build_time_range(None, TODAY - DAY)) == []
