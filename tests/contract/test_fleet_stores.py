"""Test that every store of the fleet records one page of several looks, with its messages and digests, or nothing."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from backup_auditor.adapters.dynamodb.fleet_store import DynamoFleetStore
from backup_auditor.adapters.dynamodb.items import Partition, build_partition_key
from backup_auditor.adapters.dynamodb.outbox import DynamoOutbox
from backup_auditor.domain.audit_record import StoredFile, StoredReport
from backup_auditor.domain.fleet_record import FleetPage, FleetRecords, RecordedDigest
from backup_auditor.domain.notifications.fleet_night import create_digest_messages
from backup_auditor.domain.outbox import FLEET, FleetChannel, OutboxMessage
from backup_auditor.ports.stores import FleetStore
from support.aws.dynamodb import open_table
from support.builders.facts import DAY, HOUR, NOW
from support.builders.notifications import SLACK_CHANNEL, SNS_CHANNEL
from support.fakes.fleet import FakeFleetStore

type OpenedStore = tuple[FleetStore, Callable[[], list[OutboxMessage]]]
"""A store, and what lists the messages in its outbox."""
type OpenStore = Callable[[], AbstractContextManager[OpenedStore]]

FIRST = FleetPage(NOW, 1, "a" * 64, StoredReport("s3://x/1.json", "1" * 64, StoredFile("s3://x/1.html", "2" * 64)))
SECOND = replace(FIRST, revision=2, content_sha256="b" * 64, document=StoredReport("s3://x/2.json", "3" * 64))
NEXT_NIGHT = replace(FIRST, night=NOW + DAY)
DIGEST = RecordedDigest(NOW, "c" * 64, StoredFile("s3://x/1.json", "1" * 64))
CHANNELS = (FleetChannel(SNS_CHANNEL), FleetChannel(SLACK_CHANNEL))
CHANNEL_IDS = [it.channel.channel_id for it in CHANNELS]


def create_messages(page: FleetPage) -> tuple[OutboxMessage, ...]:
    """Return the messages about a page, one of them with an earlier digest."""
    return create_digest_messages(page, CHANNELS, {CHANNEL_IDS[0]: DIGEST}, NOW + HOUR)


@contextmanager
def open_fake() -> Iterator[OpenedStore]:
    """Open a store in memory."""
    store = FakeFleetStore()
    yield store, lambda: store.messages


@contextmanager
def open_dynamodb() -> Iterator[OpenedStore]:
    """Create a table for one test."""
    with open_table() as (client, table):
        outbox = DynamoOutbox(client, table)
        yield DynamoFleetStore(client, table), lambda: [*outbox.list_pending(FLEET, NOW + HOUR)]


every_store = pytest.mark.parametrize(
    "open_store", [pytest.param(it, id=it.__name__) for it in (open_fake, open_dynamodb)]
)


@every_store
def test_a_page_is_recorded_with_its_messages_and_digests(open_store: OpenStore) -> None:
    """The last page and the last digest of each channel are read as they were recorded."""
    with open_store() as (store, list_messages):
        assert store.load_records(CHANNEL_IDS) == FleetRecords()
        messages = create_messages(FIRST)
        assert store.record_page(FIRST, None, messages, DIGEST)
        assert store.load_records(CHANNEL_IDS) == FleetRecords(FIRST, dict.fromkeys(CHANNEL_IDS, DIGEST))
        assert sorted(list_messages(), key=str) == sorted(messages, key=str)
        later_digest = replace(DIGEST, night=NOW + DAY)
        assert store.record_page(NEXT_NIGHT, FIRST, create_messages(NEXT_NIGHT)[:1], later_digest)
        assert store.load_records([*CHANNEL_IDS, "sns:other"]) == FleetRecords(
            NEXT_NIGHT, {CHANNEL_IDS[0]: later_digest, CHANNEL_IDS[1]: DIGEST}
        )
        assert store.load_records([]) == FleetRecords(NEXT_NIGHT)


@every_store
def test_the_last_night_is_recorded_beside_the_page(open_store: OpenStore) -> None:
    """A later night replaces it, and no page does."""
    with open_store() as (store, _):
        for night in (NOW, NOW + DAY):
            store.record_night(night)
            assert store.load_records(CHANNEL_IDS) == FleetRecords(night=night)
        assert store.record_page(FIRST, None, (), DIGEST)
        assert store.load_records([]) == FleetRecords(FIRST, night=NOW + DAY)


@every_store
@pytest.mark.parametrize(
    "last_page", [pytest.param(None, id="none"), pytest.param(replace(FIRST, night=NOW - DAY), id="another-night")]
)
def test_a_page_is_recorded_only_after_the_page_that_its_look_knew(
    open_store: OpenStore, last_page: FleetPage | None
) -> None:
    """A second look with the same knowledge records nothing, and no message."""
    with open_store() as (store, list_messages):
        assert store.record_page(FIRST, None, (), DIGEST)
        assert not store.record_page(SECOND, last_page, create_messages(SECOND), DIGEST)
        assert (store.load_records(CHANNEL_IDS), list_messages()) == (FleetRecords(FIRST), [])
        assert store.record_page(SECOND, FIRST, (), DIGEST)
        assert not store.record_page(replace(SECOND, revision=3), FIRST, (), DIGEST)


def test_every_revision_stays_recorded() -> None:
    """The hashes of earlier pages stay in the table, in the order of nights and revisions."""
    with open_table() as (client, table):
        store = DynamoFleetStore(client, table)
        last_page = None
        for page in (FIRST, SECOND, NEXT_NIGHT):
            assert store.record_page(page, last_page, (), DIGEST)
            last_page = page
        items = list_items(client, table)
    assert [it["sha256"]["S"] for it in items if it["SK"]["S"].startswith("page#")] == [
        it.document.sha256 for it in (FIRST, SECOND, NEXT_NIGHT)
    ]


def list_items(client: Any, table: str) -> list[Any]:
    """Return the items of the fleet in the order of their keys."""
    key = build_partition_key(FLEET, Partition.WATCH)
    items: list[Any] = client.query(
        TableName=table, KeyConditionExpression="PK = :key", ExpressionAttributeValues={":key": {"S": key}}
    )["Items"]
    return items
