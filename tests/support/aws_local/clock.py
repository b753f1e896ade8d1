"""The clock of functions and of the simulated service, which tests move."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from support.clock import real_now


class MovedClock:
    """A clock that runs as the real one does, and is ahead of it by what it was moved."""

    BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
    """Before any moment that a test sets."""

    def __init__(self, file: Path, moment: datetime) -> None:
        """Begin at a moment; sandboxes read from the file how far it is ahead."""
        self.file = file
        self._ahead = timedelta()
        self.set(moment)

    def now(self) -> datetime:
        """Return what it shows."""
        return real_now() + self._ahead

    def set(self, moment: datetime) -> None:
        """Let it show a moment."""
        self._ahead = timedelta(seconds=round((moment - real_now()).total_seconds()))
        self._write()

    def advance(self, length: timedelta) -> None:
        """Let time pass."""
        self._ahead += length
        self._write()

    def _write(self) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(str(self._ahead.total_seconds()), encoding="ascii")
        new.replace(self.file)
