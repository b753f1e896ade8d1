"""Outages of whole services, which last for a time on the moved clock."""

from datetime import datetime, timedelta
from threading import Lock

from support.aws_local.clock import MovedClock


class Outage:
    """An outage of one service, from one of its calls on. Safe to use from many threads."""

    def __init__(self, service: str, clock: MovedClock, duration: timedelta, *, after: int = 0) -> None:
        """Start with the call that follows `after` successful calls."""
        self.service = service
        self.refused_count = 0
        """How many calls failed so far."""
        self._clock = clock
        self._duration = duration
        self._calls_left = after
        self._ends_at: datetime | None = None
        self._lock = Lock()

    @property
    def is_over(self) -> bool:
        """Whether the outage began and has ended."""
        return self._ends_at is not None and self._clock.now() >= self._ends_at

    def refuses_call(self) -> bool:
        """Count a call, and return whether it fails."""
        with self._lock:
            if self._calls_left > 0:
                self._calls_left -= 1
                return False
            self._ends_at = self._ends_at or self._clock.now() + self._duration
            is_refused = self._clock.now() < self._ends_at
            self.refused_count += is_refused
            return is_refused
