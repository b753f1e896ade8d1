"""The use case of whoever has to show what audits said: whether their reports are what was written then."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from backup_auditor.domain.audit_record import AuditRecord, KeptReport
from backup_auditor.errors import EvidenceError, EvidenceGoneError


class ReportStanding(StrEnum):
    """What became of a report."""

    INTACT = "intact"
    """It has the hash that was recorded."""
    ALTERED = "altered"
    GONE = "gone"
    NOT_KEPT = "not kept"
    UNREADABLE = "unreadable"
    """Whether it is intact cannot be told."""


@dataclass(frozen=True, slots=True)
class Verified:
    """One audit, and what became of its report."""

    audit: AuditRecord
    standing: ReportStanding
    why: str | None = None
    """What is to be said of it beyond that."""


def verified(
    audits: Sequence[AuditRecord], recorded: Sequence[AuditRecord], read: Callable[[KeptReport], bytes]
) -> Iterator[Verified]:
    """Read the report of each audit again, and compare its hash with the one that was recorded.

    `recorded` are all audits that are known of: a file that a later one was written to does not hold the earlier.
    """
    latest = {it.report.location: it for it in recorded if it.report is not None}
    for audit in audits:
        report = audit.report
        if report is None:
            yield Verified(audit, ReportStanding.NOT_KEPT)
            continue
        later = latest.get(report.location, audit)
        if later.report != report:
            yield Verified(audit, ReportStanding.GONE, f"the report of audit {later.audit_id} was written over it")
            continue
        yield _compared(audit, report, read)


def _compared(audit: AuditRecord, report: KeptReport, read: Callable[[KeptReport], bytes]) -> Verified:
    try:
        found = hashlib.sha256(read(report)).hexdigest()
    except EvidenceGoneError as error:
        return Verified(audit, ReportStanding.GONE, str(error))
    except EvidenceError as error:
        return Verified(audit, ReportStanding.UNREADABLE, str(error))
    if found == report.sha256:
        return Verified(audit, ReportStanding.INTACT)
    return Verified(audit, ReportStanding.ALTERED, f"its hash is {found}, and was {report.sha256} when it was written")
