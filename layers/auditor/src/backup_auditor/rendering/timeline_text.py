"""The timeline of an index as lines of text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from math import ceil, floor

from backup_auditor.domain.evaluation.run_gaps import RunGap
from backup_auditor.domain.evaluation.timeline import Timeline
from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import Period, format_length, format_minute, joined_periods, shifted
from backup_auditor.rendering.grouping import fold
from backup_auditor.rendering.text import Style, columns, escape_text

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


POINT, PAST, FAILED, MISSING, UNDER_WAY, PLANNED, MET, TOO_OLD = "#+x!~o=X"
MANY, UNCERTAIN = "+?"
"""What takes the place of a number that has no single digit, or is not known."""
_CELLS = tuple(map(timedelta, (1, 2, 3, 4, 5, 7, 10, 14, 21, 31)))
"""A day at the least: of a daily schedule each column has one run."""
_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of as many columns as there are before the audit, and after it."""

    line: Line
    cell: timedelta
    """How much time a column stands for."""

    @property
    def before(self) -> int:
        """How many columns lie before the audit."""
        return _columns(self.line, self.cell)[0]

    def runs(self) -> str:
        """Show what became of each run, the worst where several share a column, and what is planned."""
        line, row = self.line, self._blank()
        gaps = [self._within(start, end) for start, end in line.gaps]
        for gap in gaps:
            row[gap] = MISSING * len(row[gap])
        for mark, places in ((PAST, line.past), (POINT, line.points), (UNDER_WAY, line.under_way)):
            for place in places:
                row[self._up_to(place)] = mark
        for place in line.planned:
            row[self._from(place)] = PLANNED
        for gap in gaps:
            if MISSING not in row[gap]:
                row[gap.start] = MISSING
        for place in line.failed:
            row[self._up_to(place)] = FAILED
        return self._barred(row)

    def _within(self, start: float, end: float) -> slice:
        """Return the columns between the runs that a gap lies between, one at the least; it may reach to the audit."""
        first = self._up_to(start) + 1
        last = self.before if end >= NOW else self._up_to(end)
        return slice(first, max(last, first + 1))

    def objective(self) -> str:
        """Show when there was a recovery point that was recent enough, and when there was none."""
        row = self._blank()
        for mark, stretches in ((MET, self.line.met), (TOO_OLD, self.line.missed)):
            for start, end in stretches:
                first, last = self._from(start), self._up_to(end)
                row[first : last + 1] = mark * (last + 1 - first)
        return self._barred(row)

    def left(self) -> str:
        """Show how many recovery points are left by the end of each column to come."""
        row = self._blank()
        for column in range(self.before, len(row)):
            end = NOW + (column + 1 - self.before) / self._length
            row[column] = _digit([count for place, count in self.line.left if place <= end])
        return self._barred(row)

    @property
    def _length(self) -> float:
        return (self.line.shown.end - self.line.shown.start) / self.cell

    def _blank(self) -> list[str]:
        return [" "] * sum(_columns(self.line, self.cell))

    def _barred(self, row: list[str]) -> str:
        return f"{''.join(row[: self.before])}|{''.join(row[self.before :])}"

    def _from(self, place: float) -> int:
        """Return the column that begins with a place, or holds it."""
        column = self.before + floor(round((place - NOW) * self._length, 6))
        return min(column, len(self._blank()) - 1)

    def _up_to(self, place: float) -> int:
        """Return the column that ends with a place, or holds it."""
        return max(self.before + ceil(round((place - NOW) * self._length, 6)) - 1, 0)


def rows_within(line: Line, width: int) -> Rows:
    """Return rows of at most so many characters, in which a column stands for a length that people count in."""
    fitting = (it for it in _CELLS if sum(_columns(line, it)) < width)
    return Rows(line, next(fitting, _CELLS[-1]))


def _digit(counts: list[int]) -> str:
    """Return the last of some numbers as one character."""
    if not counts:
        return UNCERTAIN
    return str(counts[-1]) if counts[-1] < _DIGITS else MANY


def _columns(line: Line, cell: timedelta) -> tuple[int, int]:
    length = (line.shown.end - line.shown.start) / cell
    return ceil(round(NOW * length, 6)), ceil(round((1 - NOW) * length, 6))


_LABEL = 13
_MEANINGS = {
    POINT: "recovery point",
    PAST: "backup listed no more",
    UNDER_WAY: "under way",
    PLANNED: "planned",
    FAILED: "failed",
    MISSING: "missing",
    MET: "recent enough",
    TOO_OLD: "too old",
}
_BAD = (Severity.CRITICAL, f"{FAILED}{MISSING}{TOO_OLD}0")
_GOOD = (Compliance.COMPLIANT, MET)


def timeline_lines(timeline: Timeline, observed_at: datetime, width: int, ink: Style) -> Iterator[str]:
    """Draw the nights of one index up to an audit, and some to come, on lines of at most `width` columns."""
    line = laid_out(timeline, observed_at)
    drawn = rows_within(line, width - _LABEL)
    runs, objective = drawn.runs(), drawn.objective()
    start, end = f"{line.shown.start:%Y-%m-%d}", f"{line.shown.end:%Y-%m-%d}"
    yield ink.strong(f"Timeline, {format_length(drawn.cell)} a column, UTC")
    yield ink.faint(f"{'':{_LABEL}}{start}{'now':>{max(drawn.before - len(start) + 2, 4)}}")
    for label, row in (("runs", runs), ("objective", objective), ("left", drawn.left())):
        yield f"  {label:{_LABEL - 2}}{_painted(row, ink)}".rstrip()
    told = [("legend", _legend(runs + objective, end)), *_told(timeline)]
    yield from columns([(label, escape_text(text)) for label, text in told], width)


def _legend(drawn: str, end: str) -> str:
    meant = [f"{mark} {meaning}" for mark, meaning in _MEANINGS.items() if mark in drawn]
    return "; ".join([f"to {end}", *meant, "left: how many recovery points, if none is added"])


def _told(timeline: Timeline) -> list[tuple[str, str]]:
    """Tell in words what the rows show as marks, and what they have no room for."""
    gaps = [f"{pluralize(it.missing, 'run')}, {_stretch(it)}" for it in timeline.gaps]
    earlier, zero = timeline.earlier_recovery_points, timeline.zero_at
    found = [
        ("failed", _listed(list(map(format_minute, timeline.failed)))),
        ("missing", _listed(gaps)),
        ("too old", _listed([_stretch(it) for it in timeline.missed])),
        ("none left", "" if zero is None else f"from {format_minute(zero)}, if none is added"),
        (
            "earlier",
            f"{pluralize(earlier, 'recovery point')} before {format_minute(timeline.since)}" if earlier else "",
        ),
        *(("not known", it) for it in timeline.not_known),
    ]
    return [(label, text) for label, text in found if text]


def _stretch(it: RunGap | Period) -> str:
    return f"{format_minute(it.start)} to {format_minute(it.end)}"


def _listed(texts: Sequence[str]) -> str:
    shown, folded = fold(tuple(texts))
    return "; ".join([*shown, *([f"and {folded:,} more"] if folded else [])])


def _painted(row: str, ink: Style) -> str:
    pieces = ((mark, "".join(same)) for mark, same in groupby(row))
    return "".join(_in_ink(mark, piece, ink) for mark, piece in pieces)


def _in_ink(mark: str, piece: str, ink: Style) -> str:
    for meaning, marks in (_BAD, _GOOD):
        if mark in marks:
            return ink.of(meaning, piece)
    return piece
