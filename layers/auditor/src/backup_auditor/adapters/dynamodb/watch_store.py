"""What `watch` reads and records about the audits of projects, in one DynamoDB table."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from backup_auditor.adapters.dynamodb.items import (
    FAILED_AUDIT_SORT_KEY,
    HEAD_SORT_KEY,
    NOTICE_SORT_KEY,
    REGISTRATION_SORT_KEY,
    ROW_SORT_KEY,
    Item,
    Partition,
    build_key,
    build_message_key,
    decode_last_audits,
    decode_moment,
    decode_notice,
    decode_row,
    decode_values,
    encode_message,
    encode_values,
    list_notice_values,
)
from backup_auditor.adapters.dynamodb.table import Table, is_condition_failure
from backup_auditor.domain.audit_failure import FailedAudit, FailureNotice, WatchedProject
from backup_auditor.domain.outbox import OutboxMessage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ATTRIBUTE_NAMES = (
    *("PK", "SK", "observed_at", "complete_at", "pinecone_project_id", "since", "failed_at", "reason"),
    *("notice", "noticed_at", "kind", "next_step", "row", "request_id"),
)
"""Not all of a head, which lists the chunks of a state."""


class DynamoWatchStore:
    """A `WatchStore` in one table, and the place where `audit` records its failures."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Take the client and the table's name."""
        self._table = Table(client, table)

    def load_projects(self, names: Sequence[str]) -> Mapping[str, WatchedProject]:
        """Return what is stored about each project, by its name, in few requests."""
        keys = [key for name in names for key in list_watched_keys(name)]
        with self._table.translate_errors():
            items = {(it["PK"]["S"], it["SK"]["S"]): it for it in self._table.get_items(keys, _ATTRIBUTE_NAMES)}
            return {
                name: _decode_project(
                    [items.get((key["PK"]["S"], key["SK"]["S"]), {}) for key in list_watched_keys(name)]
                )
                for name in names
            }

    def ensure_registered(self, project: str, now: datetime) -> datetime:
        """Return when a project was registered; store the present time on the first call."""
        with self._table.translate_errors():
            response = self._table.call(
                "update_item",
                Key=build_key(project, REGISTRATION_SORT_KEY, Partition.WATCH),
                UpdateExpression="SET since = if_not_exists(since, :now)",
                ExpressionAttributeValues=encode_values({":now": now}),
                ReturnValues="ALL_NEW",
            )
            return decode_moment(decode_values(response["Attributes"]).get("since")) or now

    def record_failed_audit(self, project: str, failed_audit: FailedAudit) -> None:
        """Record that a request for an audit failed in all attempts. A later failure replaces it."""
        values = encode_values(
            {
                "failed_at": failed_audit.failed_at,
                "reason": failed_audit.reason,
                "request_id": failed_audit.request_id,
            }
        )
        key = build_key(project, FAILED_AUDIT_SORT_KEY, Partition.WATCH)
        with self._table.translate_errors():
            self._table.call("put_item", Item=key | values)

    def record_notice(
        self,
        project: str,
        notice: FailureNotice,
        messages: Sequence[OutboxMessage],
        last_notice: FailureNotice | None,
    ) -> None:
        """Record a notice and its messages in one transaction, if the notice before it is still the last one."""
        notice_write: dict[str, Any] = {
            "TableName": self._table.name,
            "Item": build_key(project, NOTICE_SORT_KEY, Partition.WATCH) | encode_values(list_notice_values(notice)),
        }
        if last_notice is None:
            notice_write["ConditionExpression"] = "attribute_not_exists(PK)"
        else:
            notice_write["ConditionExpression"] = "noticed_at = :last"
            notice_write["ExpressionAttributeValues"] = encode_values({":last": last_notice.noticed_at})
        items = [{**build_message_key(it), **encode_message(it)} for it in messages]
        writes: list[Item] = [
            {"Put": notice_write},
            *({"Put": {"TableName": self._table.name, "Item": it}} for it in items),
        ]
        with self._table.translate_errors():
            failure = self._table.transact(writes, token_hex(8))
            # the notice is recorded already, by another look or by an attempt whose answer was lost
            if failure is not None and not is_condition_failure(failure):
                raise failure


def list_watched_keys(project: str) -> tuple[Item, ...]:
    """Return the keys of the last audits, their row, the registration, the failed request and the last notice."""
    audit_keys = (build_key(project, HEAD_SORT_KEY), build_key(project, ROW_SORT_KEY))
    sort_keys = (REGISTRATION_SORT_KEY, FAILED_AUDIT_SORT_KEY, NOTICE_SORT_KEY)
    return *audit_keys, *(build_key(project, it, Partition.WATCH) for it in sort_keys)


def _decode_project(items: Sequence[Item]) -> WatchedProject:
    """Return the project of its five items, of which those that are missing are empty."""
    head, row, registration, failed_audit, notice = map(decode_values, items)
    return WatchedProject(
        decode_last_audits(head),
        decode_moment(registration.get("since")),
        _decode_failed_audit(failed_audit) if failed_audit else None,
        decode_notice(notice) if notice else None,
        decode_row(row) if row else None,
    )


def _decode_failed_audit(values: Mapping[str, Any]) -> FailedAudit:
    return FailedAudit(datetime.fromisoformat(values["failed_at"]), values["reason"], values.get("request_id"))
