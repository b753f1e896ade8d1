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
EVER = build_time_range(None, None)


def at(moment: datetime, *, is_complete: bool = True) -> AuditRecord:
    """Build the record of an audit."""
    return replace(AUDIT, observed_at=moment, is_complete=is_complete)


def looked_at(
    *audits: AuditRecord,
    since: date | None = None,
    until: date | None = None,
    every: timedelta = USUAL_INTERVAL,
    now: datetime = NOW,
) -> AuditDays:
    """Return what is known of a time."""
    nights = build_audit_days(audits, build_time_range(since, until), every, now)
    assert nights is not None
    return nights


def counts(nights: AuditDays) -> tuple[int, int, int]:
    """Return how many audits are complete, incomplete, and missing."""
    audited, incomplete, missing = (nights.count(it) for it in DayStatus)
    return audited, incomplete, missing


@pytest.mark.parametrize(
    "begin,before,after",
    [
        pytest.param("2026-10-22T01:30", 2, 1, id="berlin-in-autumn"),
        pytest.param("2026-03-26T01:30", 1, 2, id="berlin-in-spring"),
        pytest.param("2026-10-29T00:05", -4, -5, id="new-york"),
        pytest.param("2026-04-01T01:45", 11, 10.5, id="lord-howe"),
        pytest.param("2028-02-26T23:59", 14, 13, id="leap-day-at-plus-14"),
        pytest.param("2026-12-28T00:00", -12, -11, id="end-of-the-year-at-minus-12"),
    ],
)
@pytest.mark.parametrize("changed", range(8))
def test_a_clock_change_makes_no_audit_missing(begin: str, before: float, after: float, changed: int) -> None:
    """Seven audits at one time of the local clock are seven audits, whichever days of UTC they fall on."""
    local = datetime.fromisoformat(f"{begin}Z")
    offsets = [HOUR * (before if night < changed else after) for night in range(7)]
    audits = [at(local + night * DAY - offset) for night, offset in enumerate(offsets)]
    last = audits[-1].observed_at
    assert counts(looked_at(*audits, now=last + 25 * HOUR)) == (7, 0, 0)
    assert counts(looked_at(*audits, until=last.date(), now=last + 99 * DAY)) == (7, 0, 0)


@pytest.mark.parametrize("seed", range(20))
def test_a_flexible_window_makes_no_audit_missing(seed: int) -> None:
    """A start that varies around midnight leaves one day of UTC empty and another with two audits."""
    chance = Random(seed)  # noqa: S311  no secret
    begin = datetime(2026, 11, 1, 23, 50, tzinfo=NOW.tzinfo)
    audits = [at(begin + night * DAY + timedelta(minutes=chance.uniform(0, 15))) for night in range(30)]
    days = [it.observed_at.date() for it in audits]
    assert len(set(days)) < len(days)
    last = audits[-1].observed_at
    assert counts(looked_at(*audits, now=last + DAY)) == (30, 0, 0)
    since, until = date(2026, 11, 5), date(2026, 11, 20)
    inner = looked_at(*audits, since=since, until=until, now=last)
    assert counts(inner)[1:] == (0, 0)


@pytest.mark.parametrize(
    "apart,missing",
    [
        pytest.param(26 * HOUR, 0, id="at-limit"),
        pytest.param(26 * HOUR + SECOND, 1, id="one-second-past"),
        pytest.param(48 * HOUR, 1, id="one-night"),
        pytest.param(52 * HOUR, 1, id="at-twice-the-limit"),
        pytest.param(72 * HOUR, 2, id="two-nights"),
        pytest.param(7 * DAY, 6, id="a-week"),
    ],
)
def test_complete_audits_too_far_apart_leave_missing_ones_between_them(apart: timedelta, missing: int) -> None:
    """So many as would have closed the gap; the same goes for the time from the last one to now."""
    first, second = at(NOW - apart), at(NOW)
    assert counts(looked_at(first, second)) == (2, 0, missing)
    assert counts(looked_at(first)) == (1, 0, missing)


def test_a_gap_names_the_audits_around_it_and_when_each_missing_one_was_due() -> None:
    """One interval after the other."""
    first, second = at(NOW - 3 * DAY), at(NOW)
    before, gap, after = looked_at(first, second).rows
    assert (before, after) == (first, second)
    assert gap == AuditGap(NOW - 3 * DAY, NOW, (NOW - 46 * HOUR, NOW - 20 * HOUR))


def test_an_incomplete_audit_closes_no_gap() -> None:
    """It is shown beside the one that is missing."""
    audits = at(NOW - 2 * DAY), at(NOW - DAY, is_complete=False), at(NOW)
    assert counts(looked_at(*audits)) == (2, 1, 1)
    again = (*audits, at(NOW - DAY + HOUR))
    assert counts(looked_at(*again)) == (3, 1, 0)


def test_time_counts_from_the_first_audit_though_it_is_incomplete() -> None:
    """After one interval without a complete audit the first is missing."""
    assert counts(looked_at(at(NOW - 26 * HOUR, is_complete=False))) == (0, 1, 0)
    assert counts(looked_at(at(NOW - 27 * HOUR, is_complete=False))) == (0, 1, 1)


@pytest.mark.parametrize(
    "every,missing",
    [
        pytest.param(2 * HOUR, 5, id="hourly"),
        pytest.param(12 * HOUR, 0, id="at-limit"),
        pytest.param(8 * DAY, 0, id="weekly"),
    ],
)
def test_the_interval_may_be_another(every: timedelta, missing: int) -> None:
    """As audits are made twice a day, or once a week."""
    assert counts(looked_at(at(NOW - 12 * HOUR), at(NOW), every=every))[2] == missing


def test_time_from_the_start_that_is_asked_for_counts() -> None:
    """Before the first audit nothing was audited, and who asks for that time hears so."""
    audits = at(NOW - DAY), at(NOW)
    assert counts(looked_at(*audits, since=TODAY - DAY)) == (2, 0, 0)
    assert counts(looked_at(*audits, since=TODAY - 3 * DAY)) == (2, 0, 2)
    assert counts(looked_at(*audits, since=TODAY - 4 * DAY, until=TODAY - 3 * DAY)) == (0, 0, 1)


@pytest.mark.parametrize(
    "since,until,expected",
    [
        pytest.param(-6, -6, (1, 0, 0), id="before-the-gap"),
        pytest.param(-5, -5, (0, 0, 1), id="the-first-day-of-the-gap"),
        pytest.param(-5, -4, (0, 0, 2), id="within-the-gap"),
        pytest.param(-4, -4, (0, 0, 1), id="a-later-day-of-the-gap"),
        pytest.param(-6, -3, (2, 0, 2), id="around-the-gap"),
        pytest.param(-3, -3, (1, 0, 0), id="behind-the-gap"),
    ],
)
def test_a_gap_counts_where_audits_were_due(since: int, until: int, expected: tuple[int, int, int]) -> None:
    """Audits before and after the days that are asked for tell whether one is missing within them."""
    audits = [at(NOW + night * DAY) for night in (-8, -7, -6, -3, -2, -1, 0)]
    assert counts(looked_at(*audits, since=TODAY + since * DAY, until=TODAY + until * DAY)) == expected


@pytest.mark.parametrize("day", range(1, 40))
def test_no_day_of_a_long_gap_passes_for_audited(day: int) -> None:
    """Due times drift through the day, by two hours each night; a day without an audit is missing all the same."""
    audits = at(NOW - 40 * DAY), at(NOW)
    asked = TODAY - day * DAY
    assert counts(looked_at(*audits, since=asked, until=asked))[2] >= 1


def test_no_time_to_come_is_missing() -> None:
    """Not even when it is asked for; audits that were recorded ahead of the clock are shown."""
    assert counts(looked_at(at(NOW), until=TODAY + 9 * DAY)) == (1, 0, 0)
    ahead = at(NOW), at(NOW + DAY), at(NOW + 3 * DAY)
    assert counts(looked_at(*ahead)) == (3, 0, 1)
    assert counts(looked_at(*ahead, until=TODAY)) == (1, 0, 0)


@pytest.mark.parametrize(
    "audits,since,until",
    [
        pytest.param((), None, None, id="no-audit"),
        pytest.param((), TODAY - DAY, TODAY, id="no-audit-in-days"),
        pytest.param((at(NOW),), TODAY + DAY, None, id="still-to-come"),
        pytest.param((at(NOW),), None, TODAY - DAY, id="before-the-first"),
    ],
)
def test_there_may_be_nothing_to_look_at(
    audits: tuple[AuditRecord, ...], since: date | None, until: date | None
) -> None:
    """No audit is known, or the time that is asked for has no length."""
    assert build_audit_days(audits, build_time_range(since, until), USUAL_INTERVAL, NOW) is None


def test_the_order_of_records_does_not_matter() -> None:
    """Rows come in the order of time."""
    audits = [at(NOW + night * DAY) for night in (-8, -7, -3, -1)]
    assert looked_at(*reversed(audits)) == looked_at(*audits)


def test_audits_are_chosen_by_their_days() -> None:
    """The first and the last included, to the end of that day in UTC."""
    audits = [at(NOW + number * DAY) for number in range(4)]
    assert filter_audits(audits, build_time_range(TODAY + DAY, TODAY + 2 * DAY)) == audits[1:3]
    assert filter_audits(audits, EVER) == audits
    late = at(datetime(2026, 11, 22, 23, 59, 59, tzinfo=NOW.tzinfo))
    assert filter_audits([late], build_time_range(late.observed_at.date(), late.observed_at.date())) == [late]
    assert filter_audits([late], build_time_range(None, TODAY - DAY)) == []
