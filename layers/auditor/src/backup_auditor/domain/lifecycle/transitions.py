"""How one finding passes from what was known of it to what is known now, and what its report says of that."""

from dataclasses import dataclass, replace
from datetime import datetime

from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.history import Resolved
from backup_auditor.domain.memory import FindingState, KnownFinding

_DEVIATES = (Compliance.NON_COMPLIANT, Compliance.INSUFFICIENT_DATA)


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which audit changes what is known, and when that was."""

    audit_id: str
    observed_at: datetime


def seen(known: KnownFinding | None, finding: Finding, stamp: Stamp) -> KnownFinding | None:
    """Return what is known of a finding once it was judged; `None` while it was never non-compliant."""
    if finding.compliance is Compliance.NON_COMPLIANT:
        return _found(known, finding, stamp)
    if known is None or finding.compliance is Compliance.INSUFFICIENT_DATA:
        return known
    return gone(known, stamp)


def gone(known: KnownFinding, stamp: Stamp) -> KnownFinding:
    """Return what is known of a finding that is one no longer. An exempted one was not open: nobody is told."""
    if known.state is FindingState.OPEN:
        return _changed(known, FindingState.RESOLVED, stamp)
    return replace(known, state=FindingState.RESOLVED) if known.state is FindingState.EXEMPTED else known


def _found(known: KnownFinding | None, finding: Finding, stamp: Stamp) -> KnownFinding:
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
    return replace(_changed(known, state, stamp), times=known.times + 1)


def _changed(known: KnownFinding, state: FindingState, stamp: Stamp) -> KnownFinding:
    return replace(known, state=state, changed_at=stamp.observed_at, changed_by=stamp.audit_id)


def annotated(finding: Finding, known: KnownFinding | None, audit_id: str) -> Finding:
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


def resolution(known: KnownFinding, because: str) -> Resolved:
    """Return what a report says of a finding that was resolved."""
    return Resolved(
        fingerprint=known.fingerprint,
        control=known.control,
        resource=known.resource,
        severity=known.severity,
        first_seen=known.first_seen,
        resolved_at=known.changed_at,
        because=because,
    )
