"""The lifecycle of a finding: new, ongoing, reopened, resolved, or gone with its resource."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from backup_auditor.domain.finding import Compliance, Finding, Resource, ResourceType
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import known_rows
from backup_auditor.domain.project_state import FindingState, KnownFinding, ResolvedFinding


class GoneResources:
    """Tells what a complete inventory shows to be gone. One that is not complete shows nothing of the kind."""

    def __init__(self, inventory: Inventory, findings: tuple[Finding, ...]) -> None:
        """Look at what was read and at what was judged."""
        self._inventory = inventory
        self._findings = findings
        self._is_complete = not inventory.unread

    def because(self, resource: Resource) -> str | None:
        """Return why a resource that was not judged by a control is gone; `None` where it is not, or may not be."""
        if not self._is_complete:
            return None
        if resource.type is ResourceType.INDEX and resource.name not in self._live_names:
            return "the index is gone"
        if resource.type is ResourceType.DELETED_INDEX and resource.id not in self._judged_ids:
            return self._because_deleted(resource)
        return None  # it is there: a control that did not judge it, whatever the reason, says nothing of it

    def _because_deleted(self, resource: Resource) -> str | None:
        if resource.id in self._live_ids:
            return "it is the live index"
        backups = self._inventory.backups
        if resource.id in self._listed_ids or backups.walks < 2 or resource.name in self._disputed_names:  # noqa: PLR2004  absence takes two
            return None
        return "the deleted index is gone: no backup of it is left"

    @cached_property
    def _live_names(self) -> frozenset[str]:
        return frozenset(it.index.name for it in self._inventory.indexes) | self._inventory.terminating_names

    @cached_property
    def _live_ids(self) -> frozenset[str | None]:
        live = {it.resource.id for it in self._findings if it.resource.type is ResourceType.INDEX}
        return frozenset(live - {None})

    @cached_property
    def _judged_ids(self) -> frozenset[str | None]:
        return frozenset(it.resource.id for it in self._findings if it.resource.type is ResourceType.DELETED_INDEX)

    @cached_property
    def _listed_ids(self) -> frozenset[str]:
        return listed_ids(self._inventory)

    @cached_property
    def _disputed_names(self) -> frozenset[str]:
        backups = self._inventory.backups
        return frozenset(it.index_name for it in backups.rows if it.backup_id in backups.disputed)


def listed_ids(inventory: Inventory) -> frozenset[str]:
    """Return the ids of all indexes, live or deleted, of which any backup is listed."""
    own = (row.index_id for facts in inventory.indexes for row in known_rows(facts.own_backups))
    return frozenset(row.index_id for row in inventory.backups.rows).union(own)


_DEVIATES = (Compliance.NON_COMPLIANT, Compliance.INSUFFICIENT_DATA)


@dataclass(frozen=True, slots=True)
class AuditStamp:
    """Which audit changes what is known, and when that was."""

    audit_id: str
    observed_at: datetime


def on_evaluated(known: KnownFinding | None, finding: Finding, stamp: AuditStamp) -> KnownFinding | None:
    """Return what is known of a finding once it was judged; `None` while it was never non-compliant."""
    if finding.compliance is Compliance.NON_COMPLIANT:
        return _on_non_compliant(known, finding, stamp)
    if known is None or finding.compliance is Compliance.INSUFFICIENT_DATA:
        return known
    return on_gone(known, stamp)


def on_gone(known: KnownFinding, stamp: AuditStamp) -> KnownFinding:
    """Return what is known of a finding that is one no longer. An exempted one was not open: nobody is told."""
    if known.state is FindingState.OPEN:
        return _with_state(known, FindingState.RESOLVED, stamp)
    return replace(known, state=FindingState.RESOLVED) if known.state is FindingState.EXEMPTED else known


def _on_non_compliant(known: KnownFinding | None, finding: Finding, stamp: AuditStamp) -> KnownFinding:
    state = FindingState.EXEMPTED if finding.exemption else FindingState.OPEN
    if known is None:
        return KnownFinding(
            fingerprint=finding.fingerprint,
            control=finding.control,
            resource=finding.resource,
            severity=finding.severity,
            state=state,
            first_seen=stamp.observed_at,
            times=int(state is FindingState.OPEN),
            changed_at=stamp.observed_at,
            changed_by=stamp.audit_id,
        )
    if (known.resource, known.severity) != (finding.resource, finding.severity):
        known = replace(known, resource=finding.resource, severity=finding.severity)
    if state is known.state:
        return known
    if state is FindingState.EXEMPTED:
        return replace(known, state=state)
    return replace(_with_state(known, state, stamp), times=known.times + 1)


def _with_state(known: KnownFinding, state: FindingState, stamp: AuditStamp) -> KnownFinding:
    return replace(known, state=state, changed_at=stamp.observed_at, changed_by=stamp.audit_id)


def with_lifecycle(finding: Finding, known: KnownFinding | None, audit_id: str) -> Finding:
    """Return a finding with its lifecycle, by what is known of it once it was judged."""
    if known is None or finding.compliance not in _DEVIATES:
        return finding
    if finding.exemption is not None:
        is_found = finding.compliance is Compliance.NON_COMPLIANT
        return replace(finding, first_seen=known.first_seen) if is_found else finding
    if known.state is not FindingState.OPEN:
        return finding
    lifecycle = "ongoing"
    if known.changed_by == audit_id:
        lifecycle = "new" if known.times == 1 else "reopened"
    return replace(finding, lifecycle=lifecycle, first_seen=known.first_seen)


def to_resolved_finding(known: KnownFinding, because: str) -> ResolvedFinding:
    """Return what a report says of a finding that was resolved."""
    return ResolvedFinding(
        fingerprint=known.fingerprint,
        control=known.control,
        resource=known.resource,
        severity=known.severity,
        first_seen=known.first_seen,
        resolved_at=known.changed_at,
        because=because,
    )
