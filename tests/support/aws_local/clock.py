"""The clock of functions and of the simulated service, which tests move."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from support.clock import read_real_clock


class MovedClock:
    """A clock that runs as the real one does, and is ahead of it by what it was moved."""

    EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
    """Before any moment that a test sets."""

    def __init__(self, file: Path, moment: datetime) -> None:
        """Begin at a moment; sandboxes read from the file how far it is ahead."""
        self.file = file
        self._offset = timedelta()
        self.set(moment)

    def now(self) -> datetime:
        """Return what it shows."""
        return read_real_clock() + self._offset

    def set(self, moment: datetime) -> None:
        """Let it show a moment."""
        self._offset = timedelta(seconds=round((moment - read_real_clock()).total_seconds()))
        self._write()

    def advance(self, duration: timedelta) -> None:
        """Let time pass."""
        self._offset += duration
        self._write()

    def _write(self) -> None:
        new_file = self.file.with_suffix(".new")
        new_file.write_text(str(self._offset.total_seconds()), encoding="ascii")
        new_file.replace(self.file)
