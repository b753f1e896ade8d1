"""What an audit says of the time before it: what was resolved, what drifted, and how much earlier audits found."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from backup_auditor.domain.finding import Finding, Resource, Severity

PAST_AUDITS = 30
"""Of how many audits before it a report tells."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A finding of an earlier audit that is no longer one."""

    fingerprint: str
    control: str
    resource: Resource
    severity: Severity
    """What it had when it was last found."""
    first_seen: datetime
    resolved_at: datetime
    because: str


@dataclass(frozen=True, slots=True)
class Drift:
    """A setting that changed since the last complete audit."""

    what: str
    """A short phrase, always the same for the same kind of change."""
    resource: Resource
    before: object
    """JSON: what was, and for a schedule, which one; `None` where there was nothing."""
    after: object


@dataclass(frozen=True, slots=True)
class PastAudit:
    """How much an audit found open, and whether that was all there was to find."""

    observed_at: datetime
    is_complete: bool
    open: Mapping[Severity, int]
    """By every severity, the worst first."""


def open_by_severity(findings: Iterable[Finding]) -> dict[Severity, int]:
    """Count open findings by every severity, the worst first."""
    counts = Counter(it.severity for it in findings if it.is_open)
    return {it: counts[it] for it in reversed(Severity)}
