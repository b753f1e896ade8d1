"""How long to wait before asking again."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

type Uniform = Callable[[float, float], float]
"""Picks a number between two."""

BASE = 0.1
"""Seconds that the first wait is about."""
CAP = 8.0
"""Seconds that no wait of our own is longer than."""


class Backoff:
    """The waits of one call: decorrelated jitter, unless the service says how long."""

    def __init__(self, uniform: Uniform) -> None:
        """Begin with the shortest wait."""
        self._uniform = uniform
        self._last = BASE

    def wait(self, retry_after: float | None) -> float:
        """Return the seconds to wait before the next attempt, never fewer than the service asked for."""
        if retry_after is not None:
            return retry_after + self._uniform(0, BASE)
        self._last = min(CAP, self._uniform(BASE, self._last * 3))
        return self._last


def read_retry_after(text: str | None, now: datetime) -> float | None:
    """Read `Retry-After`, seconds or an HTTP date; `None` where there is none that can be read."""
    if not text:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
