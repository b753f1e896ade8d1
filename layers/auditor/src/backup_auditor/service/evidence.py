"""The use case of whoever has to show what audits said: whether their reports are what was written then."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from backup_auditor.domain.audit_record import AuditRecord, KeptFile
from backup_auditor.errors import EvidenceError, EvidenceGoneError


class Standing(StrEnum):
    """What became of a file."""

    INTACT = "intact"
    """It has the hash that was recorded."""
    ALTERED = "altered"
    GONE = "gone"
    NOT_KEPT = "not kept"
    UNREADABLE = "unreadable"
    """Whether it is intact cannot be told."""


type Fate = tuple[Standing, str | None]
"""What became of a file, and what is to be said of it beyond that."""


@dataclass(frozen=True, slots=True)
class Verified:
    """One audit, and what became of its report."""

    audit: AuditRecord
    report: Fate
    page: Fate | None = None
    """`None` where none was kept."""


def verified(
    audits: Sequence[AuditRecord], recorded: Sequence[AuditRecord], read: Callable[[KeptFile], bytes]
) -> Iterator[Verified]:
    """Read the report of each audit again, and its page, and compare their hashes with those that were recorded.

    `recorded` are all audits that are known of: a file that a later one was written to does not hold the earlier.
    """
    latest = {it.report.location: it for it in recorded if it.report is not None}
    for audit in audits:
        report = audit.report
        if report is None:
            yield Verified(audit, (Standing.NOT_KEPT, None))
            continue
        later = latest.get(report.location, audit)
        if later.report != report:
            yield Verified(audit, (Standing.GONE, f"the report of audit {later.audit_id} was written over it"))
            continue
        yield Verified(audit, _compared(report, read), _compared(report.page, read) if report.page else None)


def _compared(kept: KeptFile, read: Callable[[KeptFile], bytes]) -> Fate:
    try:
        found = hashlib.sha256(read(kept)).hexdigest()
    except EvidenceGoneError as error:
        return Standing.GONE, str(error)
    except EvidenceError as error:
        return Standing.UNREADABLE, str(error)
    if found == kept.sha256:
        return Standing.INTACT, None
    return Standing.ALTERED, f"its hash is {found}, and was {kept.sha256} when it was written"
