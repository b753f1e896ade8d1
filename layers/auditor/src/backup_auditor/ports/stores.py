"""The stores that use cases call: state, outbox, evidence and the remediation log."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from backup_auditor.domain.audit_failure import FailureNotice, WatchedProject
from backup_auditor.domain.audit_record import AuditRecord, StoredFile, StoredReport
from backup_auditor.domain.discovery_notice import DiscoveryState
from backup_auditor.domain.fleet_record import FleetPage, FleetRecords, RecordedDigest
from backup_auditor.domain.lifecycle.state_change import StateChange
from backup_auditor.domain.outbox import OutboxMessage
from backup_auditor.domain.project_state import ProjectState
from backup_auditor.domain.remediation.plan import ActionRecord, RemediationPlan
from backup_auditor.domain.reporting.report import Report

if TYPE_CHECKING:
    from backup_auditor.domain.exported_state import ExportedState, StateImport


class EvidenceStore(Protocol):
    """A store of reports. It never overwrites a stored file."""

    def store_report(self, report: Report) -> StoredReport:
        """Store a report, or confirm that the same report is already stored. Raises `EvidenceError`."""

    def store_page(self, report: Report, stored_report: StoredReport) -> StoredFile | None:
        """Store the page of a report next to it; return `None` if there are no pages. Raises `EvidenceError`."""

    def read(self, file: StoredFile) -> bytes:
        """Return the present bytes of a stored file without checking their hash. Raises `EvidenceError`."""


EARLIEST_OBSERVED_AT = datetime.min.replace(tzinfo=UTC)
"""The start of a period that includes every audit."""


class StateStore(Protocol):
    """A store of project states, which records a change completely or not at all. Its methods raise `StateError`."""

    def load(self, project: str) -> ProjectState:
        """Return the state of a project; an empty state if nothing was recorded."""

    def record(self, project: str, change: StateChange) -> None:
        """Record a change. Raises `ConflictingRecordError` unless its expected revision is the latest."""


class AuditLog(Protocol):
    """The records of earlier audits."""

    def list_audits(self, project: str, since: datetime) -> Sequence[AuditRecord]:
        """Return the records of a project's audits since a time, oldest first."""


class StateAndAuditStore(StateStore, AuditLog, Protocol):
    """A store of states and of audit records."""


class StateTransfer(Protocol):
    """A store from which the state of a project is exported, and into which one is imported.

    Its methods raise `StateError`.
    """

    def export_state(self, project: str) -> "ExportedState":
        """Return everything that is stored about a project and can be moved, as of one time."""

    def import_state(self, state_import: "StateImport") -> None:
        """Write everything.

        Raises `ConflictingRecordError` if an audit was recorded, or a drill has changed, since the state was read.
        """


class WatchStore(Protocol):
    """What `watch` reads and records about the audits of projects. Its methods raise `StateError`."""

    def load_projects(self, names: Sequence[str]) -> Mapping[str, WatchedProject]:
        """Return what is stored about each project, by its name, without loading states."""

    def ensure_registered(self, project: str, now: datetime) -> datetime:
        """Return when the project was first checked. The first call stores `now` and returns it."""

    def record_notice(
        self,
        project: str,
        notice: FailureNotice,
        messages: Sequence[OutboxMessage],
        last_notice: FailureNotice | None,
    ) -> None:
        """Record a notice together with its messages; do nothing if `last_notice` is no longer the last one."""


class DiscoveryStore(Protocol):
    """What is known about the organization. Its methods raise `StateError`."""

    def load(self) -> DiscoveryState:
        """Return what the last look recorded; an empty state before the first look."""

    def record(self, state: DiscoveryState, messages: Sequence[OutboxMessage]) -> None:
        """Record a state together with its messages; do nothing if its revision is no longer that of the last one."""


class FleetStore(Protocol):
    """The record of the pages and digests of the fleet. Its methods raise `StateError`."""

    def load_records(self, channel_ids: Iterable[str]) -> FleetRecords:
        """Return the last page, the last digests of some channels, and the last night."""

    def record_night(self, night: datetime) -> None:
        """Record when the last night began."""

    def record_page(
        self,
        page: FleetPage,
        last_page: FleetPage | None,
        messages: Sequence[OutboxMessage],
        digest: RecordedDigest,
    ) -> bool:
        """Record a page with its messages, and `digest` for the channels of these.

        Return `False` and record nothing if `last_page` is no longer the last one.
        """


class FleetPageLog(Protocol):
    """The recorded pages of the fleet."""

    def list_pages(self, now: datetime) -> Iterable[FleetPage]:
        """Return all pages whose retention is not over, by night and revision. Raises `StateError`."""


class FleetArchive(Protocol):
    """A store of the pages of the fleet. It never overwrites a stored file. Its methods raise `EvidenceError`."""

    def store_fleet(self, night: datetime, revision: int, document: Iterable[str]) -> StoredFile | None:
        """Store a page as JSON, or confirm that it is stored; `None` if another page has this night and revision."""

    def store_fleet_page(self, document: StoredFile, page: Iterable[str]) -> StoredFile:
        """Store a page as HTML next to its document."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim on a message: while it lasts, no other worker sends the message."""

    attempts: int
    """How often the message was claimed, this time included."""
    is_possible_duplicate: bool
    """Whether the channel may have accepted an earlier attempt whose result is unknown."""


class Outbox(Protocol):
    """The recorded messages that no channel has accepted yet. Its methods raise `StateError`."""

    def list_pending(self, project: str | None, now: datetime) -> Sequence[OutboxMessage]:
        """Return the due messages of a project, or of all: not sent, not claimed, and their retry time has passed.

        A notice about a failure is not due before the older notices of its project were sent to its channel.
        """

    def claim(self, message: OutboxMessage, now: datetime, until: datetime) -> Claim | None:
        """Claim a message until a time. Return `None` if another worker has claimed it, or it was sent."""

    def mark_sent(self, message: OutboxMessage, now: datetime) -> None:
        """Record that a channel accepted a message. It is not sent again."""

    def mark_failed(
        self, message: OutboxMessage, reason: str, retry_at: datetime, *, may_have_arrived: bool = False
    ) -> int:
        """Record a failed or unknown delivery and the time of the retry. Return the number of attempts."""

    def readdress(self, message: OutboxMessage, replacement: OutboxMessage) -> bool:
        """Replace a message by another. Return `False` and change nothing if the replacement is pending or was sent."""

    def load_progress(self, message: OutboxMessage) -> str:
        """Return the recorded progress of a message; an empty text if there is none."""

    def record_progress(self, message: OutboxMessage, progress: str) -> None:
        """Record which parts of a message were accepted, in the sender's own format. Only the others are sent again."""


class RemediationLog(Protocol):
    """All plans, and attempts at actions, recorded before they start. Safe on many threads. Raises `StateError`."""

    def store_plan(self, plan: RemediationPlan) -> None:
        """Store a plan. It replaces an earlier one of the same id."""

    def load_plan(self, project: str, plan_id: str) -> RemediationPlan | None:
        """Return the stored plan of a project by its id, or `None`."""

    def load_pinecone_project_id(self, project: str) -> str | None:
        """Return Pinecone's id of a project; `None` until an audit has recorded it."""

    def find_last_attempt(self, project: str, key: str) -> ActionRecord | None:
        """Return the latest attempt at an action, of any plan."""

    def record_start(self, record: ActionRecord) -> bool:
        """Record an attempt before it starts. Return `False` and record nothing if its number is taken."""

    def record_result(self, record: ActionRecord) -> None:
        """Record the result of an attempt that was started."""

    def settle_attempt(self, record: ActionRecord) -> None:
        """Record the result that reading shows, unless the worker that made the attempt has recorded one by now."""

    def list_unsettled(self, project: str) -> Sequence[ActionRecord]:
        """Return the attempts with an unknown result, oldest first."""

    def list_attempts(self, project: str) -> Sequence[ActionRecord]:
        """Return all attempts, oldest first."""

    def list_plan_attempts(self, project: str, plan_id: str) -> Sequence[ActionRecord]:
        """Return the attempts at the actions of a plan, oldest first."""


class PublicationLog(RemediationLog, Protocol):
    """A remediation log that also records which results were published as events."""

    def list_unpublished(self, project: str) -> Sequence[ActionRecord]:
        """Return the attempts with a result that is not published yet, oldest first."""

    def mark_published(self, record: ActionRecord, published_at: datetime) -> None:
        """Record that this version of the attempt was published. A later result still has to be published."""
