"""What is remembered of remediation in the table: plans for a while, and every action from before it was begun."""

import zlib
from dataclasses import replace
from datetime import datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from backup_auditor.adapters.aws.session import answer_of, code_of
from backup_auditor.adapters.dynamodb.items import (
    ACTIONS,
    HEAD,
    Item,
    action_item,
    action_of,
    action_sort,
    actions_sort,
    expiry,
    key,
    moment_text,
    plan_sort,
    project_key,
    text,
)
from backup_auditor.adapters.dynamodb.table import Table
from backup_auditor.adapters.records import plan_in, plan_text
from backup_auditor.domain.remediation.plan import APPLIED_STATES, UNSETTLED_STATES, ActionRecord, Plan
from backup_auditor.errors import StateError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT = timedelta(days=30)
"""How long a plan can be looked at; it can be carried out for a day."""
_LARGEST = 380_000
"""Bytes of a plan, so that it is within an item's 400 KB."""
_OPEN = {f":open{number}": text(it) for number, it in enumerate(sorted(UNSETTLED_STATES))}
_IS_OPEN = f"#state IN ({', '.join(_OPEN)})"
_WRITTEN = {f":written{number}": text(it) for number, it in enumerate(sorted(APPLIED_STATES))}
_IS_WRITTEN = f"#state IN ({', '.join(_WRITTEN)})"
_STATE = {"#state": "state"}
"""A word that DynamoDB keeps for itself."""


class DynamoRemediationLog:
    """A `ToldLog` over one table. Safe to use from many threads."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Take the client and the table's name."""
        self._table = Table(client, table)

    def keep(self, plan: Plan) -> None:
        """Remember a plan; where it leaves out more than an item holds, without what it leaves out."""
        packed = zlib.compress(plan_text(plan).encode())
        if len(packed) > _LARGEST:
            packed = zlib.compress(plan_text(replace(plan, left_out=())).encode())
        if len(packed) > _LARGEST:
            raise StateError(
                f"{plan.project}: the plan has more actions than DynamoDB takes; set max_creations to fewer"
            )
        item = {
            **key(project_key(plan.project), plan_sort(plan.plan_id)),
            "plan": {"B": packed},
            "expires_at": expiry(plan.made_at, _KEPT),
        }
        with self._table.telling():
            self._table.call("put_item", Item=item)

    def plan(self, project: str, plan_id: str) -> Plan | None:
        """Return a plan of a project, as it was last made."""
        with self._table.telling():
            item = self._table.item(key(project_key(project), plan_sort(plan_id)))
            if item is None:
                return None
            return plan_in(zlib.decompress(item["plan"]["B"]).decode())

    def pinecone_project_id(self, project: str) -> str | None:
        """Return Pinecone's id of a project, once an audit has recorded it."""
        with self._table.telling():
            item = self._table.item(key(project_key(project), HEAD), ("pinecone_project_id",))
            return None if item is None or "pinecone_project_id" not in item else item["pinecone_project_id"]["S"]

    def last(self, project: str, key: str) -> ActionRecord | None:
        """Return the latest attempt at an action, of whatever plan."""
        values = {":project": text(project_key(project)), ":action": text(actions_sort(key))}
        with self._table.telling():
            found = self._table.found(
                "PK = :project AND begins_with(SK, :action)", values, ScanIndexForward=False, Limit=1
            )
            return next((action_of(project, it) for it in found), None)

    def begin(self, record: ActionRecord) -> bool:
        """Record an attempt before it is made, if nobody has taken its number."""
        token = text(token_hex(8))
        item = {**action_item(record), "taken_by": token}
        with self._table.telling():
            try:
                self._table.call(
                    "put_item",
                    Item=item,
                    ConditionExpression="attribute_not_exists(PK)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except Exception as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise
                return bool(answer_of(error).get("Item", {}).get("taken_by") == token)  # ours, if an answer was lost
            return True

    def conclude(self, record: ActionRecord) -> None:
        """Record what came of an attempt that was begun."""
        with self._table.telling():
            self._table.call("put_item", Item=action_item(record))

    def settle(self, record: ActionRecord) -> None:
        """Record what reading shows of an attempt, unless whoever made it has said by now what came of it."""
        self._put_if(action_item(record), _IS_OPEN, _OPEN)

    def unsettled(self, project: str) -> list[ActionRecord]:
        """Return every attempt of which nobody knows what came of it, the oldest first."""
        return self._attempts(project, _OPEN, FilterExpression=_IS_OPEN, ExpressionAttributeNames=_STATE)

    def attempts(self, project: str) -> list[ActionRecord]:
        """Return every attempt at any action, the oldest first."""
        return self._attempts(project, {})

    def untold(self, project: str) -> list[ActionRecord]:
        """Return every attempt that was written and not told, the oldest first."""
        which = f"attribute_not_exists(told_at) AND {_IS_WRITTEN}"
        return self._attempts(project, _WRITTEN, FilterExpression=which, ExpressionAttributeNames=_STATE)

    def mark_told(self, record: ActionRecord, at: datetime) -> None:
        """Remember that an attempt was told as this record has it; one that says otherwise by now is still to be."""
        self._put_if(
            {**action_item(record), "told_at": text(moment_text(at))},
            "#state = :state AND ended_at = :ended_at",
            {":state": text(record.state), ":ended_at": action_item(record)["ended_at"]},
        )

    def actions(self, project: str, plan_id: str) -> list[ActionRecord]:
        """Return every attempt at the actions of a plan, the oldest first."""
        return self._attempts(project, {":plan": text(plan_id)}, FilterExpression="plan_id = :plan")

    def _put_if(self, item: Item, condition: str, values: Item) -> None:
        """Put an item in the place of the one that is there, if that meets a condition."""
        how = {"ExpressionAttributeNames": _STATE, "ExpressionAttributeValues": values}
        with self._table.telling():
            try:
                self._table.call("put_item", Item=item, ConditionExpression=condition, **how)
            except Exception as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise

    def _attempts(self, project: str, values: Item, **which: Any) -> list[ActionRecord]:  # noqa: ANN401  as boto3 has it
        wanted = {":project": text(project_key(project)), ":actions": text(ACTIONS), **values}
        with self._table.telling():
            found = self._table.found("PK = :project AND begins_with(SK, :actions)", wanted, **which)
            records = [action_of(project, it) for it in found]
        return sorted(records, key=lambda it: (it.began_at, action_sort(it.key, it.attempt)))
