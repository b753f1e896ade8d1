"""The failure of a project's audits, and the notice that is due about it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from backup_auditor.domain.audit_failure import AuditFailure, FailureNotice
from backup_auditor.domain.finding import Severity
from backup_auditor.domain.notice import NoticeKind
from backup_auditor.domain.notifications.digest import REMINDER_DAYS, compute_message_id
from backup_auditor.domain.outbox import Channel, ChannelKind, OutboxMessage, Trigger

FAILURE_SEVERITY = Severity.CRITICAL
"""The severity of a failure: every channel receives it, because no severity is higher."""
_REMINDER_INTERVAL = timedelta(days=REMINDER_DAYS[FAILURE_SEVERITY]) - timedelta(minutes=30)
"""Half an hour less than the days: an hourly look that is some minutes early still reminds."""
_FORGOTTEN_AFTER = timedelta(days=7)
"""The age at which a notice is ignored. Reminders are daily, so an older one is of a project that was not watched."""
_TRIGGERS = {
    NoticeKind.OPENED: Trigger.CHANGE,
    NoticeKind.REMINDER: Trigger.REMINDER,
    NoticeKind.RESOLVED: Trigger.CHANGE,
}


def find_notice(
    failure: AuditFailure | None, last_notice: FailureNotice | None, complete_at: datetime | None, now: datetime
) -> FailureNotice | None:
    """Return the notice that is due; `None` if the last one is recent enough, or there is nothing to report.

    A project has one failure at a time: one that changes its kind or its reason is the same failure. Only a complete
    audit since it began ends it. After an incomplete one, which has a report, it is silent until the project is
    overdue. Of a project that was not watched for a week, for example because it was not registered, the last notice
    is forgotten.
    """
    if last_notice is not None and now - last_notice.noticed_at > _FORGOTTEN_AFTER:
        last_notice = None
    if last_notice is None or not last_notice.is_open:
        return None if failure is None else FailureNotice(NoticeKind.OPENED, failure, now, complete_at)
    if failure is None:
        is_over = complete_at is not None and complete_at > last_notice.failure.since
        return FailureNotice(NoticeKind.RESOLVED, last_notice.failure, now, complete_at) if is_over else None
    if now - last_notice.noticed_at < _REMINDER_INTERVAL:
        return None
    failure = replace(failure, since=last_notice.failure.since)
    return FailureNotice(NoticeKind.REMINDER, failure, now, complete_at)


def create_notice_messages(
    project: str, notice: FailureNotice, channels: Iterable[Channel]
) -> tuple[OutboxMessage, ...]:
    """Return the messages of a notice, one per channel. The bus gets only the first notice about a failure."""
    channels_by_id = {
        it.channel_id: it for it in channels if it.kind is not ChannelKind.EVENTS or notice.kind is NoticeKind.OPENED
    }
    return tuple(
        OutboxMessage(
            message_id=compute_message_id(project, notice.notice_id, channel),
            project=project,
            audit_id=None,
            observed_at=notice.noticed_at,
            channel_id=channel_id,
            trigger=_TRIGGERS[notice.kind],
            content=notice,
            previous_at=None,
        )
        for channel_id, channel in channels_by_id.items()
    )
