"""Run an audit: collect, evaluate, record and report, once; or evaluate a saved inventory."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from backup_auditor.collection.collector import InventoryCollector
from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.audit_record import AuditRecord, StoredReport
from backup_auditor.domain.evaluation.evaluator import Evaluation, evaluate
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.advance import LifecycleResult, advance, unconfirmed_listings
from backup_auditor.domain.lifecycle.discard import is_ahead
from backup_auditor.domain.lifecycle.state_change import diff_states
from backup_auditor.domain.notifications.triggers import create_messages
from backup_auditor.domain.outbox import Channel, OutboxMessage
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.policy_validation import distant_exemptions
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.domain.reporting.policy_diff import PolicyDiff, diff_policies
from backup_auditor.domain.reporting.report import Report, audit_id_of, make_report
from backup_auditor.domain.state_warnings import state_warnings
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.errors import (
    ConflictingRecordError,
    EvidenceError,
    FutureAuditError,
    OtherProjectError,
    PolicyError,
    StateError,
)
from backup_auditor.ports.pinecone import Progress, ProjectReader
from backup_auditor.ports.stores import EvidenceStore, StateStore
from backup_auditor.worker_pool import WorkerPool


@dataclass(frozen=True, slots=True)
class RecordResult:
    """What was recorded of an audit. Empty where it changed nothing."""

    audit: AuditRecord | None = None
    messages: tuple[OutboxMessage, ...] = ()
    pageless: str | None = None
    """Why its report has no page beside it, although it should."""


@dataclass(frozen=True, slots=True)
class AuditRecorder:
    """Where audits are recorded, where their reports are kept, and who is told of them."""

    store: StateStore
    evidence: EvidenceStore | None = None
    channels: tuple[Channel, ...] = ()

    def record(self, before: ProjectState, outcome: LifecycleResult, report: Report) -> RecordResult:
        """Keep the report of an audit that changes anything, then record the audit and its messages, all or nothing.

        Raises `ConflictingRecordError` where another audit was quicker, `EvidenceError` and `StateError`.
        """
        recording = diff_states(before, outcome.memory)
        if recording is None:
            return RecordResult()
        kept, pageless = self._kept(report)
        audit = AuditRecord(report.audit_id, report.observed_at, report.is_complete, report.compliance, kept)
        messages = create_messages(report, kept, self.channels, before.observed_at) if kept else ()
        self.store.record(report.project, replace(recording, audit=audit, messages=messages))
        return RecordResult(audit, messages, pageless)

    def _kept(self, report: Report) -> tuple[StoredReport | None, str | None]:
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


type Clock = Callable[[], datetime]
type RecordError = StateError | ConflictingRecordError | EvidenceError

_ATTEMPTS = 10
"""How often a recording is made afresh because another audit was quicker."""


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What one audit read, and what it says."""

    inventory: Inventory
    report: Report
    notes: tuple[str, ...] = ()
    """What happened while it ran that is neither a finding nor unread, for the log."""
    unrecorded: RecordError | None = None
    """Why the next audit will not know of it, although it should."""
    record: AuditRecord | None = None
    """What was kept of it; `None` where it changed nothing, or is not recorded."""
    messages: tuple[OutboxMessage, ...] = ()
    """What was recorded with it, for those who are to be told."""
    pageless: str | None = None
    """Why the report that was kept has no page beside it, although it should."""


def run_audit(  # noqa: PLR0913  each is one thing an audit needs, named by its caller
    reader: ProjectReader,
    policy: Policy,
    *,
    project: str,
    observed_at: datetime,
    progress: Progress,
    store: StateStore | None = None,
    evidence: EvidenceStore | None = None,
    channels: tuple[Channel, ...] = (),
    clock: Clock | None = None,
    warnings: tuple[str, ...] = (),
) -> AuditResult:
    """Read a project, judge it, and read again what a verdict of absence rests on, until two walks agree.

    With a store it is recorded; what is recorded has its report kept as evidence first, where there is a place for it.
    The channels are told of reports that were kept: they take both. By this machine's clock the audit finds that the
    last recorded one lies in the future; without a clock it does not look. `warnings` are those of the registry.

    Raises `PolicyError` when an exemption ends too far ahead, `StateError` when what is remembered cannot be read,
    `OtherProjectError` when it belongs to another Pinecone project, and
    `BadKeyError`, `ForbiddenError`, `NotFoundError`, `PlanForbidsError` and `UnreachableError` when the list of indexes
    is answered so: then nothing was audited. Whatever else could not be read is part of the inventory.
    """
    check_usable(policy, observed_at)
    memory = store.load(project) if store else EMPTY_STATE
    with WorkerPool(reader.ceiling) as crew:
        gatherer = InventoryCollector(reader, crew, progress)
        gatherer.gather()
        while True:
            inventory = gatherer.inventory(project, observed_at)
            check_same_project(memory, inventory)
            judgement = evaluate(inventory, policy, CATALOG, memory)
            doubts = judgement.doubts | unconfirmed_listings(memory, inventory)
            if not doubts or not gatherer.walk_again(doubts):
                break
    keeping = AuditRecorder(store, evidence, channels) if store else None
    notes = (*gatherer.notes, *_notes_of(inventory))
    return _AuditConclusion(inventory, policy, notes, clock, warnings).reached(judgement, memory, keeping)


def evaluate_inventory(
    inventory: Inventory,
    policy: Policy,
    store: StateStore | None = None,
    evidence: EvidenceStore | None = None,
    clock: Clock | None = None,
) -> AuditResult:
    """Judge an inventory that was read before, without a call.

    Raises `PolicyError`, `StateError` and `OtherProjectError` as `run_audit` does.
    """
    check_usable(policy, inventory.observed_at)
    memory = store.load(inventory.project) if store else EMPTY_STATE
    check_same_project(memory, inventory)
    judgement = evaluate(inventory, policy, CATALOG, memory)
    keeping = AuditRecorder(store, evidence) if store else None
    return _AuditConclusion(inventory, policy, _notes_of(inventory), clock).reached(judgement, memory, keeping)


def _notes_of(inventory: Inventory) -> tuple[str, ...]:
    names = sorted(inventory.terminating_names)
    return tuple(f"The index {name} is being deleted (state Terminating): it is not audited." for name in names)


def check_usable(policy: Policy, observed_at: datetime) -> None:
    """Raise `PolicyError` where a policy, well in itself, may not be used at a moment."""
    problems = distant_exemptions(policy, observed_at.astimezone(UTC).date())
    if problems:
        raise PolicyError(*(f"{policy.source}: {it}" for it in problems), path=policy.source)


def check_same_project(memory: ProjectState, inventory: Inventory) -> None:
    """Raise `OtherProjectError` where a memory belongs to another Pinecone project than was read.

    Without an id on either side nothing is known, and nothing is raised.
    """
    known, found = memory.pinecone_project_id, inventory.project_ids
    if known is not None and found and known not in found:
        raise OtherProjectError(inventory.project, known, ", ".join(sorted(found)))


def compare_policies(inventory: Inventory, old: Policy, new: Policy) -> PolicyDiff:
    """Judge an inventory by two policies, without a call and by nothing that is remembered."""
    judgements = evaluate(inventory, old, CATALOG), evaluate(inventory, new, CATALOG)
    return diff_policies(inventory, (old, new), judgements)


@dataclass(frozen=True, slots=True)
class _AuditConclusion:
    """What is left to do once everything is read."""

    inventory: Inventory
    policy: Policy
    notes: tuple[str, ...]
    clock: Clock | None
    warnings: tuple[str, ...] = ()

    def reached(self, judgement: Evaluation, memory: ProjectState, keeping: AuditRecorder | None) -> AuditResult:
        """Report, and record before anything is said; what was recorded meanwhile is judged by, not written over."""
        if keeping is None:
            report = make_report(self.inventory, self.policy, judgement, warnings=self.warnings)
            return AuditResult(self.inventory, report, self.notes)
        outcome, report = self._told(judgement, memory)
        recorded = RecordResult()
        unrecorded: RecordError | None = None
        try:
            for _ in range(_ATTEMPTS):
                try:
                    recorded, unrecorded = keeping.record(memory, outcome, report), None
                    break
                except ConflictingRecordError as error:
                    unrecorded = error
                memory = keeping.store.load(self.inventory.project)
                check_same_project(memory, self.inventory)
                judgement = evaluate(self.inventory, self.policy, CATALOG, memory)
                outcome, report = self._told(judgement, memory)
        except (EvidenceError, StateError) as error:  # the audit stands all the same
            unrecorded = error
        unrecorded = unrecorded or self._why_overtaken(memory)
        notes = (*self.notes, outcome.note) if outcome.note else self.notes
        return AuditResult(
            self.inventory, report, notes, unrecorded, recorded.audit, recorded.messages, recorded.pageless
        )

    def _why_overtaken(self, memory: ProjectState) -> FutureAuditError | None:
        """Return an error where this audit is older than a recorded one that lies in the future of the clock."""
        last = memory.observed_at
        if last is None or self.clock is None or last <= self.inventory.observed_at:
            return None
        now = self.clock()
        if not is_ahead(last, now):
            return None
        return FutureAuditError(self.inventory.project, format_moment(last), format_moment(now))

    def _told(self, judgement: Evaluation, memory: ProjectState) -> tuple[LifecycleResult, Report]:
        """Take what is remembered past this audit, and report."""
        audit_id = audit_id_of(self.inventory, self.policy)
        outcome = advance(memory, self.inventory, self.policy, judgement, audit_id)
        warnings = (*self.warnings, *state_warnings(memory, self.inventory))
        return outcome, make_report(self.inventory, self.policy, judgement, outcome, warnings)
