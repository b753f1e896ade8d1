"""What use cases require of stores: state, outbox, evidence and the remediation log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from backup_auditor.domain.audit_record import AuditRecord, StoredFile, StoredReport
from backup_auditor.domain.lifecycle.state_change import StateChange
from backup_auditor.domain.outbox import OutboxMessage
from backup_auditor.domain.project_state import ProjectState
from backup_auditor.domain.remediation.plan import ActionRecord, RemediationPlan
from backup_auditor.domain.reporting.report import Report


class EvidenceStore(Protocol):
    """Keeps reports. What was written once is never written over."""

    def store_report(self, report: Report) -> StoredReport:
        """Write a report where it can be found again, or find that it stands there already. Raises `EvidenceError`."""

    def store_page(self, report: Report, stored_report: StoredReport) -> StoredFile | None:
        """Write the page of a report that is kept beside it; `None` where no pages are written.

        Raises `EvidenceError`.
        """

    def read(self, file: StoredFile) -> bytes:
        """Return the bytes of a file as they stand there now, whatever their hash. Raises `EvidenceError`."""


EARLIEST_OBSERVED_AT = datetime.min.replace(tzinfo=UTC)
"""The moment since which all audits are asked for."""


class StateStore(Protocol):
    """Remembers projects from one audit to the next. A recording is there wholly or not at all, whatever happens.

    Both raise `StateError` where the store cannot be read or written.
    """

    def load(self, project: str) -> ProjectState:
        """Return what is remembered of a project; the empty memory where nothing is."""

    def record(self, project: str, change: StateChange) -> None:
        """Make a recording lasting. Raises `ConflictingRecordError` unless the revision it expects is the latest."""


class AuditLog(Protocol):
    """Knows which audits were recorded. It is the store's other side, for those who ask later."""

    def list_audits(self, project: str, since: datetime) -> Sequence[AuditRecord]:
        """Return what is kept of a project's audits since a moment, the oldest first."""


class StateAndAuditStore(StateStore, AuditLog, Protocol):
    """A store with the records of its audits."""


@dataclass(frozen=True, slots=True)
class LastAudits:
    """When a project was audited last, and when completely; `None` where it never was."""

    observed_at: datetime | None
    complete_at: datetime | None
    pinecone_project_id: str | None = None
    """Pinecone's id of the project that was audited, once it is known."""

    @property
    def is_latest_incomplete(self) -> bool:
        """Whether the last audit of all did not see everything."""
        return self.observed_at != self.complete_at


class AuditHistory(Protocol):
    """Knows how long a project has gone without a complete audit. It is the store's side for whoever watches it."""

    def find_last_audits(self, project: str) -> LastAudits:
        """Return when the last audits were, without loading what is remembered."""

    def ensure_registered(self, project: str, now: datetime) -> datetime:
        """Return when it was first asked for, by whoever watches: the present moment, the first time."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What was known of a message when it was taken."""

    attempts: int
    """How often it was taken now, this time included."""
    is_possible_duplicate: bool
    """Whether an attempt before may have been accepted without anybody hearing of it."""


class Outbox(Protocol):
    """The messages that were recorded and not yet accepted. It is the store's third side.

    All raise `StateError` where the store cannot be read or written.
    """

    def list_pending(self, project: str | None, now: datetime) -> Sequence[OutboxMessage]:
        """Return the messages of a project, or of all, that are due: not sent, not claimed, and not to wait longer."""

    def claim(self, message: OutboxMessage, now: datetime, until: datetime) -> Claim | None:
        """Take a message for oneself until a moment; `None` where another has it, or it was sent meanwhile."""

    def mark_sent(self, message: OutboxMessage, now: datetime) -> None:
        """Say that a channel accepted a message: it is never sent again."""

    def mark_failed(
        self, message: OutboxMessage, reason: str, retry_at: datetime, *, may_have_arrived: bool = False
    ) -> int:
        """Say that it was not accepted, or that nobody knows, and when to try again. Return how often it was tried."""

    def readdress(self, message: OutboxMessage, replacement: OutboxMessage) -> bool:
        """Let another message take the place of one; `False`, and nothing is done, where that waits or was sent."""

    def load_progress(self, message: OutboxMessage) -> str:
        """Return what was noted of the parts of a message that were accepted; empty where nothing was."""

    def record_progress(self, message: OutboxMessage, progress: str) -> None:
        """Note, in the words of whoever sends it, which parts were accepted: only the others are sent again."""


class RemediationLog(Protocol):
    """Remembers plans, and every action from before it is begun. Safe to call from many threads.

    All raise `StateError` where it cannot be read or written.
    """

    def store_plan(self, plan: RemediationPlan) -> None:
        """Remember a plan; one of the same id that was made before is replaced."""

    def load_plan(self, project: str, plan_id: str) -> RemediationPlan | None:
        """Return a plan of a project, as it was last made; `None` where there is none of that id."""

    def load_pinecone_project_id(self, project: str) -> str | None:
        """Return Pinecone's id of a project, once an audit has recorded it."""

    def find_last_attempt(self, project: str, key: str) -> ActionRecord | None:
        """Return the latest attempt at an action, of whatever plan."""

    def record_start(self, record: ActionRecord) -> bool:
        """Record an attempt before it is made; `False`, and nothing recorded, where another has taken its number."""

    def record_result(self, record: ActionRecord) -> None:
        """Record what came of an attempt that was begun."""

    def settle_attempt(self, record: ActionRecord) -> None:
        """Record what reading shows of an attempt, unless whoever made it has said by now what came of it."""

    def list_unsettled(self, project: str) -> Sequence[ActionRecord]:
        """Return every attempt of which nobody knows what came of it, the oldest first."""

    def list_attempts(self, project: str) -> Sequence[ActionRecord]:
        """Return every attempt at any action, the oldest first."""

    def list_plan_attempts(self, project: str, plan_id: str) -> Sequence[ActionRecord]:
        """Return every attempt at the actions of a plan, the oldest first."""


class PublicationLog(RemediationLog, Protocol):
    """Remembers, besides, of what was done that the bus has heard of it."""

    def list_unpublished(self, project: str) -> Sequence[ActionRecord]:
        """Return every attempt that was written and not told, the oldest first."""

    def mark_published(self, record: ActionRecord, published_at: datetime) -> None:
        """Remember that an attempt was told as this record has it; one that says otherwise by now is still to be."""
