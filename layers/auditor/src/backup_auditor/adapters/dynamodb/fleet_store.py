"""The pages and digests of the fleet in one DynamoDB table, in a partition that no project has."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING

from backup_auditor.adapters.dynamodb.items import (
    FLEET_DIGEST_PREFIX,
    FLEET_NIGHT_SORT_KEY,
    FLEET_PAGE_SORT_KEY,
    Item,
    Partition,
    build_key,
    build_message_key,
    build_partition_key,
    compute_expiry,
    decode_digest,
    decode_moment,
    decode_page,
    decode_values,
    encode_message,
    encode_values,
    format_sort_moment,
    is_expired,
    list_digest_values,
    list_page_values,
)
from backup_auditor.adapters.dynamodb.table import Table, is_condition_failure
from backup_auditor.domain.fleet_record import FleetPage, FleetRecords, RecordedDigest
from backup_auditor.domain.outbox import FLEET, OutboxMessage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_LAST_PAGE_KEY = build_key(FLEET, FLEET_PAGE_SORT_KEY, Partition.WATCH)
_NIGHT_KEY = build_key(FLEET, FLEET_NIGHT_SORT_KEY, Partition.WATCH)


class DynamoFleetStore:
    """A `FleetStore` in one table."""

    def __init__(self, client: "DynamoDBClient", table: str, *, retention: timedelta | None = None) -> None:
        """Take the client, the table's name, and the retention of the records of pages; `None` keeps them forever."""
        self._table = Table(client, table)
        self._retention = retention

    def load_records(self, channel_ids: Iterable[str]) -> FleetRecords:
        """Return the last page, the last digests of some channels, and the last night."""
        keys = [_LAST_PAGE_KEY, _NIGHT_KEY, *map(_build_digest_key, dict.fromkeys(channel_ids))]
        with self._table.translate_errors():
            items = {it["SK"]["S"]: decode_values(it) for it in self._table.get_items(keys)}
            page, night = items.pop(FLEET_PAGE_SORT_KEY, None), items.pop(FLEET_NIGHT_SORT_KEY, {})
            return FleetRecords(
                None if page is None else decode_page(page),
                {key.removeprefix(FLEET_DIGEST_PREFIX): decode_digest(it) for key, it in items.items()},
                decode_moment(night.get("night")),
            )

    def list_pages(self, now: datetime) -> Iterator[FleetPage]:
        """Yield all pages whose retention is not over, by night and revision."""
        values = encode_values(
            {":fleet": build_partition_key(FLEET, Partition.WATCH), ":prefix": f"{FLEET_PAGE_SORT_KEY}#"}
        )
        with self._table.translate_errors():
            items = self._table.query_items("PK = :fleet AND begins_with(SK, :prefix)", values)
            yield from (decode_page(decode_values(it)) for it in items if not is_expired(it, now))

    def record_night(self, night: datetime) -> None:
        """Record when the last night began."""
        with self._table.translate_errors():
            self._table.call("put_item", Item=_NIGHT_KEY | encode_values({"night": night}))

    def record_page(
        self,
        page: FleetPage,
        last_page: FleetPage | None,
        messages: Sequence[OutboxMessage],
        digest: RecordedDigest,
    ) -> bool:
        """Record a page and its messages in one transaction, if the page before it is still the last one.

        `digest` becomes the last one of each channel that has a message. Return whether the page is recorded.
        """
        values = encode_values(list_page_values(page) | {"writer": token_hex(8)})
        page_put: Item = {"TableName": self._table.name, "Item": _LAST_PAGE_KEY | values}
        if last_page is None:
            page_put["ConditionExpression"] = "attribute_not_exists(PK)"
        else:
            page_put["ConditionExpression"] = "night = :night AND revision = :revision"
            page_put["ExpressionAttributeValues"] = encode_values(
                {":night": last_page.night, ":revision": last_page.revision}
            )
        digest_values = encode_values(list_digest_values(digest))
        expiry = None if self._retention is None else compute_expiry(page.night, self._retention)
        items = [
            _build_page_key(page) | values | encode_values({"expires_at": expiry}),
            *(build_message_key(it) | encode_message(it) for it in messages),
            *(_build_digest_key(it.channel_id) | digest_values for it in messages),
        ]
        writes: list[Item] = [
            {"Put": page_put},
            *({"Put": {"TableName": self._table.name, "Item": it}} for it in items),
        ]
        with self._table.translate_errors():
            failure = self._table.transact(writes, token_hex(8))
            # after a lost answer, the retry fails on its own page; its random writer shows the result
            if failure is None or next(self._table.get_items([_LAST_PAGE_KEY]), None) == page_put["Item"]:
                return True
            if is_condition_failure(failure):
                return False
            raise failure


def _build_page_key(page: FleetPage) -> Item:
    """Return the key of one revision. Earlier ones sort first."""
    return build_key(
        FLEET, f"{FLEET_PAGE_SORT_KEY}#{format_sort_moment(page.night)}#{page.revision:06d}", Partition.WATCH
    )


def _build_digest_key(channel_id: str) -> Item:
    return build_key(FLEET, f"{FLEET_DIGEST_PREFIX}{channel_id}", Partition.WATCH)
