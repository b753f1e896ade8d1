"""One index's nights: its recovery points, runs that failed or are missing, what is planned, when nothing is left."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from backup_auditor.domain.continuity import Gap
from backup_auditor.domain.finding import Resource
from backup_auditor.domain.periods import Period


@dataclass(frozen=True, slots=True)
class Point:
    """A recovery point."""

    captured_at: datetime
    expires: bool | None
    """`False` for one that was taken by hand; `None` where nothing tells."""
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """What became of one index night by night, and what is to come. Moments are sorted, the earliest first."""

    resource: Resource
    rule: str | None
    """The rule of the policy that applied; `None` where the defaults did."""
    since: datetime
    """What lies before it is not told, but for the number of recovery points."""
    max_age: timedelta
    """The objective: how old the newest recovery point may be."""
    recovery_points: tuple[Point, ...]
    earlier_recovery_points: int
    """How many there are that lie before those told."""
    earlier_expiries: tuple[datetime, ...]
    """When those of them expire that do so within as long to come as is told of what was."""
    is_left_known: bool
    """Whether it is known how many recovery points are left at each time to come, if none is added."""
    zero_at: datetime | None
    """When none is left if none is added; `None` where there is none, one never expires, or that is not known."""
    past: tuple[datetime, ...]
    """When runs that succeeded captured whose backup is listed no more."""
    failed: tuple[datetime, ...]
    under_way: tuple[datetime, ...]
    planned: tuple[datetime, ...]
    gaps: tuple[Gap, ...]
    """Where runs of an enabled schedule are missing, if two looks agree."""
    met: tuple[Period, ...]
    """When there was a recovery point as recent as the objective, up to the audit."""
    missed: tuple[Period, ...]
    """When there was none, after the first that is known, if two looks agree."""
    not_known: tuple[str, ...]
    """Why there may be more than is told."""


def latest(moments: Iterable[datetime | None], since: datetime, most: int) -> tuple[datetime, ...]:
    """Sort the moments that are known and do not lie before another, each once, and keep so many of the latest."""
    return tuple(sorted({it for it in moments if it is not None and it >= since})[-most:])
