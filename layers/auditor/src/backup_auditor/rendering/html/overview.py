"""The overview on the page: oldest recovery points, next expiries, slots and the trend of open findings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backup_auditor.domain.evaluation.timeline import Timeline
from backup_auditor.domain.finding import Finding, Resource, Severity, fingerprint
from backup_auditor.domain.project_state import PAST_AUDITS, PastAudit
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.timefmt import format_length, format_minute, format_moment

_ROWS = 10
_MOST = 3
"""How many times the objective the longest bar stands for."""
_AHEAD = timedelta(days=30)
"""How long the longest bar of what is left stands for."""
_AGES = ((1, "less than a day"), (7, "1 to 7 days"), (30, "7 to 30 days"), (None, "longer"))
_LASTING = "recovery-points-outlast-horizon"
_RECENT = "recovery-point-is-recent"
_LACKING = ("index-has-recovery-point", "recovery-points-belong-to-index")


@dataclass(frozen=True, slots=True)
class Bar:
    """One row with a bar, whose length is in percent of the picture."""

    anchor: str
    name: str
    length: float
    told: str
    amiss: str = ""
    """What is wrong, in a word or two; empty where nothing is."""


@dataclass(frozen=True, slots=True)
class Bars:
    """Rows with bars, and how many more there are."""

    rows: tuple[Bar, ...]
    more: int
    mark: float | None = None
    """Where the limit lies, in percent."""


def ages(timelines: Iterable[Timeline], report: Report) -> Bars:
    """Return the age of each index's newest recovery point against its objective, the worst first."""
    found: list[tuple[tuple[bool, float], Bar]] = []
    observed_at = report.observed_at
    lacking, late = _open_on(report, *_LACKING), _open_on(report, _RECENT)
    for it in timelines:
        name = it.resource.name
        amiss = "missing" if name in lacking else "too old" if name in late else ""
        if it.recovery_points:
            age = observed_at - it.recovery_points[-1].captured_at
            ratio = age / it.max_age if it.max_age else float(age > timedelta()) * _MOST
            told = f"{format_length(age)} of {format_length(it.max_age)}"
        elif it.earlier_recovery_points:
            ratio, told = float("inf"), f"older than {format_length(observed_at - it.since)}"
        else:  # what is not known stands between what is too old and what is not
            ratio, told = (1.0, "none is known") if it.not_known else (float("inf"), "there is none")
        is_drawn = amiss or it.recovery_points or it.earlier_recovery_points
        length = round(100 * min(ratio, _MOST) / _MOST, 1) if is_drawn else 0.0
        found.append(((not amiss, -ratio), Bar(index_anchor(it.resource), name, length, told, amiss)))
    rows = [bar for _, bar in sorted(found, key=lambda it: (it[0], it[1].name))]
    return Bars(tuple(rows[:_ROWS]), len(rows[_ROWS:]), round(100 / _MOST, 1))


def _open_on(report: Report, *controls: str) -> set[str]:
    """Return the names of the indexes that findings of some controls are open on: nothing else is called amiss."""
    return {it.resource.name for it in report.findings if it.is_open and it.control in controls}


def endings(timelines: Iterable[Timeline], report: Report) -> Bars:
    """Return how long each index has a recovery point if none is added, those that end first foremost."""
    amiss = _open_on(report, _LASTING)
    found = sorted((it.zero_at, it.resource.name, it.resource) for it in timelines if it.zero_at is not None)
    rows = []
    for at, name, resource in found[:_ROWS]:
        left = max(at - report.observed_at, timedelta())
        told = f"{left / timedelta(days=1):.1f} d, {format_minute(at)}"
        length = round(100 * min(left / _AHEAD, 1), 1)
        rows.append(Bar(index_anchor(resource), name, length, told, "too soon" if name in amiss else ""))
    return Bars(tuple(rows), len(found[_ROWS:]))


def slots(report: Report) -> tuple[Bars, tuple[str, ...]]:
    """Return how full the quota of backups is and will be, as bars where the figures are known, and in words."""
    found = {it.control: it for it in report.findings if it.control in _SLOTS}
    rows = []
    for control, label in _SLOTS.items():
        evidence: Mapping[str, object] = found[control].evidence if control in found else {}
        quota, taken = evidence.get("quota"), _taken(evidence)
        if isinstance(quota, int) and quota and taken is not None:
            length = round(min(100 * taken / quota, 150) / 1.5, 1)
            amiss = "too many" if found[control].is_open else ""
            rows.append(Bar("", label, length, f"{taken:,} of {quota:,}", amiss))
    reasons = tuple(found[it].reason for it in _SLOTS if it in found)
    return Bars(tuple(rows), 0, round(100 / 1.5, 1)), reasons


def _taken(evidence: Mapping[str, object]) -> int | None:
    parts = [evidence[it] for it in ("backups", "slots", "manual") if it in evidence]
    numbers = [it for it in parts if isinstance(it, int)]
    return sum(numbers) if numbers else None


_SLOTS = {"backup-quota-has-headroom": "now", "schedules-fit-quota": "once schedules have filled up"}
"""The controls whose evidence tells of slots, and which moment it tells of."""


def open_since(report: Report) -> list[tuple[str, list[int]]]:
    """Count open findings by severity, for how long they have been known; empty where nothing is remembered."""
    dated = [it for it in report.findings if it.is_open and it.first_seen is not None]
    if not dated:
        return []
    counts = {label: [0] * len(Severity) for _, label in _AGES}
    for it in dated:
        counts[_age(it, report.observed_at)][len(Severity) - 1 - it.severity.rank] += 1
    return list(counts.items())


def _age(finding: Finding, observed_at: datetime) -> str:
    known = observed_at - (finding.first_seen or observed_at)
    return next(label for most, label in _AGES if most is None or known < timedelta(days=most))


def index_anchor(resource: Resource) -> str:
    """Return the fragment of an index, which is the same in every audit."""
    return f"index-{fingerprint('', resource)}"


_STEP, _WIDE = 10, 8
"""How far a column is from the next, and how wide it is."""
_PLACES = _STEP * (PAST_AUDITS + 1)
_CEILING, _FLOOR = 10, 34
"""How far from the top of 40 the highest column reaches, and all of them stand."""
_LEAST = 2
"""How high a column is at the least, of however few."""


@dataclass(frozen=True, slots=True)
class TrendLine:
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

    courses: tuple[TrendLine, ...]
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


def _course(audits: Sequence[PastAudit], severity: Severity) -> TrendLine:
    counts = [it.open[severity] for it in audits]
    most = max(counts)
    tops = [_FLOOR - (max((_FLOOR - _CEILING) * it // most, _LEAST) if it else 0) for it in counts]
    places = [_place(audits, number) for number in range(len(audits))]
    columns = (f"M{x} {_FLOOR}V{top}h{_WIDE}V{_FLOOR}z" for x, top in zip(places, tops, strict=True) if top < _FLOOR)
    unsure = (
        f"M{x + _WIDE // 2} 0V{top}" for x, top, it in zip(places, tops, audits, strict=True) if not it.is_complete
    )
    return TrendLine(severity, "".join(columns), "".join(unsure), counts[-1], most)


def _place(audits: Sequence[PastAudit], number: int) -> int:
    """Return how far from the left an audit's column begins: this audit's stands at the right."""
    return _PLACES - _STEP * (len(audits) - number)
