"""Advance the state of a project past an audit, and report what changed."""

from collections.abc import Mapping
from dataclasses import replace

from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import Finding, Resource, ResourceType
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.drift import find_drift
from backup_auditor.domain.lifecycle.findings import (
    AuditStamp,
    GoneResources,
    create_resolved_finding,
    find_listed_index_ids,
    resolve_gone_finding,
    update_evaluated_finding,
    with_lifecycle,
)
from backup_auditor.domain.lifecycle.snapshots import (
    find_unconfirmed_schedule_listings,
    snapshot_backups,
    snapshot_indexes,
    snapshot_schedules,
)
from backup_auditor.domain.lifecycle.state_change import LifecycleResult
from backup_auditor.domain.listing import BACKUP_LISTING, ListingId
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_state import (
    MAX_PAST_AUDITS,
    FindingState,
    KnownFinding,
    PastAudit,
    ProjectState,
    ResolvedFinding,
    count_open_by_severity,
)
from backup_auditor.domain.timefmt import format_moment


def advance(
    state: ProjectState, inventory: Inventory, policy: Policy, findings: tuple[Finding, ...], audit_id: str
) -> LifecycleResult:
    """Advance the state past an audit. The same audit again, or one older than the last, changes nothing."""
    last_observed_at = state.observed_at
    if last_observed_at is not None and inventory.observed_at < last_observed_at:
        recorded_text, audit_text = format_moment(last_observed_at), format_moment(inventory.observed_at)
        note = f"an audit of {recorded_text} is already recorded; the older audit of {audit_text} changes nothing"
        return LifecycleResult(audit_id, state, findings, note=note)
    step = _LifecycleStep(inventory, policy, findings, AuditStamp(audit_id, inventory.observed_at))
    after = state if state.audit_id == audit_id else step.apply_to(state)
    known_findings = after.findings
    annotated_findings = tuple(with_lifecycle(it, known_findings.get(it.fingerprint), audit_id) for it in findings)
    return LifecycleResult(audit_id, after, annotated_findings, step.find_resolved(known_findings), after.drift)


class _LifecycleStep:
    """The step from the state before an audit to the state after it."""

    def __init__(self, inventory: Inventory, policy: Policy, findings: tuple[Finding, ...], stamp: AuditStamp) -> None:
        self._inventory = inventory
        self._policy = policy
        self._findings = findings
        self._stamp = stamp
        self._gone_resources = GoneResources(inventory, findings)

    def apply_to(self, state: ProjectState) -> ProjectState:
        inventory, stamp = self._inventory, self._stamp
        after = replace(
            state,
            revision=state.revision + 1,
            audit_id=stamp.audit_id,
            observed_at=stamp.observed_at,
            findings=self._update_known_findings(state.findings),
            backups=snapshot_backups(ProjectContext(inventory, self._policy, state)),
            schedules=snapshot_schedules(state, inventory),
            drift=(),
            history=self._append_history(state.history),
            pinecone_project_id=state.pinecone_project_id or inventory.project_id,
        )
        if inventory.read_failures:
            return after
        after = replace(
            after,
            complete_at=stamp.observed_at,
            policy_sha256=self._policy.sha256,
            indexes=snapshot_indexes(state.indexes, inventory, self._findings),
        )
        project = Resource(ResourceType.PROJECT, inventory.project, inventory.project, inventory.project_id)
        return replace(after, drift=find_drift(state, after, project))

    def _append_history(self, history: tuple[PastAudit, ...]) -> tuple[PastAudit, ...]:
        past_audit = PastAudit(
            self._stamp.observed_at, not self._inventory.read_failures, count_open_by_severity(self._findings)
        )
        return (*history, past_audit)[-(MAX_PAST_AUDITS + 1) :]

    def _update_known_findings(self, previous_findings: Mapping[str, KnownFinding]) -> dict[str, KnownFinding]:
        known_findings = dict(previous_findings)
        evaluated_fingerprints = set[str]()
        for finding in self._findings:
            evaluated_fingerprints.add(finding.fingerprint)
            updated_finding = update_evaluated_finding(known_findings.get(finding.fingerprint), finding, self._stamp)
            if updated_finding is not None:
                known_findings[finding.fingerprint] = updated_finding
        for fingerprint, known_finding in previous_findings.items():
            if fingerprint in evaluated_fingerprints or known_finding.state is FindingState.RESOLVED:
                continue
            if self._gone_resources.find_reason(known_finding.resource) is not None:
                known_findings[fingerprint] = resolve_gone_finding(known_finding, self._stamp)
        return known_findings

    def find_resolved(self, known_findings: Mapping[str, KnownFinding]) -> tuple[ResolvedFinding, ...]:
        audit_id = self._stamp.audit_id
        resolved_findings = [
            it for it in known_findings.values() if it.state is FindingState.RESOLVED and it.changed_by == audit_id
        ]
        if not resolved_findings:
            return ()
        resolved_findings.sort(key=lambda it: (it.control, it.resource.type, it.resource.name, it.resource.id or ""))
        findings_by_fingerprint = {it.fingerprint: it for it in self._findings}
        return tuple(
            create_resolved_finding(it, self._find_reason(it, findings_by_fingerprint.get(it.fingerprint)))
            for it in resolved_findings
        )

    def _find_reason(self, known_finding: KnownFinding, finding: Finding | None) -> str:
        if finding is None:
            return self._gone_resources.find_reason(known_finding.resource) or "no longer evaluated"
        return f"found {finding.compliance.replace('_', ' ').lower()}: {finding.reason}"


def find_unconfirmed_listings(state: ProjectState, inventory: Inventory) -> frozenset[ListingId]:
    """Return the listings that need a second read before anything in the state can count as deleted."""
    listing_ids = set(find_unconfirmed_schedule_listings(state.schedules, inventory))
    backups = inventory.backups
    if backups.read_count == 1 and backups.failure is None:
        unresolved_resources = (it.resource for it in state.findings.values() if it.state is not FindingState.RESOLVED)
        deleted_index_ids = {it.id for it in unresolved_resources if it.type is ResourceType.DELETED_INDEX}
        if deleted_index_ids - find_listed_index_ids(inventory):
            listing_ids.add(BACKUP_LISTING)
    return frozenset(listing_ids)
