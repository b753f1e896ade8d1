"""Update the lifecycle of findings: new, ongoing, reopened, resolved, or gone with their resource."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from backup_auditor.domain.finding import Compliance, Finding, Resource, ResourceType
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import list_rows
from backup_auditor.domain.project_state import FindingState, KnownFinding, ResolvedFinding


class GoneResources:
    """Finds resources that no longer exist. An incomplete inventory proves the absence of none."""

    def __init__(self, inventory: Inventory, findings: tuple[Finding, ...]) -> None:
        """Take the inventory and the evaluated findings."""
        self._inventory = inventory
        self._findings = findings
        self._is_complete = not inventory.read_failures

    def find_reason(self, resource: Resource) -> str | None:
        """Return why a resource that has no finding is gone; `None` if it exists or may exist."""
        if not self._is_complete:
            return None
        if resource.type is ResourceType.INDEX and resource.name not in self._live_names:
            return "the index is gone"
        if resource.type is ResourceType.DELETED_INDEX and resource.id not in self._evaluated_ids:
            return self._find_deleted_reason(resource)
        return None  # it exists: a missing finding of one control does not prove that it is gone

    def _find_deleted_reason(self, resource: Resource) -> str | None:
        if resource.id in self._live_ids:
            return "it is the live index"
        backups = self._inventory.backups
        if (
            resource.id in self._listed_index_ids
            or backups.read_count < 2  # noqa: PLR2004  absence is confirmed by a second read
            or resource.name in self._names_with_changed_rows
        ):
            return None
        return "no backup of the deleted index is left"

    @cached_property
    def _live_names(self) -> frozenset[str]:
        return frozenset(it.index.name for it in self._inventory.indexes) | self._inventory.terminating_names

    @cached_property
    def _live_ids(self) -> frozenset[str | None]:
        live_ids = {it.resource.id for it in self._findings if it.resource.type is ResourceType.INDEX}
        return frozenset(live_ids - {None})

    @cached_property
    def _evaluated_ids(self) -> frozenset[str | None]:
        return frozenset(it.resource.id for it in self._findings if it.resource.type is ResourceType.DELETED_INDEX)

    @cached_property
    def _listed_index_ids(self) -> frozenset[str]:
        return find_listed_index_ids(self._inventory)

    @cached_property
    def _names_with_changed_rows(self) -> frozenset[str]:
        backups = self._inventory.backups
        return frozenset(it.index_name for it in backups.rows if it.backup_id in backups.changed_ids)


def find_listed_index_ids(inventory: Inventory) -> frozenset[str]:
    """Return the ids of all live and deleted indexes that have a listed backup."""
    own_ids = (row.index_id for facts in inventory.indexes for row in list_rows(facts.own_backups))
    return frozenset(row.index_id for row in inventory.backups.rows).union(own_ids)


_DEVIATIONS = (Compliance.NON_COMPLIANT, Compliance.INSUFFICIENT_DATA)


@dataclass(frozen=True, slots=True)
class AuditStamp:
    """The id and the time of the audit that makes a change."""

    audit_id: str
    observed_at: datetime


def update_evaluated_finding(
    known_finding: KnownFinding | None, finding: Finding, stamp: AuditStamp
) -> KnownFinding | None:
    """Return the state of an evaluated finding; `None` while it was never non-compliant."""
    if finding.compliance is Compliance.NON_COMPLIANT:
        return _update_non_compliant_finding(known_finding, finding, stamp)
    if known_finding is None or finding.compliance is Compliance.INSUFFICIENT_DATA:
        return known_finding
    return resolve_gone_finding(known_finding, stamp)


def resolve_gone_finding(known_finding: KnownFinding, stamp: AuditStamp) -> KnownFinding:
    """Return the state of a finding that is resolved. The end of an exempted finding is not a change."""
    if known_finding.state is FindingState.OPEN:
        return _with_state(known_finding, FindingState.RESOLVED, stamp)
    return (
        replace(known_finding, state=FindingState.RESOLVED)
        if known_finding.state is FindingState.EXEMPTED
        else known_finding
    )


def _update_non_compliant_finding(
    known_finding: KnownFinding | None, finding: Finding, stamp: AuditStamp
) -> KnownFinding:
    state = FindingState.EXEMPTED if finding.exemption else FindingState.OPEN
    if known_finding is None:
        return KnownFinding(
            fingerprint=finding.fingerprint,
            control=finding.control,
            resource=finding.resource,
            severity=finding.severity,
            state=state,
            first_seen=stamp.observed_at,
            times_opened=int(state is FindingState.OPEN),
            changed_at=stamp.observed_at,
            changed_by=stamp.audit_id,
        )
    if (known_finding.resource, known_finding.severity) != (finding.resource, finding.severity):
        known_finding = replace(known_finding, resource=finding.resource, severity=finding.severity)
    if state is known_finding.state:
        return known_finding
    if state is FindingState.EXEMPTED:
        return replace(known_finding, state=state)
    return replace(_with_state(known_finding, state, stamp), times_opened=known_finding.times_opened + 1)


def _with_state(known_finding: KnownFinding, state: FindingState, stamp: AuditStamp) -> KnownFinding:
    return replace(known_finding, state=state, changed_at=stamp.observed_at, changed_by=stamp.audit_id)


def with_lifecycle(finding: Finding, known_finding: KnownFinding | None, audit_id: str) -> Finding:
    """Return a finding with its lifecycle, from its state after the evaluation."""
    if known_finding is None or finding.compliance not in _DEVIATIONS:
        return finding
    if finding.exemption is not None:
        is_non_compliant = finding.compliance is Compliance.NON_COMPLIANT
        return replace(finding, first_seen=known_finding.first_seen) if is_non_compliant else finding
    if known_finding.state is not FindingState.OPEN:
        return finding
    lifecycle = "ongoing"
    if known_finding.changed_by == audit_id:
        lifecycle = "new" if known_finding.times_opened == 1 else "reopened"
    return replace(finding, lifecycle=lifecycle, first_seen=known_finding.first_seen)


def create_resolved_finding(known_finding: KnownFinding, reason: str) -> ResolvedFinding:
    """Return the resolved finding for the report."""
    return ResolvedFinding(
        fingerprint=known_finding.fingerprint,
        control=known_finding.control,
        resource=known_finding.resource,
        severity=known_finding.severity,
        first_seen=known_finding.first_seen,
        resolved_at=known_finding.changed_at,
        reason=reason,
    )
