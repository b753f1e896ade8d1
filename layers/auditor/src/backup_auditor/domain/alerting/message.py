"""One message that is to reach one channel: recorded with the audit that caused it, and kept until it was accepted."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backup_auditor.domain.audit_record import KeptReport


class Occasion(StrEnum):
    """Why a message is sent."""

    AUDITED = "audited"
    """The events of an audit, which are sent after every one."""
    CHANGED = "changed"
    REMINDER = "reminder"
    ALL_IS_WELL = "all-is-well"


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be told where. What it says is drawn from the report when it is sent: the same report, the same words.

    Its id is made of project, audit and channel, so that the same audit, delivered twice, is told once.
    """

    message_id: str
    project: str
    audit_id: str
    observed_at: datetime
    channel_id: str
    occasion: Occasion
    report: KeptReport
    previous_at: datetime | None
    """When the audit before was, since which reminders are counted; `None` where it was the first."""
