"""What is left of an audit: its report as evidence, its record for the next audit, and the messages it causes."""

from dataclasses import dataclass, replace

from backup_auditor.domain.alerting.channel import Channel
from backup_auditor.domain.alerting.message import Message
from backup_auditor.domain.alerting.occasions import messages_of
from backup_auditor.domain.audit_record import AuditRecord, KeptReport
from backup_auditor.domain.lifecycle.advancing import Outcome
from backup_auditor.domain.memory import Memory
from backup_auditor.domain.recording import recording_of
from backup_auditor.domain.report import Report
from backup_auditor.errors import EvidenceError
from backup_auditor.ports.evidence import Evidence
from backup_auditor.ports.state import StateStore


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded of an audit. Empty where it changed nothing."""

    audit: AuditRecord | None = None
    messages: tuple[Message, ...] = ()
    pageless: str | None = None
    """Why its report has no page beside it, although it should."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where audits are recorded, where their reports are kept, and who is told of them."""

    store: StateStore
    evidence: Evidence | None = None
    channels: tuple[Channel, ...] = ()

    def record(self, before: Memory, outcome: Outcome, report: Report) -> Recorded:
        """Keep the report of an audit that changes anything, then record the audit and its messages, all or nothing.

        Raises `ConflictingRecordError` where another audit was quicker, `EvidenceError` and `StateError`.
        """
        recording = recording_of(before, outcome.memory)
        if recording is None:
            return Recorded()
        kept, pageless = self._kept(report)
        audit = AuditRecord(report.audit_id, report.observed_at, report.is_complete, report.compliance, kept)
        messages = messages_of(report, kept, self.channels, before.observed_at) if kept else ()
        self.store.record(report.project, replace(recording, audit=audit, messages=messages))
        return Recorded(audit, messages, pageless)

    def _kept(self, report: Report) -> tuple[KeptReport | None, str | None]:
        """Keep a report and then its page. The report is the evidence: what becomes of the page holds nothing up.

        A page is named nowhere before it is there. Whoever tries the same audit again finds what is there already.
        """
        if self.evidence is None:
            return None, None
        kept = self.evidence.keep(report)
        try:
            return replace(kept, page=self.evidence.keep_page(report, kept)), None
        except EvidenceError as error:
            why = str(error)
        except Exception as error:  # noqa: BLE001  its text may hold anything
            why = f"it cannot be drawn ({type(error).__name__}); please report that as a defect"
        return kept, f"{kept.location} has no page beside it: {why}"
