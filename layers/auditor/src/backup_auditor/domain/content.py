"""What recovery points hold, one beside those before it: what the newest has, and what is usual."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from backup_auditor.domain.control import InsufficientError
from backup_auditor.domain.facts import Backup
from backup_auditor.domain.index_subject import IndexSubject
from backup_auditor.domain.standing import Standing

LOOKED_BACK = 7
"""With how many recovery points the newest is compared, at most."""
NEWEST_IS_NOT_KNOWN = (
    "Some of its Ready backups tell no time at which they were taken: which is the newest is not known."
)
"""Why nothing can be said of the newest recovery point."""


@dataclass(frozen=True, slots=True)
class Series:
    """The newest recovery point, and what those before it hold."""

    newest: Standing
    value: int | None
    """What the newest holds; `None` where that is not told."""
    before: tuple[tuple[Standing, int], ...]
    """The recovery points that it is compared with, newest first, and what each holds."""

    @property
    def median(self) -> float:
        """What is usual: the median of those before."""
        held = sorted(value for _, value in self.before)
        middle = len(held) // 2
        twice = held[middle] + held[-middle - 1]
        return twice / 2 if twice % 2 else twice // 2


def series_of(subject: IndexSubject, held: Callable[[Backup], int | None]) -> Series | None:
    """Return what recovery points hold; `None` where there is nothing to compare. Those that do not tell are skipped.

    Raises `InsufficientError` where it is not known which is the newest.
    """
    backups = subject.backups
    points = backups.recovery_points
    if backups.undated_recovery_points:
        undated = sorted(it.backup.backup_id for it in backups.undated_recovery_points)
        raise InsufficientError(NEWEST_IS_NOT_KNOWN, {"undated": undated})
    backups.need_listing()
    told = ((it, value) for it in points[1:] if (value := held(it.backup)) is not None)
    before = tuple(islice(told, LOOKED_BACK))
    if not before:
        return None
    return Series(points[0], held(points[0].backup), before)
