"""The restore drills on the page: the last proof of each index, its restore times and their picture."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from backup_auditor.domain.evaluation.restore_proofs import PROOF_CONTROL
from backup_auditor.domain.evaluation.results import MAX_RESTORES, IndexDrills, Timeline
from backup_auditor.domain.reporting.report import Report
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

_TIME_CONTROL = "restore-time-meets-objective"
_COLUMN_STEP, _COLUMN_WIDTH = 10, 8
"""The distance of two columns, and the width of one."""
_PICTURE_WIDTH = _COLUMN_STEP * MAX_RESTORES
_CEILING_Y, _FLOOR_Y = 4, 38
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
            top = min(_find_top(time, max_length), _FLOOR_Y - _MIN_COLUMN_HEIGHT)
            columns[limit is not None and time > limit] += f"M{x} {_FLOOR_Y}V{top}h{_COLUMN_WIDTH}V{_FLOOR_Y}z"
        self.columns, self.slow_columns = columns[False], columns[True]
        self.limit = "" if limit is None else f"M0 {_find_top(limit, max_length)}H{_PICTURE_WIDTH}"
        self.label = f"Restore times, oldest first: {describe_restore_times(times, limit)}"


def _find_top(time: timedelta, max_length: timedelta) -> int:
    return round(_FLOOR_Y - (_FLOOR_Y - _CEILING_Y) * (time / max_length))


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
