"""Takes what is remembered of a project from one audit to the next, and tells what that audit changed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from backup_auditor.domain.evaluation.evaluator import Evaluation
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import Finding, Resource, ResourceType
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.drift import drift_between
from backup_auditor.domain.lifecycle.findings import (
    AuditStamp,
    GoneResources,
    listed_ids,
    on_evaluated,
    on_gone,
    to_resolved_finding,
    with_lifecycle,
)
from backup_auditor.domain.lifecycle.snapshots import (
    snapshot_backups,
    snapshot_indexes,
    snapshot_schedules,
    unconfirmed_schedule_listings,
)
from backup_auditor.domain.listing import BACKUP_LISTING, ListingId
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_state import (
    PAST_AUDITS,
    Drift,
    FindingState,
    KnownFinding,
    PastAudit,
    ProjectState,
    ResolvedFinding,
    open_by_severity,
)
from backup_auditor.domain.timefmt import format_moment


@dataclass(frozen=True, slots=True)
class LifecycleResult:
    """What is remembered after an audit, and what its report says of the time before it."""

    audit_id: str
    memory: ProjectState
    """The very memory it began with, where the audit changes nothing."""
    findings: tuple[Finding, ...]
    """Those of the judgement, each with its lifecycle."""
    resolved: tuple[ResolvedFinding, ...] = ()
    drift: tuple[Drift, ...] = ()
    note: str | None = None
    """What the log should say of it."""


def advance(
    memory: ProjectState, inventory: Inventory, policy: Policy, judgement: Evaluation, audit_id: str
) -> LifecycleResult:
    """Take a memory past an audit. The same audit once more, or one older than the last, changes nothing."""
    last = memory.observed_at
    if last is not None and inventory.observed_at < last:
        recorded, this = format_moment(last), format_moment(inventory.observed_at)
        note = f"an audit of {recorded} is already recorded; this one, of {this}, changes nothing"
        return LifecycleResult(audit_id, memory, judgement.findings, note=note)
    step = _LifecycleStep(inventory, policy, judgement.findings, AuditStamp(audit_id, inventory.observed_at))
    after = memory if memory.audit_id == audit_id else step.beyond(memory)
    known = after.findings
    findings = tuple(with_lifecycle(it, known.get(it.fingerprint), audit_id) for it in judgement.findings)
    return LifecycleResult(audit_id, after, findings, step.resolved(known), after.drift)


class _LifecycleStep:
    """One audit that is later than all that are remembered, or the last of them once more."""

    def __init__(self, inventory: Inventory, policy: Policy, findings: tuple[Finding, ...], stamp: AuditStamp) -> None:
        self._inventory = inventory
        self._policy = policy
        self._findings = findings
        self._stamp = stamp
        self._absence = GoneResources(inventory, findings)

    def beyond(self, memory: ProjectState) -> ProjectState:
        inventory, stamp = self._inventory, self._stamp
        after = replace(
            memory,
            revision=memory.revision + 1,
            audit_id=stamp.audit_id,
            observed_at=stamp.observed_at,
            findings=self._known_findings(memory.findings),
            backups=snapshot_backups(ProjectContext(inventory, self._policy, memory)),
            schedules=snapshot_schedules(memory, inventory),
            drift=(),
            history=self._history(memory.history),
            pinecone_project_id=memory.pinecone_project_id or inventory.project_id,
        )
        if inventory.unread:
            return after
        after = replace(
            after,
            complete_at=stamp.observed_at,
            policy_sha256=self._policy.sha256,
            indexes=snapshot_indexes(memory.indexes, inventory, self._findings),
        )
        project = Resource(ResourceType.PROJECT, inventory.project, inventory.project, inventory.project_id)
        return replace(after, drift=drift_between(memory, after, project))

    def _history(self, before: tuple[PastAudit, ...]) -> tuple[PastAudit, ...]:
        this = PastAudit(self._stamp.observed_at, not self._inventory.unread, open_by_severity(self._findings))
        return (*before, this)[-(PAST_AUDITS + 1) :]

    def _known_findings(self, before: Mapping[str, KnownFinding]) -> dict[str, KnownFinding]:
        known = dict(before)
        judged = set[str]()
        for finding in self._findings:
            judged.add(finding.fingerprint)
            after = on_evaluated(known.get(finding.fingerprint), finding, self._stamp)
            if after is not None:
                known[finding.fingerprint] = after
        for fingerprint, it in before.items():
            if fingerprint in judged or it.state is FindingState.RESOLVED:
                continue
            if self._absence.because(it.resource) is not None:
                known[fingerprint] = on_gone(it, self._stamp)
        return known

    def resolved(self, known: Mapping[str, KnownFinding]) -> tuple[ResolvedFinding, ...]:
        audit_id = self._stamp.audit_id
        ended = [it for it in known.values() if it.state is FindingState.RESOLVED and it.changed_by == audit_id]
        if not ended:
            return ()
        ended.sort(key=lambda it: (it.control, it.resource.type, it.resource.name, it.resource.id or ""))
        verdicts = {it.fingerprint: it for it in self._findings}
        return tuple(to_resolved_finding(it, self._because(it, verdicts.get(it.fingerprint))) for it in ended)

    def _because(self, known: KnownFinding, finding: Finding | None) -> str:
        if finding is None:
            return self._absence.because(known.resource) or "it was not found"
        return f"found {finding.compliance.replace('_', ' ').lower()}: {finding.reason}"


def unconfirmed_listings(memory: ProjectState, inventory: Inventory) -> frozenset[ListingId]:
    """Return the listings that a further walk should confirm before anything remembered can be called gone."""
    found = set(unconfirmed_schedule_listings(memory.schedules, inventory))
    backups = inventory.backups
    if backups.walks == 1 and backups.broken is None:
        unresolved = (it.resource for it in memory.findings.values() if it.state is not FindingState.RESOLVED)
        deleted = {it.id for it in unresolved if it.type is ResourceType.DELETED_INDEX}
        if deleted - listed_ids(inventory):
            found.add(BACKUP_LISTING)
    return frozenset(found)
