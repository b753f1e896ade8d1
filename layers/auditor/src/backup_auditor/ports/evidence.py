"""What the use cases need of the place where reports are kept, as a protocol."""

from typing import Protocol

from backup_auditor.domain.audit_record import KeptFile, KeptReport
from backup_auditor.domain.report import Report


class Evidence(Protocol):
    """Keeps reports. What was written once is never written over."""

    def keep(self, report: Report) -> KeptReport:
        """Write a report where it can be found again, or find that it stands there already. Raises `EvidenceError`."""

    def keep_page(self, report: Report, kept: KeptReport) -> KeptFile | None:
        """Write the page of a report that is kept beside it; `None` where no pages are written.

        Raises `EvidenceError`.
        """

    def read(self, kept: KeptFile) -> bytes:
        """Return the bytes of a file as they stand there now, whatever their hash. Raises `EvidenceError`."""
