"""The outbox: messages to channels that are recorded with an audit and stored until a channel accepts them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backup_auditor.domain.audit_record import StoredReport
from backup_auditor.domain.finding import Severity


class ChannelKind(StrEnum):
    """What carries a message."""

    EVENTS = "events"
    SNS = "sns"
    SLACK = "slack"


@dataclass(frozen=True, slots=True)
class Channel:
    """One place that is told of a project's audits."""

    kind: ChannelKind
    target: str
    """The ARN of a topic, or the secret that holds a webhook; empty for events, which have one bus."""
    min_severity: Severity = Severity.LOW
    """Findings below it are not told there."""
    has_weekly_summary: bool = False
    """Whether it hears once a week that there is nothing to tell."""

    @property
    def channel_id(self) -> str:
        """Return what tells it from the other channels of its project."""
        return f"{self.kind}:{self.target}" if self.target else str(self.kind)


class Trigger(StrEnum):
    """Why a message is sent."""

    AUDIT = "audited"
    """The events of an audit, which are sent after every one."""
    CHANGE = "changed"
    REMINDER = "reminder"
    WEEKLY_SUMMARY = "all-is-well"


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """What is to be told where. What it says is drawn from the report when it is sent: the same report, the same words.

    Its id is made of project, audit and channel, so that the same audit, delivered twice, is told once.
    """

    message_id: str
    project: str
    audit_id: str
    observed_at: datetime
    channel_id: str
    trigger: Trigger
    report: StoredReport
    previous_at: datetime | None
    """When the audit before was, since which reminders are counted; `None` where it was the first."""


def parse_min_severity(text: str) -> Severity:
    """Read a severity. Raises `ValueError`, which does not repeat the text."""
    if text not in set(Severity):
        raise ValueError(f"is no severity; write {', '.join(tuple(Severity)[:-1])} or {tuple(Severity)[-1]}")
    return Severity(text)
