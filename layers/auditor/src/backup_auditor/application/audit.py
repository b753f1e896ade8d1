"""Run an audit: collect, evaluate, record and report, once; or evaluate a saved inventory."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from backup_auditor.collection.collector import InventoryCollector
from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.audit_record import AuditRecord, StoredReport, is_in_future
from backup_auditor.domain.drill_indexes import exclude_running_drills, find_drill_warnings
from backup_auditor.domain.evaluation.evaluator import evaluate_controls
from backup_auditor.domain.evaluation.results import Evaluation
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.advance import advance, find_unconfirmed_listings
from backup_auditor.domain.lifecycle.state_change import LifecycleResult, diff_states
from backup_auditor.domain.notifications.digest import create_messages
from backup_auditor.domain.outbox import Channel, OutboxMessage
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.policy_validation import find_distant_exemptions
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.domain.remediation.planner import make_proposals
from backup_auditor.domain.reporting.fleet_rows import summarize_project
from backup_auditor.domain.reporting.policy_diff import PolicyDiff, diff_policies
from backup_auditor.domain.reporting.report import Report, compute_audit_id, make_report
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.domain.warnings import find_state_warnings
from backup_auditor.errors import (
    ConflictingRecordError,
    EntryMismatchError,
    EvidenceError,
    FutureAuditError,
    IncompleteAuditError,
    PolicyError,
    ProjectMismatchError,
    StateError,
)
from backup_auditor.ports.pinecone import Progress, ProjectReader
from backup_auditor.ports.stores import EvidenceStore, StateStore
from backup_auditor.rendering.fleet_json import render_project_row
from backup_auditor.worker_pool import WorkerPool


@dataclass(frozen=True, slots=True)
class RecordResult:
    """What was recorded of an audit; empty if the audit changed nothing."""

    audit: AuditRecord | None = None
    messages: tuple[OutboxMessage, ...] = ()
    page_failure: str | None = None
    """Why its report has no HTML page although it should."""


@dataclass(frozen=True, slots=True)
class AuditRecorder:
    """Records audits: stores reports, then updates state and outbox."""

    store: StateStore
    evidence: EvidenceStore | None = None
    channels: tuple[Channel, ...] = ()

    def record(self, previous_state: ProjectState, lifecycle_result: LifecycleResult, report: Report) -> RecordResult:
        """Store the report of an audit that changes the state, then record state and messages in one transaction.

        Raises `ConflictingRecordError` if another audit was recorded meanwhile, `EvidenceError` and `StateError`.
        """
        change = diff_states(previous_state, lifecycle_result.state)
        if change is None:
            return RecordResult()
        stored_report, page_failure = self._store_report(report)
        audit = AuditRecord(report.audit_id, report.observed_at, report.is_complete, report.compliance, stored_report)
        messages = (
            create_messages(report, stored_report, self.channels, previous_state.observed_at) if stored_report else ()
        )
        row = replace(summarize_project(report), report=stored_report)
        self.store.record(
            report.project, replace(change, audit=audit, messages=messages, fleet_row=render_project_row(row))
        )
        return RecordResult(audit, messages, page_failure)

    def _store_report(self, report: Report) -> tuple[StoredReport | None, str | None]:
        """Store a report, then its HTML page. The report is the evidence, so an error of the page is only returned.

        A page is referenced only after it is stored. A repeated audit finds the files that are stored already.
        """
        if self.evidence is None:
            return None, None
        stored_report = self.evidence.store_report(report)
        try:
            return replace(stored_report, page=self.evidence.store_page(report, stored_report)), None
        except EvidenceError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001  its text can hold secrets
            reason = f"internal error ({type(error).__name__}); report it as a defect"
        return stored_report, f"{stored_report.location} has no HTML page: {reason}"


type Clock = Callable[[], datetime]
type RecordError = StateError | ConflictingRecordError | EvidenceError

_MAX_ATTEMPTS = 10
"""Number of attempts to record an audit while other audits are recorded."""


@dataclass(frozen=True, slots=True)
class AuditResult:
    """The inventory and report of one audit, and how it was recorded."""

    inventory: Inventory
    report: Report
    notes: tuple[str, ...] = ()
    """Events during the audit that are neither findings nor read errors, for the log."""
    record_error: RecordError | None = None
    """Why it was not recorded although it should be."""
    record: AuditRecord | None = None
    """The record of the audit; `None` if it changed nothing or was not recorded."""
    messages: tuple[OutboxMessage, ...] = ()
    """The messages that were recorded with it."""
    page_failure: str | None = None
    """Why the stored report has no HTML page although it should."""


def run_audit(  # noqa: PLR0913  all optional arguments are keywords
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
    retries_incomplete: bool = False,
    is_recorded: bool = True,
    state: ProjectState | None = None,
    registered_id: str | None = None,
) -> AuditResult:
    """Read and evaluate a project. Listings on whose gaps a verdict depends are read again, until two reads agree.

    With a store the audit is recorded, unless `is_recorded` is false; with an evidence store its report is stored
    first. Channels need both. Without a store, `state` is that to compare the project with. With a clock the audit
    checks whether the last recorded audit is in the future. `warnings` are those of the registry; `registered_id` is
    Pinecone's id of the project if its entry names it.

    Raises `IncompleteAuditError` if `retries_incomplete` and the audit has read errors, unless the last recorded audit
    has some too: then the cause is probably no outage, and another attempt would read no more.
    Raises `PolicyError` if an exemption ends too far ahead, `StateError` if the state cannot be read,
    `ProjectMismatchError` if it belongs to another Pinecone project, `EntryMismatchError` if the entry names another
    one, and `BadKeyError`, `ForbiddenError`, `NotFoundError`, `OrganizationPlanError` and `UnreachableError` of the
    list of indexes: then nothing was audited.
    Any other read error is part of the inventory.
    """
    check_policy_dates(policy, observed_at)
    state = store.load(project) if store else state or EMPTY_STATE
    with WorkerPool(reader.max_concurrency) as pool:
        collector = InventoryCollector(reader, pool, progress)
        collector.collect()
        while True:
            inventory = exclude_running_drills(collector.build_inventory(project, observed_at), state)
            _check_same_project(state, inventory, registered_id)
            evaluation = evaluate_controls(inventory, policy, CATALOG, state)
            listing_ids = evaluation.unconfirmed_listings | find_unconfirmed_listings(state, inventory)
            if not listing_ids or not collector.read_again(listing_ids):
                break
    if retries_incomplete and inventory.read_failures and state.observed_at == state.complete_at:
        raise IncompleteAuditError(project, tuple(map(str, inventory.read_failures)))
    recorder = AuditRecorder(store, evidence, channels) if store and is_recorded else None
    notes = (*collector.notes, *_describe_unaudited(inventory))
    conclusion = _AuditConclusion(inventory, policy, notes, clock, warnings, registered_id)
    return conclusion.finish(evaluation, state, recorder)


def evaluate_inventory(
    inventory: Inventory,
    policy: Policy,
    store: StateStore | None = None,
    evidence: EvidenceStore | None = None,
    clock: Clock | None = None,
) -> AuditResult:
    """Evaluate a saved inventory without a call. Raises `PolicyError`, `StateError` and `ProjectMismatchError`."""
    check_policy_dates(policy, inventory.observed_at)
    state = store.load(inventory.project) if store else EMPTY_STATE
    _check_same_project(state, inventory)
    inventory = exclude_running_drills(inventory, state)
    evaluation = evaluate_controls(inventory, policy, CATALOG, state)
    recorder = AuditRecorder(store, evidence) if store else None
    return _AuditConclusion(inventory, policy, _describe_unaudited(inventory), clock).finish(
        evaluation, state, recorder
    )


def _describe_unaudited(inventory: Inventory) -> tuple[str, ...]:
    reasons = {it.name: "being deleted (state Terminating)" for it in inventory.terminating}
    reasons |= {it.index.name: "the temporary index of a running restore drill" for it in inventory.drill_indexes}
    return tuple(f"The index {name} is {reason}: it is not audited." for name, reason in reasons.items())


def check_policy_dates(policy: Policy, observed_at: datetime) -> None:
    """Raise `PolicyError` if a valid policy has an exemption that ends too far after `observed_at`."""
    problems = find_distant_exemptions(policy, observed_at.astimezone(UTC).date())
    if problems:
        raise PolicyError(*(f"{policy.source}: {it}" for it in problems), path=policy.source)


def _check_same_project(state: ProjectState, inventory: Inventory, registered_id: str | None = None) -> None:
    """Raise `EntryMismatchError` or `ProjectMismatchError` if two known Pinecone ids differ: no data may be mixed.

    They are the ids of the registry entry, of the inventory and of the state. Only schedules show that of an inventory.
    """
    recorded_id, found_ids = state.pinecone_project_id, inventory.project_ids
    shown_ids = ", ".join(sorted(found_ids))
    if registered_id is not None and found_ids and registered_id not in found_ids:
        raise EntryMismatchError(inventory.project, registered_id, shown_ids)
    if recorded_id is None:
        return
    if found_ids and recorded_id not in found_ids:
        raise ProjectMismatchError(inventory.project, recorded_id, shown_ids)
    if not found_ids and registered_id not in {None, recorded_id}:
        raise ProjectMismatchError(inventory.project, recorded_id, str(registered_id), is_registered=True)


def compare_policies(inventory: Inventory, old: Policy, new: Policy) -> PolicyDiff:
    """Evaluate an inventory under two policies, without a call and without a state."""
    evaluations = evaluate_controls(inventory, old, CATALOG), evaluate_controls(inventory, new, CATALOG)
    return diff_policies(inventory, (old, new), evaluations)


@dataclass(frozen=True, slots=True)
class _AuditConclusion:
    """The last step of an audit, after everything is read."""

    inventory: Inventory
    policy: Policy
    notes: tuple[str, ...]
    clock: Clock | None
    warnings: tuple[str, ...] = ()
    registered_id: str | None = None

    def finish(self, evaluation: Evaluation, state: ProjectState, recorder: AuditRecorder | None) -> AuditResult:
        """Build the report and record it. If another audit was recorded meanwhile, evaluate again with its state."""
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
                _check_same_project(state, self.inventory, self.registered_id)
                evaluation = evaluate_controls(self.inventory, self.policy, CATALOG, state)
                lifecycle_result, report = self._advance(evaluation, state)
        except (EvidenceError, StateError) as error:  # the report is still valid
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
        """Return an error if this audit is older than a recorded one that is in the future of the clock."""
        last_observed_at = state.observed_at
        if last_observed_at is None or self.clock is None or last_observed_at <= self.inventory.observed_at:
            return None
        now = self.clock()
        error = FutureAuditError(self.inventory.project, format_moment(last_observed_at), format_moment(now))
        return error if is_in_future(last_observed_at, now) else None

    def _advance(self, evaluation: Evaluation, state: ProjectState) -> tuple[LifecycleResult, Report]:
        audit_id = compute_audit_id(self.inventory, self.policy)
        lifecycle_result = advance(state, self.inventory, self.policy, evaluation.findings, audit_id)
        report = self._make_report(evaluation, lifecycle_result)
        state_warnings = find_state_warnings(state, self.inventory)
        return lifecycle_result, report.with_warnings(*state_warnings, *find_drill_warnings(state, self.inventory))

    def _make_report(self, evaluation: Evaluation, lifecycle_result: LifecycleResult | None = None) -> Report:
        report = make_report(self.inventory, self.policy, evaluation, lifecycle_result)
        proposals = make_proposals(self.inventory, self.policy, report.findings)
        return replace(report, proposals=proposals).with_warnings(*self.warnings)
