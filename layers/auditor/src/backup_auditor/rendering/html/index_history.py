"""The history of an index on the page: its recovery points and its restore drills, with pictures and the times."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from backup_auditor.domain.evaluation.restore_proofs import PROOF_CONTROL
from backup_auditor.domain.evaluation.results import MAX_RESTORES, IndexDrills, RecoveryPoint, Timeline
from backup_auditor.domain.finding import Finding
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_length, format_minute
from backup_auditor.rendering.drill_history import (
    build_state_rows,
    describe_proof_age,
    describe_restore_time,
    describe_restore_times,
    list_restore_times,
    sort_drills,
)
from backup_auditor.rendering.html.overview import build_index_anchor, find_violating_names
from backup_auditor.rendering.timeline_text import Positions, Ranges, TimelineLayout

_WIDTH = 1000
_OBJECTIVE_Y, _RUNS_Y, _FLOOR_Y, _CEILING_Y = 6, 28, 62, 16
"""The distances from the top: the objective, the runs, and the lowest and highest end of the stairs."""


class TimelinePicture:
    """The paths of a timeline; an empty one shows nothing."""

    def __init__(self, layout: TimelineLayout) -> None:
        """Draw a layout. A dot is a line without length: its round ends stay round however wide the picture is."""
        self.objective_met = _draw_ranges(layout.objective_met, _OBJECTIVE_Y)
        self.objective_missed = _draw_ranges(layout.objective_missed, _OBJECTIVE_Y)
        self.gaps = _draw_ranges(layout.gaps, _RUNS_Y)
        self.recovery_points = _draw_marks(layout.recovery_points, _RUNS_Y, "h0")
        self.past_runs = _draw_marks(layout.past_runs, _RUNS_Y, "h0")
        self.failed_runs = _draw_marks(layout.failed_runs, _RUNS_Y - 13, "v26")
        self.runs_in_progress = _draw_marks(layout.runs_in_progress, _RUNS_Y - 8, "v16")
        self.scheduled_runs = _draw_marks(layout.scheduled_runs, _RUNS_Y - 6, "v12")
        self.remaining = _draw_stairs(layout.remaining)
        self.last_expiry = "" if layout.last_expiry is None else f"M{_convert_to_x(layout.last_expiry)} 0V64"


def _convert_to_x(position: float) -> int:
    return round(position * _WIDTH)


def _draw_marks(positions: Positions, height: int, mark: str) -> str:
    return "".join(f"M{_convert_to_x(it)} {height}{mark}" for it in positions)


def _draw_ranges(ranges: Ranges, height: int) -> str:
    return "".join(
        f"M{_convert_to_x(start)} {height}H{max(_convert_to_x(end), _convert_to_x(start) + 1)}" for start, end in ranges
    )


def _draw_stairs(remaining: tuple[tuple[float, int], ...]) -> str:
    if not remaining or not remaining[0][1]:
        return ""
    max_count = remaining[0][1]
    steps = "".join(
        f"H{_convert_to_x(position)}V{_convert_to_y(count, max_count)}" for position, count in remaining[1:]
    )
    # if none remains there is no stair, and no edge of one
    end = f"H{_WIDTH}V{_FLOOR_Y}" if remaining[-1][1] else ""
    return f"M{_convert_to_x(remaining[0][0])} {_FLOOR_Y}V{_convert_to_y(max_count, max_count)}{steps}{end}Z"


def _convert_to_y(count: int, max_count: int) -> int:
    return round(_FLOOR_Y - (_FLOOR_Y - _CEILING_Y) * count / max_count)


_MINUTE_LENGTH, _DAY_LENGTH = len("2026-11-22 12:00"), len("2026-11-22")


class IndexHistory:
    """One index on the page."""

    def __init__(
        self, timeline: Timeline, observed_at: datetime, findings: Sequence[Finding], *, is_detailed: bool
    ) -> None:
        """Take the timeline and the findings of the index; `is_detailed` lists its moments one by one."""
        layout = TimelineLayout(timeline, observed_at)
        rule = f"rule {timeline.rule}" if timeline.rule else "the defaults"
        open_findings = sorted((it for it in findings if it.is_open), key=lambda it: (-it.severity.rank, it.control))
        self.anchor = build_index_anchor(timeline.resource)
        self.name = timeline.resource.name
        self.worst_severity = open_findings[0].severity if open_findings else None
        self.findings = open_findings
        """The open ones, the worst first."""
        self.exempted_count = sum(it.exemption is not None for it in findings)
        self.unknown_count = sum(it.is_unknown for it in findings)
        self.objective = f"a recovery point no older than {format_length(timeline.max_age)}, by {rule}"
        self.start_day = _format_moment(timeline.since)[:_DAY_LENGTH]
        self.end_day = _format_moment(layout.period.end)[:_DAY_LENGTH]
        self.picture = TimelinePicture(layout)
        self.description = describe_history(timeline, observed_at)
        self.unknown_reasons = timeline.unknown_reasons
        self.moments = tuple(_build_moments(timeline)) if is_detailed else ()

    @property
    def sort_key(self) -> tuple[int, int, str]:
        """The worst index comes first, then those with most findings."""
        rank = -1 if self.worst_severity is None else self.worst_severity.rank
        return -rank, -len(self.findings), self.name


def describe_history(timeline: Timeline, observed_at: datetime) -> str:
    """Describe the picture in a sentence."""
    parts = [_describe_points(timeline, observed_at)]
    counts = (
        (timeline.failed_runs, "failed run"),
        (timeline.runs_in_progress, "run in progress", "runs in progress"),
        (timeline.scheduled_runs, "planned run"),
    )
    parts += [pluralize(len(moments), *nouns) for moments, *nouns in counts if moments]
    if timeline.gaps:
        missing_count = sum(it.missing_runs for it in timeline.gaps)
        parts.append(f"{pluralize(missing_count, 'run')} missing in {pluralize(len(timeline.gaps), 'gap')}")
    if timeline.objective_missed:
        missed_length = sum((it.end - it.start for it in timeline.objective_missed), timedelta())
        parts.append(f"objective missed for {format_length(missed_length)}")
    if timeline.last_expires_at is not None:
        verb = "remains" if timeline.last_expires_at > observed_at else "remained"
        parts.append(f"none {verb} after {format_minute(timeline.last_expires_at)} if none is added")
    elif not timeline.is_remaining_known:
        parts.append("the last expiry is unknown")
    elif any(it.expires is False for it in timeline.recovery_points):
        parts.append("at least one never expires")
    return "; ".join(parts) + "."


def _describe_points(timeline: Timeline, observed_at: datetime) -> str:
    points, earlier = timeline.recovery_points, timeline.earlier_recovery_point_count
    if not points:
        return pluralize(earlier, "recovery point") + " from before" if earlier else "No known recovery point"
    age = format_length(observed_at - points[-1].captured_at)
    earlier_clause = f" and {earlier:,} from before" if earlier else ""
    return f"{pluralize(len(points), 'recovery point')}{earlier_clause}, the newest {age} old"


def _build_moments(timeline: Timeline) -> Iterator[tuple[str, str, str]]:
    """Yield time, kind and note of every moment, the latest first."""
    rows = [(it.captured_at, "recovery point", _describe_expiry(it)) for it in timeline.recovery_points]
    rows += [(it, "past recovery point", "backup no longer listed") for it in timeline.past_runs]
    rows += [(it, "failed run", "") for it in timeline.failed_runs]
    rows += [(it, "run in progress", "") for it in timeline.runs_in_progress]
    rows += [(it, "planned run", "") for it in timeline.scheduled_runs]
    for gap in timeline.gaps:
        rows.append((gap.start, f"{pluralize(gap.missing_runs, 'run')} missing", f"until {_format_moment(gap.end)}"))
    rows += [(it.start, "objective missed", f"until {_format_moment(it.end)}") for it in timeline.objective_missed]
    for at, kind, note in sorted(rows, reverse=True):
        yield _format_moment(at), kind, note


def _describe_expiry(point: RecoveryPoint) -> str:
    if point.expires is False:
        return "never expires"
    return "expiry unknown" if point.expires_at is None else f"expires {_format_moment(point.expires_at)}"


def _format_moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(" ", "minutes")[:_MINUTE_LENGTH]


_TIME_CONTROL = "restore-time-meets-objective"
_COLUMN_STEP, _COLUMN_WIDTH = 10, 8
"""The distance of two columns, and the width of one."""
_PICTURE_WIDTH = _COLUMN_STEP * MAX_RESTORES
_COLUMN_TOP_Y, _COLUMN_FOOT_Y = 4, 38
"""The top of the highest column, and the bottom of all, from the top of 40."""
_MIN_COLUMN_HEIGHT = 2
"""The height of the lowest column."""


class RestoreTimePicture:
    """Restore times as columns, the last at the right; an empty path shows nothing."""

    def __init__(self, times: Sequence[timedelta], limit: timedelta | None) -> None:
        """Draw at least one restore time, oldest first, on a scale that shows the limit too."""
        max_length = max([*times, limit or timedelta(), timedelta(seconds=1)])
        columns: dict[bool, str] = {False: "", True: ""}
        for number, time in enumerate(times):
            x = _PICTURE_WIDTH - _COLUMN_STEP * (len(times) - number)
            top = min(_find_top(time, max_length), _COLUMN_FOOT_Y - _MIN_COLUMN_HEIGHT)
            columns[limit is not None and time > limit] += (
                f"M{x} {_COLUMN_FOOT_Y}V{top}h{_COLUMN_WIDTH}V{_COLUMN_FOOT_Y}z"
            )
        self.columns, self.slow_columns = columns[False], columns[True]
        self.limit = "" if limit is None else f"M0 {_find_top(limit, max_length)}H{_PICTURE_WIDTH}"
        self.label = f"Restore times, oldest first: {describe_restore_times(times, limit)}"


def _find_top(time: timedelta, max_length: timedelta) -> int:
    return round(_COLUMN_FOOT_Y - (_COLUMN_FOOT_Y - _COLUMN_TOP_Y) * (time / max_length))


class DrillHistory:
    """The restore drills of one index."""

    def __init__(self, drills: IndexDrills, report: Report, anchor: str, problems: tuple[bool, bool]) -> None:
        """Take the drills of an index; `problems` is whether the findings on its proof and restore time are open."""
        proof, times = drills.last_proof, list_restore_times(drills)
        is_unproven, is_slow = problems
        self.anchor = anchor
        """The fragment of the index on the page; empty if it has no timeline."""
        self.name = drills.resource.name
        self.proven_at = "none recorded" if proof is None else format_minute(proof.ended_at)
        self.backup_id = "" if proof is None else proof.backup_id
        self.age = describe_proof_age(drills, report.observed_at)
        if drills.unknown_reason is not None:
            self.proven_at, self.age = "unknown", "unknown"
        self.age_problem = ("missing" if proof is None else "too old") if is_unproven else ""
        self.restore_time = describe_restore_time(drills) or "none"
        self.time_problem = "too slow" if is_slow else ""
        self.picture = RestoreTimePicture(times, drills.max_restore_time) if times else None
        self.state = "; ".join(f"{label}: {text}" for label, text in build_state_rows(drills, report.observed_at))
        self.restores = [
            (format_minute(it.ended_at), it.result.label, format_length(time), it.backup_id)
            for it, time in zip(drills.restores, times, strict=True)
        ]
        """End, result, restore time and backup of each of the last restores, oldest first."""


def build_drill_histories(report: Report, timelines: Iterable[Timeline]) -> list[DrillHistory]:
    """Return the drills of each index in the order of `sort_drills`."""
    unproven_names = find_violating_names(report, PROOF_CONTROL)
    slow_names = find_violating_names(report, _TIME_CONTROL)
    anchors = {it.resource.name: build_index_anchor(it.resource) for it in timelines} if report.restore_drills else {}
    return [
        DrillHistory(
            it,
            report,
            anchors.get(it.resource.name, ""),
            (it.resource.name in unproven_names, it.resource.name in slow_names),
        )
        for it in sort_drills(report)
    ]
