"""What is known about an organization is recorded once together with its messages, whatever fails."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from backup_auditor.adapters.dynamodb.discovery_store import DynamoDiscoveryStore
from backup_auditor.adapters.dynamodb.items import DISCOVERY_SORT_KEY, Partition, build_key
from backup_auditor.domain.discovery_notice import DiscoveryNotice, DiscoveryState
from backup_auditor.domain.notifications.discovery import create_discovery_messages
from backup_auditor.domain.outbox import FLEET, OutboxMessage
from backup_auditor.errors import StateError
from support.builders.facts import DAY, NOW
from support.builders.notifications import SNS_CHANNEL
from support.builders.organizations import build_alert, build_discovery_notice, build_unregistered
from support.faults.aws_clients import (
    KilledError,
    NthCallFault,
    inject_fault,
    make_client_error,
    make_raiser,
    make_timeout_error,
    repeat_calls,
)

PROJECTS = tuple(
    build_unregistered(f"team-{number:03d} \u2615", detail="ignored until 2026-11-15") for number in range(500)
)
STATE = DiscoveryState(0, NOW, NOW, PROJECTS, (build_alert(),))
NOTICE = build_discovery_notice(new_projects=PROJECTS[:400], open_projects=PROJECTS[400:], new_alerts=(build_alert(),))


def make_messages(notice: DiscoveryNotice = NOTICE) -> tuple[OutboxMessage, ...]:
    """Return the messages of a notice to the bus and a topic."""
    return create_discovery_messages(notice, (SNS_CHANNEL,))


def open_store(table: Any) -> DynamoDiscoveryStore:
    """Return a new store in a table."""
    return DynamoDiscoveryStore(table.client, table.name)


def test_before_the_first_look_nothing_is_known(table: Any) -> None:
    """An empty table has an empty state."""
    assert open_store(table).load() == DiscoveryState()


def test_everything_about_500_projects_is_stored(table: Any) -> None:
    """State and messages are read as they were recorded, and each is one item far below the limit."""
    open_store(table).record(STATE, make_messages())
    assert open_store(table).load() == replace(STATE, revision=1)
    pending = table.outbox.list_pending(FLEET, NOW)
    assert sorted(pending, key=lambda it: it.channel_id) == sorted(make_messages(), key=lambda it: it.channel_id)
    assert len(table.items) == 3
    assert max(len(repr(it)) for it in table.items) < 100_000


def test_a_later_look_replaces_the_state(table: Any) -> None:
    """The revision grows, and a look without news records no message."""
    store = open_store(table)
    store.record(STATE, ())
    loaded = store.load()
    store.record(replace(loaded, complete_at=NOW + DAY, projects=()), ())
    assert store.load() == DiscoveryState(2, NOW + DAY, NOW, (), STATE.alerts)
    assert table.outbox.list_pending(None, NOW) == []


@pytest.mark.parametrize("is_first", [True, False])
def test_two_looks_at_once_send_once(table: Any, *, is_first: bool) -> None:
    """The look that is recorded second changes nothing."""
    store = open_store(table)
    if not is_first:
        store.record(replace(STATE, projects=()), ())
    state = replace(STATE, revision=store.load().revision)
    store.record(state, make_messages())
    items_before = table.items
    open_store(table).record(replace(state, alerts=()), make_messages(replace(NOTICE, noticed_at=NOW + DAY)))
    assert table.items == items_before


def test_a_call_that_arrives_twice_records_once(table: Any) -> None:
    """The SDK repeats a call whose answer was lost."""
    with repeat_calls(table.client):
        open_store(table).record(STATE, make_messages())
    assert open_store(table).load().revision == 1
    assert len(table.outbox.list_pending(None, NOW)) == 2


@pytest.mark.parametrize("make_error", [KilledError, make_timeout_error])
@pytest.mark.parametrize("is_after", [True, False], ids=["after-its-effect", "before-its-effect"])
def test_a_look_that_fails_while_it_is_recorded_is_complete_or_absent(
    table: Any, make_error: Callable[[], BaseException], *, is_after: bool
) -> None:
    """State and messages are both stored or both missing."""
    store = open_store(table)
    fault = NthCallFault(make_raiser(make_error), 0)
    with inject_fault(table.client, fault, after=is_after), suppress(KilledError, StateError):
        store.record(STATE, make_messages())
    counts = open_store(table).load().revision, len(table.outbox.list_pending(None, NOW))
    assert counts in {(0, 0), (1, 2)}


def test_a_table_that_cannot_be_used_is_an_error(table: Any) -> None:
    """The error names the table and what to do."""
    with (
        inject_fault(table.client, NthCallFault(make_raiser(lambda: make_client_error("AccessDeniedException")), 0)),
        pytest.raises(StateError, match=r"cannot be used: AccessDeniedException.*; allow the role to use it"),
    ):
        open_store(table).load()


def test_a_damaged_state_is_an_error(table: Any) -> None:
    """It is not overwritten: what was unregistered would be reported again."""
    key = build_key(FLEET, DISCOVERY_SORT_KEY, Partition.WATCH)
    table.client.put_item(TableName=table.name, Item={**key, "revision": {"N": "1"}, "content": {"B": b"{}"}})
    with pytest.raises(StateError, match="is damaged"):
        open_store(table).load()
