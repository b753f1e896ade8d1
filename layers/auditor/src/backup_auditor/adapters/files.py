"""Local files: atomic writes, and the reports and documents of drills that serve as evidence."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from secrets import token_hex
from typing import TYPE_CHECKING, Self

from backup_auditor.domain.audit_record import StoredFile, StoredReport
from backup_auditor.domain.reporting.report import Report
from backup_auditor.errors import EvidenceError, EvidenceMissingError, UsageError
from backup_auditor.rendering.formats.json import render_json
from backup_auditor.rendering.text import encode_pieces

if TYPE_CHECKING:
    from backup_auditor.domain.drills.drill import DrillRecord


class EvidenceFile:
    """An `EvidenceStore` for one local report, which is written after the audit is recorded.

    The audit record holds the hash of the bytes. If the write fails later, `evidence verify` finds the report missing.
    """

    def __init__(self, path: Path) -> None:
        """Take the path that the JSON report will be written to."""
        self._path = path.absolute()

    def store_report(self, report: Report) -> StoredReport:
        """Return the path of the report and the hash of the bytes that will be written."""
        digest = hashlib.sha256()
        for piece in encode_pieces(render_json(report)):
            digest.update(piece)
        return StoredReport(str(self._path), digest.hexdigest())

    def store_page(self, report: Report, stored_report: StoredReport) -> None:
        """Store no page: `--format html` writes one."""

    def read(self, file: StoredFile) -> bytes:
        """Return the bytes of a stored report."""
        return read_local_file(file)


def read_local_file(stored_file: StoredFile) -> bytes:
    """Return the bytes of a report file. Raises `EvidenceMissingError` if there is none, else `EvidenceError`."""
    try:
        return Path(stored_file.location).read_bytes()
    except FileNotFoundError:
        raise EvidenceMissingError(f"{stored_file.location} is missing; restore it from a copy") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file"
        raise EvidenceError(f"{stored_file.location} cannot be read: {reason}; check its permissions") from None


def find_copies_beside_state(state: Path, stored_file: StoredFile) -> Iterator[StoredFile]:
    """Yield copies of a file that was moved with the state file: in the folder of the state and those above it.

    The nearest folder comes first, then the longest matching part of the path.
    """
    for folder in state.absolute().parents[:-1]:  # every path is below the root
        yield from _find_copies(folder, stored_file)


class ReportFolder:
    """Finds report files in a folder that they were copied to, under any name."""

    def __init__(self, folder: Path) -> None:
        """Take the folder. Raises `EvidenceError` if it is not a folder."""
        if not folder.is_dir():
            raise EvidenceError(f"{folder}: not a folder; name the folder of the reports with --reports")
        self._folder = folder.absolute()
        self._by_hash: dict[str, dict[str, Path]] = {}

    def locate(self, file: StoredFile) -> Iterator[StoredFile]:
        """Yield copies of a file by path, then the file with the same hash, then where it was written."""
        yield from _find_copies(self._folder, file)
        suffix = _build_path(file).suffix
        if suffix not in self._by_hash:
            self._by_hash[suffix] = dict(_hash_files(self._folder, suffix))
        if file.sha256 in self._by_hash[suffix]:
            yield StoredFile(str(self._by_hash[suffix][file.sha256]), file.sha256)
        yield file

    def read(self, file: StoredFile) -> bytes:
        """Return the bytes of a file in the folder. Raises `EvidenceMissingError` if it is not there."""
        if not Path(file.location).is_relative_to(self._folder):
            raise EvidenceMissingError(f"{file.location} is not in {self._folder}; name its folder with --reports")
        return read_local_file(file)


def _build_path(stored_file: StoredFile) -> PurePath:
    return PurePath(stored_file.location.removeprefix("s3://"))


def _find_copies(folder: Path, stored_file: StoredFile) -> Iterator[StoredFile]:
    path = _build_path(stored_file)
    parts = path.parts[1:] if path.is_absolute() else path.parts
    for start in range(len(parts)):
        candidate = folder.joinpath(*parts[start:])
        if ".." not in parts and candidate.is_file():
            yield StoredFile(str(candidate), stored_file.sha256)


def _hash_files(folder: Path, suffix: str) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob(f"*{suffix}")):
        if path.is_file():
            with suppress(OSError):
                yield hashlib.sha256(path.read_bytes()).hexdigest(), path


class DrillFolder:
    """A `DrillArchive` in a folder: one file for each stored revision of a drill."""

    def __init__(self, folder: Path) -> None:
        """Take the folder. It is created with the first document."""
        self._folder = folder.absolute()

    def store_drill(self, record: "DrillRecord", document: bytes) -> StoredFile:
        """Store a document, unless it is stored already. Raises `EvidenceError` if another one has its name."""
        path = self._folder / f"{record.drill_id}-{record.revision}.json"
        stored_file = StoredFile(str(path), hashlib.sha256(document).hexdigest())
        with suppress(EvidenceMissingError):
            if read_local_file(stored_file) != document:
                raise EvidenceError(f"{path} has another document than the drill; move it away and run drill again")
            return stored_file
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with AtomicFile(path, PRIVATE_MODE) as file:
                file.write_all([document])
        except OSError as error:
            reason = error.strerror or str(error)
            raise EvidenceError(f"{self._folder}: cannot be created: {reason}; check the folder above it") from None
        except UsageError as error:
            raise EvidenceError(f"the document of drill {record.drill_id} is not stored: {error}") from None
        return stored_file


PRIVATE_MODE = 0o600
_MAX_NAME_LENGTH = 100


class AtomicFile:
    """A file that replaces another one atomically. It is opened at once, so that a bad path fails before any work.

    Raises `UsageError` if it cannot be written. Links are followed; pipes and devices are written to directly.
    """

    def __init__(self, path: Path, mode: int = 0o666) -> None:
        """Open a temporary file beside the target."""
        self.path = path
        self._target = Path(os.path.realpath(path))
        self._part_path: Path | None = None
        with self._translate_errors():
            if _is_special(path):  # open it by its own name: the resolved name of a pipe does not exist
                self._file = path.open("wb")
                return
            part_path = self._target.with_name(f".{self._target.name[:_MAX_NAME_LENGTH]}.{token_hex(6)}.part")
            self._file = os.fdopen(os.open(part_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb")
            self._part_path = part_path

    def __enter__(self) -> Self:
        """Return the file. At the end, an incomplete temporary file is deleted."""
        return self

    def __exit__(self, *_: object) -> None:
        """Delete an incomplete temporary file."""
        with suppress(OSError):
            self._file.close()
        if self._part_path is not None:
            self._part_path.unlink(missing_ok=True)

    @property
    def is_stream(self) -> bool:
        """Whether the target is a pipe or a device, which is written to directly."""
        return self._part_path is None

    def write_all(self, pieces: Iterable[bytes]) -> None:
        """Write all pieces and replace the target."""
        self.write_part(pieces)
        self.replace_target()

    def write_part(self, pieces: Iterable[bytes]) -> None:
        """Write all pieces to disk, without replacing the target."""
        for piece in pieces:
            with self._translate_errors():
                self._file.write(piece)
        with self._translate_errors():
            self._file.flush()
            if self._part_path is not None:
                os.fsync(self._file.fileno())

    def replace_target(self) -> None:
        """Replace the target with the written file."""
        with self._translate_errors():
            if self._part_path is not None:
                self._part_path.replace(self._target)
                self._part_path = None
            self._file.close()

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or "not a file"
            raise UsageError(f"{self.path}: cannot be written: {reason}; choose another file") from None


def _is_special(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(21, "Is a folder")
    return not stat.S_ISREG(mode)
