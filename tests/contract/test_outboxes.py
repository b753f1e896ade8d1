"""Test that every outbox loses no message and never gives one message to two processes."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.adapters.dynamodb.outbox import DynamoOutbox
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.domain.audit_record import StoredFile, StoredReport
from backup_auditor.domain.notice import NoticeKind
from backup_auditor.domain.notifications.digest import readdress
from backup_auditor.domain.notifications.failures import create_notice_messages
from backup_auditor.domain.outbox import Channel, ChannelKind, OutboxMessage, Trigger
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.errors import ConflictingRecordError
from backup_auditor.ports.stores import Claim, Outbox, StateStore
from support.aws.dynamodb import open_table
from support.builders.facts import DAY, HOUR, NOW, SECOND
from support.builders.notifications import SLACK_CHANNEL, SNS_CHANNEL, build_notice
from support.fakes.stores import PROJECT, FakeStore, record_change

type StoreAndOutboxes = tuple[StateStore, Outbox, Outbox]
"""A store, and the outboxes of two processes that use it."""
type OpenOutboxes = Callable[[], AbstractContextManager[StoreAndOutboxes]]

FIRST_STATE = ProjectState(revision=1, audit_id="first", observed_at=NOW)
LEASE = timedelta(minutes=15)
REPORT = StoredReport("s3://reports/default/report.json", "5f" * 32)
MESSAGE = OutboxMessage(
    message_id="1",
    project=PROJECT,
    audit_id="first",
    observed_at=NOW,
    channel_id="sns:topic",
    trigger=Trigger.CHANGE,
    content=REPORT,
    previous_at=None,
)
PAGED_REPORT = replace(REPORT, page=StoredFile("s3://reports/default/report.html", "7c" * 32))
EVENT_MESSAGE = replace(
    MESSAGE,
    message_id="2",
    channel_id="events",
    trigger=Trigger.AUDIT,
    content=PAGED_REPORT,
    previous_at=NOW - DAY,
)
NOTICE_MESSAGE = create_notice_messages(PROJECT, build_notice(), (SNS_CHANNEL,))[0]
FIRST_CLAIM = Claim(1, is_possible_duplicate=False)


@contextmanager
def open_fake() -> Iterator[StoreAndOutboxes]:
    """Open an outbox in memory."""
    store = FakeStore()
    yield store, store.outbox, store.outbox


@contextmanager
def open_dynamodb() -> Iterator[StoreAndOutboxes]:
    """Create a table for one test."""
    with open_table() as (client, table):
        yield DynamoState(client, table), DynamoOutbox(client, table), DynamoOutbox(client, table)


every_outbox = pytest.mark.parametrize(
    "open_outboxes", [pytest.param(it, id=it.__name__) for it in (open_fake, open_dynamodb)]
)


@contextmanager
def open_outbox_with(open_outboxes: OpenOutboxes, *messages: OutboxMessage) -> Iterator[Any]:
    """Open an outbox with these messages."""
    with open_outboxes() as (store, outbox, other_outbox):
        record_change(store, EMPTY_STATE, FIRST_STATE, messages=messages)
        yield outbox, other_outbox


@every_outbox
def test_a_message_is_listed_as_it_was_recorded(open_outboxes: OpenOutboxes) -> None:
    """An outbox lists the messages of all projects or of one, the oldest first."""
    later_message = replace(MESSAGE, message_id="0", observed_at=NOW + SECOND)
    other_messages = [replace(MESSAGE, project=it) for it in ("default#1", "defaul", "Default")]
    with open_outboxes() as (store, outbox, _):
        assert list(outbox.list_pending(None, NOW)) == []
        record_change(store, EMPTY_STATE, FIRST_STATE, messages=(later_message, EVENT_MESSAGE, MESSAGE))
        for message in other_messages:
            record_change(
                store,
                EMPTY_STATE,
                FIRST_STATE,
                message.project,
                messages=(replace(message, message_id=message.project),),
            )
        assert list(outbox.list_pending(PROJECT, NOW)) == [MESSAGE, EVENT_MESSAGE, later_message]
        assert len(outbox.list_pending(None, NOW)) == 6
        assert [it.project for it in outbox.list_pending("default#1", NOW)] == ["default#1"]


@every_outbox
def test_a_notice_is_listed_as_it_was_recorded(open_outboxes: OpenOutboxes) -> None:
    """A message about a failure has its notice, and no report, also when it is sent to another channel."""
    replacement = readdress(NOTICE_MESSAGE, Channel(ChannelKind.SNS, "corrected"))
    with open_outbox_with(open_outboxes, NOTICE_MESSAGE) as (outbox, other_outbox):
        assert list(outbox.list_pending(PROJECT, NOW)) == [NOTICE_MESSAGE]
        outbox.claim(NOTICE_MESSAGE, NOW, NOW + LEASE)
        assert outbox.readdress(NOTICE_MESSAGE, replacement)
        assert list(other_outbox.list_pending(PROJECT, NOW)) == [replacement]
        assert (replacement.content, replacement.audit_id) == (NOTICE_MESSAGE.content, None)


@every_outbox
def test_a_notice_waits_for_the_older_ones_of_its_channel(open_outboxes: OpenOutboxes) -> None:
    """The end of a failure is not due before its beginning was sent; other channels and digests do not wait."""
    slack_opened = create_notice_messages(PROJECT, build_notice(), (SLACK_CHANNEL,))[0]
    end = build_notice(NoticeKind.RESOLVED, hours=1)
    resolved, slack_resolved = create_notice_messages(PROJECT, end, (SNS_CHANNEL, SLACK_CHANNEL))
    digest = replace(MESSAGE, channel_id=SNS_CHANNEL.channel_id, observed_at=NOW + 2 * HOUR)
    messages = (NOTICE_MESSAGE, slack_opened, resolved, slack_resolved, digest)
    with open_outbox_with(open_outboxes, *messages) as (outbox, _):
        assert set(outbox.list_pending(None, NOW)) == set(messages)
        outbox.mark_sent(slack_opened, NOW)
        outbox.claim(NOTICE_MESSAGE, NOW, NOW + LEASE)
        assert list(outbox.list_pending(None, NOW)) == [slack_resolved, digest]
        outbox.mark_failed(NOTICE_MESSAGE, "503", NOW + HOUR)
        assert list(outbox.list_pending(None, NOW + HOUR - SECOND)) == [slack_resolved, digest]
        assert set(outbox.list_pending(None, NOW + HOUR)) == {NOTICE_MESSAGE, resolved, slack_resolved, digest}
        outbox.mark_sent(NOTICE_MESSAGE, NOW + HOUR)
        assert set(outbox.list_pending(None, NOW + HOUR)) == {resolved, slack_resolved, digest}


@every_outbox
def test_a_message_is_recorded_only_with_its_audit(open_outboxes: OpenOutboxes) -> None:
    """A refused recording stores no message."""
    with open_outboxes() as (store, outbox, _):
        record_change(store, EMPTY_STATE, FIRST_STATE)
        with pytest.raises(ConflictingRecordError):
            record_change(store, EMPTY_STATE, FIRST_STATE, messages=(MESSAGE,))
        assert list(outbox.list_pending(None, NOW)) == []


@every_outbox
def test_only_one_process_claims_a_message(open_outboxes: OpenOutboxes) -> None:
    """A claimed message cannot be claimed again until its claim expires."""
    with open_outbox_with(open_outboxes, MESSAGE) as (outbox, other_outbox):
        assert outbox.claim(MESSAGE, NOW, NOW + LEASE) == FIRST_CLAIM
        for each_outbox in (outbox, other_outbox):
            assert each_outbox.claim(MESSAGE, NOW + LEASE - SECOND, NOW + DAY) is None
            assert list(each_outbox.list_pending(None, NOW + LEASE - SECOND)) == []
        assert list(other_outbox.list_pending(None, NOW + LEASE)) == [MESSAGE]
        assert other_outbox.claim(MESSAGE, NOW + LEASE, NOW + DAY) == Claim(2, is_possible_duplicate=True)


@every_outbox
def test_an_accepted_message_is_removed(open_outboxes: OpenOutboxes) -> None:
    """An accepted message is neither listed nor claimable, and marking it as sent twice has no further effect."""
    with open_outbox_with(open_outboxes, MESSAGE, EVENT_MESSAGE) as (outbox, other_outbox):
        outbox.claim(MESSAGE, NOW, NOW + LEASE)
        for each_outbox in (outbox, outbox, other_outbox):
            each_outbox.mark_sent(MESSAGE, NOW)
        assert list(outbox.list_pending(None, NOW + DAY)) == [EVENT_MESSAGE]
        assert outbox.claim(MESSAGE, NOW + DAY, NOW + DAY + LEASE) is None
        assert outbox.mark_failed(MESSAGE, "late", NOW) == 0


@every_outbox
def test_a_failed_message_is_retried(open_outboxes: OpenOutboxes) -> None:
    """A failed message counts its attempts, and is not a possible duplicate as long as every attempt was refused."""
    with open_outbox_with(open_outboxes, MESSAGE) as (outbox, other_outbox):
        assert outbox.claim(MESSAGE, NOW, NOW + LEASE) == FIRST_CLAIM
        assert outbox.mark_failed(MESSAGE, "throttled", NOW + HOUR) == 1
        assert list(other_outbox.list_pending(None, NOW + HOUR - SECOND)) == []
        assert list(other_outbox.list_pending(None, NOW + HOUR)) == [MESSAGE]
        assert other_outbox.claim(MESSAGE, NOW + HOUR, NOW + HOUR + LEASE) == Claim(2, is_possible_duplicate=False)
        assert other_outbox.mark_failed(MESSAGE, "throttled", NOW + DAY) == 2


@every_outbox
def test_a_message_that_may_have_arrived_stays_a_possible_duplicate(open_outboxes: OpenOutboxes) -> None:
    """A message that may have arrived is a possible duplicate even if a later attempt is refused."""
    with open_outbox_with(open_outboxes, MESSAGE) as (outbox, _):
        outbox.claim(MESSAGE, NOW, NOW + LEASE)
        assert outbox.mark_failed(MESSAGE, "no response", NOW, may_have_arrived=True) == 1
        assert outbox.claim(MESSAGE, NOW, NOW + LEASE) == Claim(2, is_possible_duplicate=True)
        assert outbox.mark_failed(MESSAGE, "refused", NOW) == 2
        assert outbox.claim(MESSAGE, NOW, NOW + LEASE) == Claim(3, is_possible_duplicate=True)


@every_outbox
def test_a_repeated_failure_counts_once(open_outboxes: OpenOutboxes) -> None:
    """A failed attempt that is recorded twice, as after a lost response, counts once."""
    with open_outbox_with(open_outboxes, MESSAGE) as (outbox, _):
        outbox.claim(MESSAGE, NOW, NOW + LEASE)
        assert outbox.mark_failed(MESSAGE, "refused", NOW) == 1
        assert outbox.mark_failed(MESSAGE, "refused", NOW + DAY) == 1
        assert list(outbox.list_pending(None, NOW)) == [MESSAGE]
        assert outbox.claim(MESSAGE, NOW, NOW + LEASE) == Claim(2, is_possible_duplicate=False)


@every_outbox
def test_progress_is_stored_until_the_message_is_accepted(open_outboxes: OpenOutboxes) -> None:
    """The next claim of a message continues from its stored progress."""
    with open_outbox_with(open_outboxes, EVENT_MESSAGE) as (outbox, other_outbox):
        assert outbox.load_progress(EVENT_MESSAGE) == ""
        outbox.claim(EVENT_MESSAGE, NOW, NOW + LEASE)
        outbox.record_progress(EVENT_MESSAGE, "0-9")
        outbox.mark_failed(EVENT_MESSAGE, "throttled", NOW)
        assert other_outbox.load_progress(EVENT_MESSAGE) == "0-9"
        other_outbox.claim(EVENT_MESSAGE, NOW, NOW + LEASE)
        other_outbox.record_progress(EVENT_MESSAGE, "0-19")
        assert outbox.load_progress(EVENT_MESSAGE) == "0-19"
        other_outbox.mark_sent(EVENT_MESSAGE, NOW)
        other_outbox.record_progress(EVENT_MESSAGE, "0-29")
        assert other_outbox.load_progress(EVENT_MESSAGE) == ""
        assert list(other_outbox.list_pending(None, NOW + DAY)) == []


@every_outbox
def test_a_message_is_replaced_if_its_channel_does_not_exist(open_outboxes: OpenOutboxes) -> None:
    """The replacement has no attempts, and the replaced message is removed in the same transaction."""
    replacement = replace(MESSAGE, message_id="3", channel_id="sns:right")
    with open_outbox_with(open_outboxes, MESSAGE) as (outbox, other_outbox):
        outbox.claim(MESSAGE, NOW, NOW + LEASE)
        assert outbox.readdress(MESSAGE, replacement)
        assert list(other_outbox.list_pending(None, NOW)) == [replacement]
        assert other_outbox.claim(MESSAGE, NOW + DAY, NOW + DAY + LEASE) is None
        assert other_outbox.claim(replacement, NOW, NOW + LEASE) == FIRST_CLAIM


@every_outbox
@pytest.mark.parametrize("is_sent", [False, True])
def test_a_message_is_not_replaced_by_a_message_of_its_new_channel(open_outboxes: OpenOutboxes, is_sent: bool) -> None:
    """A message does not replace another if its new channel already has the same message, pending or sent."""
    replacement = replace(MESSAGE, message_id="3", channel_id="sns:right")
    with open_outbox_with(open_outboxes, MESSAGE, replacement) as (outbox, other_outbox):
        if is_sent:
            other_outbox.claim(replacement, NOW, NOW + LEASE)
            other_outbox.mark_sent(replacement, NOW)
        outbox.claim(MESSAGE, NOW, NOW + LEASE)
        assert not outbox.readdress(MESSAGE, replacement)
        assert list(other_outbox.list_pending(None, NOW + DAY)) == [MESSAGE, *([] if is_sent else [replacement])]
