"""What is to happen, and when."""

import heapq
from collections.abc import Callable
from datetime import datetime
from typing import Any


class Agenda:
    """Things to come, in order of their time; those of the same moment in the order in which they were entered."""

    def __init__(self) -> None:
        """Begin empty."""
        self._entries: list[tuple[datetime, int, Callable[[Any], None], object]] = []
        self._count = 0

    def add[Subject](self, when: datetime, action: Callable[[Subject], None], subject: Subject) -> None:
        """Enter an action on something. It is for the action to see whether it still applies when its time comes."""
        self._count += 1
        heapq.heappush(self._entries, (when, self._count, action, subject))

    def due(self, until: datetime) -> tuple[datetime, Callable[[], None]] | None:
        """Take out the first thing that is due, `until` included."""
        if not self._entries or self._entries[0][0] > until:
            return None
        when, _, action, subject = heapq.heappop(self._entries)
        return when, lambda: action(subject)
