"""Plans, and what is recorded of their actions, as texts that every store can keep, and back."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from backup_auditor.domain.cadence import Frequency
from backup_auditor.domain.moments import days, format_moment, parse_moment
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.remediation.actions import Action, ChangeSchedule, CreateSchedule, Kind, TakeBackup
from backup_auditor.domain.remediation.calls import Settings
from backup_auditor.domain.remediation.plan import LeftOut, Plan


def plan_text(plan: Plan) -> str:
    """Write a plan."""
    told = {
        "project": plan.project,
        "policy_sha256": plan.policy_sha256,
        "made_at": format_moment(plan.made_at),
        "create_schedules": plan.create_schedules,
        "fix_schedules": plan.fix_schedules,
        "actions": [_action_told(it) for it in plan.actions],
        "left_out": [[it.index, it.kind, it.reason, it.is_unknown] for it in plan.left_out],
        "slots_before": plan.slots_before,
        "slots_after": plan.slots_after,
        "quota": plan.quota,
        "project_id": plan.project_id,
    }
    return json.dumps(told)


def plan_in(text: str) -> Plan:
    """Read a plan that was written so. Raises `ValueError`, `KeyError` and `TypeError` where it is none."""
    told = json.loads(text)
    return Plan(
        project=told["project"],
        policy_sha256=told["policy_sha256"],
        made_at=parse_moment(told["made_at"]),
        create_schedules=Mode(told["create_schedules"]),
        fix_schedules=Mode(told["fix_schedules"]),
        actions=tuple(_action_in(it) for it in told["actions"]),
        left_out=tuple(LeftOut(index, Kind(kind), *rest) for index, kind, *rest in told["left_out"]),
        slots_before=told["slots_before"],
        slots_after=told["slots_after"],
        quota=told["quota"],
        project_id=told.get("project_id"),
    )


def _action_told(action: Action) -> dict[str, object]:
    found: dict[str, object] = {"kind": action.kind, "index": action.index, "name": action.name}
    match action:
        case CreateSchedule():
            found |= {"frequency": action.frequency, "retention_days": days(action.retention)}
        case ChangeSchedule():
            told = {"changes": _settings_told(action.changes), "before": _settings_told(action.before)}
            found |= {"schedule_id": action.schedule_id, **told}
        case TakeBackup():
            pass
    return {**found, "slots": action.slots, "because": action.because}


def _action_in(told: Mapping[str, Any]) -> Action:
    index, name, slots, because = told["index"], told["name"], told["slots"], told["because"]
    match Kind(told["kind"]):
        case Kind.CREATE_SCHEDULE:
            retention = timedelta(days=told["retention_days"])
            return CreateSchedule(index, name, Frequency(told["frequency"]), retention, slots, because)
        case Kind.CHANGE_SCHEDULE:
            changes, before = _settings_in(told["changes"]), _settings_in(told["before"])
            return ChangeSchedule(index, told["schedule_id"], name, changes, before, slots, because)
        case Kind.FIRST_BACKUP:
            return TakeBackup(index, name, because, slots)


def _settings_told(it: Settings) -> list[object]:
    return [it.enabled, it.frequency, None if it.retention is None else days(it.retention)]


def _settings_in(told: list[Any]) -> Settings:
    enabled, frequency, length = told
    known = None if frequency is None else Frequency(frequency)
    return Settings(enabled, known, None if length is None else timedelta(days=length))
