"""The places where reports are looked for: where they were written, beside the state, or in a folder that is named."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backup_auditor.adapters.files import CopiesBesideState, CopiesInFolder, read_file
from backup_auditor.application.evidence import ReportPlaces
from backup_auditor.bootstrap.local import read_kept
from backup_auditor.domain.audit_record import StoredFile


@dataclass(frozen=True, slots=True)
class _BesideState:
    """The place where a file was written, and then those beside the state."""

    state: Path | None

    def places(self, kept: StoredFile) -> Iterator[StoredFile]:
        yield kept
        if self.state is not None and not kept.location.startswith("s3://"):
            yield from CopiesBesideState(self.state).copies(kept)

    def read(self, place: StoredFile) -> bytes:
        return read_kept(place)


@dataclass(frozen=True, slots=True)
class _InFolder:
    """The places in one folder, and no other."""

    folder: CopiesInFolder

    def places(self, kept: StoredFile) -> Iterator[StoredFile]:
        yield from self.folder.copies(kept)
        yield kept

    def read(self, place: StoredFile) -> bytes:
        if not self.folder.holds(place):
            raise self.folder.gone(place)
        return read_file(place)


def report_places(state: Path | None, reports: Path | None) -> ReportPlaces:
    """Return where reports are looked for: in the folder that is named, else where they were written or by the state.

    Raises `EvidenceError` where no such folder is there.
    """
    return _BesideState(state) if reports is None else _InFolder(CopiesInFolder(reports))
