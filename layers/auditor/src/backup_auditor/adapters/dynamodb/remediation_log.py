"""The remediation log in DynamoDB: plans for 30 days, and every attempt, recorded before it starts."""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from backup_auditor.adapters.dynamodb.items import (
    ACTION_PREFIX,
    HEAD_SORT_KEY,
    PLAN_PREFIX,
    Item,
    Partition,
    build_attempt_prefix,
    build_key,
    build_partition_key,
    compute_expiry,
    decode_attempt,
    decode_values,
    encode_attempt,
    encode_values,
)
from backup_auditor.adapters.dynamodb.table import Table
from backup_auditor.adapters.records import decode_plan, encode_plan, list_stored_names
from backup_auditor.domain.remediation.plan import (
    APPLIED_STATES,
    UNSETTLED_STATES,
    ActionRecord,
    ActionState,
    RemediationPlan,
)
from backup_auditor.errors import StateError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PLAN_RETENTION = timedelta(days=30)
"""How long a plan is stored. It can be applied for one day."""
_MAX_PLAN_BYTES = 380_000
"""The size limit of a plan in bytes: an item has at most 400 KB."""
_STATE_NAME = {"#state": "state"}
"""`state` is a reserved word of DynamoDB."""


def _match_states(states: Iterable[ActionState]) -> tuple[str, dict[str, str]]:
    """Return the condition that an attempt has one of some states, and the values in it."""
    values = {f":state{number}": it for number, it in enumerate(list_stored_names(states))}
    return f"#state IN ({', '.join(values)})", values


def _build_plan_key(project: str, plan_id: str) -> Item:
    return build_key(project, f"{PLAN_PREFIX}{plan_id}", Partition.REMEDIATION)


_IS_UNSETTLED, _UNSETTLED_VALUES = _match_states(UNSETTLED_STATES)
_IS_APPLIED, _APPLIED_VALUES = _match_states(APPLIED_STATES)


def build_plan_key(plan: RemediationPlan) -> Item:
    """Return the key of a plan."""
    return _build_plan_key(plan.project, plan.plan_id)


def build_plan_item(plan: RemediationPlan) -> Item:
    """Return the item of a plan, without its skipped actions if they exceed the size of an item."""
    plan_data = zlib.compress(encode_plan(plan).encode())
    if len(plan_data) > _MAX_PLAN_BYTES:
        plan_data = zlib.compress(encode_plan(replace(plan, skipped_actions=())).encode())
    if len(plan_data) > _MAX_PLAN_BYTES:
        raise StateError(f"{plan.project}: the plan has more actions than DynamoDB can store; lower max_creations")
    values = {"plan": plan_data, "expires_at": compute_expiry(plan.created_at, _PLAN_RETENTION)}
    return build_plan_key(plan) | encode_values(values)


def _decode_plan_item(item: Mapping[str, Any]) -> RemediationPlan:
    values = decode_values(item)
    return decode_plan(zlib.decompress(values["plan"]).decode(), values["SK"].removeprefix(PLAN_PREFIX))


class DynamoRemediationLog:
    """A `PublicationLog` in one table. Safe to use from many threads."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Take the client and the table's name."""
        self._table = Table(client, table)

    def store_plan(self, plan: RemediationPlan) -> None:
        """Store a plan, without its skipped actions if they exceed the size of an item."""
        item = build_plan_item(plan)
        with self._table.translate_errors():
            self._table.call("put_item", Item=item)

    def load_plan(self, project: str, plan_id: str) -> RemediationPlan | None:
        """Return the latest plan of an id, `None` if there is none."""
        with self._table.translate_errors():
            item = self._table.get_item(_build_plan_key(project, plan_id))
            if item is None:
                return None
            return _decode_plan_item(item)

    def list_plans(self, project: str) -> list[RemediationPlan]:
        """Return every stored plan of a project, by its id."""
        values = encode_values({":project": build_partition_key(project, Partition.REMEDIATION), ":plans": PLAN_PREFIX})
        with self._table.translate_errors():
            return [
                *map(_decode_plan_item, self._table.query_items("PK = :project AND begins_with(SK, :plans)", values))
            ]

    def load_pinecone_project_id(self, project: str) -> str | None:
        """Return Pinecone's id of a project, `None` until an audit has recorded it."""
        with self._table.translate_errors():
            item = self._table.get_item(build_key(project, HEAD_SORT_KEY), ("pinecone_project_id",))
            return decode_values(item or {}).get("pinecone_project_id")

    def find_last_attempt(self, project: str, key: str) -> ActionRecord | None:
        """Return the latest attempt at an action in any plan."""
        partition_key = build_partition_key(project, Partition.REMEDIATION)
        values = encode_values({":project": partition_key, ":action": build_attempt_prefix(key)})
        with self._table.translate_errors():
            items = self._table.query_items(
                "PK = :project AND begins_with(SK, :action)", values, ScanIndexForward=False, Limit=1
            )
            return next((decode_attempt(project, it) for it in items), None)

    def record_start(self, record: ActionRecord) -> bool:
        """Record an attempt before it starts. Return `False` if another process has recorded this attempt number."""
        token = encode_values({"taken_by": token_hex(8)})
        item = encode_attempt(record) | token
        with self._table.translate_errors():
            is_recorded, existing_item = self._table.call_if(
                "put_item", Item=item, ConditionExpression="attribute_not_exists(PK)"
            )
            # it is ours where an answer was lost
            return is_recorded or existing_item.get("taken_by") == token["taken_by"]

    def record_result(self, record: ActionRecord) -> None:
        """Record the result of an attempt that was started."""
        with self._table.translate_errors():
            self._table.call("put_item", Item=encode_attempt(record))

    def settle_attempt(self, record: ActionRecord) -> None:
        """Record the result that reading shows, unless the attempt's own process has recorded one."""
        self._put_if(encode_attempt(record), _IS_UNSETTLED, _UNSETTLED_VALUES)

    def list_unsettled(self, project: str) -> list[ActionRecord]:
        """Return every attempt with an unknown result, the oldest first."""
        options = {"FilterExpression": _IS_UNSETTLED, "ExpressionAttributeNames": _STATE_NAME}
        return self._query_attempts(project, _UNSETTLED_VALUES, **options)

    def list_attempts(self, project: str) -> list[ActionRecord]:
        """Return every attempt at any action, the oldest first."""
        return self._query_attempts(project, {})

    def list_unpublished(self, project: str) -> list[ActionRecord]:
        """Return every applied attempt whose event is not published, the oldest first."""
        is_unpublished = f"attribute_not_exists(told_at) AND {_IS_APPLIED}"
        options = {"FilterExpression": is_unpublished, "ExpressionAttributeNames": _STATE_NAME}
        return self._query_attempts(project, _APPLIED_VALUES, **options)

    def mark_published(self, record: ActionRecord, published_at: datetime) -> None:
        """Record that the event of an attempt was published, unless the attempt has changed since."""
        has_state, state_values = _match_states({record.state})
        item = encode_attempt(record) | encode_values({"told_at": published_at})
        self._put_if(item, f"{has_state} AND ended_at = :ended_at", {**state_values, ":ended_at": record.ended_at})

    def list_plan_attempts(self, project: str, plan_id: str) -> list[ActionRecord]:
        """Return every attempt at the actions of a plan, the oldest first."""
        return self._query_attempts(project, {":plan": plan_id}, FilterExpression="plan_id = :plan")

    def _put_if(self, item: Item, condition: str, values: Mapping[str, object]) -> None:
        """Replace an item if the stored one meets a condition."""
        expressions = {"ExpressionAttributeNames": _STATE_NAME, "ExpressionAttributeValues": encode_values(values)}
        with self._table.translate_errors():
            self._table.call_if("put_item", Item=item, ConditionExpression=condition, **expressions)

    def _query_attempts(self, project: str, values: Mapping[str, object], **options: Any) -> list[ActionRecord]:  # noqa: ANN401  as boto3 has it
        condition = "PK = :project AND begins_with(SK, :actions)"
        partition_key = build_partition_key(project, Partition.REMEDIATION)
        query_values = encode_values({":project": partition_key, ":actions": ACTION_PREFIX, **values})
        with self._table.translate_errors():
            items = self._table.query_items(condition, query_values, **options)
            records = [decode_attempt(project, it) for it in items]
        return sorted(records, key=lambda it: (it.started_at, it.key, it.attempt))
