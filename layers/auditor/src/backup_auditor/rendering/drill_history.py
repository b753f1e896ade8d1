"""The restore drills of each index, in words."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from backup_auditor.domain.evaluation.results import IndexDrills
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.timefmt import EARLIEST_MOMENT, format_length, format_lengths, format_minute


def sort_drills(report: Report) -> list[IndexDrills]:
    """Return the drills of each index: required ones first, then those without a proof, then the oldest proof."""
    return sorted(report.restore_drills, key=_build_sort_key)


def _build_sort_key(drills: IndexDrills) -> tuple[bool, datetime, str]:
    proven_at = EARLIEST_MOMENT if drills.last_proof is None else drills.last_proof.ended_at
    return drills.restore_drill_within is None, proven_at, drills.resource.name


def build_drill_rows(report: Report) -> list[tuple[str, str]]:
    """Return each index with its last proof, its restore times and its next drill."""
    observed_at = report.observed_at
    return [(it.resource.name, "; ".join(_build_clauses(it, observed_at))) for it in sort_drills(report)]


def _build_clauses(drills: IndexDrills, observed_at: datetime) -> Iterator[str]:
    if drills.unknown_reason is None:
        proof, age = drills.last_proof, describe_proof_age(drills, observed_at)
        yield age if proof is None else f"proven {age}, backup {proof.backup_id}"
        if drills.restores:
            yield f"restored in {describe_restore_time(drills)}{_describe_range(drills)}"
    yield from (f"{label}: {text}" for label, text in build_state_rows(drills, observed_at))


def describe_proof_age(drills: IndexDrills, observed_at: datetime) -> str:
    """Return how long ago the last drill passed, with the limit; or that no proof is recorded."""
    age, limit = drills.compute_proof_age(observed_at), drills.restore_drill_within
    if age is not None:
        return _compare(age, limit, " ago")
    return "no recorded proof" if limit is None else f"no recorded proof (limit: {format_length(limit)})"


def describe_restore_time(drills: IndexDrills) -> str:
    """Return how long the last restore took, with the limit; an empty text without one."""
    times = list_restore_times(drills)
    return _compare(times[-1], drills.max_restore_time) if times else ""


def list_restore_times(drills: IndexDrills) -> list[timedelta]:
    """Return how long each of the last restores took, oldest first."""
    return [it.restore_time for it in drills.restores if it.restore_time is not None]


def describe_restore_times(times: Sequence[timedelta], limit: timedelta | None) -> str:
    """Return restore times in their order, with the limit."""
    limit_clause = "" if limit is None else f" (limit: {format_length(limit)})"
    return f"{', '.join(map(format_length, times))}{limit_clause}"


def _describe_range(drills: IndexDrills) -> str:
    times = list_restore_times(drills)
    if len(times) == 1:
        return ""
    return f", the last {len(times):,} restores in {format_length(min(times))} to {format_length(max(times))}"


def build_state_rows(drills: IndexDrills, observed_at: datetime) -> Iterator[tuple[str, str]]:
    """Yield what else is to know of the drills of an index, each with a label."""
    last_drill, running_drill = drills.last_drill, drills.running_drill
    if drills.unknown_reason is not None:
        yield "unknown", drills.unknown_reason.removesuffix(".")
    if last_drill is not None and last_drill != drills.last_proof:
        age = max(observed_at - last_drill.ended_at, timedelta())
        yield "last drill", f"{last_drill.result.label} {format_length(age)} ago"
    if running_drill is not None:
        yield "running drill", f"{running_drill.drill_id}, since {format_minute(running_drill.started_at)}"
    if drills.leftover_indexes:
        yield "left behind", ", ".join(drills.leftover_indexes)
    if drills.due_at is not None:
        yield "next drill", _describe_due_time(drills.due_at, observed_at)


def _describe_due_time(due_at: datetime, observed_at: datetime) -> str:
    if due_at == observed_at:
        return "due now"
    return f"due {'' if due_at > observed_at else 'since '}{format_minute(due_at)}"


def _compare(length: timedelta, limit: timedelta | None, suffix: str = "") -> str:
    if limit is None:
        return f"{format_length(length)}{suffix}"
    length_text, limit_text = format_lengths(length, limit)
    return f"{length_text}{suffix} (limit: {limit_text})"
