"""The use case of whoever has to show what audits said: whether their reports are what was written then."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from backup_auditor.domain.audit_record import AuditRecord, StoredFile
from backup_auditor.errors import EvidenceError, EvidenceMissingError


class FileStatus(StrEnum):
    """What became of a file."""

    INTACT = "intact"
    """It has the hash that was recorded."""
    ALTERED = "altered"
    MISSING = "missing"
    NOT_STORED = "not stored"
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


class ReportLocator(Protocol):
    """The places where a file that was kept may be now."""

    def locate(self, file: StoredFile) -> Iterator[StoredFile]:
        """Return where it was written, and where else a copy of it may be; the likeliest place first."""

    def read(self, file: StoredFile) -> bytes:
        """Return the bytes in one of these places. Raises `EvidenceGoneError` where it is gone, or `EvidenceError`."""


def verify_audits(
    audits: Sequence[AuditRecord], known_audits: Sequence[AuditRecord], locator: ReportLocator
) -> Iterator[VerifiedAudit]:
    """Read the report of each audit again, and its page, and compare their hashes with those that were recorded.

    `recorded` are all audits that are known of: a file that a later one was written to does not hold the earlier.
    A copy with the recorded hash is the report, wherever it is.
    """
    latest_by_location = {it.report.location: it for it in known_audits if it.report is not None}
    checker = _FileChecker(locator)
    for audit in audits:
        report = audit.report
        if report is None:
            yield VerifiedAudit(audit, (FileStatus.NOT_STORED, None))
            continue
        latest_audit = latest_by_location.get(report.location, audit)
        if latest_audit.report != report:
            overwritten_check = FileStatus.MISSING, f"the report of audit {latest_audit.audit_id} was written over it"
            copy_check = checker.find_intact_copy(report)
            yield VerifiedAudit(audit, overwritten_check if copy_check is None else copy_check)
            continue
        yield VerifiedAudit(audit, checker.check(report), checker.check(report.page) if report.page else None)


class _FileChecker:
    """Reads each place once, and compares what is there."""

    def __init__(self, locator: ReportLocator) -> None:
        self._locator = locator
        self._digests: dict[str, str] = {}

    def check(self, file: StoredFile) -> FileCheck:
        """Return what became of a file: a copy with its hash decides, else what there is at the first place."""
        missing_check: FileCheck = FileStatus.MISSING, None
        worst_check: FileCheck | None = None
        for candidate in self._locator.locate(file):
            try:
                digest = self._compute_digest(candidate)
            except EvidenceMissingError as error:
                missing_check = FileStatus.MISSING, str(error)
                continue
            except EvidenceError as error:
                worst_check = worst_check or (FileStatus.UNREADABLE, str(error))
                continue
            if digest == file.sha256:
                return FileStatus.INTACT, _describe_location(file, candidate)
            reason = f"its hash is {digest}, and was {file.sha256} when it was written"
            location_text = _describe_location(file, candidate)
            worst_check = worst_check or (FileStatus.ALTERED, f"{location_text}; {reason}" if location_text else reason)
        return worst_check or missing_check

    def find_intact_copy(self, file: StoredFile) -> FileCheck | None:
        """Return the fate of a file whose place holds another by now: intact where a copy of it is elsewhere."""
        for candidate in self._locator.locate(file):
            try:
                if candidate.location != file.location and self._compute_digest(candidate) == file.sha256:
                    return FileStatus.INTACT, _describe_location(file, candidate)
            except EvidenceError:
                continue
        return None

    def _compute_digest(self, file: StoredFile) -> str:
        if file.location not in self._digests:
            self._digests[file.location] = hashlib.sha256(self._locator.read(file)).hexdigest()
        return self._digests[file.location]


def _describe_location(file: StoredFile, candidate: StoredFile) -> str | None:
    return None if candidate.location == file.location else f"found at {candidate.location}"
