"""Find stored reports: where they were written, beside the state, or in a given directory."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backup_auditor.adapters.files import CopiesBesideState, CopiesInFolder, read_local_file
from backup_auditor.application.evidence import ReportLocator
from backup_auditor.bootstrap.local import read_stored_file
from backup_auditor.domain.audit_record import StoredFile


@dataclass(frozen=True, slots=True)
class _StateFolderLocator:
    """Look where a file was written, then beside the state."""

    state: Path | None

    def locate(self, file: StoredFile) -> Iterator[StoredFile]:
        yield file
        if self.state is not None and not file.location.startswith("s3://"):
            yield from CopiesBesideState(self.state).find_copies(file)

    def read(self, file: StoredFile) -> bytes:
        return read_stored_file(file)


@dataclass(frozen=True, slots=True)
class _FolderLocator:
    """Look only in one directory."""

    folder: CopiesInFolder

    def locate(self, file: StoredFile) -> Iterator[StoredFile]:
        yield from self.folder.find_copies(file)
        yield file

    def read(self, file: StoredFile) -> bytes:
        if not self.folder.contains(file):
            raise self.folder.build_gone_error(file)
        return read_local_file(file)


def make_report_locator(state: Path | None, reports: Path | None) -> ReportLocator:
    """Return the locator for the directory `reports`, or without one for the written places and the state's directory.

    Raises `EvidenceError` where the directory does not exist.
    """
    return _StateFolderLocator(state) if reports is None else _FolderLocator(CopiesInFolder(reports))
