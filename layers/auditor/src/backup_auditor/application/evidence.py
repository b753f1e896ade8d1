"""The use case of whoever has to show what audits said: whether their reports are what was written then."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from backup_auditor.domain.audit_record import AuditRecord, StoredFile
from backup_auditor.errors import EvidenceError, EvidenceGoneError


class FileStatus(StrEnum):
    """What became of a file."""

    INTACT = "intact"
    """It has the hash that was recorded."""
    ALTERED = "altered"
    GONE = "gone"
    NOT_KEPT = "not kept"
    UNREADABLE = "unreadable"
    """Whether it is intact cannot be told."""


type FileCheck = tuple[FileStatus, str | None]
"""What became of a file, and what is to be said of it beyond that."""


@dataclass(frozen=True, slots=True)
class VerifiedAudit:
    """One audit, and what became of its report."""

    audit: AuditRecord
    report: FileCheck
    page: FileCheck | None = None
    """`None` where none was kept."""


class ReportPlaces(Protocol):
    """The places where a file that was kept may be now."""

    def places(self, kept: StoredFile) -> Iterator[StoredFile]:
        """Return where it was written, and where else a copy of it may be; the likeliest place first."""

    def read(self, place: StoredFile) -> bytes:
        """Return the bytes in one of these places. Raises `EvidenceGoneError` where it is gone, or `EvidenceError`."""


def verify_audits(
    audits: Sequence[AuditRecord], recorded: Sequence[AuditRecord], places: ReportPlaces
) -> Iterator[VerifiedAudit]:
    """Read the report of each audit again, and its page, and compare their hashes with those that were recorded.

    `recorded` are all audits that are known of: a file that a later one was written to does not hold the earlier.
    A copy with the recorded hash is the report, wherever it is.
    """
    latest = {it.report.location: it for it in recorded if it.report is not None}
    examiner = _Examiner(places)
    for audit in audits:
        report = audit.report
        if report is None:
            yield VerifiedAudit(audit, (FileStatus.NOT_KEPT, None))
            continue
        later = latest.get(report.location, audit)
        if later.report != report:
            over = FileStatus.GONE, f"the report of audit {later.audit_id} was written over it"
            copy = examiner.intact_copy(report)
            yield VerifiedAudit(audit, over if copy is None else copy)
            continue
        yield VerifiedAudit(audit, examiner.fate(report), examiner.fate(report.page) if report.page else None)


class _Examiner:
    """Reads each place once, and compares what is there."""

    def __init__(self, places: ReportPlaces) -> None:
        self._places = places
        self._digests: dict[str, str] = {}

    def fate(self, kept: StoredFile) -> FileCheck:
        """Return what became of a file: a copy with its hash decides, else what there is at the first place."""
        gone: FileCheck = FileStatus.GONE, None
        worst: FileCheck | None = None
        for place in self._places.places(kept):
            try:
                digest = self._digest(place)
            except EvidenceGoneError as error:
                gone = FileStatus.GONE, str(error)
                continue
            except EvidenceError as error:
                worst = worst or (FileStatus.UNREADABLE, str(error))
                continue
            if digest == kept.sha256:
                return FileStatus.INTACT, _where(kept, place)
            why = f"its hash is {digest}, and was {kept.sha256} when it was written"
            found = _where(kept, place)
            worst = worst or (FileStatus.ALTERED, f"{found}; {why}" if found else why)
        return worst or gone

    def intact_copy(self, kept: StoredFile) -> FileCheck | None:
        """Return the fate of a file whose place holds another by now: intact where a copy of it is elsewhere."""
        for place in self._places.places(kept):
            try:
                if place.location != kept.location and self._digest(place) == kept.sha256:
                    return FileStatus.INTACT, _where(kept, place)
            except EvidenceError:
                continue
        return None

    def _digest(self, place: StoredFile) -> str:
        if place.location not in self._digests:
            self._digests[place.location] = hashlib.sha256(self._places.read(place)).hexdigest()
        return self._digests[place.location]


def _where(kept: StoredFile, place: StoredFile) -> str | None:
    return None if place.location == kept.location else f"found at {place.location}"
