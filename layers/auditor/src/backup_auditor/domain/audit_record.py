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

    AUDITED = "audited"
    INCOMPLETE = "incomplete"
    """Something could not be read: such an audit ends no interval."""
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Span:
    """The time that is looked at: the start belongs to it, the end does not."""

    since: datetime | None
    """`None`: from the first audit on."""
    until: datetime | None
    """`None`: until now, and whatever was recorded later."""

    def __contains__(self, moment: datetime) -> bool:
        """Tell whether a moment belongs to it."""
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without a complete audit that is longer than the interval."""

    after: datetime
    """The complete audit before it; where there is none, the beginning of what is looked at."""
    before: datetime
    """The complete audit after it; where there is none, the end of what is looked at."""
    due: tuple[datetime, ...]
    """When each missing audit was due, as far as that is looked at: one interval after the other."""


type AuditDay = AuditRecord | Gap


@dataclass(frozen=True, slots=True)
class Nights:
    """What audits of a project there are in a time, and which are missing."""

    every: timedelta
    rows: tuple[AuditDay, ...]
    """In the order of time; a gap stands behind the audit that it follows."""

    def count(self, standing: DayStatus) -> int:
        """Return how many audits stand like that."""
        if standing is DayStatus.MISSING:
            return sum(len(it.due) for it in self.rows if isinstance(it, Gap))
        return sum(not isinstance(it, Gap) and standing_of(it) is standing for it in self.rows)


def standing_of(audit: AuditRecord) -> DayStatus:
    """Tell a complete audit from one that is not."""
    return DayStatus.AUDITED if audit.is_complete else DayStatus.INCOMPLETE


def span_of(since: date | None, until: date | None) -> Span:
    """Return the time from the beginning of one day to the end of another, both in UTC."""
    return Span(
        None if since is None else datetime.combine(since, time(), UTC),
        None if until is None else datetime.combine(until, time(), UTC) + _DAY,
    )


def within(audits: Iterable[AuditRecord], span: Span) -> list[AuditRecord]:
    """Return the audits of a time."""
    return [it for it in audits if it.observed_at in span]


def audit_days(audits: Sequence[AuditRecord], span: Span, every: timedelta, now: datetime) -> Nights | None:
    """Return the audits of a time and its gaps; `None` where no audit is known, or that time has no length.

    Two complete audits more than `every` apart leave a gap. So do the time from the last one to the end (at most now)
    and that from the start that was asked for to the first one. A gap that reaches beyond the time that is looked at
    counts with the audits that were due within it, and with one at least where no complete audit lies in that time.
    """
    if not audits:
        return None
    known = sorted(audits, key=lambda it: it.observed_at)
    begin = known[0].observed_at if span.since is None else span.since
    end = now if span.until is None else min(span.until, now)
    shown = within(known, span)
    if not shown and begin >= end:
        return None
    rows: list[tuple[datetime, int, AuditDay]] = [(it.observed_at, 0, it) for it in shown]
    rows += [(it.after, 1, it) for it in _gaps(known, Span(begin, span.until), end, every)]
    return Nights(every, tuple(row for *_, row in sorted(rows, key=lambda it: it[:2])))


def _gaps(known: Sequence[AuditRecord], span: Span, end: datetime, every: timedelta) -> Iterator[Gap]:
    """Return the gaps that reach into a time, which has a start."""
    complete = [it.observed_at for it in known if it.is_complete]
    begin = span.since or end
    edges = [*([] if complete and complete[0] <= begin else [begin]), *complete]
    if edges[-1] < end:
        edges.append(end)
    is_bare = not any(it in span for it in complete)
    for after, before in pairwise(edges):
        if before - after <= every or before <= begin or (span.until is not None and after >= span.until):
            continue
        missing = -((after - before) // every) - 1
        due = tuple(it for it in (after + (1 + number) * every for number in range(missing)) if it in span)
        if is_bare and not due:
            due = (max(after, begin),)
        if due:
            yield Gap(after, before, due)
