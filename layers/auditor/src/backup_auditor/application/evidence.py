"""Verify stored reports and documents of drills: compare each with the hash that was recorded for it."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from backup_auditor.domain.audit_record import AuditRecord, StoredFile
from backup_auditor.domain.drills.drill import DrillRecord
from backup_auditor.domain.fleet_record import FleetPage
from backup_auditor.errors import EvidenceError, EvidenceMissingError


class FileStatus(StrEnum):
    """The status of a stored file."""

    INTACT = "intact"
    """Its hash is the recorded hash."""
    ALTERED = "altered"
    MISSING = "missing"
    NOT_STORED = "not stored"
    UNREADABLE = "unreadable"
    """It could not be read, so whether it is intact is unknown."""


type FileCheck = tuple[FileStatus, str | None]
"""The status of a file, and details for people."""


@dataclass(frozen=True, slots=True)
class VerifiedAudit:
    """One audit, and the checks of its report and page."""

    audit: AuditRecord
    report: FileCheck
    page: FileCheck | None = None
    """`None` where no page was stored."""


class ReportLocator(Protocol):
    """Finds the places where a stored file can be now."""

    def locate(self, file: StoredFile) -> Iterator[StoredFile]:
        """Return the places where it was written or copied to, the most likely first."""

    def read(self, file: StoredFile) -> bytes:
        """Return the bytes at one of these places. Raises `EvidenceMissingError` or another `EvidenceError`."""


def verify_audits(
    audits: Sequence[AuditRecord], known_audits: Sequence[AuditRecord], locator: ReportLocator
) -> Iterator[VerifiedAudit]:
    """Compare the hash of each audit's report and page with the recorded hash.

    `known_audits` are all recorded audits: a file that a later report was written to no longer holds the earlier one.
    A copy with the recorded hash counts as the report, wherever it is.
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
            overwritten_check = FileStatus.MISSING, f"overwritten by the report of audit {latest_audit.audit_id}"
            copy_check = checker.find_intact_copy(report)
            yield VerifiedAudit(audit, overwritten_check if copy_check is None else copy_check)
            continue
        yield VerifiedAudit(audit, checker.check(report), checker.check(report.page) if report.page else None)


def verify_drills(drills: Iterable[DrillRecord], locator: ReportLocator) -> Iterator[tuple[DrillRecord, FileCheck]]:
    """Compare the hash of each drill's document with the recorded hash."""
    checker = _FileChecker(locator)
    for drill in drills:
        yield drill, (FileStatus.NOT_STORED, None) if drill.evidence is None else checker.check(drill.evidence)


def verify_pages(
    pages: Iterable[FleetPage], locator: ReportLocator
) -> Iterator[tuple[FleetPage, FileCheck, FileCheck | None]]:
    """Compare the hash of each page of the fleet, as JSON and as HTML, with the recorded hash."""
    checker = _FileChecker(locator)
    for page in pages:
        html = page.document.page
        yield page, checker.check(page.document), None if html is None else checker.check(html)


class _FileChecker:
    """Reads each place once, and compares its hash."""

    def __init__(self, locator: ReportLocator) -> None:
        self._locator = locator
        self._digests: dict[str, str] = {}

    def check(self, file: StoredFile) -> FileCheck:
        """Return the status of a file: intact if any copy has its hash, else the status at the first place."""
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
            reason = f"its hash is {digest} (recorded: {file.sha256})"
            location_text = _describe_location(file, candidate)
            worst_check = worst_check or (FileStatus.ALTERED, f"{location_text}; {reason}" if location_text else reason)
        return worst_check or missing_check

    def find_intact_copy(self, file: StoredFile) -> FileCheck | None:
        """Return the check of an intact copy of an overwritten file; `None` without one."""
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
