"""Keeps a report in the file that the command line writes it to, and finds it there again."""

import hashlib
from pathlib import Path

from backup_auditor.domain.audit_record import KeptFile, KeptReport
from backup_auditor.domain.report import Report
from backup_auditor.errors import EvidenceError, EvidenceGoneError
from backup_auditor.rendering.as_json import render_json
from backup_auditor.rendering.encoding import encoded


class EvidenceFile:
    """An `Evidence` for one report, which is still to be written when it is recorded.

    Only its hash is made at once. Should the writing fail after all, the report is found to be gone.
    """

    def __init__(self, path: Path) -> None:
        """Take the file that the report will be written to, as JSON."""
        self._path = path.absolute()

    def keep(self, report: Report) -> KeptReport:
        """Say where the report will be, and the hash of the bytes that will be written."""
        digest = hashlib.sha256()
        for piece in encoded(render_json(report)):
            digest.update(piece)
        return KeptReport(str(self._path), digest.hexdigest())

    def keep_page(self, report: Report, kept: KeptReport) -> None:
        """Write none: whoever wants a page asks for that format."""

    def read(self, kept: KeptFile) -> bytes:
        """Return the bytes of a report that was written."""
        return read_file(kept)


def read_file(kept: KeptFile) -> bytes:
    """Return the bytes of a report in a file. Raises `EvidenceGoneError` where it is gone, or `EvidenceError`."""
    try:
        return Path(kept.location).read_bytes()
    except FileNotFoundError:
        raise EvidenceGoneError(f"{kept.location} is gone; restore it from a copy") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no file"
        raise EvidenceError(f"{kept.location} cannot be read: {why}; look at who may read it") from None
