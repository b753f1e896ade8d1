"""The outbox of every project in one DynamoDB table: what was recorded to be told, until it was accepted."""

from collections.abc import Sequence
from datetime import datetime
from secrets import token_hex
from typing import TYPE_CHECKING

from backup_auditor.adapters.aws.session import answer_of, code_of
from backup_auditor.adapters.dynamodb.items import (
    OUTBOX,
    Item,
    message_item,
    message_key,
    message_of,
    moment_text,
    number,
    sent_item,
    sent_key,
    text,
)
from backup_auditor.adapters.dynamodb.state_store import failure_of, is_refused
from backup_auditor.adapters.dynamodb.table import Table
from backup_auditor.domain.outbox import OutboxMessage
from backup_auditor.ports.stores import Claim

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_LONGEST_REASON = 500
_UNTAKEN = "(attribute_not_exists(taken_until) OR taken_until <= :now)"
_DUE = f"(attribute_not_exists(retry_at) OR retry_at <= :now) AND {_UNTAKEN}"
_FREE = f"attribute_exists(PK) AND {_UNTAKEN}"


class DynamoOutbox:
    """An `Outbox` over one table. Safe to use from many threads.

    `attempts` counts the times that a message was taken, `refusals` those that are known to have reached nobody: where
    there are more of the former, somebody may have it already.
    """

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Take the client and the table's name."""
        self._table = Table(client, table)
        self._tokens: dict[str, str] = {}
        """What shows that a message was taken here, by its id."""

    def pending(self, project: str | None, now: datetime) -> Sequence[OutboxMessage]:
        """Return the messages that are due, the oldest first."""
        condition, values = "PK = :outbox", {":outbox": text(OUTBOX)}
        if project is not None:
            condition += " AND begins_with(SK, :project)"
            values[":project"] = text(f"{project}#")
        values[":now"] = text(moment_text(now))
        with self._table.telling():
            found = [*map(message_of, self._table.found(condition, values, FilterExpression=_DUE))]
        mine = [it for it in found if project in (None, it.project)]  # another's name may begin so
        return sorted(mine, key=lambda it: (it.observed_at, it.message_id))

    def claim(self, message: OutboxMessage, now: datetime, until: datetime) -> Claim | None:
        """Take a message that nobody has."""
        token = token_hex(8)
        values = {
            ":now": text(moment_text(now)),
            ":until": text(moment_text(until)),
            ":token": text(token),
            ":one": number(1),
        }
        update = "SET taken_until = :until, taken_by = :token ADD attempts :one"
        with self._table.telling():
            is_mine, item = self._update(message, update, _FREE, values)
            if not is_mine and item.get("taken_by") != text(token):  # by whom else, if an answer was lost
                return None
            self._tokens[message.message_id] = token
            attempts = _count(item, "attempts")
            return Claim(attempts, may_be_repeat=attempts - 1 > _count(item, "refusals"))

    def sent(self, message: OutboxMessage, now: datetime) -> None:
        """Put a message away, and keep for a while that it was accepted."""
        writes = [
            {"Delete": {"TableName": self._table.name, "Key": message_key(message)}},
            {"Put": {"TableName": self._table.name, "Item": sent_item(message, now)}},
        ]
        with self._table.telling():
            failure = failure_of(self._table, writes, token_hex(8))
            if failure is not None:
                raise failure
        self._tokens.pop(message.message_id, None)

    def failed(self, message: OutboxMessage, why: str, retry_at: datetime, *, may_have_arrived: bool = False) -> int:
        """Let go of a message that was taken here, until it is tried again."""
        values = {
            ":retry": text(moment_text(retry_at)),
            ":why": text(why[:_LONGEST_REASON]),
            ":token": text(self._tokens.pop(message.message_id, "nobody")),
            ":refusals": number(0 if may_have_arrived else 1),
        }
        update = "SET retry_at = :retry, last_error = :why REMOVE taken_until, taken_by ADD refusals :refusals"
        with self._table.telling():
            _, item = self._update(message, update, "taken_by = :token", values)
            return _count(item, "attempts")

    def readdress(self, message: OutboxMessage, instead: OutboxMessage) -> bool:
        """Put another in the place of a message that was taken here, unless that one is known."""
        unless_there = {"TableName": self._table.name, "ConditionExpression": "attribute_not_exists(PK)"}
        writes = [
            {"Delete": {"TableName": self._table.name, "Key": message_key(message)}},
            {"Put": {**unless_there, "Item": {**message_key(instead), **message_item(instead)}}},
            {"ConditionCheck": {**unless_there, "Key": sent_key(instead)}},
        ]
        with self._table.telling():
            failure = failure_of(self._table, writes, token_hex(8))
            if failure is not None and not is_refused(failure):
                raise failure
        return failure is None

    def progress(self, message: OutboxMessage) -> str:
        """Return what was noted."""
        with self._table.telling():
            item = self._table.item(message_key(message), ("noted",)) or {}
            return str(item["noted"]["S"]) if "noted" in item else ""

    def note_progress(self, message: OutboxMessage, text: str) -> None:
        """Note it, unless the message was put away meanwhile."""
        with self._table.telling():
            self._update(message, "SET noted = :noted", "attribute_exists(PK)", {":noted": {"S": text}})

    def _update(self, message: OutboxMessage, update: str, condition: str, values: Item) -> tuple[bool, Item]:
        """Change a message on a condition; return whether it held, and how the message stands."""
        try:
            answer = self._table.call(
                "update_item",
                Key=message_key(message),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except Exception as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            return False, answer_of(error).get("Item", {})
        return True, answer["Attributes"]


def _count(item: Item, name: str) -> int:
    return int(item[name]["N"]) if name in item else 0
