"""Where the nights of an index lie on a line: pure geometry, from 0 to 1, for a picture as for a row of characters."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from backup_auditor.domain.periods import Period, joined_periods, shifted
from backup_auditor.domain.timeline import Timeline

NOW = 0.75
"""Where the audit lies: three quarters show what was, and one, at the same scale, what is to come."""

type Places = tuple[float, ...]
type Stretches = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """A stretch of time as a line from 0 to 1."""

    shown: Period

    def at(self, moment: datetime) -> float:
        """Return where a moment lies; below 0 or above 1 where it is not shown."""
        return (moment - self.shown.start) / (self.shown.end - self.shown.start)

    def places(self, moments: Iterable[datetime]) -> Places:
        """Return where those of some moments lie that are shown."""
        return tuple(self.at(it) for it in moments if self.shown.start <= it <= self.shown.end)

    def stretches(self, periods: Iterable[Period]) -> Stretches:
        """Return where stretches of time lie, as far as they are shown."""
        return tuple((self.at(it.start), self.at(it.end)) for it in joined_periods(periods, self.shown))


@dataclass(frozen=True, slots=True)
class Line:
    """The nights of one index, laid out."""

    shown: Period
    points: Places
    past: Places
    failed: Places
    under_way: Places
    planned: Places
    gaps: Stretches
    met: Stretches
    missed: Stretches
    left: tuple[tuple[float, int], ...]
    """How many recovery points are left from a place on, if none is added; the first place is that of the audit. Empty
    where that is not known."""
    zero: float | None
    """From where on none is left; `None` where that is not known, does not come, or lies beyond what is shown."""


def laid_out(timeline: Timeline, observed_at: datetime) -> Line:
    """Lay out the nights of one index around the moment of the audit."""
    past = observed_at - timeline.since
    scale = Scale(Period(timeline.since, shifted(observed_at, past * ((1 - NOW) / NOW))))
    zero = _zero(timeline, observed_at, scale)
    return Line(
        shown=scale.shown,
        points=scale.places(it.captured_at for it in timeline.recovery_points),
        past=scale.places(timeline.past),
        failed=scale.places(timeline.failed),
        under_way=scale.places(timeline.under_way),
        planned=scale.places(timeline.planned),
        gaps=scale.stretches(Period(it.start, it.end) for it in timeline.gaps),
        met=scale.stretches(timeline.met),
        missed=scale.stretches(timeline.missed),
        left=_left(timeline, observed_at, scale) if timeline.is_left_known else (),
        zero=zero,
    )


def _zero(timeline: Timeline, observed_at: datetime, scale: Scale) -> float | None:
    is_empty = timeline.is_left_known and not (timeline.recovery_points or timeline.earlier_recovery_points)
    at = observed_at if is_empty and not timeline.not_known else timeline.zero_at
    return None if at is None or at > scale.shown.end else scale.at(max(at, observed_at))


def _left(timeline: Timeline, observed_at: datetime, scale: Scale) -> tuple[tuple[float, int], ...]:
    told = (it.expires_at for it in timeline.recovery_points if it.expires_at is not None)
    ends = sorted([*told, *timeline.earlier_expiries])
    count = timeline.earlier_recovery_points + len(timeline.recovery_points)
    steps = [(scale.at(observed_at), count - sum(it <= observed_at for it in ends))]
    for end in ends:
        if observed_at < end <= scale.shown.end:
            steps.append((scale.at(end), steps[-1][1] - 1))
    return tuple(steps)
