"""A plan, and what came of it, as a table for a person and as JSON."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from backup_auditor.domain.model import Frequency
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.remediation.actions import Action, CreateBackup, CreateSchedule, UpdateSchedule
from backup_auditor.domain.remediation.plan import ActionResult, Plan, SkippedAction
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import days, format_minute, format_moment
from backup_auditor.rendering.text import columns, escape_text, hanging


def plan_table(plan: Plan, width: int) -> Iterator[str]:
    """Show what is to be done, what is left out and why, and the slots before and after."""
    quota = "" if plan.quota is None else f" of {plan.quota:,}"
    head = f"{escape_text(plan.project)}: plan {plan.plan_id} of {format_minute(plan.made_at)}: {_size(plan)}"
    yield from hanging(head, width, "  ")
    slots = f"backups, at most: {plan.slots_before:,}{quota} now, {plan.slots_after:,} with this plan"
    yield from hanging(slots, width, "  ")
    for kind, actions in groupby(plan.actions, key=lambda it: it.kind):
        yield ""
        proposed = "" if plan.mode_of(kind) is Mode.APPLY else "  (proposed: the policy lets none be carried out)"
        yield from hanging(f"{kind.upper()}{proposed}", width, "  ")
        for action in actions:
            yield from columns([(escape_text(action.index), escape_text(_describe_action(action, plan)))], width)
            yield from hanging(f"    {escape_text(action.because)}", width, "    ")
            yield from hanging(f"    {escape_text(str(action.call))}", width, "      ")
    if plan.left_out:
        yield ""
        yield f"LEFT OUT ({len(plan.left_out):,})"
        yield from columns(
            [(escape_text(it.index), escape_text(f"{it.kind}: {it.reason}")) for it in plan.left_out], width
        )


def results_table(plan: Plan, results: Sequence[ActionResult], width: int) -> Iterator[str]:
    """Show what came of each action, and the call that undoes it."""
    found = Counter(it.state for it in results)
    told = ", ".join(f"{number:,} {state}" for state, number in found.items())
    yield from hanging(f"{escape_text(plan.project)}: plan {plan.plan_id}: {told or 'nothing to do'}", width, "  ")
    yield ""
    for it in results:
        label = f"{escape_text(it.action.index)}  {it.action.kind}"
        yield from columns([(label, escape_text(f"{it.state}. {it.detail}".removesuffix(". ")))], width)
        if it.undo is not None:
            yield from hanging(f"    undo: {escape_text(str(it.undo))}", width, "      ")


def plan_json(plan: Plan, results: Sequence[ActionResult] | None) -> str:
    """Write a plan, and what came of its actions where it was carried out, as one JSON document."""
    told = {
        "schema_version": "1",
        "plan_id": plan.plan_id,
        "project": plan.project,
        "policy_sha256": plan.policy_sha256,
        "made_at": format_moment(plan.made_at),
        "create_schedules": plan.create_schedules,
        "fix_schedules": plan.fix_schedules,
        "slots": {"before": plan.slots_before, "after": plan.slots_after, "quota": plan.quota},
        "actions": [_action_json(it, plan) for it in plan.actions],
        "left_out": [_left_out_json(it) for it in plan.left_out],
        "results": None if results is None else [_result_json(it) for it in results],
    }
    return json.dumps(told, indent=1)


def _size(plan: Plan) -> str:
    if not plan.actions:
        return "nothing to do"
    return f"{pluralize(len(plan.actions), 'action')}, {len(plan.applicable):,} of which --apply carries out"


def _describe_action(action: Action, plan: Plan) -> str:
    match action:
        case CreateSchedule():
            first = format_minute(plan.made_at + action.frequency.interval)
            settings = f"{action.frequency}, kept {days(action.retention)} d, called {action.name}"
            return f"{settings}; {pluralize(action.slots, 'slot')}; first run by {first}"
        case UpdateSchedule():
            return f"{action.name}: {', '.join(_changes(action))}; {pluralize(action.slots, 'more slot')}"
        case CreateBackup():
            return f"{action.name}; {pluralize(action.slots, 'slot')}; at once, and kept until somebody deletes it"


def _changes(action: UpdateSchedule) -> Iterator[str]:
    before, changes = action.before, action.changes
    if changes.enabled is not None:
        yield "resumed, with a backup at once"
    if changes.frequency is not None:
        yield f"{_frequency(before.frequency)} becomes {changes.frequency}"
    if changes.retention is not None and before.retention is not None:
        yield f"kept {days(before.retention)} d becomes {days(changes.retention)} d"


def _frequency(frequency: Frequency | None) -> str:
    return "unknown" if frequency is None else frequency.value


def _action_json(action: Action, plan: Plan) -> dict[str, object]:
    call = action.call
    return {
        "kind": action.kind,
        "index": action.index,
        "name": action.name,
        "call": {"method": call.method, "path": call.path, "body": call.body},
        "slots": action.slots,
        "because": action.because,
        "first_run_by": _first_run(action, plan),
        "is_applicable": plan.mode_of(action.kind) is Mode.APPLY,
    }


def _first_run(action: Action, plan: Plan) -> str | None:
    if not isinstance(action, CreateSchedule):
        return None
    return format_moment(plan.made_at + action.frequency.interval)


def _left_out_json(it: SkippedAction) -> dict[str, object]:
    return {"index": it.index, "kind": it.kind, "reason": it.reason}


def _result_json(it: ActionResult) -> dict[str, object]:
    undo = it.undo
    return {
        "index": it.action.index,
        "kind": it.action.kind,
        "state": it.state,
        "detail": it.detail,
        "id": it.made_id,
        "undo": None if undo is None else {"method": undo.method, "path": undo.path, "body": undo.body},
    }
