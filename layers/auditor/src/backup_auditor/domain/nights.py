"""Which nights were audited: the days of UTC, each with the audits that were recorded on it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from enum import StrEnum

from backup_auditor.domain.audit_record import AuditRecord

_DAY = timedelta(days=1)


class NightStanding(StrEnum):
    """How well a night was audited."""

    AUDITED = "audited"
    INCOMPLETE = "incomplete"
    """Something could not be read, in every audit of that night."""
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Night:
    """One day of UTC."""

    day: date
    audits: tuple[AuditRecord, ...]
    """The oldest first."""

    @property
    def standing(self) -> NightStanding:
        """How well it was audited: as well as the best of its audits."""
        if not self.audits:
            return NightStanding.MISSING
        return NightStanding.AUDITED if any(it.is_complete for it in self.audits) else NightStanding.INCOMPLETE

    @property
    def best(self) -> AuditRecord | None:
        """The last of its complete audits; where there is none, the last of all."""
        return next((it for it in reversed(self.audits) if it.is_complete), self.audits[-1] if self.audits else None)


def day_of(audit: AuditRecord) -> date:
    """Return the day of UTC that an audit belongs to."""
    return audit.observed_at.astimezone(UTC).date()


def within(audits: Iterable[AuditRecord], since: date | None, until: date | None) -> list[AuditRecord]:
    """Return the audits of some days, the first and the last included."""
    return [it for it in audits if (since is None or since <= day_of(it)) and (until is None or day_of(it) <= until)]


def nights_of(audits: Sequence[AuditRecord], since: date | None, until: date | None, today: date) -> tuple[Night, ...]:
    """Return every night from `since` (else the first audit) to `until` (else yesterday, or the last audit if later).

    Today is not called missing unless it is asked for: its audit may still come. No later day is.
    """
    by_day: dict[date, list[AuditRecord]] = {}
    for audit in audits:
        by_day.setdefault(day_of(audit), []).append(audit)
    if since is None and not by_day:
        return ()
    first = min(by_day) if since is None else since
    latest = max(by_day, default=date.min)
    last = max(today - _DAY, latest) if until is None else min(until, max(today, latest))
    days = (first + number * _DAY for number in range((last - first).days + 1))
    return tuple(Night(day, tuple(by_day.get(day, ()))) for day in days)
