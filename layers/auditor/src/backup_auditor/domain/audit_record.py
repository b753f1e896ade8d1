"""The stored record of an audit, and which audits are missing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise

from backup_auditor.domain.finding import Compliance


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What was written where it can be found again."""

    location: str
    """A path, or an `s3://` address."""
    sha256: str
    """Of the bytes that were written."""


@dataclass(frozen=True, slots=True)
class StoredReport(StoredFile):
    """A report that was kept, as JSON: that is the evidence."""

    page: StoredFile | None = None
    """The same report for people, beside it; `None` where none is written, as on a laptop, or none could be."""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One audit that was recorded."""

    audit_id: str
    observed_at: datetime
    is_complete: bool
    compliance: Compliance
    report: StoredReport | None
    """`None` where it was not kept, as on a laptop without `--output`."""


_DAY = timedelta(days=1)


class DayStatus(StrEnum):
    """What is known of one audit that was made, or that should have been."""

    COMPLETE = "audited"
    INCOMPLETE = "incomplete"
    """Something could not be read: such an audit ends no interval."""
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The time that is looked at: the start belongs to it, the end does not."""

    since: datetime | None
    """`None`: from the first audit on."""
    until: datetime | None
    """`None`: until now, and whatever was recorded later."""

    def __contains__(self, moment: datetime) -> bool:
        """Tell whether a moment belongs to it."""
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)


@dataclass(frozen=True, slots=True)
class AuditGap:
    """A time without a complete audit that is longer than the interval."""

    start: datetime
    """The complete audit before it; where there is none, the beginning of what is looked at."""
    end: datetime
    """The complete audit after it; where there is none, the end of what is looked at."""
    due_times: tuple[datetime, ...]
    """When each missing audit was due, as far as that is looked at: one interval after the other."""


type AuditDay = AuditRecord | AuditGap


@dataclass(frozen=True, slots=True)
class AuditDays:
    """What audits of a project there are in a time, and which are missing."""

    interval: timedelta
    rows: tuple[AuditDay, ...]
    """In the order of time; a gap stands behind the audit that it follows."""

    def count(self, status: DayStatus) -> int:
        """Return how many audits stand like that."""
        if status is DayStatus.MISSING:
            return sum(len(it.due_times) for it in self.rows if isinstance(it, AuditGap))
        return sum(not isinstance(it, AuditGap) and find_day_status(it) is status for it in self.rows)


def find_day_status(audit: AuditRecord) -> DayStatus:
    """Tell a complete audit from one that is not."""
    return DayStatus.COMPLETE if audit.is_complete else DayStatus.INCOMPLETE


def build_time_range(since: date | None, until: date | None) -> TimeRange:
    """Return the time from the beginning of one day to the end of another, both in UTC."""
    return TimeRange(
        None if since is None else datetime.combine(since, time(), UTC),
        None if until is None else datetime.combine(until, time(), UTC) + _DAY,
    )


def filter_audits(audits: Iterable[AuditRecord], time_range: TimeRange) -> list[AuditRecord]:
    """Return the audits of a time."""
    return [it for it in audits if it.observed_at in time_range]


def build_audit_days(
    audits: Sequence[AuditRecord], time_range: TimeRange, interval: timedelta, now: datetime
) -> AuditDays | None:
    """Return the audits of a time and its gaps; `None` where no audit is known, or that time has no length.

    Two complete audits more than `every` apart leave a gap. So do the time from the last one to the end (at most now)
    and that from the start that was asked for to the first one. A gap that reaches beyond the time that is looked at
    counts with the audits that were due within it, and with one at least where no complete audit lies in that time.
    """
    if not audits:
        return None
    sorted_audits = sorted(audits, key=lambda it: it.observed_at)
    start = sorted_audits[0].observed_at if time_range.since is None else time_range.since
    end = now if time_range.until is None else min(time_range.until, now)
    audits_in_range = filter_audits(sorted_audits, time_range)
    if not audits_in_range and start >= end:
        return None
    rows: list[tuple[datetime, int, AuditDay]] = [(it.observed_at, 0, it) for it in audits_in_range]
    rows += [(it.start, 1, it) for it in _find_gaps(sorted_audits, TimeRange(start, time_range.until), end, interval)]
    return AuditDays(interval, tuple(row for *_, row in sorted(rows, key=lambda it: it[:2])))


def _find_gaps(
    sorted_audits: Sequence[AuditRecord], time_range: TimeRange, end: datetime, interval: timedelta
) -> Iterator[AuditGap]:
    """Return the gaps that reach into a time, which has a start."""
    complete_times = [it.observed_at for it in sorted_audits if it.is_complete]
    start = time_range.since or end
    boundaries = [*([] if complete_times and complete_times[0] <= start else [start]), *complete_times]
    if boundaries[-1] < end:
        boundaries.append(end)
    has_no_complete_audit = not any(it in time_range for it in complete_times)
    for gap_start, gap_end in pairwise(boundaries):
        if (
            gap_end - gap_start <= interval
            or gap_end <= start
            or (time_range.until is not None and gap_start >= time_range.until)
        ):
            continue
        missing_count = -((gap_start - gap_end) // interval) - 1
        due_times = tuple(
            it for it in (gap_start + (1 + number) * interval for number in range(missing_count)) if it in time_range
        )
        if has_no_complete_audit and not due_times:
            due_times = (max(gap_start, start),)
        if due_times:
            yield AuditGap(gap_start, gap_end, due_times)
