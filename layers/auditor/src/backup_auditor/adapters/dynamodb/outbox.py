"""The outbox of all projects in one DynamoDB table: recorded messages that no channel has accepted yet."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from backup_auditor.adapters.dynamodb.items import (
    OUTBOX_PARTITION,
    build_message_key,
    build_sent_key,
    decode_message,
    decode_moment,
    decode_values,
    encode_message,
    encode_sent_message,
    encode_values,
)
from backup_auditor.adapters.dynamodb.table import Table, is_condition_failure
from backup_auditor.domain.outbox import OutboxMessage, list_due
from backup_auditor.ports.stores import Claim

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MAX_REASON_LENGTH = 500
_IS_UNCLAIMED = "(attribute_not_exists(taken_until) OR taken_until <= :now)"
_IS_CLAIMABLE = f"attribute_exists(PK) AND {_IS_UNCLAIMED}"


class DynamoOutbox:
    """An `Outbox` in one table. Safe to use from many threads.

    `attempts` counts the claims of a message, `refusals` the attempts that certainly did not deliver it. If there are
    more attempts than refusals, the next delivery is a possible duplicate.
    """

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Take the client and the table's name."""
        self._table = Table(client, table)
        self._tokens: dict[str, str] = {}
        """The claim tokens of this process by message id."""

    def list_pending(self, project: str | None, now: datetime) -> Sequence[OutboxMessage]:
        """Return the messages that are due, the oldest first."""
        prefix = None if project is None else f"{project}#"
        condition = "PK = :outbox" if prefix is None else "PK = :outbox AND begins_with(SK, :project)"
        values = encode_values({":outbox": OUTBOX_PARTITION, ":project": prefix})
        with self._table.translate_errors():
            messages = [(decode_message(it), _is_due(it, now)) for it in self._table.query_items(condition, values)]
        # another project's name may have the same prefix
        return list_due(it for it in messages if project in (None, it[0].project))

    def claim(self, message: OutboxMessage, now: datetime, until: datetime) -> Claim | None:
        """Claim a message that is not claimed."""
        token = token_hex(8)
        values = {":now": now, ":until": until, ":token": token, ":one": 1}
        update = "SET taken_until = :until, taken_by = :token ADD attempts :one"
        with self._table.translate_errors():
            is_claimed, item = self._update(message, update, _IS_CLAIMABLE, values)
            if not is_claimed and item.get("taken_by") != token:  # it is ours where only the answer was lost
                return None
            self._tokens[message.message_id] = token
            attempts = item["attempts"]
            return Claim(attempts, is_possible_duplicate=attempts - 1 > item.get("refusals", 0))

    def mark_sent(self, message: OutboxMessage, now: datetime) -> None:
        """Remove a message from the outbox, and store for 90 days that it was accepted."""
        writes = [
            {"Delete": {"TableName": self._table.name, "Key": build_message_key(message)}},
            {"Put": {"TableName": self._table.name, "Item": encode_sent_message(message, now)}},
        ]
        with self._table.translate_errors():
            if failure := self._table.transact(writes, token_hex(8)):
                raise failure
        self._tokens.pop(message.message_id, None)

    def mark_failed(
        self, message: OutboxMessage, reason: str, retry_at: datetime, *, may_have_arrived: bool = False
    ) -> int:
        """Release a claimed message until its next attempt."""
        values = {
            ":retry": retry_at,
            ":why": reason[:_MAX_REASON_LENGTH],
            ":token": self._tokens.pop(message.message_id, "nobody"),
            ":refusals": 0 if may_have_arrived else 1,
        }
        update = "SET retry_at = :retry, last_error = :why REMOVE taken_until, taken_by ADD refusals :refusals"
        with self._table.translate_errors():
            _, item = self._update(message, update, "taken_by = :token", values)
            return int(item.get("attempts", 0))

    def readdress(self, message: OutboxMessage, replacement: OutboxMessage) -> bool:
        """Replace a claimed message with another one, unless that one exists or was sent."""
        absence_condition = {"TableName": self._table.name, "ConditionExpression": "attribute_not_exists(PK)"}
        writes = [
            {"Delete": {"TableName": self._table.name, "Key": build_message_key(message)}},
            {"Put": {**absence_condition, "Item": {**build_message_key(replacement), **encode_message(replacement)}}},
            {"ConditionCheck": {**absence_condition, "Key": build_sent_key(replacement)}},
        ]
        with self._table.translate_errors():
            failure = self._table.transact(writes, token_hex(8))
            if failure is not None and not is_condition_failure(failure):
                raise failure
        return failure is None

    def load_progress(self, message: OutboxMessage) -> str:
        """Return the stored progress of a message."""
        with self._table.translate_errors():
            item = self._table.get_item(build_message_key(message), ("noted",)) or {}
            return str(decode_values(item).get("noted", ""))

    def record_progress(self, message: OutboxMessage, progress: str) -> None:
        """Store the progress of a message, unless the message was removed."""
        with self._table.translate_errors():
            self._update(message, "SET noted = :noted", "attribute_exists(PK)", {":noted": progress})

    def _update(
        self, message: OutboxMessage, update: str, condition: str, values: Mapping[str, object]
    ) -> tuple[bool, dict[str, Any]]:
        """Change a message on a condition. Return whether the condition held, and the values of the message."""
        is_met, item = self._table.call_if(
            "update_item",
            Key=build_message_key(message),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeValues=encode_values(values),
            ReturnValues="ALL_NEW",
        )
        return is_met, decode_values(item)


def _is_due(item: Mapping[str, Any], now: datetime) -> bool:
    """Return whether a message is not claimed and the time of its retry has come."""
    values = decode_values(item)
    times = (decode_moment(values.get(it)) for it in ("retry_at", "taken_until"))
    return all(it is None or it <= now for it in times)
