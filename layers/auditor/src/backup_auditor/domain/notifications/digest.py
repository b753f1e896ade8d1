"""A digest: what one channel receives about one audit, reminders included."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from backup_auditor.domain.events import EventType
from backup_auditor.domain.finding import Compliance, Finding, Severity
from backup_auditor.domain.outbox import Channel, OutboxMessage
from backup_auditor.domain.project_state import ResolvedFinding
from backup_auditor.domain.reporting.report import Report

EVERY_DAYS: Mapping[Severity, int] = {Severity.CRITICAL: 1, Severity.HIGH: 3, Severity.MEDIUM: 7}
"""The days between two reminders of one finding; a severity that is not here has none."""
_DAY = timedelta(days=1)


def has_reminder(findings: Iterable[Finding], observed_at: datetime, previous_at: datetime | None) -> bool:
    """Tell whether a reminder of any finding is due."""
    return any(is_due(it, observed_at, previous_at) for it in findings)


def is_due(finding: Finding, observed_at: datetime, previous_at: datetime | None) -> bool:
    """Tell whether this audit is the first since a finding's next reminder was due.

    Counted in days since the finding was first seen, to the nearest, so that an audit that comes late, or twice,
    reminds once, and a night that begins some minutes earlier than the one before, or later, reminds all the same.
    """
    period = EVERY_DAYS.get(finding.severity)
    if period is None or finding.first_seen is None or previous_at is None:
        return False
    first = finding.first_seen
    return _days(first, observed_at) // period > _days(first, previous_at) // period


def _days(first: datetime, moment: datetime) -> int:
    return (moment - first + _DAY / 2) // _DAY


_OPENED = ("new", "reopened")
_RANKS = {it: it.rank for it in Severity}


class ChannelView:
    """The part of a report that a channel hears of. Exempted findings are nobody's alert."""

    def __init__(self, report: Report, severity: Severity) -> None:
        """Leave out what lies below a severity."""
        self.report = report
        self.severity = severity

    @cached_property
    def open(self) -> tuple[Finding, ...]:
        """What is non-compliant, the worst first, otherwise in the order of the report."""
        return _worst_first(it for it in self._heard if it.is_open)

    @cached_property
    def opened(self) -> tuple[Finding, ...]:
        """What this audit opened, for the first time or again."""
        return tuple(it for it in self.open if it.lifecycle in _OPENED)

    @cached_property
    def still_open(self) -> tuple[Finding, ...]:
        """What was open before and was found again."""
        return tuple(it for it in self.open if it.lifecycle not in _OPENED)

    @cached_property
    def out_of_sight(self) -> tuple[Finding, ...]:
        """What was open before and cannot be judged now: it is not resolved."""
        return _worst_first(it for it in self.unknown if it.lifecycle is not None)

    @cached_property
    def lasting(self) -> tuple[Finding, ...]:
        """What was open before and is not resolved."""
        return _worst_first((*self.still_open, *self.out_of_sight))

    @cached_property
    def unknown(self) -> tuple[Finding, ...]:
        """What could not be judged, known before or not."""
        unknown = Compliance.INSUFFICIENT_DATA
        return tuple(it for it in self._heard if it.compliance is unknown and it.exemption is None)

    @cached_property
    def resolved(self) -> tuple[ResolvedFinding, ...]:
        """What this audit resolved, the worst first."""
        heard = (it for it in self.report.resolved if _RANKS[it.severity] >= _RANKS[self.severity])
        return tuple(sorted(heard, key=lambda it: -_RANKS[it.severity]))

    @cached_property
    def is_well(self) -> bool:
        """Whether nothing is open and nothing unknown: what could not be read may hide anything."""
        return self.report.is_complete and not self.open and not self.unknown

    @cached_property
    def _heard(self) -> tuple[Finding, ...]:
        least = _RANKS[self.severity]
        return tuple(it for it in self.report.findings if _RANKS[it.severity] >= least)


def _worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda it: -_RANKS[it.severity]))


@dataclass(frozen=True, slots=True)
class Digest:
    """One message with what it is to say. The same digest gives the same words."""

    message: OutboxMessage
    told: ChannelView
    reminders: frozenset[str]
    """The fingerprints of the lasting findings that somebody is to be reminded of now."""
    report_link: str | None
    """Where a browser finds the report; `None` where it has no such address."""
    page_link: str | None
    """Where it finds the page of it."""
    may_be_repeat: bool
    """Whether an earlier attempt may have reached the channel without our hearing of it."""

    @property
    def report(self) -> Report:
        """The report that all of it is drawn from."""
        return self.told.report

    @property
    def severity(self) -> Severity | None:
        """How bad the worst is that is told, resolved or not: who heard of its beginning hears of its end."""
        findings = (*self.told.open, *self.told.out_of_sight)
        told = [*(it.severity for it in findings), *(it.severity for it in self.told.resolved)]
        return max(told, key=lambda it: it.rank, default=None)

    @property
    def event(self) -> EventType:
        """The most urgent of what is told, by the name that its event has."""
        lifecycles = {it.lifecycle for it in self.told.opened}
        if "new" in lifecycles:
            return EventType.FINDING_OPENED
        if lifecycles:
            return EventType.FINDING_REOPENED
        return EventType.FINDING_RESOLVED if self.told.resolved else EventType.AUDIT_COMPLETED

    def is_reminder(self, finding: Finding) -> bool:
        """Tell whether somebody is reminded of a finding by this digest."""
        return finding.fingerprint in self.reminders


def create_digest(
    report: Report,
    message: OutboxMessage,
    channel: Channel,
    *,
    link_to: Callable[[str], str | None],
    may_be_repeat: bool = False,
) -> Digest:
    """Choose what a message says to its channel, which may want to hear of less than when the message was recorded."""
    told, kept = ChannelView(report, channel.severity), message.report
    due = (it for it in told.lasting if is_due(it, report.observed_at, message.previous_at))
    return Digest(
        message,
        told,
        frozenset(it.fingerprint for it in due),
        link_to(kept.location),
        link_to(kept.page.location) if kept.page else None,
        may_be_repeat,
    )
