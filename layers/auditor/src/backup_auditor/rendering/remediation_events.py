"""What the bus is told of remediation: each action that a policy has proposed, and each that was carried out."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from backup_auditor.domain.moments import format_moment
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.remediation.actions import Action
from backup_auditor.domain.remediation.calls import Call
from backup_auditor.domain.remediation.plan import Plan
from backup_auditor.domain.remediation.record import ActionRecord, Result, result_of
from backup_auditor.domain.report import SCHEMA_VERSION
from backup_auditor.rendering.text import clipped

type Detail = Mapping[str, object]

_LENGTH = 4000
"""How long a sentence may be, so that no event comes near the limit of the bus, 256 KB."""


class RemediationEvent(StrEnum):
    """What stands in the `detail-type` of an event."""

    SCHEDULE_PROPOSED = "Backup Schedule Proposed"
    SCHEDULE_CREATED = "Backup Schedule Created"


def proposals_of(plan: Plan) -> Iterator[tuple[RemediationEvent, Detail]]:
    """Yield an event for each action that the policy has proposed, and not carried out."""
    for action in plan.actions:
        if plan.mode_of(action.kind) is Mode.PROPOSE:
            yield RemediationEvent.SCHEDULE_PROPOSED, action_detail(plan, action)


def creation_of(plan: Plan, action: Action, record: ActionRecord) -> tuple[RemediationEvent, Detail]:
    """Return the event of an action of a plan that was done, by its record."""
    outcome = _outcome(result_of(action, record))
    told = {"who": record.who, "before": dict(record.before), "after": dict(record.after)}
    return RemediationEvent.SCHEDULE_CREATED, {**action_detail(plan, action), **told, **outcome}


def results_of(results: Sequence[Result]) -> list[Detail]:
    """Return what was and was not done, each with the call that undoes it."""
    return [{"index": it.action.index, "kind": it.action.kind, **_outcome(it)} for it in results]


def action_detail(plan: Plan, action: Action) -> Detail:
    """Return what an action is, and of which plan."""
    return {
        "schema_version": SCHEMA_VERSION,
        "project": clipped(plan.project, _LENGTH),
        "plan_id": plan.plan_id,
        "made_at": format_moment(plan.made_at),
        "index": action.index,
        "kind": action.kind,
        "name": action.name,
        "because": clipped(action.because, _LENGTH),
        "slots": action.slots,
        "call": _call(action.call),
    }


def _outcome(result: Result) -> Detail:
    return {
        "state": result.state,
        "detail": clipped(result.detail, _LENGTH),
        "id": result.made_id,
        "undo": None if result.undo is None else _call(result.undo),
    }


def _call(call: Call) -> Detail:
    return {"method": call.method, "path": call.path, "body": dict(call.body)}
