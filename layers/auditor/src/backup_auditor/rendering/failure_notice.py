"""A notice about a failure of audits as text and as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass

from backup_auditor.domain.audit_failure import FailureKind, FailureNotice
from backup_auditor.domain.events import EventType
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.notice import NoticeKind
from backup_auditor.domain.notifications.failures import FAILURE_SEVERITY
from backup_auditor.domain.outbox import OutboxMessage
from backup_auditor.domain.reporting.report import SCHEMA_VERSION
from backup_auditor.domain.timefmt import format_minute, format_moment
from backup_auditor.rendering.text import escape_truncated, truncate

_MAX_NAME_LENGTH = 200
_MAX_TEXT_LENGTH = 1000
_CHANGES = {FailureKind.FAILED: "audit failed", FailureKind.OVERDUE: "audit overdue"}
_CAUSES = {FailureKind.FAILED: "failed in all attempts", FailureKind.OVERDUE: "is overdue"}
_EARLIER_CAUSES = {
    FailureKind.FAILED: "The audit before it failed in all attempts",
    FailureKind.OVERDUE: "The project was overdue",
}


@dataclass(frozen=True, slots=True)
class NoticeMessage:
    """One message about a failure, and the notice in it. The same values render to the same text."""

    message: OutboxMessage
    notice: FailureNotice
    is_possible_duplicate: bool
    """Whether an earlier attempt may have arrived although it was not confirmed."""

    @property
    def event_type(self) -> EventType:
        """The type of the event that the message is about."""
        return EventType.AUDIT_FAILED if self.notice.is_open else EventType.AUDIT_COMPLETED

    @property
    def title_parts(self) -> tuple[str, str, str]:
        """The status, the project and the change."""
        project = escape_truncated(self.message.project, _MAX_NAME_LENGTH)
        if not self.notice.is_open:
            return "RESOLVED", project, "audited again"
        note = " (reminder)" if self.notice.kind is NoticeKind.REMINDER else ""
        return FAILURE_SEVERITY.upper(), project, f"{_CHANGES[self.notice.failure.kind]}{note}"

    @property
    def title(self) -> str:
        """The title: status, project and change."""
        return ": ".join(self.title_parts)

    @property
    def advice(self) -> str:
        """What follows the title: the reason, and what to do about it."""
        failure, project = self.notice.failure, self.title_parts[1]
        reason, next_step = (escape_truncated(it, _MAX_TEXT_LENGTH) for it in (failure.reason, failure.next_step))
        full_stop = "" if reason.endswith((".", "…")) else "."
        if not self.notice.is_open:
            return f"A complete audit of {project} was recorded. {_EARLIER_CAUSES[failure.kind]}: {reason}{full_stop}"
        return f"The audit of {project} {_CAUSES[failure.kind]}: {reason}{full_stop} Next: {next_step}."

    @property
    def headline(self) -> str:
        """The most important line of the message."""
        return f"{self.title}. {self.advice}"

    @property
    def details(self) -> tuple[str, ...]:
        """Other facts about the failure, a sentence each."""
        notice = self.notice
        complete = "none" if notice.complete_at is None else format_minute(notice.complete_at)
        sentences = [
            f"As of {format_minute(notice.noticed_at)}.",
            f"{'Failing' if notice.is_open else 'Failed'} since {format_minute(notice.failure.since)}.",
            f"Last complete audit: {complete}.",
        ]
        if notice.is_open:
            sentences.append(
                "The state of the backups is unknown."
                if notice.complete_at is None
                else "Changes since the last complete audit are unknown."
            )
        if self.is_possible_duplicate:
            sentences.append("Possible duplicate: an earlier delivery could not be confirmed.")
        return tuple(sentences)

    @property
    def footnotes(self) -> tuple[str, str]:
        """The small print: the details, and the id of the message."""
        return " ".join(self.details), f"Message {self.message.message_id}"


def render_notice_text(message: NoticeMessage) -> str:
    """Write a message about a failure, one statement a line."""
    return "\n".join([message.headline, "", *message.details, "", message.footnotes[-1]]) + "\n"


def build_notice_json(message: NoticeMessage) -> Mapping[str, object]:
    """Return a message about a failure as a JSON object, with the keys of a digest where they apply."""
    return {
        "schema_version": SCHEMA_VERSION,
        "message_id": message.message.message_id,
        "event": message.event_type,
        "trigger": message.message.trigger,
        "possible_duplicate": message.is_possible_duplicate,
        "headline": message.headline,
        "project": truncate(message.message.project, _MAX_TEXT_LENGTH),
        "observed_at": format_moment(message.notice.noticed_at),
        "compliance": Compliance.INSUFFICIENT_DATA,
        "severity": FAILURE_SEVERITY,
        "notice": message.notice.kind,
        **build_failure_json(message.notice, _MAX_TEXT_LENGTH),
    }


def build_failure_json(notice: FailureNotice, max_length: int) -> Mapping[str, object]:
    """Return the failure of a notice as a JSON object; its texts have at most a length."""
    failure = notice.failure
    return {
        "kind": failure.kind,
        "since": format_moment(failure.since),
        "reason": truncate(failure.reason, max_length),
        "remediation": truncate(failure.next_step, max_length) if notice.is_open else "",
        "last_complete_at": None if notice.complete_at is None else format_moment(notice.complete_at),
    }
