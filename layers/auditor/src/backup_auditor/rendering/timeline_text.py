"""The nights of one index on lines of text, in which a fault is seen before it is read."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

from backup_auditor.domain.continuity import Gap
from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.moments import format_length, format_minute
from backup_auditor.domain.periods import Period
from backup_auditor.domain.timeline import Timeline
from backup_auditor.domain.wording import counted
from backup_auditor.rendering import timeline_rows as rows
from backup_auditor.rendering.folding import fold
from backup_auditor.rendering.ink import Ink
from backup_auditor.rendering.text import plain
from backup_auditor.rendering.timeline import laid_out
from backup_auditor.rendering.wrapping import columns

_LABEL = 13
_MEANINGS = {
    rows.POINT: "recovery point",
    rows.PAST: "backup listed no more",
    rows.UNDER_WAY: "under way",
    rows.PLANNED: "planned",
    rows.FAILED: "failed",
    rows.MISSING: "missing",
    rows.MET: "recent enough",
    rows.TOO_OLD: "too old",
}
_BAD = (Severity.CRITICAL, f"{rows.FAILED}{rows.MISSING}{rows.TOO_OLD}0")
_GOOD = (Compliance.COMPLIANT, rows.MET)


def timeline_lines(timeline: Timeline, observed_at: datetime, width: int, ink: Ink) -> Iterator[str]:
    """Draw the nights of one index up to an audit, and some to come, on lines of at most `width` columns."""
    line = laid_out(timeline, observed_at)
    drawn = rows.rows_within(line, width - _LABEL)
    runs, objective = drawn.runs(), drawn.objective()
    start, end = f"{line.shown.start:%Y-%m-%d}", f"{line.shown.end:%Y-%m-%d}"
    yield ink.strong(f"Timeline, {format_length(drawn.cell)} a column, UTC")
    yield ink.faint(f"{'':{_LABEL}}{start}{'now':>{max(drawn.before - len(start) + 2, 4)}}")
    for label, row in (("runs", runs), ("objective", objective), ("left", drawn.left())):
        yield f"  {label:{_LABEL - 2}}{_painted(row, ink)}".rstrip()
    told = [("legend", _legend(runs + objective, end)), *_told(timeline)]
    yield from columns([(label, plain(text)) for label, text in told], width)


def _legend(drawn: str, end: str) -> str:
    meant = [f"{mark} {meaning}" for mark, meaning in _MEANINGS.items() if mark in drawn]
    return "; ".join([f"to {end}", *meant, "left: how many recovery points, if none is added"])


def _told(timeline: Timeline) -> list[tuple[str, str]]:
    """Tell in words what the rows show as marks, and what they have no room for."""
    gaps = [f"{counted(it.missing, 'run')}, {_stretch(it)}" for it in timeline.gaps]
    earlier, zero = timeline.earlier_recovery_points, timeline.zero_at
    found = [
        ("failed", _listed(list(map(format_minute, timeline.failed)))),
        ("missing", _listed(gaps)),
        ("too old", _listed([_stretch(it) for it in timeline.missed])),
        ("none left", "" if zero is None else f"from {format_minute(zero)}, if none is added"),
        ("earlier", f"{counted(earlier, 'recovery point')} before {format_minute(timeline.since)}" if earlier else ""),
        *(("not known", it) for it in timeline.not_known),
    ]
    return [(label, text) for label, text in found if text]


def _stretch(it: Gap | Period) -> str:
    return f"{format_minute(it.start)} to {format_minute(it.end)}"


def _listed(texts: Sequence[str]) -> str:
    shown, folded = fold(tuple(texts))
    return "; ".join([*shown, *([f"and {folded:,} more"] if folded else [])])


def _painted(row: str, ink: Ink) -> str:
    pieces = ((mark, "".join(same)) for mark, same in groupby(row))
    return "".join(_in_ink(mark, piece, ink) for mark, piece in pieces)


def _in_ink(mark: str, piece: str, ink: Ink) -> str:
    for meaning, marks in (_BAD, _GOOD):
        if mark in marks:
            return ink.of(meaning, piece)
    return piece
