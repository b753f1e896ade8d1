"""What one channel receives about one audit, and why: the trigger of a message, and its digest."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property

from backup_auditor.domain.audit_record import StoredReport
from backup_auditor.domain.events import EventType
from backup_auditor.domain.finding import Finding, Severity
from backup_auditor.domain.outbox import Channel, ChannelKind, OutboxMessage, Trigger
from backup_auditor.domain.project_state import ResolvedFinding
from backup_auditor.domain.reporting.report import Report

REMINDER_DAYS: Mapping[Severity, int] = {Severity.CRITICAL: 1, Severity.HIGH: 3, Severity.MEDIUM: 7}
"""Days between two reminders of one finding. Other severities have no reminders."""
_DAY = timedelta(days=1)


def _is_reminder_due(finding: Finding, observed_at: datetime, previous_at: datetime | None) -> bool:
    """Return whether this audit is the first since a finding's next reminder was due.

    Days since the finding was first seen are rounded to the nearest, so that a late or repeated audit reminds once, and
    an audit that starts some minutes earlier or later than the last one still reminds.
    """
    reminder_days = REMINDER_DAYS.get(finding.severity)
    if reminder_days is None or finding.first_seen is None or previous_at is None:
        return False
    first_seen = finding.first_seen
    return _count_days(first_seen, observed_at) // reminder_days > _count_days(first_seen, previous_at) // reminder_days


def _count_days(start: datetime, moment: datetime) -> int:
    return (moment - start + _DAY / 2) // _DAY


_RANKS = {it: it.rank for it in Severity}


class ChannelView:
    """The part of a report that a channel receives. Exempted findings are not in it."""

    def __init__(self, report: Report, min_severity: Severity) -> None:
        """Take the report, and the lowest severity that the channel receives."""
        self.report = report
        self.min_severity = min_severity

    @cached_property
    def open_findings(self) -> tuple[Finding, ...]:
        """The open findings, the most severe first, then in the order of the report."""
        return _sort_worst_first(it for it in self._relevant_findings if it.is_open)

    @cached_property
    def opened_findings(self) -> tuple[Finding, ...]:
        """The findings that this audit opened or reopened."""
        return tuple(it for it in self.open_findings if it.is_opened)

    @cached_property
    def still_open_findings(self) -> tuple[Finding, ...]:
        """The findings that were open before and still are."""
        return tuple(it for it in self.open_findings if not it.is_opened)

    @cached_property
    def now_unknown_findings(self) -> tuple[Finding, ...]:
        """The findings that were open before and are unknown now. They are not resolved."""
        return _sort_worst_first(it for it in self.unknown_findings if it.lifecycle is not None)

    @cached_property
    def unresolved_findings(self) -> tuple[Finding, ...]:
        """The findings that were open before and are not resolved."""
        return _sort_worst_first((*self.still_open_findings, *self.now_unknown_findings))

    @cached_property
    def unknown_findings(self) -> tuple[Finding, ...]:
        """The findings that could not be evaluated."""
        return tuple(it for it in self._relevant_findings if it.is_unknown)

    @cached_property
    def resolved_findings(self) -> tuple[ResolvedFinding, ...]:
        """The findings that this audit resolved, the most severe first."""
        findings = (it for it in self.report.resolved_findings if _RANKS[it.severity] >= _RANKS[self.min_severity])
        return tuple(sorted(findings, key=lambda it: -_RANKS[it.severity]))

    @cached_property
    def is_all_clear(self) -> bool:
        """Whether the report is complete and no finding is open or unknown."""
        return self.report.is_complete and not self.open_findings and not self.unknown_findings

    @cached_property
    def _relevant_findings(self) -> tuple[Finding, ...]:
        min_rank = _RANKS[self.min_severity]
        return tuple(it for it in self.report.findings if _RANKS[it.severity] >= min_rank)


def _sort_worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda it: -_RANKS[it.severity]))


@dataclass(frozen=True, slots=True)
class Digest:
    """The content of one message. The same digest renders to the same text."""

    message: OutboxMessage
    stored_report: StoredReport
    view: ChannelView
    reminder_fingerprints: frozenset[str]
    """The fingerprints of the unresolved findings whose reminder is due."""
    report_link: str | None
    """The URL of the report; `None` without one."""
    page_link: str | None
    """The URL of its HTML page; `None` without one."""
    is_possible_duplicate: bool
    """Whether an earlier attempt may have arrived although it was not confirmed."""

    @property
    def report(self) -> Report:
        """The report of the digest."""
        return self.view.report

    @property
    def severity(self) -> Severity | None:
        """The highest severity in the digest, resolved findings included."""
        findings = (*self.view.open_findings, *self.view.now_unknown_findings)
        severities = [*(it.severity for it in findings), *(it.severity for it in self.view.resolved_findings)]
        return max(severities, key=lambda it: it.rank, default=None)

    @property
    def event_type(self) -> EventType:
        """The event type of the most urgent change in the digest."""
        lifecycles = {it.lifecycle for it in self.view.opened_findings}
        if "new" in lifecycles:
            return EventType.FINDING_OPENED
        if lifecycles:
            return EventType.FINDING_REOPENED
        return EventType.FINDING_RESOLVED if self.view.resolved_findings else EventType.AUDIT_COMPLETED

    def is_reminder(self, finding: Finding) -> bool:
        """Return whether this digest is a reminder of a finding."""
        return finding.fingerprint in self.reminder_fingerprints


def create_digest(
    report: Report,
    message: OutboxMessage,
    channel: Channel,
    *,
    build_link: Callable[[str], str | None],
    is_possible_duplicate: bool = False,
) -> Digest:
    """Return the digest of a message, with the channel's current minimum severity."""
    view, stored_report = ChannelView(report, channel.min_severity), message.require_report()
    due_findings = (
        it for it in view.unresolved_findings if _is_reminder_due(it, report.observed_at, message.previous_at)
    )
    return Digest(
        message,
        stored_report,
        view,
        frozenset(it.fingerprint for it in due_findings),
        build_link(stored_report.location),
        build_link(stored_report.page.location) if stored_report.page else None,
        is_possible_duplicate,
    )


def create_messages(
    report: Report, stored_report: StoredReport, channels: tuple[Channel, ...], previous_at: datetime | None
) -> tuple[OutboxMessage, ...]:
    """Return the messages about an audit, at most one per channel.

    The same arguments give the same messages. A channel that is listed twice receives one message.
    """
    messages: dict[str, OutboxMessage] = {}
    for channel in channels:
        trigger = find_trigger(channel, report, previous_at)
        if trigger is None or channel.channel_id in messages:
            continue
        messages[channel.channel_id] = OutboxMessage(
            message_id=compute_message_id(report.project, report.audit_id, channel),
            project=report.project,
            audit_id=report.audit_id,
            observed_at=report.observed_at,
            channel_id=channel.channel_id,
            trigger=trigger,
            content=stored_report,
            previous_at=previous_at,
        )
    return tuple(messages.values())


def readdress(message: OutboxMessage, channel: Channel) -> OutboxMessage:
    """Return the same message for another channel."""
    message_id = compute_message_id(message.project, message.subject_id, channel)
    return replace(message, message_id=message_id, channel_id=channel.channel_id)


def compute_message_id(project: str, subject_id: str, channel: Channel) -> str:
    """Return the id of a message, which depends on project, audit or notice, and channel."""
    parts = (project, subject_id, channel.channel_id)
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]


def find_trigger(channel: Channel, report: Report, previous_at: datetime | None) -> Trigger | None:
    """Return why a channel receives a message about an audit; `None` if it receives none."""
    if channel.kind is ChannelKind.EVENTS:
        return Trigger.AUDIT
    view = ChannelView(report, channel.min_severity)
    if view.opened_findings or view.resolved_findings:
        return Trigger.CHANGE
    if any(_is_reminder_due(it, report.observed_at, previous_at) for it in view.unresolved_findings):
        return Trigger.REMINDER
    if channel.has_weekly_summary and view.is_all_clear and _begins_week(report.observed_at, previous_at):
        return Trigger.WEEKLY_SUMMARY
    return None


def _begins_week(observed_at: datetime, previous_at: datetime | None) -> bool:
    return previous_at is None or _find_week(observed_at) != _find_week(previous_at)


def _find_week(moment: datetime) -> tuple[int, ...]:
    return moment.astimezone(UTC).isocalendar()[:2]
