"""Clocks for tests."""

from datetime import UTC, datetime

from time_machine import escape_hatch


def read_real_clock() -> datetime:
    """Return the time of the processes that tests start, and of C libraries: the clock of this one may be moved."""
    return escape_hatch.datetime.datetime.now(UTC) if escape_hatch.is_travelling() else datetime.now(UTC)


class ManualClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        """Begin somewhere."""
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now
