"""The overview on the page: oldest recovery points, next expiries, slots and the trend of open findings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from backup_auditor.domain.evaluation.results import Timeline
from backup_auditor.domain.finding import Resource, Severity, compute_fingerprint
from backup_auditor.domain.project_state import MAX_PAST_AUDITS, PastAudit
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.timefmt import format_length, format_minute, format_moment

_MAX_BARS = 10
_MAX_RATIO = 3
"""The longest bar, as a multiple of the objective."""
_MAX_REMAINING = timedelta(days=30)
"""The longest bar of the remaining time."""
_AGE_GROUPS = ((1, "less than a day"), (7, "1 to 7 days"), (30, "7 to 30 days"), (None, "longer"))
_HORIZON_CONTROL = "recovery-points-outlast-horizon"
_RECENCY_CONTROL = "recovery-point-is-recent"
_EXISTENCE_CONTROLS = ("index-has-recovery-point", "recovery-points-belong-to-index")


@dataclass(frozen=True, slots=True)
class Bar:
    """One row with a bar, whose length is in percent of the picture."""

    anchor: str
    name: str
    length: float
    text: str
    problem: str = ""
    """The problem in a word or two; empty if there is none."""


@dataclass(frozen=True, slots=True)
class BarChart:
    """Rows with bars, and the number of omitted ones."""

    rows: tuple[Bar, ...]
    omitted_count: int
    limit: float | None = None
    """The position of the limit, in percent."""


def build_age_bars(timelines: Iterable[Timeline], report: Report) -> BarChart:
    """Return the age of each index's newest recovery point against its objective, the worst first."""
    ranked_bars: list[tuple[tuple[bool, float], Bar]] = []
    observed_at = report.observed_at
    missing_names = _find_violating_names(report, *_EXISTENCE_CONTROLS)
    late_names = _find_violating_names(report, _RECENCY_CONTROL)
    for timeline in timelines:
        name = timeline.resource.name
        problem = "missing" if name in missing_names else "too old" if name in late_names else ""
        if timeline.recovery_points:
            age = observed_at - timeline.recovery_points[-1].captured_at
            ratio = age / timeline.max_age if timeline.max_age else float(age > timedelta()) * _MAX_RATIO
            text = f"{format_length(age)} of {format_length(timeline.max_age)}"
        elif timeline.earlier_recovery_point_count:
            ratio, text = float("inf"), f"older than {format_length(observed_at - timeline.since)}"
        else:  # an unknown age is between too old and recent
            ratio, text = (1.0, "unknown") if timeline.unknown_reasons else (float("inf"), "none")
        is_drawn = problem or timeline.recovery_points or timeline.earlier_recovery_point_count
        length = round(100 * min(ratio, _MAX_RATIO) / _MAX_RATIO, 1) if is_drawn else 0.0
        ranked_bars.append(
            ((not problem, -ratio), Bar(build_index_anchor(timeline.resource), name, length, text, problem))
        )
    rows = [bar for _, bar in sorted(ranked_bars, key=lambda it: (it[0], it[1].name))]
    return BarChart(tuple(rows[:_MAX_BARS]), len(rows[_MAX_BARS:]), round(100 / _MAX_RATIO, 1))


def _find_violating_names(report: Report, *controls: str) -> set[str]:
    """Return the names of the indexes with open findings of some controls: only those have a problem."""
    return {it.resource.name for it in report.findings if it.is_open and it.control in controls}


def build_expiry_bars(timelines: Iterable[Timeline], report: Report) -> BarChart:
    """Return how long each index has a recovery point if none is added, the shortest first."""
    violating_names = _find_violating_names(report, _HORIZON_CONTROL)
    expiries = sorted(
        (it.last_expires_at, it.resource.name, it.resource) for it in timelines if it.last_expires_at is not None
    )
    rows = []
    for expires_at, name, resource in expiries[:_MAX_BARS]:
        remaining = max(expires_at - report.observed_at, timedelta())
        text = f"{format_length(remaining)}, {format_minute(expires_at)}"
        length = round(100 * min(remaining / _MAX_REMAINING, 1), 1)
        rows.append(
            Bar(build_index_anchor(resource), name, length, text, "too soon" if name in violating_names else "")
        )
    return BarChart(tuple(rows), len(expiries[_MAX_BARS:]))


def build_slot_bars(report: Report) -> tuple[BarChart, tuple[str, ...]]:
    """Return the usage of the backup quota, now and later: as bars if the figures are known, and in words."""
    findings_by_control = {it.control: it for it in report.findings if it.control in _SLOT_LABELS}
    rows = []
    if (figures := report.figures.quota) is not None:
        used_slots = (figures.backups, figures.slots + figures.manual)
        for (control, label), slot_count in zip(_SLOT_LABELS.items(), used_slots, strict=True):
            if control not in findings_by_control:
                continue
            length = round(min(100 * slot_count / figures.quota, 150) / 1.5, 1)
            problem = "too many" if findings_by_control[control].is_open else ""
            rows.append(Bar("", label, length, f"{slot_count:,} of {figures.quota:,}", problem))
    reasons = tuple(findings_by_control[it].reason for it in _SLOT_LABELS if it in findings_by_control)
    return BarChart(tuple(rows), 0, round(100 / 1.5, 1)), reasons


_SLOT_LABELS = {"backup-quota-has-headroom": "now", "schedules-fit-quota": "with all schedules full"}
"""The label of each quota bar, by the control whose open finding marks it."""


def count_open_by_age(report: Report) -> list[tuple[str, list[int]]]:
    """Count open findings by severity and age; empty if no age is recorded."""
    dated_findings = [it for it in report.findings if it.is_open and it.first_seen is not None]
    if not dated_findings:
        return []
    counts = {label: [0] * len(Severity) for _, label in _AGE_GROUPS}
    for finding in dated_findings:
        age = report.observed_at - (finding.first_seen or report.observed_at)
        group = next(label for days, label in _AGE_GROUPS if days is None or age < timedelta(days=days))
        counts[group][len(Severity) - 1 - finding.severity.rank] += 1
    return list(counts.items())


def build_index_anchor(resource: Resource) -> str:
    """Return the fragment of an index, which is the same in every audit."""
    return f"index-{compute_fingerprint('', resource)}"


_COLUMN_STEP, _COLUMN_WIDTH = 10, 8
"""The distance of two columns, and the width of one."""
_TREND_WIDTH = _COLUMN_STEP * (MAX_PAST_AUDITS + 1)
_CEILING_Y, _FLOOR_Y = 10, 34
"""The top of the highest column, and the bottom of all, from the top of 40."""
_MIN_COLUMN_HEIGHT = 2
"""The height of the lowest column."""


@dataclass(frozen=True, slots=True)
class TrendLine:
    """One severity: its picture and figures."""

    severity: str
    columns: str
    """A path; a column for each audit that found any."""
    incomplete_marks: str
    """A path; a line from the top down to the column of each audit that could not read everything."""
    current_count: int
    max_count: int


@dataclass(frozen=True, slots=True)
class TrendRow:
    """One audit, in figures."""

    observed_at: str
    is_complete: bool
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """The past audits and this one."""

    lines: tuple[TrendLine, ...]
    rows: tuple[TrendRow, ...]
    """The latest first, which is this one."""
    start: int
    """The distance of the first of them from the left."""

    @property
    def has_incomplete_audits(self) -> bool:
        """Whether one of them could not read everything."""
        return not all(it.is_complete for it in self.rows)


def build_trend(report: Report) -> Trend | None:
    """Return the open findings of the audits up to this one; `None` if no earlier audit is recorded."""
    if not report.history:
        return None
    audits = *report.history, PastAudit(report.observed_at, report.is_complete, report.summary.open)
    severities = tuple(reversed(Severity))
    rows = (
        TrendRow(
            format_moment(audit.observed_at),
            audit.is_complete,
            tuple(audit.open_counts[severity] for severity in severities),
        )
        for audit in reversed(audits)
    )
    return Trend(tuple(_build_trend_line(audits, it) for it in severities), tuple(rows), _find_position(audits, 0))


def _build_trend_line(audits: Sequence[PastAudit], severity: Severity) -> TrendLine:
    counts = [it.open_counts[severity] for it in audits]
    max_count = max(counts)
    tops = [
        _FLOOR_Y - (max((_FLOOR_Y - _CEILING_Y) * it // max_count, _MIN_COLUMN_HEIGHT) if it else 0) for it in counts
    ]
    positions = [_find_position(audits, number) for number in range(len(audits))]
    columns = (
        f"M{x} {_FLOOR_Y}V{top}h{_COLUMN_WIDTH}V{_FLOOR_Y}z"
        for x, top in zip(positions, tops, strict=True)
        if top < _FLOOR_Y
    )
    incomplete_marks = (
        f"M{x + _COLUMN_WIDTH // 2} 0V{top}"
        for x, top, audit in zip(positions, tops, audits, strict=True)
        if not audit.is_complete
    )
    return TrendLine(severity, "".join(columns), "".join(incomplete_marks), counts[-1], max_count)


def _find_position(audits: Sequence[PastAudit], number: int) -> int:
    """Return the distance of an audit's column from the left; that of this audit is at the right."""
    return _TREND_WIDTH - _COLUMN_STEP * (len(audits) - number)
