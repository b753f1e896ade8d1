"""What becomes of messages: accepted once, tried again where that is safe, visible where it is not."""

import hashlib
import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backup_auditor.application.notifications.dispatcher import deliver_pending
from backup_auditor.application.notifications.routing import ChannelRouter
from backup_auditor.domain.outbox import ChannelKind
from backup_auditor.domain.registry import Registry
from backup_auditor.errors import AcceptanceUnknownError, ChannelRefusedError, DeliveryError, RegistryError, SecretError
from support.builders.facts import NOW
from support.builders.notifications import EVENTS, SLACK, TOPIC, found, told
from support.fakes.channels import PostOffice

MINUTE = timedelta(minutes=1)
BUSY = DeliveryError("it answered 503")
LOST = AcceptanceUnknownError("the answer was lost")
REFUSED = ChannelRefusedError("it is gone; make a new one")


def test_every_channel_is_told_once() -> None:
    """Each takes its message, and a second delivery has nothing to do."""
    office = PostOffice()
    office.audited()
    deliveries = office.deliver("search")
    assert (deliveries.sent_count, deliveries.failed_count, deliveries.failures_by_project) == (3, 0, {"search": 0})
    assert (len(office.topics.heard), len(office.webhooks.heard)) == (1, 1)
    assert [it.detail_type for it in office.bus.heard] == ["Backup Audit Completed", "Backup Finding Opened"]
    assert office.sweep_after().sent_count == 0
    assert not office.outbox.waiting


def test_only_one_kind_is_delivered_where_only_one_is_asked_for() -> None:
    """An audit puts its events itself, and leaves its digests to others."""
    office = PostOffice()
    office.audited()
    assert office.deliver("search", ChannelKind.EVENTS).sent_count == 1
    assert not office.topics.heard
    assert office.deliver("search").sent_count == 2


def test_a_project_is_delivered_without_the_others() -> None:
    """Only a sweep delivers for all."""
    office = PostOffice()
    office.audited()
    office.audited(told(found(), project="shop"))
    assert office.deliver("shop").failures_by_project == {"shop": 0}
    assert office.deliver().failures_by_project == {"search": 0}


def test_what_fails_for_the_moment_is_tried_three_times_at_once() -> None:
    """The waits between grow."""
    office = PostOffice()
    office.audited(channels=(TOPIC,))
    office.topics.script = [BUSY, BUSY]
    assert office.deliver().sent_count == 1
    assert [it for it in office.slept if it] == [0.5, 2.0]


def test_a_wait_that_a_channel_asks_for_is_kept() -> None:
    """`Retry-After` is waited for where there is time for it."""
    office = PostOffice()
    office.audited(channels=(SLACK,))
    office.webhooks.script = [DeliveryError("429", retry_after=30)]
    assert office.deliver().sent_count == 1
    assert [it for it in office.slept if it] == [30.25]


def test_a_wait_for_which_there_is_no_time_is_left_to_the_next_sweep() -> None:
    """The message is not due before the wait is over, and other messages to that channel wait as well."""
    office = PostOffice()
    office.audited(channels=(SLACK,))
    office.audited(told(found("users"), audit_id="1" * 32, observed_at=NOW + MINUTE), channels=(SLACK,))
    office.webhooks.script = [DeliveryError("429", retry_after=600)]
    deliveries = office.deliver()
    assert (deliveries.sent_count, deliveries.failed_count, deliveries.waiting_count) == (0, 1, 1)
    assert office.sweep_after(9 * MINUTE).sent_count == 1
    assert office.sweep_after(MINUTE).sent_count == 1


def test_one_channel_keeps_no_other_from_being_told() -> None:
    """A webhook that is gone is no reason for the topic to be silent."""
    office = PostOffice()
    office.audited()
    office.webhooks.script = [REFUSED]
    deliveries = office.deliver()
    assert (deliveries.sent_count, deliveries.failed_count) == (2, 1)


@pytest.mark.parametrize(
    "error,lasting",
    [
        pytest.param(BUSY, [0, 1, 1, 1, 1, 1], id="busy"),
        pytest.param(LOST, [0, 1, 1, 1, 1, 1], id="lost"),
        pytest.param(REFUSED, [1, 1, 1, 1, 1, 1], id="refused"),
        pytest.param(SecretError("the secret is empty"), [1, 1, 1, 1, 1, 1], id="secret"),
    ],
)
def test_what_fails_lastingly_is_counted_every_time(error: Exception, lasting: list[int]) -> None:
    """A refusal counts at once, anything else from the second attempt on, until it is accepted."""
    office = PostOffice()
    office.audited(channels=(SLACK,))
    office.webhooks.script = [error] * 99
    assert [office.sweep_after().failures_by_project["search"] for _ in range(6)] == lasting
    office.webhooks.script = []
    deliveries = office.sweep_after()
    assert (deliveries.sent_count, deliveries.failures_by_project) == (1, {"search": 0})


def test_the_waits_between_attempts_grow_to_less_than_an_hour() -> None:
    """What is stuck fails at every third sweep, before an hour is over, so that its alarm stays on."""
    office = PostOffice()
    (message,) = office.audited(channels=(SLACK,))
    office.webhooks.script = [REFUSED] * 99
    waits = []
    for _ in range(6):
        office.deliver()
        retry_at = office.outbox.waiting[message.message_id].retry_at
        assert retry_at is not None
        waits.append((retry_at - office.now) // MINUTE)
        office.now = retry_at
    assert waits == [1, 5, 15, 40, 40, 40]


def test_who_asks_for_days_is_asked_again_within_the_hour() -> None:
    """A channel may not put its own alarm to sleep."""
    office = PostOffice()
    (message,) = office.audited(channels=(SLACK,))
    office.webhooks.script = [DeliveryError("429", retry_after=999_999)]
    office.deliver()
    assert office.outbox.waiting[message.message_id].retry_at == office.now + 40 * MINUTE


@pytest.mark.parametrize(
    "error,is_said",
    [pytest.param(LOST, True, id="lost"), pytest.param(BUSY, False, id="busy"), pytest.param(REFUSED, False, id="no")],
)
def test_what_may_be_a_repeat_says_so(error: Exception, is_said: bool) -> None:
    """Where an answer was lost, the message is not sent again at once, and says so when it is."""
    office = PostOffice()
    (message,) = office.audited(channels=(TOPIC,))
    office.topics.script = [error] * (3 if error is BUSY else 1)
    assert office.deliver().failed_count == 1
    assert office.sweep_after().sent_count == 1
    (sent,) = office.topics.heard
    assert json.loads(json.loads(sent["message"])["sqs"])["possible_duplicate"] is is_said
    assert sent["attributes"]["message_id"] == message.message_id


def test_a_message_whose_sender_was_stopped_is_sent_when_its_lease_is_over() -> None:
    """It says that it may be a repeat, and nobody sends it before."""
    office = PostOffice()
    (message,) = office.audited(channels=(TOPIC,))
    office.outbox.claim(message, NOW, NOW + 16 * MINUTE)
    assert office.sweep_after(15 * MINUTE).sent_count == 0
    assert office.sweep_after(MINUTE).sent_count == 1
    assert 'may_be_repeat\\":true' in office.topics.heard[0]["message"]


def test_a_lease_outlasts_its_taker() -> None:
    """It is over a minute after whoever took it was stopped."""
    office = PostOffice(seconds_left=120.0)
    (message,) = office.audited(channels=(SLACK,))
    taken = office.outbox.waiting[message.message_id]
    seen: list[datetime | None] = []
    office.webhooks.take = lambda call: seen.append(taken.taken_until)  # type: ignore[method-assign]  # noqa: ARG005
    office.deliver()
    assert seen == [NOW + 3 * MINUTE]


def test_an_altered_report_is_told_nowhere() -> None:
    """It counts as a failure at once, and the log says which version to restore."""
    office = PostOffice()
    (message,) = office.audited(channels=(TOPIC,))
    kept = message.report
    office.evidence.kept[kept.location] += b" "
    assert office.deliver().failures_by_project == {"search": 1}
    assert not office.topics.heard
    assert kept.sha256 in office.log.told("error")


def test_a_report_that_is_gone_is_told_nowhere() -> None:
    """The message waits until the report is back."""
    office = PostOffice()
    (message,) = office.audited(channels=(TOPIC,))
    content = office.evidence.kept.pop(message.report.location)
    assert office.deliver().failed_count == 1
    office.evidence.kept[message.report.location] = content
    assert office.sweep_after().sent_count == 1


def test_a_channel_that_is_no_longer_registered_is_not_told() -> None:
    """The message is put away, and the log says so."""
    office = PostOffice()
    office.audited()
    office.channels["search"] = (EVENTS, SLACK)
    deliveries = office.deliver()
    assert (deliveries.sent_count, deliveries.dropped_count) == (2, 1)
    assert "no such channel" in office.log.told("warning")
    assert not office.outbox.waiting


def test_where_the_registry_cannot_be_read_alerts_wait() -> None:
    """They count as failures, events are put all the same, and nothing is lost."""
    office = PostOffice()
    office.audited()

    def unreadable(*, fresh: bool) -> Registry:
        raise RegistryError(f"the registry has no version: 1; add it (read afresh: {fresh})")

    deliveries = deliver_pending(office.means, ChannelRouter(unreadable).find_route)
    assert (deliveries.sent_count, deliveries.failures_by_project) == (1, {"search": 2})
    assert office.deliver().sent_count == 2


def test_a_defect_keeps_no_other_message() -> None:
    """What nobody expected is recorded without its text, which may hold anything."""
    office = PostOffice()
    office.audited()
    office.webhooks.script = [ZeroDivisionError("a secret")]
    assert office.deliver().sent_count == 2
    assert "ZeroDivisionError in support.fakes.channels:" in office.log.told("warning")
    assert "a secret" not in str(office.log.lines)


def test_without_time_nothing_is_begun() -> None:
    """What is not taken is there for the next."""
    office = PostOffice(seconds_left=39.0)
    office.audited()
    assert office.deliver().waiting_count == 3
    office.seconds_left = 290.0
    assert office.deliver().sent_count == 3


def test_the_newest_message_reaches_a_channel_last() -> None:
    """A reader sees the nights in their order."""
    office = PostOffice()
    later = told(found("users"), audit_id="1" * 32, observed_at=NOW + MINUTE)
    office.audited(later, channels=(TOPIC,))
    office.audited(channels=(TOPIC,))
    office.deliver()
    ids = [json.loads(json.loads(it["message"])["sqs"])["audit_id"] for it in office.topics.heard]
    assert ids == [told().audit_id, later.audit_id]


def test_every_line_about_a_message_names_its_audit() -> None:
    """And the project, the channel and the message."""
    office = PostOffice()
    office.audited()
    office.webhooks.script = [REFUSED]
    office.deliver()
    assert len(office.log.lines) == 3
    for _, _, extra in office.log.lines:
        assert {"project", "audit_id", "message_id", "channel", "trigger"} <= extra.keys()


def test_a_report_of_another_version_is_told_nowhere() -> None:
    """Who reads it says which version to read it with."""
    office = PostOffice()
    (message,) = office.audited(channels=(EVENTS,))
    content = b'{"schema_version": "2"}'
    kept = replace(message.report, sha256=hashlib.sha256(content).hexdigest())
    office.evidence.kept[kept.location] = content
    office.outbox.waiting[message.message_id].message = replace(message, report=kept)
    assert office.deliver().failed_count == 1
    assert "schema version" in office.log.told("warning")
