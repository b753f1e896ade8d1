"""The nights of one index as rows of characters, a column for so much time, with a bar where the audit is."""

from dataclasses import dataclass
from datetime import timedelta
from math import ceil, floor

from backup_auditor.rendering.timeline import NOW, Line

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
