"""The moment after which an audit asks nothing more."""

from collections.abc import Callable
from datetime import timedelta

from backup_auditor.errors import DeadlineError

type Monotonic = Callable[[], float]


class Deadline:
    """The end of the time for a whole audit, on a clock that never goes back."""

    def __init__(self, length: timedelta, monotonic: Monotonic) -> None:
        """Start the time now."""
        self._monotonic = monotonic
        self._end = monotonic() + length.total_seconds()

    @property
    def seconds_left(self) -> float:
        """The seconds that are left; less than nothing once it is over."""
        return self._end - self._monotonic()

    def remaining(self) -> float:
        """Return the seconds that are left, at least one millisecond.

        Raises `DeadlineError` when none is.
        """
        left = self.seconds_left
        if left <= 0:
            raise DeadlineError("the time for the whole audit was over")
        return max(left, 0.001)

    def allows(self, seconds: float) -> bool:
        """Tell whether one can wait for so long and still ask."""
        return self._monotonic() + seconds < self._end
