"""Writes a file whole or not at all: a reader sees the former text or the new one, never a part."""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Self

from backup_auditor.errors import UsageError

ORDINARY = 0o666
PRIVATE = 0o600
_LONGEST_NAME = 100


class Replacement:
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
