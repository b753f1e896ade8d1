"""How much was open over the past audits: a small picture for each severity, a column for each audit, this one last."""

from collections.abc import Sequence
from dataclasses import dataclass

from backup_auditor.domain.finding import Severity
from backup_auditor.domain.history import PAST_AUDITS, PastAudit
from backup_auditor.domain.moments import format_moment
from backup_auditor.domain.report import Report

_STEP, _WIDE = 10, 8
"""How far a column is from the next, and how wide it is."""
_PLACES = _STEP * (PAST_AUDITS + 1)
_CEILING, _FLOOR = 10, 34
"""How far from the top of 40 the highest column reaches, and all of them stand."""
_LEAST = 2
"""How high a column is at the least, of however few."""


@dataclass(frozen=True, slots=True)
class Course:
    """One severity: its picture, and the figures of it that are told."""

    severity: str
    columns: str
    """A path; a column for each audit that found any."""
    unsure: str
    """A path; a line from the top down to the column of each audit that could not read everything."""
    now: int
    most: int


@dataclass(frozen=True, slots=True)
class Row:
    """One audit, in figures."""

    observed_at: str
    is_complete: bool
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """The past audits and this one."""

    courses: tuple[Course, ...]
    rows: tuple[Row, ...]
    """The latest first, which is this one."""
    begins: int
    """How far from the left the first of them stands."""

    @property
    def is_unsure(self) -> bool:
        """Whether one of them could not read everything."""
        return not all(it.is_complete for it in self.rows)


def trend(report: Report) -> Trend | None:
    """Return how much was open in the audits up to this one; `None` where none before it is remembered."""
    if not report.history:
        return None
    audits = *report.history, PastAudit(report.observed_at, report.is_complete, report.summary.open)
    severities = tuple(reversed(Severity))
    rows = (
        Row(format_moment(it.observed_at), it.is_complete, tuple(it.open[severity] for severity in severities))
        for it in reversed(audits)
    )
    return Trend(tuple(_course(audits, it) for it in severities), tuple(rows), _place(audits, 0))


def _course(audits: Sequence[PastAudit], severity: Severity) -> Course:
    counts = [it.open[severity] for it in audits]
    most = max(counts)
    tops = [_FLOOR - (max((_FLOOR - _CEILING) * it // most, _LEAST) if it else 0) for it in counts]
    places = [_place(audits, number) for number in range(len(audits))]
    columns = (f"M{x} {_FLOOR}V{top}h{_WIDE}V{_FLOOR}z" for x, top in zip(places, tops, strict=True) if top < _FLOOR)
    unsure = (
        f"M{x + _WIDE // 2} 0V{top}" for x, top, it in zip(places, tops, audits, strict=True) if not it.is_complete
    )
    return Course(severity, "".join(columns), "".join(unsure), counts[-1], most)


def _place(audits: Sequence[PastAudit], number: int) -> int:
    """Return how far from the left an audit's column begins: this audit's stands at the right."""
    return _PLACES - _STEP * (len(audits) - number)
