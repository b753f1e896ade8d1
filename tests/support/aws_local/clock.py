"""The clock of functions and of the simulated service, which tests move."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

from support.clock import read_real_clock


class MovedClock:
    """A clock that runs at the speed of the real one, with an offset."""

    EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
    """A time before any time that a test sets."""

    def __init__(self, file: Path, moment: datetime) -> None:
        """Start at a time; sandboxes read the offset from the file."""
        self.file = file
        self._offset = timedelta()
        self.set(moment)

    def now(self) -> datetime:
        """Return the time of the clock."""
        return read_real_clock() + self._offset

    def set(self, moment: datetime) -> None:
        """Set the clock to a time."""
        self._offset = timedelta(seconds=round((moment - read_real_clock()).total_seconds()))
        self._write()

    def advance(self, duration: timedelta) -> None:
        """Advance the clock."""
        self._offset += duration
        self._write()

    def move_to(self, moment: datetime) -> None:
        """Move the clock forward to a time; a clock that is later stays."""
        if moment > self.now():
            # offsets are whole seconds: the clock is never before the moment
            self._offset += timedelta(seconds=math.ceil((moment - self.now()).total_seconds()))
            self._write()

    def _write(self) -> None:
        new_file = self.file.with_suffix(".new")
        new_file.write_text(str(self._offset.total_seconds()), encoding="ascii")
        new_file.replace(self.file)
