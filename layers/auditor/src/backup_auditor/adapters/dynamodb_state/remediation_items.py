"""How an action of remediation becomes an item of the table, and back."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backup_auditor.adapters.dynamodb_state.items import (
    Item,
    key,
    moment_in,
    moment_text,
    number,
    project_key,
    text,
)
from backup_auditor.domain.remediation.record import ActionRecord, ActionState

ACTIONS = "action#"


def plan_sort(plan_id: str) -> str:
    """Return the sort key of a plan."""
    return f"plan#{plan_id}"


def actions_sort(action_key: str) -> str:
    """Return how the sort keys of all attempts at an action begin."""
    return f"{ACTIONS}{action_key}#"


def action_sort(action_key: str, attempt: int) -> str:
    """Return the sort key of an attempt: the earlier ones first."""
    return f"{actions_sort(action_key)}{attempt:09d}"


def action_item(record: ActionRecord) -> Item:
    """Write an attempt. It is kept for ever: it says who changed what in somebody's project."""
    item = {
        **key(project_key(record.project), action_sort(record.key, record.attempt)),
        "action": text(record.key),
        "attempt": number(record.attempt),
        "plan_id": text(record.plan_id),
        "who": text(record.who),
        "began_at": text(moment_text(record.began_at)),
        "call": text(record.call),
        "before": text(json.dumps(record.before)),
        "state": text(record.state),
        "detail": text(record.detail),
        "after": text(json.dumps(record.after)),
    }
    if record.made_id is not None:
        item["made_id"] = text(record.made_id)
    if record.ended_at is not None:
        item["ended_at"] = text(moment_text(record.ended_at))
    return item


def action_of(project: str, item: Mapping[str, Any]) -> ActionRecord:
    """Read an attempt."""
    return ActionRecord(
        project=project,
        key=item["action"]["S"],
        attempt=int(item["attempt"]["N"]),
        plan_id=item["plan_id"]["S"],
        who=item["who"]["S"],
        began_at=datetime.fromisoformat(item["began_at"]["S"]),
        call=item["call"]["S"],
        before=json.loads(item["before"]["S"]),
        state=ActionState(item["state"]["S"]),
        detail=item["detail"]["S"],
        made_id=item["made_id"]["S"] if "made_id" in item else None,
        after=json.loads(item["after"]["S"]),
        ended_at=moment_in(item, "ended_at"),
    )
