"""A plan, and what came of it, as a table for a person and as JSON."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from backup_auditor.domain.cadence import Frequency
from backup_auditor.domain.moments import days, format_minute, format_moment
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.remediation.actions import Action, ChangeSchedule, CreateSchedule, TakeBackup
from backup_auditor.domain.remediation.plan import LeftOut, Plan
from backup_auditor.domain.remediation.record import Result
from backup_auditor.domain.wording import counted
from backup_auditor.rendering.text import plain
from backup_auditor.rendering.wrapping import columns, hanging


def plan_table(plan: Plan, width: int) -> Iterator[str]:
    """Show what is to be done, what is left out and why, and the slots before and after."""
    quota = "" if plan.quota is None else f" of {plan.quota:,}"
    head = f"{plain(plan.project)}: plan {plan.plan_id} of {format_minute(plan.made_at)}: {_size(plan)}"
    yield from hanging(head, width, "  ")
    slots = f"backups, at most: {plan.slots_before:,}{quota} now, {plan.slots_after:,} with this plan"
    yield from hanging(slots, width, "  ")
    for kind, actions in groupby(plan.actions, key=lambda it: it.kind):
        yield ""
        proposed = "" if plan.mode_of(kind) is Mode.APPLY else "  (proposed: the policy lets none be carried out)"
        yield from hanging(f"{kind.upper()}{proposed}", width, "  ")
        for action in actions:
            yield from columns([(plain(action.index), plain(_told(action, plan)))], width)
            yield from hanging(f"    {plain(action.because)}", width, "    ")
            yield from hanging(f"    {plain(str(action.call))}", width, "      ")
    if plan.left_out:
        yield ""
        yield f"LEFT OUT ({len(plan.left_out):,})"
        yield from columns([(plain(it.index), plain(f"{it.kind}: {it.reason}")) for it in plan.left_out], width)


def results_table(plan: Plan, results: Sequence[Result], width: int) -> Iterator[str]:
    """Show what came of each action, and the call that undoes it."""
    found = Counter(it.state for it in results)
    told = ", ".join(f"{number:,} {state}" for state, number in found.items())
    yield from hanging(f"{plain(plan.project)}: plan {plan.plan_id}: {told or 'nothing to do'}", width, "  ")
    yield ""
    for it in results:
        label = f"{plain(it.action.index)}  {it.action.kind}"
        yield from columns([(label, plain(f"{it.state}. {it.detail}".removesuffix(". ")))], width)
        if it.undo is not None:
            yield from hanging(f"    undo: {plain(str(it.undo))}", width, "      ")


def plan_json(plan: Plan, results: Sequence[Result] | None) -> str:
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
    return f"{counted(len(plan.actions), 'action')}, {len(plan.applicable):,} of which --apply carries out"


def _told(action: Action, plan: Plan) -> str:
    match action:
        case CreateSchedule():
            first = format_minute(plan.made_at + action.frequency.interval)
            settings = f"{action.frequency}, kept {days(action.retention)} d, called {action.name}"
            return f"{settings}; {counted(action.slots, 'slot')}; first run by {first}"
        case ChangeSchedule():
            return f"{action.name}: {', '.join(_changes(action))}; {counted(action.slots, 'more slot')}"
        case TakeBackup():
            return f"{action.name}; {counted(action.slots, 'slot')}; at once, and kept until somebody deletes it"


def _changes(action: ChangeSchedule) -> Iterator[str]:
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


def _left_out_json(it: LeftOut) -> dict[str, object]:
    return {"index": it.index, "kind": it.kind, "reason": it.reason}


def _result_json(it: Result) -> dict[str, object]:
    undo = it.undo
    return {
        "index": it.action.index,
        "kind": it.action.kind,
        "state": it.state,
        "detail": it.detail,
        "id": it.made_id,
        "undo": None if undo is None else {"method": undo.method, "path": undo.path, "body": undo.body},
    }
