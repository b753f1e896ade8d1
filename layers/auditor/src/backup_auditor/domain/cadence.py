"""How often a schedule runs, and the longest time that may pass between two of its runs."""

from datetime import timedelta
from enum import StrEnum


class Frequency(StrEnum):
    """The frequencies that Pinecone knows, fastest first."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"

    @property
    def interval(self) -> timedelta:
        """The longest interval: 1, 7 or 31 days."""
        return _INTERVALS[self]

    def is_slower_than(self, other: "Frequency") -> bool:
        """Tell whether this frequency leaves more time between runs than the other."""
        return self.interval > other.interval

    @classmethod
    def of(cls, text: str | None) -> "Frequency | None":
        """Return the frequency a text names, without regard to case; `None` when it names none that is known."""
        try:
            return cls((text or "").casefold())
        except ValueError:
            return None


_INTERVALS = {
    Frequency.DAILY: timedelta(days=1),
    Frequency.WEEKLY: timedelta(days=7),
    Frequency.MONTHLY: timedelta(days=31),
}
