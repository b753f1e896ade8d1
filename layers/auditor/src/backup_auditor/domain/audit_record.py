"""What is kept of an audit for those who ask later: when it was, what it found, and where its report is."""

from dataclasses import dataclass
from datetime import datetime

from backup_auditor.domain.finding import Compliance


@dataclass(frozen=True, slots=True)
class KeptFile:
    """What was written where it can be found again."""

    location: str
    """A path, or an `s3://` address."""
    sha256: str
    """Of the bytes that were written."""


@dataclass(frozen=True, slots=True)
class KeptReport(KeptFile):
    """A report that was kept, as JSON: that is the evidence."""

    page: KeptFile | None = None
    """The same report for people, beside it; `None` where none is written, as on a laptop, or none could be."""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One audit that was recorded."""

    audit_id: str
    observed_at: datetime
    is_complete: bool
    compliance: Compliance
    report: KeptReport | None
    """`None` where it was not kept, as on a laptop without `--output`."""
