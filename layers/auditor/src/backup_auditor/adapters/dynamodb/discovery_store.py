"""What is known about the organization, in one item of a DynamoDB table."""

from collections.abc import Sequence
from dataclasses import replace
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from backup_auditor.adapters.dynamodb.discovery_records import pack_state, unpack_state
from backup_auditor.adapters.dynamodb.items import (
    DISCOVERY_SORT_KEY,
    Item,
    Partition,
    build_key,
    build_message_key,
    decode_values,
    encode_message,
    encode_values,
)
from backup_auditor.adapters.dynamodb.table import Table, is_condition_failure
from backup_auditor.domain.discovery_notice import DiscoveryState
from backup_auditor.domain.outbox import FLEET, OutboxMessage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDiscoveryStore:
    """A `DiscoveryStore` in one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Take the client and the table's name."""
        self._table = Table(client, table)

    def load(self) -> DiscoveryState:
        """Return what the last look recorded."""
        with self._table.translate_errors():
            item = next(self._table.get_items([_build_state_key()]), None)
            if item is None:
                return DiscoveryState()
            values = decode_values(item)
            return replace(unpack_state(values["content"]), revision=values["revision"])

    def record(self, state: DiscoveryState, messages: Sequence[OutboxMessage]) -> None:
        """Record a state and its messages in one transaction, if no other look was recorded since it was loaded."""
        values = {"revision": state.revision + 1, "complete_at": state.complete_at, "content": pack_state(state)}
        state_write: dict[str, Any] = {
            "TableName": self._table.name,
            "Item": _build_state_key() | encode_values(values),
            "ConditionExpression": "attribute_not_exists(PK)",
        }
        if state.revision:
            state_write["ConditionExpression"] = "revision = :revision"
            state_write["ExpressionAttributeValues"] = encode_values({":revision": state.revision})
        items = [{**build_message_key(it), **encode_message(it)} for it in messages]
        writes: list[Item] = [
            {"Put": state_write},
            *({"Put": {"TableName": self._table.name, "Item": it}} for it in items),
        ]
        with self._table.translate_errors():
            failure = self._table.transact(writes, token_hex(8))
            # the look is recorded already, by another one or by an attempt whose answer was lost
            if failure is not None and not is_condition_failure(failure):
                raise failure


def _build_state_key() -> Item:
    return build_key(FLEET, DISCOVERY_SORT_KEY, Partition.WATCH)
