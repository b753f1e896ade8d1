"""A plan and its results as a table for a person and as JSON."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from backup_auditor.domain.policy import Mode
from backup_auditor.domain.remediation.plan import (
    Action,
    ActionResult,
    CreateBackup,
    CreateSchedule,
    RemediationPlan,
    UpdateSchedule,
)
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_length, format_minute, format_moment
from backup_auditor.rendering.events import build_results_detail
from backup_auditor.rendering.formats.json import build_call_json
from backup_auditor.rendering.text import escape_text, format_columns, wrap_text


def render_plan_table(plan: RemediationPlan, width: int) -> Iterator[str]:
    """Show the actions, the skipped ones with the reason, and the slots before and after."""
    quota = "" if plan.quota is None else f" of {plan.quota:,}"
    head = (
        f"{escape_text(plan.project)}: plan {plan.plan_id} of {format_minute(plan.created_at)}: {_describe_size(plan)}"
    )
    yield from wrap_text(head, width, "  ")
    slots = f"backups, at most: {plan.slots_before:,}{quota} now, {plan.slots_after:,} with this plan"
    yield from wrap_text(slots, width, "  ")
    for kind, actions in groupby(plan.actions, key=lambda it: it.kind):
        yield ""
        mode_note = "" if plan.find_mode(kind) is Mode.APPLY else "  (proposed only: the policy does not apply it)"
        yield from wrap_text(f"{kind.label.upper()}{mode_note}", width, "  ")
        for action in actions:
            yield from format_columns([(escape_text(action.index), escape_text(_describe_action(action, plan)))], width)
            yield from wrap_text(f"    {escape_text(action.reason)}", width, "    ")
            yield from wrap_text(f"    {escape_text(str(action.call))}", width, "      ")
    if plan.skipped_actions:
        yield ""
        yield f"SKIPPED ({len(plan.skipped_actions):,})"
        yield from format_columns(
            [(escape_text(it.index), escape_text(f"{it.kind.label}: {it.reason}")) for it in plan.skipped_actions],
            width,
        )


def render_results_table(plan: RemediationPlan, results: Sequence[ActionResult], width: int) -> Iterator[str]:
    """Show the result of each action, and the call that undoes it."""
    state_counts = Counter(it.state for it in results)
    summary = ", ".join(f"{count:,} {state.label}" for state, count in state_counts.items())
    yield from wrap_text(f"{escape_text(plan.project)}: plan {plan.plan_id}: {summary or 'nothing to do'}", width, "  ")
    yield ""
    for result in results:
        label = f"{escape_text(result.action.index)}  {result.action.kind.label}"
        yield from format_columns(
            [(label, escape_text(f"{result.state.label}. {result.detail}".removesuffix(". ")))], width
        )
        if result.undo_call is not None:
            yield from wrap_text(f"    undo: {escape_text(str(result.undo_call))}", width, "      ")


def render_plan_json(plan: RemediationPlan, results: Sequence[ActionResult] | None) -> str:
    """Write a plan, and the results of its actions if it was applied, as one JSON document."""
    document = {
        "schema_version": "1",
        "plan_id": plan.plan_id,
        "project": plan.project,
        "policy_sha256": plan.policy_sha256,
        "created_at": format_moment(plan.created_at),
        "create_schedules": plan.create_schedules,
        "fix_schedules": plan.fix_schedules,
        "slots": {"before": plan.slots_before, "after": plan.slots_after, "quota": plan.quota},
        "actions": [_build_action_json(it, plan) for it in plan.actions],
        "skipped": [{"index": it.index, "kind": it.kind, "reason": it.reason} for it in plan.skipped_actions],
        "results": None if results is None else build_results_detail(results),
    }
    return json.dumps(document, indent=1)


def _describe_size(plan: RemediationPlan) -> str:
    if not plan.actions:
        return "nothing to do"
    return f"{pluralize(len(plan.actions), 'action')}, {len(plan.applicable_actions):,} applied with --apply"


def _describe_action(action: Action, plan: RemediationPlan) -> str:
    match action:
        case CreateSchedule():
            first_run = format_minute(plan.created_at + action.frequency.interval)
            settings = f"{action.frequency}, kept {format_length(action.retention)}, name {action.name}"
            return f"{settings}; {pluralize(action.slots, 'slot')}; first run by {first_run}"
        case UpdateSchedule():
            return f"{action.name}: {', '.join(_describe_changes(action))}; {pluralize(action.slots, 'more slot')}"
        case CreateBackup():
            return f"{action.name}; {pluralize(action.slots, 'slot')}; immediate, never expires"


def _describe_changes(action: UpdateSchedule) -> Iterator[str]:
    before, changes = action.before, action.changes
    if changes.enabled is not None:
        yield "resumed, with an immediate backup"
    if changes.frequency is not None:
        yield f"{before.frequency or 'unknown'} becomes {changes.frequency}"
    if changes.retention is not None and before.retention is not None:
        yield f"kept {format_length(before.retention)} becomes {format_length(changes.retention)}"


def _build_action_json(action: Action, plan: RemediationPlan) -> dict[str, object]:
    first_run = plan.created_at + action.frequency.interval if isinstance(action, CreateSchedule) else None
    return {
        "kind": action.kind,
        "index": action.index,
        "name": action.name,
        "call": build_call_json(action.call),
        "slots": action.slots,
        "reason": action.reason,
        "first_run_before": format_moment(first_run) if first_run else None,
        "will_be_applied": plan.find_mode(action.kind) is Mode.APPLY,
    }
