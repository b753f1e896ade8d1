"""What every outbox must do, whatever it is made of: no message is lost, and none is sent by two at once."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.adapters.dynamodb.outbox import DynamoOutbox
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.domain.audit_record import StoredFile, StoredReport
from backup_auditor.domain.outbox import OutboxMessage, Trigger
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.errors import ConflictingRecordError
from backup_auditor.ports.stores import Claim, Outbox, StateStore
from support.aws.dynamodb import a_table
from support.builders.facts import DAY, HOUR, NOW, SECOND
from support.fakes.stores import PROJECT, FakeStore, recorded

type Both = tuple[StateStore, Outbox, Outbox]
"""A store, and its outbox as two functions see it."""
type Opening = Callable[[], AbstractContextManager[Both]]

FIRST = ProjectState(revision=1, audit_id="first", observed_at=NOW)
LEASE = timedelta(minutes=15)
MESSAGE = OutboxMessage(
    message_id="1",
    project=PROJECT,
    audit_id="first",
    observed_at=NOW,
    channel_id="sns:topic",
    trigger=Trigger.CHANGE,
    report=StoredReport("s3://reports/default/report.json", "5f" * 32),
    previous_at=None,
)
PAGED = replace(MESSAGE.report, page=StoredFile("s3://reports/default/report.html", "7c" * 32))
EVENTS = replace(
    MESSAGE,
    message_id="2",
    channel_id="events",
    trigger=Trigger.AUDIT,
    report=PAGED,
    previous_at=NOW - DAY,
)
FRESH = Claim(1, is_possible_duplicate=False)


@contextmanager
def fake() -> Iterator[Both]:
    """Open one that lives as long as the test."""
    store = FakeStore()
    yield store, store.outbox, store.outbox


@contextmanager
def dynamodb() -> Iterator[Both]:
    """Make a table of its own."""
    with a_table() as (client, table):
        yield DynamoState(client, table), DynamoOutbox(client, table), DynamoOutbox(client, table)


every_outbox = pytest.mark.parametrize("opening", [pytest.param(it, id=it.__name__) for it in (fake, dynamodb)])


@contextmanager
def holding(opening: Opening, *messages: OutboxMessage) -> Iterator[Any]:
    """Open an outbox that holds messages."""
    with opening() as (store, outbox, other):
        recorded(store, EMPTY_STATE, FIRST, messages=messages)
        yield outbox, other


@every_outbox
def test_a_message_is_there_as_it_was_recorded(opening: Opening) -> None:
    """Those of all projects, or of one, the oldest first."""
    later = replace(MESSAGE, message_id="0", observed_at=NOW + SECOND)
    others = [replace(MESSAGE, project=it) for it in ("default#1", "defaul", "Default")]
    with opening() as (store, outbox, _):
        assert list(outbox.list_pending(None, NOW)) == []
        recorded(store, EMPTY_STATE, FIRST, messages=(later, EVENTS, MESSAGE))
        for it in others:
            recorded(store, EMPTY_STATE, FIRST, it.project, messages=(replace(it, message_id=it.project),))
        assert list(outbox.list_pending(PROJECT, NOW)) == [MESSAGE, EVENTS, later]
        assert len(outbox.list_pending(None, NOW)) == 6
        assert [it.project for it in outbox.list_pending("default#1", NOW)] == ["default#1"]


@every_outbox
def test_a_message_is_recorded_with_its_audit_or_not_at_all(opening: Opening) -> None:
    """Nobody is told of a recording that was refused."""
    with opening() as (store, outbox, _):
        recorded(store, EMPTY_STATE, FIRST)
        with pytest.raises(ConflictingRecordError):
            recorded(store, EMPTY_STATE, FIRST, messages=(MESSAGE,))
        assert list(outbox.list_pending(None, NOW)) == []


@every_outbox
def test_one_takes_a_message_and_no_other(opening: Opening) -> None:
    """Until the time is over that it was taken for."""
    with holding(opening, MESSAGE) as (outbox, other):
        assert outbox.claim(MESSAGE, NOW, NOW + LEASE) == FRESH
        for it in (outbox, other):
            assert it.claim(MESSAGE, NOW + LEASE - SECOND, NOW + DAY) is None
            assert list(it.list_pending(None, NOW + LEASE - SECOND)) == []
        assert list(other.list_pending(None, NOW + LEASE)) == [MESSAGE]
        assert other.claim(MESSAGE, NOW + LEASE, NOW + DAY) == Claim(2, is_possible_duplicate=True)


@every_outbox
def test_what_was_accepted_is_never_there_again(opening: Opening) -> None:
    """Nor can it be taken; saying so twice is no harm."""
    with holding(opening, MESSAGE, EVENTS) as (outbox, other):
        outbox.claim(MESSAGE, NOW, NOW + LEASE)
        for it in (outbox, outbox, other):
            it.mark_sent(MESSAGE, NOW)
        assert list(outbox.list_pending(None, NOW + DAY)) == [EVENTS]
        assert outbox.claim(MESSAGE, NOW + DAY, NOW + DAY + LEASE) is None
        assert outbox.mark_failed(MESSAGE, "late", NOW) == 0


@every_outbox
def test_what_was_not_accepted_waits_and_is_tried_again(opening: Opening) -> None:
    """It is counted how often; where each was refused, nobody has it."""
    with holding(opening, MESSAGE) as (outbox, other):
        assert outbox.claim(MESSAGE, NOW, NOW + LEASE) == FRESH
        assert outbox.mark_failed(MESSAGE, "throttled", NOW + HOUR) == 1
        assert list(other.list_pending(None, NOW + HOUR - SECOND)) == []
        assert list(other.list_pending(None, NOW + HOUR)) == [MESSAGE]
        assert other.claim(MESSAGE, NOW + HOUR, NOW + HOUR + LEASE) == Claim(2, is_possible_duplicate=False)
        assert other.mark_failed(MESSAGE, "throttled", NOW + DAY) == 2


@every_outbox
def test_what_may_have_arrived_is_a_possible_repeat_ever_after(opening: Opening) -> None:
    """However often it was refused since."""
    with holding(opening, MESSAGE) as (outbox, _):
        outbox.claim(MESSAGE, NOW, NOW + LEASE)
        assert outbox.mark_failed(MESSAGE, "no answer", NOW, may_have_arrived=True) == 1
        assert outbox.claim(MESSAGE, NOW, NOW + LEASE) == Claim(2, is_possible_duplicate=True)
        assert outbox.mark_failed(MESSAGE, "refused", NOW) == 2
        assert outbox.claim(MESSAGE, NOW, NOW + LEASE) == Claim(3, is_possible_duplicate=True)


@every_outbox
def test_letting_go_twice_counts_once(opening: Opening) -> None:
    """As when the answer to the first was lost."""
    with holding(opening, MESSAGE) as (outbox, _):
        outbox.claim(MESSAGE, NOW, NOW + LEASE)
        assert outbox.mark_failed(MESSAGE, "refused", NOW) == 1
        assert outbox.mark_failed(MESSAGE, "refused", NOW + DAY) == 1
        assert list(outbox.list_pending(None, NOW)) == [MESSAGE]
        assert outbox.claim(MESSAGE, NOW, NOW + LEASE) == Claim(2, is_possible_duplicate=False)


@every_outbox
def test_progress_is_noted_until_the_message_is_accepted(opening: Opening) -> None:
    """Whoever takes it next goes on from there."""
    with holding(opening, EVENTS) as (outbox, other):
        assert outbox.load_progress(EVENTS) == ""
        outbox.claim(EVENTS, NOW, NOW + LEASE)
        outbox.record_progress(EVENTS, "0-9")
        outbox.mark_failed(EVENTS, "throttled", NOW)
        assert other.load_progress(EVENTS) == "0-9"
        other.claim(EVENTS, NOW, NOW + LEASE)
        other.record_progress(EVENTS, "0-19")
        assert outbox.load_progress(EVENTS) == "0-19"
        other.mark_sent(EVENTS, NOW)
        other.record_progress(EVENTS, "0-29")
        assert other.load_progress(EVENTS) == ""
        assert list(other.list_pending(None, NOW + DAY)) == []


@every_outbox
def test_another_takes_the_place_of_one_that_nobody_is_left_to_hear(opening: Opening) -> None:
    """In one step, with no attempt to its name; the first is not there any more."""
    instead = replace(MESSAGE, message_id="3", channel_id="sns:right")
    with holding(opening, MESSAGE) as (outbox, other):
        outbox.claim(MESSAGE, NOW, NOW + LEASE)
        assert outbox.readdress(MESSAGE, instead)
        assert list(other.list_pending(None, NOW)) == [instead]
        assert other.claim(MESSAGE, NOW + DAY, NOW + DAY + LEASE) is None
        assert other.claim(instead, NOW, NOW + LEASE) == FRESH


@every_outbox
@pytest.mark.parametrize("is_sent", [False, True])
def test_nobody_is_told_twice_because_another_is_not_there(opening: Opening, is_sent: bool) -> None:
    """Whoever waits for the same, or had it, takes nobody's place."""
    instead = replace(MESSAGE, message_id="3", channel_id="sns:right")
    with holding(opening, MESSAGE, instead) as (outbox, other):
        if is_sent:
            other.claim(instead, NOW, NOW + LEASE)
            other.mark_sent(instead, NOW)
        outbox.claim(MESSAGE, NOW, NOW + LEASE)
        assert not outbox.readdress(MESSAGE, instead)
        assert list(other.list_pending(None, NOW + DAY)) == [MESSAGE, *([] if is_sent else [instead])]
