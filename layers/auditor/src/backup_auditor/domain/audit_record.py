"""The stored record of an audit, and which audits are missing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that was stored as evidence."""

    location: str
    """A path, or an `s3://` URL."""
    sha256: str
    """The hash of the bytes that were written."""


@dataclass(frozen=True, slots=True)
class StoredReport(StoredFile):
    """A stored report as JSON: the evidence of an audit."""

    page: StoredFile | None = None
    """The HTML page of the report; `None` if it was not written, as on a laptop, or writing it failed."""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One recorded audit."""

    audit_id: str
    observed_at: datetime
    is_complete: bool
    compliance: Compliance
    report: StoredReport | None
    """`None` if the report was not stored, as on a laptop without `--output`."""


@dataclass(frozen=True, slots=True)
class LastAudits:
    """The times of a project's last audit and of its last complete audit; `None` if there was none."""

    observed_at: datetime | None
    complete_at: datetime | None
    pinecone_project_id: str | None = None
    """Pinecone's id of the audited project; `None` while it is unknown."""

    @property
    def is_latest_incomplete(self) -> bool:
        """Whether the last audit is incomplete."""
        return self.observed_at != self.complete_at


def is_in_future(recorded_at: datetime | None, now: datetime) -> bool:
    """Return whether an audit was recorded after `now`, by more than the clock tolerance."""
    return recorded_at is not None and recorded_at - now > CLOCK_TOLERANCE


class DayStatus(StrEnum):
    """The status of one audit, or of one that is missing."""

    COMPLETE = "audited"
    INCOMPLETE = "incomplete"
    """The audit has read errors. It does not end an interval."""
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A time range that includes its start and excludes its end."""

    since: datetime | None
    """`None` for the first audit."""
    until: datetime | None
    """`None` for no end: audits recorded after now belong to it too."""

    def __contains__(self, moment: datetime) -> bool:
        """Return whether the range includes a time."""
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)


@dataclass(frozen=True, slots=True)
class AuditGap:
    """A period without a complete audit that is longer than the interval."""

    start: datetime
    """The time of the complete audit before it; without one, the start of the range."""
    end: datetime
    """The time of the complete audit after it; without one, the end of the range."""
    due_times: tuple[datetime, ...]
    """When each missing audit within the range was due: one interval after the other."""


type AuditDay = AuditRecord | AuditGap


@dataclass(frozen=True, slots=True)
class AuditDays:
    """The audits of a project in a time range, and the gaps between them."""

    interval: timedelta
    rows: tuple[AuditDay, ...]
    """Sorted by time; a gap follows the audit before it."""

    def count(self, status: DayStatus) -> int:
        """Return the number of audits with a status."""
        if status is DayStatus.MISSING:
            return sum(len(it.due_times) for it in self.rows if isinstance(it, AuditGap))
        return sum(not isinstance(it, AuditGap) and find_day_status(it) is status for it in self.rows)


def find_day_status(audit: AuditRecord) -> DayStatus:
    """Return whether an audit is complete or incomplete, as a status."""
    return DayStatus.COMPLETE if audit.is_complete else DayStatus.INCOMPLETE


def build_time_range(since: date | None, until: date | None) -> TimeRange:
    """Return the range from the start of one day to the end of another, in UTC."""
    return TimeRange(
        None if since is None else datetime.combine(since, time(), UTC),
        None if until is None else datetime.combine(until, time(), UTC) + timedelta(days=1),
    )


def filter_audits(audits: Iterable[AuditRecord], time_range: TimeRange) -> list[AuditRecord]:
    """Return the audits within a time range."""
    return [it for it in audits if it.observed_at in time_range]


def build_audit_days(
    audits: Sequence[AuditRecord], time_range: TimeRange, interval: timedelta, now: datetime
) -> AuditDays | None:
    """Return the audits of a time range and its gaps; `None` without any audit, or if the range is empty.

    Two complete audits more than `interval` apart leave a gap. So do the last one and the end (at most now), and the
    requested start and the first one. A gap that extends beyond the range counts only the audits that were due within
    it, but at least one if the range has no complete audit.
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
