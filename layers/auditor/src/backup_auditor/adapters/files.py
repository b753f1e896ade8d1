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
from backup_auditor.errors import EvidenceError, EvidenceGoneError, UsageError
from backup_auditor.rendering.formats.json import render_json
from backup_auditor.rendering.text import encoded


class EvidenceFile:
    """An `Evidence` for one report, which is still to be written when it is recorded.

    Only its hash is made at once. Should the writing fail after all, the report is found to be gone.
    """

    def __init__(self, path: Path) -> None:
        """Take the file that the report will be written to, as JSON."""
        self._path = path.absolute()

    def keep(self, report: Report) -> StoredReport:
        """Say where the report will be, and the hash of the bytes that will be written."""
        digest = hashlib.sha256()
        for piece in encoded(render_json(report)):
            digest.update(piece)
        return StoredReport(str(self._path), digest.hexdigest())

    def keep_page(self, report: Report, kept: StoredReport) -> None:
        """Write none: whoever wants a page asks for that format."""

    def read(self, kept: StoredFile) -> bytes:
        """Return the bytes of a report that was written."""
        return read_file(kept)


def read_file(kept: StoredFile) -> bytes:
    """Return the bytes of a report in a file. Raises `EvidenceGoneError` where it is gone, or `EvidenceError`."""
    try:
        return Path(kept.location).read_bytes()
    except FileNotFoundError:
        raise EvidenceGoneError(f"{kept.location} is gone; restore it from a copy") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no file"
        raise EvidenceError(f"{kept.location} cannot be read: {why}; look at who may read it") from None


class CopiesBesideState:
    """Finds files that were moved together with the state that knows them: in its folder, and in those above."""

    def __init__(self, state: Path) -> None:
        """Take the file that holds the state."""
        self._folders = state.absolute().parents

    def copies(self, kept: StoredFile) -> Iterator[StoredFile]:
        """Return the files that may be this one, the nearest folder and the longest part of its path first."""
        for folder in self._folders[:-1]:  # everything lies below the root
            yield from _copies_in(folder, kept)


class CopiesInFolder:
    """Finds files in a folder that they were brought to, under whatever name."""

    def __init__(self, folder: Path) -> None:
        """Take the folder. Raises `EvidenceError` where it is none."""
        if not folder.is_dir():
            raise EvidenceError(f"{folder}: this is no folder; name the one that holds the reports with --reports")
        self._folder = folder.absolute()
        self._by_hash: dict[str, dict[str, Path]] = {}

    def copies(self, kept: StoredFile) -> Iterator[StoredFile]:
        """Return the files that may be this one by their path, then the one that has its hash."""
        yield from _copies_in(self._folder, kept)
        kind = _path_of(kept).suffix
        if kind not in self._by_hash:
            self._by_hash[kind] = dict(_hashes(self._folder, kind))
        if kept.sha256 in self._by_hash[kind]:
            yield StoredFile(str(self._by_hash[kind][kept.sha256]), kept.sha256)

    def holds(self, place: StoredFile) -> bool:
        """Tell whether a place lies in the folder."""
        return Path(place.location).is_relative_to(self._folder)

    def gone(self, kept: StoredFile) -> EvidenceGoneError:
        """Say that no file of the folder is this one."""
        return EvidenceGoneError(f"{kept.location} is not in {self._folder}; name the folder that holds it now")


def _path_of(kept: StoredFile) -> PurePath:
    return PurePath(kept.location.removeprefix("s3://"))


def _copies_in(folder: Path, kept: StoredFile) -> Iterator[StoredFile]:
    path = _path_of(kept)
    parts = path.parts[1:] if path.is_absolute() else path.parts
    for start in range(len(parts)):
        place = folder.joinpath(*parts[start:])
        if ".." not in parts and place.is_file():
            yield StoredFile(str(place), kept.sha256)


def _hashes(folder: Path, kind: str) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob(f"*{kind}")):
        if path.is_file():
            with suppress(OSError):
                yield hashlib.sha256(path.read_bytes()).hexdigest(), path


ORDINARY = 0o666
PRIVATE = 0o600
_LONGEST_NAME = 100


class AtomicFile:
    """A file that is to take the place of another. It is opened at once, so that nothing is done in vain.

    Raises `UsageError` wherever it cannot be written. A link stays a link; a pipe or a device is written to as it is.
    """

    def __init__(self, path: Path, mode: int = ORDINARY) -> None:
        """Open the file, under another name beside the one it is to take."""
        self._path = path
        self._target = Path(os.path.realpath(path))
        self._part: Path | None = None
        with self._telling():
            if _is_special(path):  # its own name: that of a pipe leads nowhere, once a link to it is followed
                self._file = path.open("wb")
                return
            part = self._target.with_name(f".{self._target.name[:_LONGEST_NAME]}.{token_hex(6)}.part")
            self._file = os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb")
            self._part = part

    def __enter__(self) -> Self:
        """Begin; at the end, what was not written whole is taken away."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take away what was not written whole."""
        with suppress(OSError):
            self._file.close()
        if self._part is not None:
            self._part.unlink(missing_ok=True)

    @property
    def is_stream(self) -> bool:
        """Tell whether it is a pipe or a device, which is written to as it is."""
        return self._part is None

    def write(self, pieces: Iterable[bytes]) -> None:
        """Write everything, and take the other file's place."""
        self.fill(pieces)
        self.take_place()

    def fill(self, pieces: Iterable[bytes]) -> None:
        """Write everything to the disk, and leave the other file as it is."""
        for piece in pieces:
            with self._telling():
                self._file.write(piece)
        with self._telling():
            self._file.flush()
            if self._part is not None:
                os.fsync(self._file.fileno())

    def take_place(self) -> None:
        """Take the other file's place with what was written."""
        with self._telling():
            if self._part is not None:
                self._part.replace(self._target)
                self._part = None
            self._file.close()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = error.strerror or "it is no file"
            raise UsageError(f"{self._path}: cannot be written: {why}; choose another file") from None


def _is_special(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(21, "it is a folder")
    return not stat.S_ISREG(mode)
