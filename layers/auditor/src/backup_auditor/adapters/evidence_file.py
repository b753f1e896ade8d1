"""Keeps a report in the file that the command line writes it to, and finds it again, there or where it was moved."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePath

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


class CopiesBesideState:
    """Finds files that were moved together with the state that knows them: in its folder, and in those above."""

    def __init__(self, state: Path) -> None:
        """Take the file that holds the state."""
        self._folders = state.absolute().parents

    def copies(self, kept: KeptFile) -> Iterator[KeptFile]:
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

    def copies(self, kept: KeptFile) -> Iterator[KeptFile]:
        """Return the files that may be this one by their path, then the one that has its hash."""
        yield from _copies_in(self._folder, kept)
        kind = _path_of(kept).suffix
        if kind not in self._by_hash:
            self._by_hash[kind] = dict(_hashes(self._folder, kind))
        if kept.sha256 in self._by_hash[kind]:
            yield KeptFile(str(self._by_hash[kind][kept.sha256]), kept.sha256)

    def holds(self, place: KeptFile) -> bool:
        """Tell whether a place lies in the folder."""
        return Path(place.location).is_relative_to(self._folder)

    def gone(self, kept: KeptFile) -> EvidenceGoneError:
        """Say that no file of the folder is this one."""
        return EvidenceGoneError(f"{kept.location} is not in {self._folder}; name the folder that holds it now")


def _path_of(kept: KeptFile) -> PurePath:
    return PurePath(kept.location.removeprefix("s3://"))


def _copies_in(folder: Path, kept: KeptFile) -> Iterator[KeptFile]:
    path = _path_of(kept)
    parts = path.parts[1:] if path.is_absolute() else path.parts
    for start in range(len(parts)):
        place = folder.joinpath(*parts[start:])
        if ".." not in parts and place.is_file():
            yield KeptFile(str(place), kept.sha256)


def _hashes(folder: Path, kind: str) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob(f"*{kind}")):
        if path.is_file():
            with suppress(OSError):
                yield hashlib.sha256(path.read_bytes()).hexdigest(), path
