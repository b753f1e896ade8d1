"""The timeline of an index as lines of text."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from math import ceil, floor

from backup_auditor.domain.evaluation.results import Timeline
from backup_auditor.domain.evaluation.run_gaps import RunGap
from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import Period, format_length, format_minute, merge_periods, shift_moment
from backup_auditor.rendering.grouping import fold
from backup_auditor.rendering.text import Style, escape_text, format_columns

NOW_POSITION = 0.75
"""The position of the audit: three quarters show the past, and one, at the same scale, the future."""

type Positions = tuple[float, ...]
type Ranges = tuple[tuple[float, float], ...]


class TimelineLayout:
    """The timeline of one index around the moment of the audit, as positions from 0 to 1."""

    def __init__(self, timeline: Timeline, observed_at: datetime) -> None:
        """Locate everything that is shown."""
        future_length = (observed_at - timeline.since) * ((1 - NOW_POSITION) / NOW_POSITION)
        self.period = Period(timeline.since, shift_moment(observed_at, future_length))
        self.recovery_points = self._locate_all(it.captured_at for it in timeline.recovery_points)
        self.past_runs = self._locate_all(timeline.past_runs)
        self.failed_runs = self._locate_all(timeline.failed_runs)
        self.runs_in_progress = self._locate_all(timeline.runs_in_progress)
        self.scheduled_runs = self._locate_all(timeline.scheduled_runs)
        self.gaps = self._locate_periods(Period(it.start, it.end) for it in timeline.gaps)
        self.objective_met = self._locate_periods(timeline.objective_met)
        self.objective_missed = self._locate_periods(timeline.objective_missed)
        self.remaining = self._count_remaining(timeline, observed_at) if timeline.is_remaining_known else ()
        """The number of remaining recovery points from a position on, if none is added. The first position is that of
        the audit. Empty if unknown."""
        self.last_expiry = self._locate_last_expiry(timeline, observed_at)
        """The position from which none remains; `None` if it is unknown, never comes, or is not shown."""

    def _locate(self, moment: datetime) -> float:
        """Return the position of a moment; below 0 or above 1 if it is not shown."""
        return (moment - self.period.start) / (self.period.end - self.period.start)

    def _locate_all(self, moments: Iterable[datetime]) -> Positions:
        """Return the positions of the moments that are shown."""
        return tuple(self._locate(it) for it in moments if self.period.start <= it <= self.period.end)

    def _locate_periods(self, periods: Iterable[Period]) -> Ranges:
        """Return the positions of periods, as far as they are shown."""
        return tuple((self._locate(it.start), self._locate(it.end)) for it in merge_periods(periods, self.period))

    def _locate_last_expiry(self, timeline: Timeline, observed_at: datetime) -> float | None:
        has_points = timeline.recovery_points or timeline.earlier_recovery_point_count
        is_empty = timeline.is_remaining_known and not has_points
        expires_at = observed_at if is_empty and not timeline.unknown_reasons else timeline.last_expires_at
        return (
            None if expires_at is None or expires_at > self.period.end else self._locate(max(expires_at, observed_at))
        )

    def _count_remaining(self, timeline: Timeline, observed_at: datetime) -> tuple[tuple[float, int], ...]:
        point_expiries = (it.expires_at for it in timeline.recovery_points if it.expires_at is not None)
        expiries = sorted([*point_expiries, *timeline.earlier_expiries])
        count = timeline.earlier_recovery_point_count + len(timeline.recovery_points)
        steps = [(self._locate(observed_at), count - sum(it <= observed_at for it in expiries))]
        for expires_at in expiries:
            if observed_at < expires_at <= self.period.end:
                steps.append((self._locate(expires_at), steps[-1][1] - 1))
        return tuple(steps)


POINT_MARK, PAST_MARK, FAILED_MARK, MISSING_MARK, IN_PROGRESS_MARK, SCHEDULED_MARK, MET_MARK, TOO_OLD_MARK = "#+x!~o=X"
MANY_MARK, UNKNOWN_MARK = "+?"
"""The marks for a number of more than one digit, and for an unknown one."""
_COLUMN_LENGTHS = tuple(map(timedelta, (1, 2, 3, 4, 5, 7, 10, 14, 21, 31)))
"""A day at the least: of a daily schedule each column has one run."""
_DIGIT_LIMIT = 10


class TimelineRows:
    """Rows of columns before and after the audit, each of which covers the same length of time."""

    def __init__(self, layout: TimelineLayout, column_length: timedelta) -> None:
        """Count the columns."""
        self.layout = layout
        self.column_length = column_length
        self._column_count = (layout.period.end - layout.period.start) / column_length
        self.past_column_count = ceil(round(NOW_POSITION * self._column_count, 6))
        self.length = self.past_column_count + ceil(round((1 - NOW_POSITION) * self._column_count, 6))

    def draw_runs(self) -> str:
        """Show the outcome of each run, the worst if several share a column, and the planned runs."""
        layout, row = self.layout, [" "] * self.length
        gaps = [self._find_gap_columns(start, end) for start, end in layout.gaps]
        for gap in gaps:
            row[gap] = MISSING_MARK * len(row[gap])
        for mark, positions in (
            (PAST_MARK, layout.past_runs),
            (POINT_MARK, layout.recovery_points),
            (IN_PROGRESS_MARK, layout.runs_in_progress),
        ):
            for position in positions:
                row[self._find_last_column(position)] = mark
        for position in layout.scheduled_runs:
            row[self._find_first_column(position)] = SCHEDULED_MARK
        for gap in gaps:
            if MISSING_MARK not in row[gap]:
                row[gap.start] = MISSING_MARK
        for position in layout.failed_runs:
            row[self._find_last_column(position)] = FAILED_MARK
        return self._format_row(row)

    def _find_gap_columns(self, start: float, end: float) -> slice:
        """Return the columns of a gap, which may reach to the audit; at least one."""
        first = self._find_last_column(start) + 1
        last = self.past_column_count if end >= NOW_POSITION else self._find_last_column(end)
        return slice(first, max(last, first + 1))

    def draw_objective(self) -> str:
        """Show when a recovery point was recent enough, and when none was."""
        row = [" "] * self.length
        for mark, ranges in ((MET_MARK, self.layout.objective_met), (TOO_OLD_MARK, self.layout.objective_missed)):
            for start, end in ranges:
                first, last = self._find_first_column(start), self._find_last_column(end)
                row[first : last + 1] = mark * (last + 1 - first)
        return self._format_row(row)

    def draw_remaining(self) -> str:
        """Show the number of remaining recovery points at the end of each future column."""
        row = [" "] * self.length
        for column in range(self.past_column_count, self.length):
            end = NOW_POSITION + (column + 1 - self.past_column_count) / self._column_count
            counts = [count for position, count in self.layout.remaining if position <= end]
            row[column] = (str(counts[-1]) if counts[-1] < _DIGIT_LIMIT else MANY_MARK) if counts else UNKNOWN_MARK
        return self._format_row(row)

    def _format_row(self, row: list[str]) -> str:
        return f"{''.join(row[: self.past_column_count])}|{''.join(row[self.past_column_count :])}"

    def _find_first_column(self, position: float) -> int:
        """Return the column that starts at a position, or contains it."""
        column = self.past_column_count + floor(round((position - NOW_POSITION) * self._column_count, 6))
        return min(column, self.length - 1)

    def _find_last_column(self, position: float) -> int:
        """Return the column that ends at a position, or contains it."""
        return max(self.past_column_count + ceil(round((position - NOW_POSITION) * self._column_count, 6)) - 1, 0)


def fit_rows(layout: TimelineLayout, width: int) -> TimelineRows:
    """Return rows of at most so many characters, with columns of the shortest length of time that fits."""
    rows = TimelineRows(layout, _COLUMN_LENGTHS[0])
    for column_length in _COLUMN_LENGTHS[1:]:
        if rows.length < width:
            break
        rows = TimelineRows(layout, column_length)
    return rows


_LABEL_WIDTH = 15
_MARK_MEANINGS = {
    POINT_MARK: "recovery point",
    PAST_MARK: "backup no longer listed",
    IN_PROGRESS_MARK: "in progress",
    SCHEDULED_MARK: "scheduled",
    FAILED_MARK: "failed",
    MISSING_MARK: "missing",
    MET_MARK: "recent enough",
    TOO_OLD_MARK: "too old",
}
_BAD_MARKS = (Severity.CRITICAL, f"{FAILED_MARK}{MISSING_MARK}{TOO_OLD_MARK}0")
_GOOD_MARKS = (Compliance.COMPLIANT, MET_MARK)


def render_timeline(timeline: Timeline, observed_at: datetime, width: int, style: Style) -> Iterator[str]:
    """Draw the timeline of one index around an audit, on lines of at most `width` columns."""
    layout = TimelineLayout(timeline, observed_at)
    rows = fit_rows(layout, width - _LABEL_WIDTH)
    runs, objective = rows.draw_runs(), rows.draw_objective()
    start, end = f"{layout.period.start:%Y-%m-%d}", f"{layout.period.end:%Y-%m-%d}"
    yield style.bold(f"Timeline, {format_length(rows.column_length)} a column, UTC")
    yield style.dim(f"{'':{_LABEL_WIDTH}}{start}{'now':>{max(rows.past_column_count - len(start) + 2, 4)}}")
    for label, row in (("runs", runs), ("objective", objective), ("remaining", rows.draw_remaining())):
        yield f"  {label:{_LABEL_WIDTH - 2}}{_color_row(row, style)}".rstrip()
    meanings = [f"{mark} {meaning}" for mark, meaning in _MARK_MEANINGS.items() if mark in runs + objective]
    legend = "; ".join([f"to {end}", *meanings, "remaining: recovery points if none is added"])
    text_rows = [("legend", legend), *_build_text_rows(timeline)]
    yield from format_columns([(label, escape_text(text)) for label, text in text_rows], width)


def _build_text_rows(timeline: Timeline) -> list[tuple[str, str]]:
    """Return in words what the rows show as marks, and what they have no room for."""
    gaps = [f"{pluralize(it.missing_runs, 'run')}, {_format_period(it)}" for it in timeline.gaps]
    earlier_count, last_expires_at = timeline.earlier_recovery_point_count, timeline.last_expires_at
    earlier_points = pluralize(earlier_count, "recovery point")
    rows = [
        ("failed", _join_folded(list(map(format_minute, timeline.failed_runs)))),
        ("missing", _join_folded(gaps)),
        ("too old", _join_folded([_format_period(it) for it in timeline.objective_missed])),
        ("last expiry", "" if last_expires_at is None else f"{format_minute(last_expires_at)}, if none is added"),
        ("earlier", f"{earlier_points} before {format_minute(timeline.since)}" if earlier_count else ""),
        *(("unknown", it) for it in timeline.unknown_reasons),
    ]
    return [(label, text) for label, text in rows if text]


def _format_period(period: RunGap | Period) -> str:
    return f"{format_minute(period.start)} to {format_minute(period.end)}"


def _join_folded(texts: Sequence[str]) -> str:
    visible_texts, folded_count = fold(tuple(texts))
    return "; ".join([*visible_texts, *([f"and {folded_count:,} more"] if folded_count else [])])


def _color_row(row: str, style: Style) -> str:
    text = ""
    for mark, characters in groupby(row):
        meaning = next((meaning for meaning, marks in (_BAD_MARKS, _GOOD_MARKS) if mark in marks), None)
        piece = "".join(characters)
        text += piece if meaning is None else style.color(meaning, piece)
    return text
