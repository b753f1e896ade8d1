"""Clocks for tests."""

from datetime import UTC, datetime

from time_machine import escape_hatch


def read_real_clock() -> datetime:
    """Return the time that subprocesses and C libraries see, even if a test moved the clock of this process."""
    return escape_hatch.datetime.datetime.now(UTC) if escape_hatch.is_travelling() else datetime.now(UTC)


class ManualClock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        """Start at a fixed time."""
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now
