"""Test which audits a time range includes, and the gaps between complete audits."""

from datetime import UTC, datetime, timedelta

import pytest

from backup_auditor.domain.audit_record import (
    AuditDays,
    AuditGap,
    AuditRecord,
    DayStatus,
    TimeRange,
    build_audit_days,
    build_time_range,
)
from backup_auditor.domain.finding import Compliance
from support.builders.facts import DAY, HOUR, NOW, SECOND

INTERVAL = 26 * HOUR
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)


def build_record(observed_at: datetime, audit_id: str = "audit", *, is_complete: bool = True) -> AuditRecord:
    """Build the record of an audit."""
    return AuditRecord(audit_id, observed_at, is_complete, Compliance.COMPLIANT, None)


@pytest.mark.parametrize(
    "moment, expected",
    [
        pytest.param(MIDNIGHT - SECOND, False, id="one-second-before-the-start"),
        pytest.param(MIDNIGHT, True, id="start"),
        pytest.param(MIDNIGHT + DAY - SECOND, True, id="one-second-before-the-end"),
        pytest.param(MIDNIGHT + DAY, False, id="end"),
    ],
)
def test_a_time_range_includes_its_start_and_excludes_its_end(moment: datetime, expected: bool) -> None:
    """A range of one day begins at midnight and ends before the next one."""
    assert (moment in TimeRange(MIDNIGHT, MIDNIGHT + DAY)) is expected


def test_a_range_without_start_and_end_includes_every_time() -> None:
    """An open range has no limits."""
    assert NOW - 9999 * DAY in TimeRange(None, None)
    assert NOW + 9999 * DAY in TimeRange(None, None)


def test_the_last_gap_ends_with_the_range() -> None:
    """A gap after the last audit ends with the range, not with the present."""
    audit = build_record(MIDNIGHT - 5 * DAY)
    time_range = build_time_range(None, (MIDNIGHT - 3 * DAY).date())
    due_times = audit.observed_at + INTERVAL, audit.observed_at + 2 * INTERVAL
    gap = AuditGap(audit.observed_at, MIDNIGHT - 2 * DAY, due_times)
    assert build_audit_days([audit], time_range, INTERVAL, NOW) == AuditDays(INTERVAL, (audit, gap))


def test_the_last_gap_ends_now() -> None:
    """A gap after the last audit ends now if the range extends into the future."""
    audit = build_record(NOW - 2 * DAY)
    for end_day in (None, (NOW + 9 * DAY).date()):
        assert build_audit_days([audit], build_time_range(None, end_day), INTERVAL, NOW) == AuditDays(
            INTERVAL, (audit, AuditGap(audit.observed_at, NOW, (audit.observed_at + INTERVAL,)))
        )


@pytest.mark.parametrize(
    "now, expected",
    [
        pytest.param(MIDNIGHT, None, id="starts-now"),
        pytest.param(MIDNIGHT + SECOND, AuditDays(INTERVAL, ()), id="started-one-second-ago"),
    ],
)
def test_a_range_that_starts_now_is_empty(now: datetime, expected: AuditDays | None) -> None:
    """A range without any time until now has no audits and no gaps."""
    time_range = TimeRange(MIDNIGHT, None)
    assert build_audit_days([build_record(MIDNIGHT - HOUR)], time_range, INTERVAL, now) == expected


def test_two_audits_of_one_time_are_two_rows() -> None:
    """Audits that were recorded at one time keep their order."""
    audits = build_record(NOW, "second"), build_record(NOW, "first", is_complete=False)
    days = build_audit_days(audits, build_time_range(None, None), INTERVAL, NOW)
    assert days == AuditDays(INTERVAL, audits)
    assert [days.count(it) for it in DayStatus] == [1, 1, 0]


@pytest.mark.parametrize(
    "next_audit_at",
    [pytest.param(MIDNIGHT + DAY, id="at-the-end-of-the-day"), pytest.param(MIDNIGHT + DAY + HOUR, id="later")],
)
def test_a_gap_outside_a_day_does_not_count(next_audit_at: datetime) -> None:
    """A day between two audits within the interval has no gap, whatever gaps are before and after it."""
    moments = [MIDNIGHT - 9 * DAY, MIDNIGHT - timedelta(minutes=30), next_audit_at, next_audit_at + 9 * DAY]
    audits = [build_record(it) for it in moments]
    time_range = build_time_range(MIDNIGHT.date(), MIDNIGHT.date())
    assert build_audit_days(audits, time_range, INTERVAL, MIDNIGHT + 20 * DAY) == AuditDays(INTERVAL, ())


def test_a_day_within_a_gap_has_a_missing_audit() -> None:
    """A range within a gap has at least one missing audit, although none was due within it."""
    audits = build_record(MIDNIGHT - HOUR), build_record(MIDNIGHT + 2 * DAY)
    days = build_audit_days(audits, build_time_range(MIDNIGHT.date(), MIDNIGHT.date()), INTERVAL, NOW + 9 * DAY)
    assert days == AuditDays(INTERVAL, (AuditGap(MIDNIGHT - HOUR, MIDNIGHT + 2 * DAY, (MIDNIGHT,)),))
