"""Run an audit: collect, evaluate, record and report, once; or evaluate a saved inventory."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from backup_auditor.collection.collector import InventoryCollector
from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.audit_record import AuditRecord, StoredReport
from backup_auditor.domain.evaluation.evaluator import evaluate_controls
from backup_auditor.domain.evaluation.results import Evaluation
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.advance import advance, find_unconfirmed_listings
from backup_auditor.domain.lifecycle.discard import is_in_future
from backup_auditor.domain.lifecycle.state_change import LifecycleResult, diff_states
from backup_auditor.domain.notifications.triggers import create_messages
from backup_auditor.domain.outbox import Channel, OutboxMessage
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.policy_validation import find_distant_exemptions
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.domain.remediation.proposals import make_proposals
from backup_auditor.domain.reporting.policy_diff import PolicyDiff, diff_policies
from backup_auditor.domain.reporting.report import Report, compute_audit_id, make_report
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.domain.warnings import find_state_warnings
from backup_auditor.errors import (
    ConflictingRecordError,
    EvidenceError,
    FutureAuditError,
    PolicyError,
    ProjectMismatchError,
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
    page_failure: str | None = None
    """Why its report has no page beside it, although it should."""


@dataclass(frozen=True, slots=True)
class AuditRecorder:
    """Where audits are recorded, where their reports are kept, and who is told of them."""

    store: StateStore
    evidence: EvidenceStore | None = None
    channels: tuple[Channel, ...] = ()

    def record(self, previous_state: ProjectState, lifecycle_result: LifecycleResult, report: Report) -> RecordResult:
        """Keep the report of an audit that changes anything, then record the audit and its messages, all or nothing.

        Raises `ConflictingRecordError` where another audit was quicker, `EvidenceError` and `StateError`.
        """
        change = diff_states(previous_state, lifecycle_result.state)
        if change is None:
            return RecordResult()
        stored_report, page_failure = self._store_report(report)
        audit = AuditRecord(report.audit_id, report.observed_at, report.is_complete, report.compliance, stored_report)
        messages = (
            create_messages(report, stored_report, self.channels, previous_state.observed_at) if stored_report else ()
        )
        self.store.record(report.project, replace(change, audit=audit, messages=messages))
        return RecordResult(audit, messages, page_failure)

    def _store_report(self, report: Report) -> tuple[StoredReport | None, str | None]:
        """Keep a report and then its page. The report is the evidence: what becomes of the page holds nothing up.

        A page is named nowhere before it is there. Whoever tries the same audit again finds what is there already.
        """
        if self.evidence is None:
            return None, None
        stored_report = self.evidence.store_report(report)
        try:
            return replace(stored_report, page=self.evidence.store_page(report, stored_report)), None
        except EvidenceError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001  its text may hold anything
            reason = f"it cannot be drawn ({type(error).__name__}); please report that as a defect"
        return stored_report, f"{stored_report.location} has no page beside it: {reason}"


type Clock = Callable[[], datetime]
type RecordError = StateError | ConflictingRecordError | EvidenceError

_MAX_ATTEMPTS = 10
"""How often a recording is made afresh because another audit was quicker."""


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What one audit read, and what it says."""

    inventory: Inventory
    report: Report
    notes: tuple[str, ...] = ()
    """What happened while it ran that is neither a finding nor unread, for the log."""
    record_error: RecordError | None = None
    """Why the next audit will not know of it, although it should."""
    record: AuditRecord | None = None
    """What was kept of it; `None` where it changed nothing, or is not recorded."""
    messages: tuple[OutboxMessage, ...] = ()
    """What was recorded with it, for those who are to be told."""
    page_failure: str | None = None
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
    check_policy_dates(policy, observed_at)
    state = store.load(project) if store else EMPTY_STATE
    with WorkerPool(reader.max_concurrency) as pool:
        collector = InventoryCollector(reader, pool, progress)
        collector.collect()
        while True:
            inventory = collector.build_inventory(project, observed_at)
            check_same_project(state, inventory)
            evaluation = evaluate_controls(inventory, policy, CATALOG, state)
            listing_ids = evaluation.unconfirmed_listings | find_unconfirmed_listings(state, inventory)
            if not listing_ids or not collector.read_again(listing_ids):
                break
    recorder = AuditRecorder(store, evidence, channels) if store else None
    notes = (*collector.notes, *_describe_terminating(inventory))
    return _AuditConclusion(inventory, policy, notes, clock, warnings).finish(evaluation, state, recorder)


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
    check_policy_dates(policy, inventory.observed_at)
    state = store.load(inventory.project) if store else EMPTY_STATE
    check_same_project(state, inventory)
    evaluation = evaluate_controls(inventory, policy, CATALOG, state)
    recorder = AuditRecorder(store, evidence) if store else None
    return _AuditConclusion(inventory, policy, _describe_terminating(inventory), clock).finish(
        evaluation, state, recorder
    )


def _describe_terminating(inventory: Inventory) -> tuple[str, ...]:
    names = sorted(inventory.terminating_names)
    return tuple(f"The index {name} is being deleted (state Terminating): it is not audited." for name in names)


def check_policy_dates(policy: Policy, observed_at: datetime) -> None:
    """Raise `PolicyError` where a policy, well in itself, may not be used at a moment."""
    problems = find_distant_exemptions(policy, observed_at.astimezone(UTC).date())
    if problems:
        raise PolicyError(*(f"{policy.source}: {it}" for it in problems), path=policy.source)


def check_same_project(state: ProjectState, inventory: Inventory) -> None:
    """Raise `OtherProjectError` where a memory belongs to another Pinecone project than was read.

    Without an id on either side nothing is known, and nothing is raised.
    """
    recorded_id, found_ids = state.pinecone_project_id, inventory.project_ids
    if recorded_id is not None and found_ids and recorded_id not in found_ids:
        raise ProjectMismatchError(inventory.project, recorded_id, ", ".join(sorted(found_ids)))


def compare_policies(inventory: Inventory, old: Policy, new: Policy) -> PolicyDiff:
    """Judge an inventory by two policies, without a call and by nothing that is remembered."""
    evaluations = evaluate_controls(inventory, old, CATALOG), evaluate_controls(inventory, new, CATALOG)
    return diff_policies(inventory, (old, new), evaluations)


@dataclass(frozen=True, slots=True)
class _AuditConclusion:
    """What is left to do once everything is read."""

    inventory: Inventory
    policy: Policy
    notes: tuple[str, ...]
    clock: Clock | None
    warnings: tuple[str, ...] = ()

    def finish(self, evaluation: Evaluation, state: ProjectState, recorder: AuditRecorder | None) -> AuditResult:
        """Report, and record before anything is said; what was recorded meanwhile is judged by, not written over."""
        if recorder is None:
            return AuditResult(self.inventory, self._make_report(evaluation), self.notes)
        lifecycle_result, report = self._advance(evaluation, state)
        record_result = RecordResult()
        record_error: RecordError | None = None
        try:
            for _ in range(_MAX_ATTEMPTS):
                try:
                    record_result, record_error = recorder.record(state, lifecycle_result, report), None
                    break
                except ConflictingRecordError as error:
                    record_error = error
                state = recorder.store.load(self.inventory.project)
                check_same_project(state, self.inventory)
                evaluation = evaluate_controls(self.inventory, self.policy, CATALOG, state)
                lifecycle_result, report = self._advance(evaluation, state)
        except (EvidenceError, StateError) as error:  # the audit stands all the same
            record_error = error
        record_error = record_error or self._find_future_audit_error(state)
        notes = (*self.notes, lifecycle_result.note) if lifecycle_result.note else self.notes
        return AuditResult(
            self.inventory,
            report,
            notes,
            record_error,
            record_result.audit,
            record_result.messages,
            record_result.page_failure,
        )

    def _find_future_audit_error(self, state: ProjectState) -> FutureAuditError | None:
        """Return an error where this audit is older than a recorded one that lies in the future of the clock."""
        last_observed_at = state.observed_at
        if last_observed_at is None or self.clock is None or last_observed_at <= self.inventory.observed_at:
            return None
        now = self.clock()
        if not is_in_future(last_observed_at, now):
            return None
        return FutureAuditError(self.inventory.project, format_moment(last_observed_at), format_moment(now))

    def _advance(self, evaluation: Evaluation, state: ProjectState) -> tuple[LifecycleResult, Report]:
        """Take what is remembered past this audit, and report."""
        audit_id = compute_audit_id(self.inventory, self.policy)
        lifecycle_result = advance(state, self.inventory, self.policy, evaluation.findings, audit_id)
        report = self._make_report(evaluation, lifecycle_result)
        return lifecycle_result, report.with_warnings(*find_state_warnings(state, self.inventory))

    def _make_report(self, evaluation: Evaluation, lifecycle_result: LifecycleResult | None = None) -> Report:
        report = make_report(self.inventory, self.policy, evaluation, lifecycle_result)
        proposals = make_proposals(self.inventory, self.policy, report.findings)
        return replace(report, proposals=proposals).with_warnings(*self.warnings)
