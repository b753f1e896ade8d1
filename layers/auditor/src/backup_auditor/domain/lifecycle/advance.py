"""Advance the state of a project past an audit: findings are new, ongoing, reopened, resolved, or gone."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import Compliance, Finding, Resource, ResourceType
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.snapshots import (
    find_drift,
    snapshot_backups,
    snapshot_indexes,
    snapshot_schedules,
)
from backup_auditor.domain.lifecycle.state_change import LifecycleResult
from backup_auditor.domain.listing import BACKUP_LISTING, Listing, ListingId, ListingKind
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
    step = _LifecycleStep(ProjectContext(inventory, policy, state), findings, audit_id)
    after = state if state.audit_id == audit_id else step.advance_state()
    known_findings = after.findings
    annotated_findings = tuple(_with_lifecycle(it, known_findings.get(it.fingerprint), audit_id) for it in findings)
    return LifecycleResult(audit_id, after, annotated_findings, step.find_resolved(known_findings), after.drift)


class _LifecycleStep:
    """The step from the state before an audit to the state after it."""

    def __init__(self, project: ProjectContext, findings: tuple[Finding, ...], audit_id: str) -> None:
        self._project = project
        self._findings = findings
        self._audit_id = audit_id
        self._observed_at = project.observed_at
        self._is_complete = not project.inventory.read_failures

    def advance_state(self) -> ProjectState:
        state, inventory, observed_at = self._project.state, self._project.inventory, self._observed_at
        past_audit = PastAudit(observed_at, self._is_complete, count_open_by_severity(self._findings))
        after = replace(
            state,
            revision=state.revision + 1,
            audit_id=self._audit_id,
            observed_at=observed_at,
            findings=self._update_known_findings(state.findings),
            backups=snapshot_backups(self._project),
            schedules=snapshot_schedules(state, inventory),
            drift=(),
            history=(*state.history, past_audit)[-(MAX_PAST_AUDITS + 1) :],
            pinecone_project_id=state.pinecone_project_id or inventory.project_id,
        )
        if not self._is_complete:
            return after
        after = replace(
            after,
            complete_at=observed_at,
            policy_sha256=self._project.policy.sha256,
            indexes=snapshot_indexes(state.indexes, inventory, self._findings),
        )
        return replace(after, drift=find_drift(state, after, self._project.resource))

    def _update_known_findings(self, previous_findings: Mapping[str, KnownFinding]) -> dict[str, KnownFinding]:
        known_findings = dict(previous_findings)
        for finding in self._findings:
            updated_finding = self._update_finding(known_findings.get(finding.fingerprint), finding)
            if updated_finding is not None:
                known_findings[finding.fingerprint] = updated_finding
        evaluated_fingerprints = {it.fingerprint for it in self._findings}
        for fingerprint, known_finding in previous_findings.items():
            if (
                fingerprint not in evaluated_fingerprints
                and known_finding.state is not FindingState.RESOLVED
                and self._find_gone_reason(known_finding.resource) is not None
            ):
                known_findings[fingerprint] = self._resolve(known_finding)
        return known_findings

    def _update_finding(self, known_finding: KnownFinding | None, finding: Finding) -> KnownFinding | None:
        """Return the state of an evaluated finding; `None` while it was never non-compliant."""
        if finding.compliance is Compliance.NON_COMPLIANT:
            return self._update_non_compliant_finding(known_finding, finding)
        if known_finding is None or finding.compliance is Compliance.INSUFFICIENT_DATA:
            return known_finding
        return self._resolve(known_finding)

    def _update_non_compliant_finding(self, known_finding: KnownFinding | None, finding: Finding) -> KnownFinding:
        state = FindingState.EXEMPTED if finding.exemption else FindingState.OPEN
        if known_finding is None:
            return KnownFinding(
                fingerprint=finding.fingerprint,
                control=finding.control,
                resource=finding.resource,
                severity=finding.severity,
                state=state,
                first_seen=self._observed_at,
                times_opened=int(state is FindingState.OPEN),
                changed_at=self._observed_at,
                changed_by=self._audit_id,
            )
        if (known_finding.resource, known_finding.severity) != (finding.resource, finding.severity):
            known_finding = replace(known_finding, resource=finding.resource, severity=finding.severity)
        if state is known_finding.state:
            return known_finding
        if state is FindingState.EXEMPTED:
            return replace(known_finding, state=state)
        return replace(self._change_state(known_finding, state), times_opened=known_finding.times_opened + 1)

    def _resolve(self, known_finding: KnownFinding) -> KnownFinding:
        """Return the state of a finding that is resolved. The end of an exempted finding is not a change."""
        if known_finding.state is FindingState.OPEN:
            return self._change_state(known_finding, FindingState.RESOLVED)
        is_exempted = known_finding.state is FindingState.EXEMPTED
        return replace(known_finding, state=FindingState.RESOLVED) if is_exempted else known_finding

    def _change_state(self, known_finding: KnownFinding, state: FindingState) -> KnownFinding:
        return replace(known_finding, state=state, changed_at=self._observed_at, changed_by=self._audit_id)

    def find_resolved(self, known_findings: Mapping[str, KnownFinding]) -> tuple[ResolvedFinding, ...]:
        resolved_findings = [
            it
            for it in known_findings.values()
            if it.state is FindingState.RESOLVED and it.changed_by == self._audit_id
        ]
        if not resolved_findings:
            return ()
        findings = {it.fingerprint: it for it in self._findings}
        resolved_findings.sort(key=lambda it: (it.control, it.resource.type, it.resource.name, it.resource.id or ""))
        return tuple(
            ResolvedFinding(
                fingerprint=it.fingerprint,
                control=it.control,
                resource=it.resource,
                severity=it.severity,
                first_seen=it.first_seen,
                resolved_at=it.changed_at,
                reason=self._explain_resolution(it, findings.get(it.fingerprint)),
            )
            for it in resolved_findings
        )

    def _explain_resolution(self, known_finding: KnownFinding, finding: Finding | None) -> str:
        if finding is None:
            return self._find_gone_reason(known_finding.resource) or "no longer evaluated"
        return f"found {finding.compliance.replace('_', ' ').lower()}: {finding.reason}"

    def _find_gone_reason(self, resource: Resource) -> str | None:
        """Return why a resource that has no finding is gone; `None` if it exists or may exist.

        An incomplete inventory proves the absence of none.
        """
        if not self._is_complete:
            return None
        if resource.type is ResourceType.INDEX:
            project, name = self._project, resource.name
            is_live = name in project.facts_by_name or name in project.inventory.unaudited_names
            return None if is_live else "the index is gone"  # a live index may lack a finding of one control
        if resource.type is ResourceType.DELETED_INDEX and resource.id not in self._evaluated_ids[resource.type]:
            if resource.id in self._evaluated_ids[ResourceType.INDEX]:
                return "this index id is live again"
            has_two_reads = self._project.inventory.backups.read_count > 1
            is_confirmed = has_two_reads and resource.name not in self._project.names_with_changed_rows
            if is_confirmed and resource.id not in self._listed_index_ids:
                return "no backup of the deleted index is left"
        return None

    @cached_property
    def _evaluated_ids(self) -> Mapping[ResourceType, frozenset[str]]:
        ids = [(it.resource.type, it.resource.id) for it in self._findings if it.resource.id is not None]
        return {it: frozenset(key for resource_type, key in ids if resource_type is it) for it in ResourceType}

    @cached_property
    def _listed_index_ids(self) -> frozenset[str]:
        return _find_listed_index_ids(self._project.inventory)


def _find_listed_index_ids(inventory: Inventory) -> frozenset[str]:
    return frozenset(it.index_id for it in inventory.iter_listed_backups())


def _with_lifecycle(finding: Finding, known_finding: KnownFinding | None, audit_id: str) -> Finding:
    is_non_compliant = finding.compliance is Compliance.NON_COMPLIANT
    if known_finding is None or not (is_non_compliant or finding.compliance is Compliance.INSUFFICIENT_DATA):
        return finding
    if finding.exemption is not None:
        return replace(finding, first_seen=known_finding.first_seen) if is_non_compliant else finding
    if known_finding.state is not FindingState.OPEN:
        return finding
    lifecycle = "ongoing"
    if known_finding.changed_by == audit_id:
        lifecycle = "new" if known_finding.times_opened == 1 else "reopened"
    return replace(finding, lifecycle=lifecycle, first_seen=known_finding.first_seen)


def find_unconfirmed_listings(state: ProjectState, inventory: Inventory) -> frozenset[ListingId]:
    """Return the listings that need a second read before anything in the state can count as deleted."""
    listing_ids = set[ListingId]()
    known_ids_by_name: dict[str, set[str]] = defaultdict(set)
    for schedule in state.schedules.values():
        known_ids_by_name[schedule.index_name].add(schedule.schedule_id)
    for facts in inventory.indexes:
        listing, known_ids = facts.schedules, known_ids_by_name.get(facts.index.name, set())
        if isinstance(listing, Listing) and listing.read_count <= 1 and listing.failure is None:
            listed_ids = {it.schedule_id for it in listing.rows}
            if known_ids - listed_ids:
                listing_ids.add(ListingId(ListingKind.SCHEDULES, facts.index.name))
    backups = inventory.backups
    if backups.read_count == 1 and backups.failure is None:
        unresolved_resources = (it.resource for it in state.findings.values() if it.state is not FindingState.RESOLVED)
        deleted_index_ids = {it.id for it in unresolved_resources if it.type is ResourceType.DELETED_INDEX}
        if deleted_index_ids - _find_listed_index_ids(inventory):
            listing_ids.add(BACKUP_LISTING)
    return frozenset(listing_ids)
