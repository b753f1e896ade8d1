"""What one channel is told of one audit, before it is put into words."""

from collections.abc import Callable
from dataclasses import dataclass

from backup_auditor.domain.alerting.channel import Channel
from backup_auditor.domain.alerting.event import EventType
from backup_auditor.domain.alerting.message import Message
from backup_auditor.domain.alerting.reminders import is_due
from backup_auditor.domain.alerting.selection import Selection
from backup_auditor.domain.finding import Finding, Severity
from backup_auditor.domain.report import Report


@dataclass(frozen=True, slots=True)
class Digest:
    """One message with what it is to say. The same digest gives the same words."""

    message: Message
    told: Selection
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


def digest_of(
    report: Report,
    message: Message,
    channel: Channel,
    *,
    link_to: Callable[[str], str | None],
    may_be_repeat: bool = False,
) -> Digest:
    """Choose what a message says to its channel, which may want to hear of less than when the message was recorded."""
    told, kept = Selection(report, channel.severity), message.report
    due = (it for it in told.lasting if is_due(it, report.observed_at, message.previous_at))
    return Digest(
        message,
        told,
        frozenset(it.fingerprint for it in due),
        link_to(kept.location),
        link_to(kept.page.location) if kept.page else None,
        may_be_repeat,
    )
