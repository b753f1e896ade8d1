"""A plan of restore drills, and their results, as tables for a person and as JSON."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from backup_auditor.domain.drills.drill import DeletionState, DrillRecord, RestoreState, ValidationState
from backup_auditor.domain.drills.selection import DrillPlan, DurationClass, PlannedDrill, SkippedDrill
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.project_state import DrillResult, KnownDrill
from backup_auditor.domain.text import format_size, pluralize
from backup_auditor.domain.timefmt import format_length, format_minute, format_moment
from backup_auditor.rendering.drill_json import build_drill_json
from backup_auditor.rendering.text import escape_text, format_columns, wrap_text

_LEAST_COST = 0.01
"""The smallest cost that two decimals can show."""
_MODE_NOTES = {
    Mode.NEVER: "  (not allowed to run: restore_drills.mode is never)",
    Mode.PROPOSE: "  (proposed only: restore_drills.mode is propose)",
    Mode.APPLY: "",
}
_DURATION_TEXTS = {
    DurationClass.MINUTES: "about 10 minutes",
    DurationClass.HOURS: "up to 5 hours",
    DurationClass.UNKNOWN: "unknown duration",
}


def render_drill_plan_table(plan: DrillPlan, open_drills: Sequence[KnownDrill], width: int) -> Iterator[str]:
    """Show the drills, the unfinished ones of earlier runs, and the skipped indexes with the reason."""
    nothing = "no drill can start" if any(it.is_due for it in plan.skipped_drills) else "nothing to do"
    size = pluralize(len(plan.drills), "restore drill") if plan.drills else nothing
    head = f"{escape_text(plan.project)}: plan {plan.plan_id} of {format_minute(plan.created_at)}: {size}"
    yield from wrap_text(head, width, "  ")
    indexes = f"indexes: {plan.index_count:,} of {plan.index_quota:,} now"
    if plan.drills:
        indexes = f"{indexes}, {plan.index_count + len(plan.drills):,} during the plan"
    yield from wrap_text(indexes, width, "  ")
    yield from _render_open_drills(open_drills, width, "  (the next run with --apply continues)")
    if plan.drills:
        yield ""
        yield from wrap_text(f"RESTORE DRILLS ({len(plan.drills):,}){_MODE_NOTES[plan.mode]}", width, "  ")
    for drill in plan.drills:
        yield from format_columns([(escape_text(drill.index), escape_text(_describe_planned_drill(drill)))], width)
        for text in (drill.reason, f"temporary index {drill.target_name}", drill.unreadable_reason):
            if text is not None:
                yield from wrap_text(f"    {escape_text(text)}", width, "    ")
    if plan.skipped_drills:
        yield ""
        yield f"SKIPPED ({len(plan.skipped_drills):,})"
        rows = [(escape_text(it.label), escape_text(it.reason)) for it in plan.skipped_drills]
        yield from format_columns(rows, width)


def render_open_drills_table(open_drills: Sequence[KnownDrill], width: int) -> Iterator[str]:
    """Show the drills of earlier runs that this run continues; nothing if there are none."""
    return _render_open_drills(open_drills, width, "")


def _render_open_drills(open_drills: Sequence[KnownDrill], width: int, note: str) -> Iterator[str]:
    if not open_drills:
        return
    yield ""
    yield from wrap_text(f"NOT FINISHED ({len(open_drills):,}){note}", width, "  ")
    yield from format_columns([(escape_text(it.index_name), _describe_open_drill(it)) for it in open_drills], width)


def render_drill_results_table(project: str, records: Sequence[DrillRecord], width: int) -> Iterator[str]:
    """Show the result of each drill, what shows it, and what became of its temporary index."""
    counts = Counter(_describe_result(it) for it in records)
    summary = ", ".join(f"{count:,} {label}" for label, count in counts.items())
    head = f"{escape_text(project)}: {pluralize(len(records), 'restore drill')}: {summary}"
    yield from wrap_text(head, width, "  ")
    yield ""
    for record in records:
        result = f"{_describe_result(record)}. {_describe_proof(record)}".removesuffix(". ")
        yield from format_columns([(escape_text(record.index_name), escape_text(result))], width)
        document = None if record.evidence is None else f"document {record.evidence.location}"
        for text in (_describe_deletion(record), document):
            if text is not None:
                yield from wrap_text(f"    {escape_text(text)}", width, "      ")


def render_drills_json(
    plan: DrillPlan | None, open_drills: Sequence[KnownDrill], records: Sequence[DrillRecord] | None
) -> str:
    """Write a plan, the unfinished drills of earlier runs, and the drills that were run, as one JSON document.

    There is no plan if it was refused after a drill of an earlier run was continued.
    """
    document = {
        "schema_version": "1",
        "plan": None if plan is None else build_drill_plan_json(plan),
        "open_drills": [_build_open_drill_json(it) for it in open_drills],
        "results": None if records is None else [build_drill_result_json(it) for it in records],
    }
    return json.dumps(document, indent=1)


def build_drill_result_json(record: DrillRecord) -> dict[str, object]:
    """Return a drill as its document has it, and where that document is stored."""
    evidence = record.evidence
    stored_file = None if evidence is None else {"location": evidence.location, "sha256": evidence.sha256}
    return {**build_drill_json(record), "document": stored_file}


def describe_phase(record: DrillRecord) -> str:
    """Return what a drill does now, or how it ended, as a clause for a log or a progress bar."""
    if record.validation is not ValidationState.PENDING:
        ends = {
            DeletionState.CONFIRMED: "the temporary index is deleted",
            DeletionState.FAILED: f"the temporary index {record.target_name} is left to the next run",
        }
        end = ends.get(record.deletion, f"deleting the temporary index {record.target_name}")
        return f"{_describe_result(record)}; {end}"
    match record.restore:
        case RestoreState.NOT_REQUESTED:
            return f"recorded as drill {record.drill_id}"
        case RestoreState.COMPLETED:
            return f"verifying {record.target_name} (deadline {format_minute(record.deadline)})"
        case _:
            deadline = format_minute(record.deadline)
            return f"restoring {record.point.backup_id} into {record.target_name} (deadline {deadline})"


def _describe_planned_drill(drill: PlannedDrill) -> str:
    point = drill.point
    captured_text = "" if point.captured_at is None else f" of {format_minute(point.captured_at)}"
    cost_text = "" if drill.cost is None else f", cost {_format_cost(drill.cost)}"
    duration_text = _DURATION_TEXTS[drill.duration]
    return f"backup {point.backup_id}{captured_text}, {format_size(point.size_bytes)}, {duration_text}{cost_text}"


def _format_cost(cost: float) -> str:
    return "below 0.01" if 0 < cost < _LEAST_COST else f"{cost:,.2f}"


def _describe_open_drill(drill: KnownDrill) -> str:
    result = "no result yet" if drill.result is None else drill.result.label
    index_text = "" if drill.is_target_deleted else f", temporary index {drill.target_name}"
    return f"drill {drill.drill_id} since {format_minute(drill.started_at)}, {result}{index_text}"


def _describe_result(record: DrillRecord) -> str:
    return "not finished" if record.result is None else record.result.label


def _describe_proof(record: DrillRecord) -> str:
    """Return the figures of a drill that passed, and why another one did not."""
    restore_time = record.restore_time
    time_text = "" if restore_time is None else f"Restored in {format_length(restore_time)}."
    verification = record.verification
    if record.result is not DrillResult.PASSED or verification is None or verification.found is None:
        return " ".join(it for it in (time_text, record.restore_detail, record.validation_detail) if it)
    found = verification.found
    count_text = f"{pluralize(found.record_count, 'record')} in {pluralize(found.namespace_count, 'namespace')}"
    sample_text = f"{pluralize(verification.sampled, 'record')} read and checked"
    return f"{time_text} {count_text} as in the backup; {sample_text}."


def _describe_deletion(record: DrillRecord) -> str | None:
    """Return what became of the temporary index; `None` if it was deleted without a remark."""
    if record.deletion is DeletionState.CONFIRMED:
        return record.deletion_detail or None
    remedy = "the next run with --apply continues, and deletes the index"
    return f"{record.deletion_detail} The temporary index {record.target_name} may exist: {remedy}.".strip()


def build_drill_plan_json(plan: DrillPlan) -> dict[str, object]:
    """Return a plan: its drills, and the indexes that it leaves out."""
    return {
        "plan_id": plan.plan_id,
        "project": plan.project,
        "policy_sha256": plan.policy_sha256,
        "created_at": format_moment(plan.created_at),
        "mode": plan.mode,
        "indexes": {"count": plan.index_count, "quota": plan.index_quota},
        "drills": [_build_planned_drill_json(it) for it in plan.drills],
        "skipped": [_build_skipped_drill_json(it) for it in plan.skipped_drills],
    }


def _build_skipped_drill_json(drill: SkippedDrill) -> dict[str, object]:
    return {
        "index": {"name": drill.index} if drill.backup_id is None else None,
        "backup": None if drill.backup_id is None else {"id": drill.backup_id},
        "reason": drill.reason,
        "is_unknown": drill.is_unknown,
    }


def _build_planned_drill_json(drill: PlannedDrill) -> dict[str, object]:
    point = drill.point
    return {
        "index": {"name": drill.index, "id": drill.index_id},
        "backup": {
            "id": point.backup_id,
            "captured_at": None if point.captured_at is None else format_moment(point.captured_at),
            "size_bytes": point.size_bytes,
        },
        "temporary_index": {"name": drill.target_name},
        "duration": drill.duration,
        "cost": drill.cost,
        "reason": drill.reason,
        "unreadable_reason": drill.unreadable_reason,
    }


def _build_open_drill_json(drill: KnownDrill) -> dict[str, object]:
    return {
        "drill_id": drill.drill_id,
        "index": {"name": drill.index_name, "id": drill.index_id},
        "backup": {"id": drill.backup_id},
        "temporary_index": {"name": drill.target_name, "is_deleted": drill.is_target_deleted},
        "started_at": format_moment(drill.started_at),
        "result": drill.result,
    }
