"""Files on a laptop: written whole or not at all, and the report file that serves as evidence."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from secrets import token_hex
from typing import Self

from backup_auditor.domain.audit_record import StoredFile, StoredReport
from backup_auditor.domain.reporting.report import Report
from backup_auditor.errors import EvidenceError, EvidenceMissingError, UsageError
from backup_auditor.rendering.formats.json import render_json
from backup_auditor.rendering.text import encode_pieces


class EvidenceFile:
    """An `Evidence` for one report, which is still to be written when it is recorded.

    Only its hash is made at once. Should the writing fail after all, the report is found to be gone.
    """

    def __init__(self, path: Path) -> None:
        """Take the file that the report will be written to, as JSON."""
        self._path = path.absolute()

    def store_report(self, report: Report) -> StoredReport:
        """Say where the report will be, and the hash of the bytes that will be written."""
        digest = hashlib.sha256()
        for piece in encode_pieces(render_json(report)):
            digest.update(piece)
        return StoredReport(str(self._path), digest.hexdigest())

    def store_page(self, report: Report, stored_report: StoredReport) -> None:
        """Write none: whoever wants a page asks for that format."""

    def read(self, file: StoredFile) -> bytes:
        """Return the bytes of a report that was written."""
        return read_local_file(file)


def read_local_file(stored_file: StoredFile) -> bytes:
    """Return the bytes of a report in a file. Raises `EvidenceGoneError` where it is gone, or `EvidenceError`."""
    try:
        return Path(stored_file.location).read_bytes()
    except FileNotFoundError:
        raise EvidenceMissingError(f"{stored_file.location} is gone; restore it from a copy") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no file"
        raise EvidenceError(f"{stored_file.location} cannot be read: {reason}; look at who may read it") from None


class CopiesBesideState:
    """Finds files that were moved together with the state that knows them: in its folder, and in those above."""

    def __init__(self, state: Path) -> None:
        """Take the file that holds the state."""
        self._folders = state.absolute().parents

    def find_copies(self, stored_file: StoredFile) -> Iterator[StoredFile]:
        """Return the files that may be this one, the nearest folder and the longest part of its path first."""
        for folder in self._folders[:-1]:  # everything lies below the root
            yield from _find_copies(folder, stored_file)


class CopiesInFolder:
    """Finds files in a folder that they were brought to, under whatever name."""

    def __init__(self, folder: Path) -> None:
        """Take the folder. Raises `EvidenceError` where it is none."""
        if not folder.is_dir():
            raise EvidenceError(f"{folder}: this is no folder; name the one that holds the reports with --reports")
        self._folder = folder.absolute()
        self._by_hash: dict[str, dict[str, Path]] = {}

    def find_copies(self, stored_file: StoredFile) -> Iterator[StoredFile]:
        """Return the files that may be this one by their path, then the one that has its hash."""
        yield from _find_copies(self._folder, stored_file)
        suffix = _build_path(stored_file).suffix
        if suffix not in self._by_hash:
            self._by_hash[suffix] = dict(_hash_files(self._folder, suffix))
        if stored_file.sha256 in self._by_hash[suffix]:
            yield StoredFile(str(self._by_hash[suffix][stored_file.sha256]), stored_file.sha256)

    def contains(self, stored_file: StoredFile) -> bool:
        """Tell whether a place lies in the folder."""
        return Path(stored_file.location).is_relative_to(self._folder)

    def build_gone_error(self, stored_file: StoredFile) -> EvidenceMissingError:
        """Say that no file of the folder is this one."""
        return EvidenceMissingError(
            f"{stored_file.location} is not in {self._folder}; name the folder that holds it now"
        )


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


ORDINARY_MODE = 0o666
PRIVATE_MODE = 0o600
_MAX_NAME_LENGTH = 100


class AtomicFile:
    """A file that is to take the place of another. It is opened at once, so that nothing is done in vain.

    Raises `UsageError` wherever it cannot be written. A link stays a link; a pipe or a device is written to as it is.
    """

    def __init__(self, path: Path, mode: int = ORDINARY_MODE) -> None:
        """Open the file, under another name beside the one it is to take."""
        self._path = path
        self._target = Path(os.path.realpath(path))
        self._part_path: Path | None = None
        with self._translate_errors():
            if _is_special(path):  # its own name: that of a pipe leads nowhere, once a link to it is followed
                self._file = path.open("wb")
                return
            part_path = self._target.with_name(f".{self._target.name[:_MAX_NAME_LENGTH]}.{token_hex(6)}.part")
            self._file = os.fdopen(os.open(part_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb")
            self._part_path = part_path

    def __enter__(self) -> Self:
        """Begin; at the end, what was not written whole is taken away."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take away what was not written whole."""
        with suppress(OSError):
            self._file.close()
        if self._part_path is not None:
            self._part_path.unlink(missing_ok=True)

    @property
    def is_stream(self) -> bool:
        """Tell whether it is a pipe or a device, which is written to as it is."""
        return self._part_path is None

    def write_all(self, pieces: Iterable[bytes]) -> None:
        """Write everything, and take the other file's place."""
        self.write_part(pieces)
        self.replace_target()

    def write_part(self, pieces: Iterable[bytes]) -> None:
        """Write everything to the disk, and leave the other file as it is."""
        for piece in pieces:
            with self._translate_errors():
                self._file.write(piece)
        with self._translate_errors():
            self._file.flush()
            if self._part_path is not None:
                os.fsync(self._file.fileno())

    def replace_target(self) -> None:
        """Take the other file's place with what was written."""
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
            reason = error.strerror or "it is no file"
            raise UsageError(f"{self._path}: cannot be written: {reason}; choose another file") from None


def _is_special(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(21, "it is a folder")
    return not stat.S_ISREG(mode)
