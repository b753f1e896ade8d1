"""The outbox: messages that are recorded with an audit or a failure, and stored until a channel accepts them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backup_auditor.domain.audit_failure import FailureNotice
from backup_auditor.domain.audit_record import StoredReport
from backup_auditor.domain.discovery_notice import DiscoveryNotice
from backup_auditor.domain.finding import Severity
from backup_auditor.domain.fleet_record import FleetComparison

FLEET = ".fleet"
"""What messages and files of the whole fleet have instead of the name of a project. No project can have this name."""


class ChannelKind(StrEnum):
    """The kinds of channel."""

    EVENTS = "events"
    SNS = "sns"
    SLACK = "slack"


@dataclass(frozen=True, slots=True)
class Channel:
    """One destination for the alerts of a project."""

    kind: ChannelKind
    target: str
    """The ARN of a topic, or the name of the secret with a webhook; empty for events, which use the only bus."""
    min_severity: Severity = Severity.LOW
    """The channel receives no findings below it."""
    has_weekly_summary: bool = False
    """Whether the channel receives a weekly message while nothing is open."""

    @property
    def channel_id(self) -> str:
        """The id of the channel within its project."""
        return f"{self.kind}:{self.target}" if self.target else str(self.kind)


EVENT_CHANNEL = Channel(ChannelKind.EVENTS, "")
"""The event bus, which every project has."""


class DigestTiming(StrEnum):
    """When a channel receives the digest of the fleet."""

    DAILY = "daily"
    """After each night."""
    WEEKLY = "weekly"
    """Once in seven days."""
    ON_CHANGE = "on-change"
    """After a night whose results differ from those of the last digest."""


@dataclass(frozen=True, slots=True)
class FleetChannel:
    """One destination for the messages about the whole fleet."""

    channel: Channel
    """Its severity and its weekly summary do not apply."""
    when: DigestTiming = DigestTiming.DAILY


class Trigger(StrEnum):
    """The reason for a message."""

    AUDIT = "audited"
    """The events of an audit, sent after each one."""
    CHANGE = "changed"
    REMINDER = "reminder"
    WEEKLY_SUMMARY = "all-is-well"
    FLEET_DIGEST = "fleet"
    """The results of a night of the fleet."""


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message to a channel. Its text is rendered from its content when it is sent.

    Its id is made of project, subject and channel, so a repeated audit sends no second message.
    """

    message_id: str
    project: str
    """The project, or `FLEET`."""
    audit_id: str | None
    """The audit that the message is about; `None` for any other message."""
    observed_at: datetime
    channel_id: str
    trigger: Trigger
    content: StoredReport | FailureNotice | DiscoveryNotice | FleetComparison
    """The report of the audit, the notice, or the pages of the fleet."""
    previous_at: datetime | None
    """The time of the audit before, from which reminders are counted; `None` for the first audit and other messages."""

    @property
    def subject_id(self) -> str:
        """The id of the audit, of the notice, or of the page."""
        match self.content:
            case FailureNotice() | DiscoveryNotice() as notice:
                return notice.notice_id
            case FleetComparison() as comparison:
                return comparison.subject_id
            case StoredReport():
                return self.audit_id or ""

    @property
    def is_notice(self) -> bool:
        """Whether it is about a failure or the organization, so that a later one can end an earlier one."""
        return isinstance(self.content, FailureNotice | DiscoveryNotice)

    def require_report(self) -> StoredReport:
        """Return the report of a message about an audit. Raises `TypeError` for any other message."""
        if not isinstance(self.content, StoredReport):
            raise TypeError("only a message about an audit has a report")
        return self.content


def list_due(messages: Iterable[tuple[OutboxMessage, bool]]) -> list[OutboxMessage]:
    """Return the due ones of all pending messages, each with whether its time has come, the oldest first.

    A notice waits until its channel has the older notices of its project: the end of a failure must not arrive before
    its beginning. Digests do not wait, because a single altered report would stop all later ones.
    """
    due_messages: list[OutboxMessage] = []
    waiting_channels: set[tuple[str, str]] = set()
    for message, is_due in sorted(messages, key=lambda it: (it[0].observed_at, it[0].message_id)):
        channel, is_notice = (message.project, message.channel_id), message.is_notice
        if is_due and not (is_notice and channel in waiting_channels):
            due_messages.append(message)
        elif is_notice:
            waiting_channels.add(channel)
    return due_messages


def parse_min_severity(text: str) -> Severity:
    """Read a severity. Raises `ValueError`, which does not repeat the text."""
    if text not in set(Severity):
        raise ValueError(f"is not a severity; write {', '.join(tuple(Severity)[:-1])} or {tuple(Severity)[-1]}")
    return Severity(text)
