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
    missing_names = find_violating_names(report, *_EXISTENCE_CONTROLS)
    late_names = find_violating_names(report, _RECENCY_CONTROL)
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


def find_violating_names(report: Report, *controls: str) -> set[str]:
    """Return the names of the indexes with open findings of some controls: only those have a problem."""
    return {it.resource.name for it in report.findings if it.is_open and it.control in controls}


def build_expiry_bars(timelines: Iterable[Timeline], report: Report) -> BarChart:
    """Return how long each index has a recovery point if none is added, the shortest first."""
    violating_names = find_violating_names(report, _HORIZON_CONTROL)
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


class TrendLine:
    """One severity: its picture and figures."""

    def __init__(self, severity: Severity, audits: Sequence[PastAudit]) -> None:
        """Draw the open findings of a severity in the audits up to this one."""
        counts = [it.open_counts[severity] for it in audits]
        self.severity = severity.value
        self.current_count, self.max_count = counts[-1], max(counts)
        columns, incomplete_marks = [], []
        for number, (audit, count) in enumerate(zip(audits, counts, strict=True)):
            x, top = _find_position(audits, number), _FLOOR_Y
            if count:
                top -= max((_FLOOR_Y - _CEILING_Y) * count // self.max_count, _MIN_COLUMN_HEIGHT)
                columns.append(f"M{x} {_FLOOR_Y}V{top}h{_COLUMN_WIDTH}V{_FLOOR_Y}z")
            if not audit.is_complete:
                incomplete_marks.append(f"M{x + _COLUMN_WIDTH // 2} 0V{top}")
        self.columns = "".join(columns)
        """A path; a column for each audit that found any."""
        self.incomplete_marks = "".join(incomplete_marks)
        """A path; a line from the top down to the column of each audit that could not read everything."""


class Trend:
    """The past audits and this one."""

    def __init__(self, audits: Sequence[PastAudit]) -> None:
        """Draw a line for each severity, the worst first, and list the audits, this one first."""
        severities = tuple(reversed(Severity))
        self.lines = tuple(TrendLine(it, audits) for it in severities)
        self.rows = tuple(
            (format_moment(it.observed_at), it.is_complete, [it.open_counts[severity] for severity in severities])
            for it in reversed(audits)
        )
        """Time and completeness of each audit, and its counts."""
        self.start = _find_position(audits, 0)
        """The distance of the first column from the left."""
        self.has_incomplete_audits = not all(it.is_complete for it in audits)


def build_trend(report: Report) -> Trend | None:
    """Return the open findings of the audits up to this one; `None` if no earlier audit is recorded."""
    if not report.history:
        return None
    return Trend((*report.history, PastAudit(report.observed_at, report.is_complete, report.summary.open)))


def _find_position(audits: Sequence[PastAudit], number: int) -> int:
    """Return the distance of an audit's column from the left; that of this audit is at the right."""
    return _TREND_WIDTH - _COLUMN_STEP * (len(audits) - number)
