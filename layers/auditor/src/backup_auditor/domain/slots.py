"""How many backups a schedule holds at once, and which schedule would fit a number of slots."""

from dataclasses import dataclass
from datetime import timedelta

from backup_auditor.domain.cadence import Frequency
from backup_auditor.domain.requirements import ScheduleRequirement

_DAY = timedelta(days=1)
SHORTEST_RETENTION = _DAY
LONGEST_RETENTION = 400 * _DAY
"""The service's own limits."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A schedule for each of some indexes that takes no more slots than there are."""

    frequency: Frequency
    retention: timedelta
    slots: int
    """What one such schedule takes."""


def slots_of(retention: timedelta, interval: timedelta) -> int:
    """Return how many backups a schedule holds: those it keeps, and the one being made before the oldest goes."""
    return retention // interval + 1


def least_slots(require: ScheduleRequirement) -> int:
    """Return how many backups the most sparing schedule holds that meets a requirement."""
    return slots_of(least_retention(require), require.frequency.interval)


def least_retention(require: ScheduleRequirement) -> timedelta:
    """Return the shortest retention that meets a requirement; where it states none, the service's own shortest."""
    return require.retention_min or SHORTEST_RETENTION


def best_fit(indexes: int, room: int) -> Fit | None:
    """Return the schedule that fits so many indexes into the room there is: the fastest, and then the longest kept.

    Only one that outlives its interval is any good. `None` where there is none.
    """
    most = room // indexes if indexes > 0 else 0
    for frequency in Frequency:
        interval = frequency.interval
        longest = min(most * interval - _DAY, LONGEST_RETENTION)
        if longest > interval:
            return Fit(frequency, longest, slots_of(longest, interval))
    return None
