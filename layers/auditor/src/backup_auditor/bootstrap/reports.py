"""The places where reports are looked for: where they were written, beside the state, or in a folder that is named."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backup_auditor.adapters.files import CopiesBesideState, CopiesInFolder, read_local_file
from backup_auditor.application.evidence import ReportLocator
from backup_auditor.bootstrap.local import read_stored_file
from backup_auditor.domain.audit_record import StoredFile


@dataclass(frozen=True, slots=True)
class _StateFolderLocator:
    """The place where a file was written, and then those beside the state."""

    state: Path | None

    def locate(self, file: StoredFile) -> Iterator[StoredFile]:
        yield file
        if self.state is not None and not file.location.startswith("s3://"):
            yield from CopiesBesideState(self.state).find_copies(file)

    def read(self, file: StoredFile) -> bytes:
        return read_stored_file(file)


@dataclass(frozen=True, slots=True)
class _FolderLocator:
    """The places in one folder, and no other."""

    folder: CopiesInFolder

    def locate(self, file: StoredFile) -> Iterator[StoredFile]:
        yield from self.folder.find_copies(file)
        yield file

    def read(self, file: StoredFile) -> bytes:
        if not self.folder.contains(file):
            raise self.folder.build_gone_error(file)
        return read_local_file(file)


def make_report_locator(state: Path | None, reports: Path | None) -> ReportLocator:
    """Return where reports are looked for: in the folder that is named, else where they were written or by the state.

    Raises `EvidenceError` where no such folder is there.
    """
    return _StateFolderLocator(state) if reports is None else _FolderLocator(CopiesInFolder(reports))
