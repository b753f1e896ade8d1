"""What an audit says of the time since the audits before it: what was resolved, and which settings drifted."""

from dataclasses import dataclass
from datetime import datetime

from backup_auditor.domain.finding import Resource, Severity


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
