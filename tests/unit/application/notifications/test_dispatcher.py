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
from support.builders.notifications import (
    EVENT_CHANNEL,
    SLACK_CHANNEL,
    SNS_CHANNEL,
    build_alert_report,
    build_open_finding,
)
from support.fakes.channels import DeliveryHarness

MINUTE = timedelta(minutes=1)
BUSY_ERROR = DeliveryError("it answered 503")
LOST_ERROR = AcceptanceUnknownError("the answer was lost")
REFUSED_ERROR = ChannelRefusedError("it is gone; make a new one")


def test_every_channel_is_notified_once() -> None:
    """Each takes its message, and a second delivery has nothing to do."""
    harness = DeliveryHarness()
    harness.record_audit()
    deliveries = harness.deliver("search")
    assert (deliveries.sent_count, deliveries.failed_count, deliveries.failures_by_project) == (3, 0, {"search": 0})
    assert (len(harness.topics.recorded_calls), len(harness.webhooks.recorded_calls)) == (1, 1)
    assert [it.detail_type for it in harness.bus.recorded_calls] == ["Backup Audit Completed", "Backup Finding Opened"]
    assert harness.sweep_after().sent_count == 0
    assert not harness.outbox.pending_by_id


def test_only_one_kind_is_delivered_where_only_one_is_asked_for() -> None:
    """An audit puts its events itself, and leaves its digests to others."""
    harness = DeliveryHarness()
    harness.record_audit()
    assert harness.deliver("search", ChannelKind.EVENTS).sent_count == 1
    assert not harness.topics.recorded_calls
    assert harness.deliver("search").sent_count == 2


def test_a_project_is_delivered_without_the_others() -> None:
    """Only a sweep delivers for all."""
    harness = DeliveryHarness()
    harness.record_audit()
    harness.record_audit(build_alert_report(build_open_finding(), project="shop"))
    assert harness.deliver("shop").failures_by_project == {"shop": 0}
    assert harness.deliver().failures_by_project == {"search": 0}


def test_what_fails_for_the_moment_is_tried_three_times_at_once() -> None:
    """The waits between grow."""
    harness = DeliveryHarness()
    harness.record_audit(channels=(SNS_CHANNEL,))
    harness.topics.script = [BUSY_ERROR, BUSY_ERROR]
    assert harness.deliver().sent_count == 1
    assert [it for it in harness.waited_seconds if it] == [0.5, 2.0]


def test_a_wait_that_a_channel_asks_for_is_kept() -> None:
    """`Retry-After` is waited for where there is time for it."""
    harness = DeliveryHarness()
    harness.record_audit(channels=(SLACK_CHANNEL,))
    harness.webhooks.script = [DeliveryError("429", retry_after=30)]
    assert harness.deliver().sent_count == 1
    assert [it for it in harness.waited_seconds if it] == [30.25]


def test_a_wait_for_which_there_is_no_time_is_left_to_the_next_sweep() -> None:
    """The message is not due before the wait is over, and other messages to that channel wait as well."""
    harness = DeliveryHarness()
    harness.record_audit(channels=(SLACK_CHANNEL,))
    harness.record_audit(
        build_alert_report(build_open_finding("users"), audit_id="1" * 32, observed_at=NOW + MINUTE),
        channels=(SLACK_CHANNEL,),
    )
    harness.webhooks.script = [DeliveryError("429", retry_after=600)]
    deliveries = harness.deliver()
    assert (deliveries.sent_count, deliveries.failed_count, deliveries.waiting_count) == (0, 1, 1)
    assert harness.sweep_after(9 * MINUTE).sent_count == 1
    assert harness.sweep_after(MINUTE).sent_count == 1


def test_one_channel_keeps_no_other_from_being_told() -> None:
    """A webhook that is gone is no reason for the topic to be silent."""
    harness = DeliveryHarness()
    harness.record_audit()
    harness.webhooks.script = [REFUSED_ERROR]
    deliveries = harness.deliver()
    assert (deliveries.sent_count, deliveries.failed_count) == (2, 1)


@pytest.mark.parametrize(
    "error,lasting_error",
    [
        pytest.param(BUSY_ERROR, [0, 1, 1, 1, 1, 1], id="busy"),
        pytest.param(LOST_ERROR, [0, 1, 1, 1, 1, 1], id="lost"),
        pytest.param(REFUSED_ERROR, [1, 1, 1, 1, 1, 1], id="refused"),
        pytest.param(SecretError("the secret is empty"), [1, 1, 1, 1, 1, 1], id="secret"),
    ],
)
def test_what_fails_lastingly_is_counted_every_time(error: Exception, lasting_error: list[int]) -> None:
    """A refusal counts at once, anything else from the second attempt on, until it is accepted."""
    harness = DeliveryHarness()
    harness.record_audit(channels=(SLACK_CHANNEL,))
    harness.webhooks.script = [error] * 99
    assert [harness.sweep_after().failures_by_project["search"] for _ in range(6)] == lasting_error
    harness.webhooks.script = []
    deliveries = harness.sweep_after()
    assert (deliveries.sent_count, deliveries.failures_by_project) == (1, {"search": 0})


def test_the_waits_between_attempts_grow_to_less_than_an_hour() -> None:
    """What is stuck fails at every third sweep, before an hour is over, so that its alarm stays on."""
    harness = DeliveryHarness()
    (message,) = harness.record_audit(channels=(SLACK_CHANNEL,))
    harness.webhooks.script = [REFUSED_ERROR] * 99
    waits = []
    for _ in range(6):
        harness.deliver()
        retry_at = harness.outbox.pending_by_id[message.message_id].retry_at
        assert retry_at is not None
        waits.append((retry_at - harness.now) // MINUTE)
        harness.now = retry_at
    assert waits == [1, 5, 15, 40, 40, 40]


def test_who_asks_for_days_is_asked_again_within_the_hour() -> None:
    """A channel may not put its own alarm to sleep."""
    harness = DeliveryHarness()
    (message,) = harness.record_audit(channels=(SLACK_CHANNEL,))
    harness.webhooks.script = [DeliveryError("429", retry_after=999_999)]
    harness.deliver()
    assert harness.outbox.pending_by_id[message.message_id].retry_at == harness.now + 40 * MINUTE


@pytest.mark.parametrize(
    "error,is_reported",
    [
        pytest.param(LOST_ERROR, True, id="lost"),
        pytest.param(BUSY_ERROR, False, id="busy"),
        pytest.param(REFUSED_ERROR, False, id="no"),
    ],
)
def test_what_may_be_a_repeat_says_so(error: Exception, is_reported: bool) -> None:
    """Where an answer was lost, the message is not sent again at once, and says so when it is."""
    harness = DeliveryHarness()
    (message,) = harness.record_audit(channels=(SNS_CHANNEL,))
    harness.topics.script = [error] * (3 if error is BUSY_ERROR else 1)
    assert harness.deliver().failed_count == 1
    assert harness.sweep_after().sent_count == 1
    (sent_call,) = harness.topics.recorded_calls
    assert json.loads(json.loads(sent_call["message"])["sqs"])["possible_duplicate"] is is_reported
    assert sent_call["attributes"]["message_id"] == message.message_id


def test_a_message_whose_sender_was_stopped_is_sent_when_its_lease_is_over() -> None:
    """It says that it may be a repeat, and nobody sends it before."""
    harness = DeliveryHarness()
    (message,) = harness.record_audit(channels=(SNS_CHANNEL,))
    harness.outbox.claim(message, NOW, NOW + 16 * MINUTE)
    assert harness.sweep_after(15 * MINUTE).sent_count == 0
    assert harness.sweep_after(MINUTE).sent_count == 1
    assert 'possible_duplicate\\":true' in harness.topics.recorded_calls[0]["message"]


def test_a_lease_outlasts_its_taker() -> None:
    """It is over a minute after whoever took it was stopped."""
    harness = DeliveryHarness(seconds_left=120.0)
    (message,) = harness.record_audit(channels=(SLACK_CHANNEL,))
    pending_message = harness.outbox.pending_by_id[message.message_id]
    claim_expiries: list[datetime | None] = []
    harness.webhooks.record_call = lambda call: claim_expiries.append(pending_message.claimed_until)  # type: ignore[method-assign]  # noqa: ARG005
    harness.deliver()
    assert claim_expiries == [NOW + 3 * MINUTE]


def test_an_altered_report_is_told_nowhere() -> None:
    """It counts as a failure at once, and the log says which version to restore."""
    harness = DeliveryHarness()
    (message,) = harness.record_audit(channels=(SNS_CHANNEL,))
    stored_report = message.report
    harness.evidence.files[stored_report.location] += b" "
    assert harness.deliver().failures_by_project == {"search": 1}
    assert not harness.topics.recorded_calls
    assert stored_report.sha256 in harness.log.join_messages("error")


def test_a_report_that_is_gone_is_told_nowhere() -> None:
    """The message waits until the report is back."""
    harness = DeliveryHarness()
    (message,) = harness.record_audit(channels=(SNS_CHANNEL,))
    content = harness.evidence.files.pop(message.report.location)
    assert harness.deliver().failed_count == 1
    harness.evidence.files[message.report.location] = content
    assert harness.sweep_after().sent_count == 1


def test_a_channel_that_is_no_longer_registered_is_not_told() -> None:
    """The message is put away, and the log says so."""
    harness = DeliveryHarness()
    harness.record_audit()
    harness.channels["search"] = (EVENT_CHANNEL, SLACK_CHANNEL)
    deliveries = harness.deliver()
    assert (deliveries.sent_count, deliveries.dropped_count) == (2, 1)
    assert "no longer has this channel" in harness.log.join_messages("warning")
    assert not harness.outbox.pending_by_id


def test_where_the_registry_cannot_be_read_alerts_wait() -> None:
    """They count as failures, events are put all the same, and nothing is lost."""
    harness = DeliveryHarness()
    harness.record_audit()

    def raise_document_error(*, fresh: bool) -> Registry:
        raise RegistryError(f"the registry has no version: 1; add it (read afresh: {fresh})")

    deliveries = deliver_pending(harness.dependencies, ChannelRouter(raise_document_error).find_route)
    assert (deliveries.sent_count, deliveries.failures_by_project) == (1, {"search": 2})
    assert harness.deliver().sent_count == 2


def test_a_defect_keeps_no_other_message() -> None:
    """What nobody expected is recorded without its text, which may hold anything."""
    harness = DeliveryHarness()
    harness.record_audit()
    harness.webhooks.script = [ZeroDivisionError("a secret")]
    assert harness.deliver().sent_count == 2
    assert "ZeroDivisionError in support.fakes.channels:" in harness.log.join_messages("warning")
    assert "a secret" not in str(harness.log.lines)


def test_without_time_nothing_is_begun() -> None:
    """What is not taken is there for the next."""
    harness = DeliveryHarness(seconds_left=39.0)
    harness.record_audit()
    assert harness.deliver().waiting_count == 3
    harness.seconds_left = 290.0
    assert harness.deliver().sent_count == 3


def test_the_newest_message_reaches_a_channel_last() -> None:
    """A reader sees the nights in their order."""
    harness = DeliveryHarness()
    later_report = build_alert_report(build_open_finding("users"), audit_id="1" * 32, observed_at=NOW + MINUTE)
    harness.record_audit(later_report, channels=(SNS_CHANNEL,))
    harness.record_audit(channels=(SNS_CHANNEL,))
    harness.deliver()
    ids = [json.loads(json.loads(it["message"])["sqs"])["audit_id"] for it in harness.topics.recorded_calls]
    assert ids == [build_alert_report().audit_id, later_report.audit_id]


def test_every_line_about_a_message_names_its_audit() -> None:
    """And the project, the channel and the message."""
    harness = DeliveryHarness()
    harness.record_audit()
    harness.webhooks.script = [REFUSED_ERROR]
    harness.deliver()
    assert len(harness.log.lines) == 3
    for _, _, extra in harness.log.lines:
        assert {"project", "audit_id", "message_id", "channel", "trigger"} <= extra.keys()


def test_a_report_of_another_version_is_told_nowhere() -> None:
    """Who reads it says which version to read it with."""
    harness = DeliveryHarness()
    (message,) = harness.record_audit(channels=(EVENT_CHANNEL,))
    content = b'{"schema_version": "2"}'
    stored_report = replace(message.report, sha256=hashlib.sha256(content).hexdigest())
    harness.evidence.files[stored_report.location] = content
    harness.outbox.pending_by_id[message.message_id].message = replace(message, report=stored_report)
    assert harness.deliver().failed_count == 1
    assert "schema version" in harness.log.join_messages("warning")
