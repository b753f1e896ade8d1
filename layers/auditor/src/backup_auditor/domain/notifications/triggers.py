"""Which channels have to be told of an audit, and why: one message for each, or none."""

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime

from backup_auditor.domain.audit_record import StoredReport
from backup_auditor.domain.notifications.digest import ChannelView, has_reminder
from backup_auditor.domain.outbox import Channel, ChannelKind, OutboxMessage, Trigger
from backup_auditor.domain.reporting.report import Report


def create_messages(
    report: Report, kept: StoredReport, channels: tuple[Channel, ...], previous_at: datetime | None
) -> tuple[OutboxMessage, ...]:
    """Return what the channels of a project have to be told of an audit, one message at most for each.

    The same arguments give the same messages. A channel that is named twice is told once.
    """
    found: dict[str, OutboxMessage] = {}
    for channel in channels:
        occasion = trigger_for(channel, report, previous_at)
        if occasion is None or channel.channel_id in found:
            continue
        found[channel.channel_id] = OutboxMessage(
            message_id=message_id_of(report.project, report.audit_id, channel),
            project=report.project,
            audit_id=report.audit_id,
            observed_at=report.observed_at,
            channel_id=channel.channel_id,
            occasion=occasion,
            report=kept,
            previous_at=previous_at,
        )
    return tuple(found.values())


def readdress(message: OutboxMessage, channel: Channel) -> OutboxMessage:
    """Return what another channel has to be told instead."""
    message_id = message_id_of(message.project, message.audit_id, channel)
    return replace(message, message_id=message_id, channel_id=channel.channel_id)


def message_id_of(project: str, audit_id: str, channel: Channel) -> str:
    """Return what makes a message the same message: project, audit and channel."""
    parts = (project, audit_id, channel.channel_id)
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]


def trigger_for(channel: Channel, report: Report, previous_at: datetime | None) -> Trigger | None:
    """Return why a channel has to hear of an audit; `None` where it has not."""
    if channel.kind is ChannelKind.EVENTS:
        return Trigger.AUDITED
    told = ChannelView(report, channel.severity)
    if told.opened or told.resolved:
        return Trigger.CHANGED
    if has_reminder(told.lasting, report.observed_at, previous_at):
        return Trigger.REMINDER
    if channel.tells_all_is_well and told.is_well and _begins_week(report.observed_at, previous_at):
        return Trigger.ALL_IS_WELL
    return None


def _begins_week(observed_at: datetime, previous_at: datetime | None) -> bool:
    return previous_at is None or _week(observed_at) != _week(previous_at)


def _week(moment: datetime) -> tuple[int, int]:
    calendar = date.isocalendar(moment.astimezone(UTC))
    return calendar.year, calendar.week
