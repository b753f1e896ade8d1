"""Decide which channels receive a message about an audit, and why."""

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime

from backup_auditor.domain.audit_record import StoredReport
from backup_auditor.domain.notifications.digest import ChannelView, has_due_reminder
from backup_auditor.domain.outbox import Channel, ChannelKind, OutboxMessage, Trigger
from backup_auditor.domain.reporting.report import Report


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
            report=stored_report,
            previous_at=previous_at,
        )
    return tuple(messages.values())


def readdress(message: OutboxMessage, channel: Channel) -> OutboxMessage:
    """Return the same message for another channel."""
    message_id = compute_message_id(message.project, message.audit_id, channel)
    return replace(message, message_id=message_id, channel_id=channel.channel_id)


def compute_message_id(project: str, audit_id: str, channel: Channel) -> str:
    """Return the id of a message, which depends on project, audit and channel."""
    parts = (project, audit_id, channel.channel_id)
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]


def find_trigger(channel: Channel, report: Report, previous_at: datetime | None) -> Trigger | None:
    """Return why a channel receives a message about an audit; `None` if it receives none."""
    if channel.kind is ChannelKind.EVENTS:
        return Trigger.AUDIT
    view = ChannelView(report, channel.min_severity)
    if view.opened_findings or view.resolved_findings:
        return Trigger.CHANGE
    if has_due_reminder(view.unresolved_findings, report.observed_at, previous_at):
        return Trigger.REMINDER
    if channel.has_weekly_summary and view.is_all_clear and _begins_week(report.observed_at, previous_at):
        return Trigger.WEEKLY_SUMMARY
    return None


def _begins_week(observed_at: datetime, previous_at: datetime | None) -> bool:
    return previous_at is None or _find_week(observed_at) != _find_week(previous_at)


def _find_week(moment: datetime) -> tuple[int, int]:
    calendar = date.isocalendar(moment.astimezone(UTC))
    return calendar.year, calendar.week
