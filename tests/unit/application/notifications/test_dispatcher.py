"""Messages are accepted once, retried where that is safe, and reported where it is not."""

import hashlib
import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backup_auditor.application.notifications.dispatcher import ChannelRouter, deliver_pending
from backup_auditor.domain.finding import Severity
from backup_auditor.domain.notifications.failures import create_notice_messages
from backup_auditor.domain.outbox import Channel, ChannelKind
from backup_auditor.domain.registry import Registry
from backup_auditor.errors import (
    AcceptanceUnknownError,
    ChannelRefusedError,
    DeliveryError,
    DocumentError,
    RegistryError,
    SecretError,
    SecretUnavailableError,
)
from support.builders.facts import NOW
from support.builders.notifications import (
    EVENT_CHANNEL,
    SLACK_CHANNEL,
    SNS_CHANNEL,
    build_alert_report,
    build_notice,
    build_open_finding,
)
from support.fakes.channels import ALL_CHANNELS, DeliveryHarness
from support.fakes.stores import PendingMessage

MINUTE = timedelta(minutes=1)
BUSY_ERROR = DeliveryError("it returned 503")
LOST_ERROR = AcceptanceUnknownError("the answer was lost")
REFUSED_ERROR = ChannelRefusedError("it is gone; make a new one")


def test_every_channel_is_notified_once() -> None:
    """Each channel accepts its message, and a second delivery sends nothing."""
    harness = DeliveryHarness()
    harness.record_audit()
    deliveries = harness.deliver("search")
    assert (deliveries.sent_count, deliveries.failed_count, deliveries.failures_by_project) == (3, 0, {"search": 0})
    assert (len(harness.topics.recorded_calls), len(harness.webhooks.recorded_calls)) == (1, 1)
    assert [it.detail_type for it in harness.bus.recorded_calls] == ["Backup Audit Completed", "Backup Finding Opened"]
    assert harness.sweep_after().sent_count == 0
    assert not harness.outbox.pending_by_id


def record_notice(harness: DeliveryHarness, channels: tuple[Channel, ...] = ALL_CHANNELS) -> None:
    """Store the messages of a notice about a failure of `search`."""
    messages = create_notice_messages("search", build_notice(), channels)
    harness.outbox.pending_by_id |= {it.message_id: PendingMessage(it) for it in messages}
    harness.channels["search"] = channels


def test_a_notice_is_delivered_without_a_report() -> None:
    """Each channel accepts a notice once, whatever its minimum severity, and the bus receives its event."""
    harness = DeliveryHarness()
    record_notice(harness, (EVENT_CHANNEL, SNS_CHANNEL, replace(SLACK_CHANNEL, min_severity=Severity.CRITICAL)))
    assert harness.deliver().sent_count == 3
    assert [it.detail_type for it in harness.bus.recorded_calls] == ["Backup Audit Failed"]
    (publication,) = harness.topics.recorded_calls
    assert publication["subject"] == "CRITICAL: search: audit failed"
    (post,) = harness.webhooks.recorded_calls
    assert post["payload"]["text"].startswith(
        "CRITICAL: search: audit failed. The audit of search failed in all attempts"
    )
    assert harness.sweep_after().sent_count == 0


def test_a_notice_reaches_the_corrected_channel() -> None:
    """A notice to a channel that the project no longer has goes to one of the same kind."""
    harness = DeliveryHarness()
    record_notice(harness, (SNS_CHANNEL,))
    harness.channels["search"] = (replace(SNS_CHANNEL, target="corrected"),)
    assert harness.deliver().waiting_count == 1
    assert harness.sweep_after().sent_count == 1
    assert [it["topic"] for it in harness.topics.recorded_calls] == ["corrected"]


def test_only_the_requested_kind_is_delivered() -> None:
    """An audit publishes only its events, and leaves its digests in the outbox."""
    harness = DeliveryHarness()
    harness.record_audit()
    assert harness.deliver("search", ChannelKind.EVENTS).sent_count == 1
    assert not harness.topics.recorded_calls
    assert harness.deliver("search").sent_count == 2


def test_a_project_is_delivered_without_the_others() -> None:
    """A delivery for one project leaves the messages of other projects in the outbox."""
    harness = DeliveryHarness()
    harness.record_audit()
    harness.record_audit(build_alert_report(build_open_finding(), project="shop"))
    assert harness.deliver("shop").failures_by_project == {"shop": 0}
    assert harness.deliver().failures_by_project == {"search": 0}


def test_a_transient_failure_is_tried_three_times() -> None:
    """The waits between the attempts grow."""
    harness = DeliveryHarness()
    harness.record_audit(channels=(SNS_CHANNEL,))
    harness.topics.script = [BUSY_ERROR, BUSY_ERROR]
    assert harness.deliver().sent_count == 1
    assert [it for it in harness.waited_seconds if it] == [0.5, 2.0]


def test_a_requested_wait_is_respected() -> None:
    """A `Retry-After` is waited for if the time allows it."""
    harness = DeliveryHarness()
    harness.record_audit(channels=(SLACK_CHANNEL,))
    harness.webhooks.script = [DeliveryError("429", retry_after=30)]
    assert harness.deliver().sent_count == 1
    assert [it for it in harness.waited_seconds if it] == [30.25]


def test_a_wait_without_time_is_left_to_the_next_sweep() -> None:
    """The message is not retried before its wait is over, and other messages to its channel wait too."""
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


def test_a_failing_channel_does_not_block_another() -> None:
    """A removed webhook does not block the topic."""
    harness = DeliveryHarness()
    harness.record_audit()
    harness.webhooks.script = [REFUSED_ERROR]
    deliveries = harness.deliver()
    assert (deliveries.sent_count, deliveries.failed_count) == (2, 1)


@pytest.mark.parametrize(
    "error,lasting_error",
    [
        pytest.param(BUSY_ERROR, [0, 0, 0, 0, 1, 1], id="busy"),
        pytest.param(LOST_ERROR, [0, 0, 0, 0, 1, 1], id="lost"),
        pytest.param(REFUSED_ERROR, [1, 1, 1, 1, 1, 1], id="refused"),
        pytest.param(SecretError("the secret is empty"), [1, 1, 1, 1, 1, 1], id="secret"),
        pytest.param(SecretUnavailableError("it cannot be fetched"), [0, 0, 0, 0, 1, 1], id="secret-unavailable"),
    ],
)
def test_a_repeated_failure_is_counted_each_time(error: Exception, lasting_error: list[int]) -> None:
    """A refusal counts at once, and another error after four hours, until the message is accepted."""
    harness = DeliveryHarness()
    harness.record_audit(channels=(SLACK_CHANNEL,))
    harness.webhooks.script = [error] * 99
    assert [harness.sweep_after().failures_by_project["search"] for _ in range(6)] == lasting_error
    harness.webhooks.script = []
    deliveries = harness.sweep_after()
    assert (deliveries.sent_count, deliveries.failures_by_project) == (1, {"search": 0})


def test_the_waits_between_attempts_grow_to_less_than_an_hour() -> None:
    """A message that cannot be delivered fails at every third sweep, so its alarm stays on."""
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


def test_a_requested_wait_of_days_is_cut_to_less_than_an_hour() -> None:
    """A channel cannot silence its own alarm with a long wait."""
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
def test_a_possible_duplicate_says_so(error: Exception, is_reported: bool) -> None:
    """A message whose answer was lost is not sent again at once, and later says that it can be a duplicate."""
    harness = DeliveryHarness()
    (message,) = harness.record_audit(channels=(SNS_CHANNEL,))
    harness.topics.script = [error] * (3 if error is BUSY_ERROR else 1)
    assert harness.deliver().failed_count == 1
    assert harness.sweep_after().sent_count == 1
    (sent_call,) = harness.topics.recorded_calls
    assert json.loads(json.loads(sent_call["message"])["sqs"])["possible_duplicate"] is is_reported
    assert sent_call["attributes"]["message_id"] == message.message_id


def test_a_message_of_a_stopped_sender_is_sent_after_its_claim() -> None:
    """The message says that it can be a duplicate, and is not sent before its claim ends."""
    harness = DeliveryHarness()
    (message,) = harness.record_audit(channels=(SNS_CHANNEL,))
    harness.outbox.claim(message, NOW, NOW + 16 * MINUTE)
    assert harness.sweep_after(15 * MINUTE).sent_count == 0
    assert harness.sweep_after(MINUTE).sent_count == 1
    assert 'possible_duplicate\\":true' in harness.topics.recorded_calls[0]["message"]


def test_a_claim_outlasts_its_function() -> None:
    """A claim ends a minute after the function that made it."""
    harness = DeliveryHarness(seconds_left=120.0)
    (message,) = harness.record_audit(channels=(SLACK_CHANNEL,))
    pending_message = harness.outbox.pending_by_id[message.message_id]
    claim_expiries: list[datetime | None] = []
    harness.webhooks.record_call = lambda call: claim_expiries.append(pending_message.claimed_until)  # type: ignore[method-assign]  # noqa: ARG005
    harness.deliver()
    assert claim_expiries == [NOW + 3 * MINUTE]


def test_an_altered_report_is_not_sent() -> None:
    """An altered report counts as a failure at once, and the log names the version to restore."""
    harness = DeliveryHarness()
    (message,) = harness.record_audit(channels=(SNS_CHANNEL,))
    stored_report = message.require_report()
    harness.evidence.files[stored_report.location] += b" "
    assert harness.deliver().failures_by_project == {"search": 1}
    assert not harness.topics.recorded_calls
    assert stored_report.sha256 in harness.log.join_messages("error")


def test_a_missing_report_is_not_sent() -> None:
    """The message waits until its report exists again."""
    harness = DeliveryHarness()
    (message,) = harness.record_audit(channels=(SNS_CHANNEL,))
    location = message.require_report().location
    content = harness.evidence.files.pop(location)
    assert harness.deliver().failed_count == 1
    harness.evidence.files[location] = content
    assert harness.sweep_after().sent_count == 1


def test_a_channel_that_is_no_longer_registered_receives_nothing() -> None:
    """The message is dropped, and the log says so."""
    harness = DeliveryHarness()
    harness.record_audit()
    harness.channels["search"] = (EVENT_CHANNEL, SLACK_CHANNEL)
    deliveries = harness.deliver()
    assert (deliveries.sent_count, deliveries.dropped_count) == (2, 1)
    assert "no longer has this channel" in harness.log.join_messages("warning")
    assert not harness.outbox.pending_by_id


@pytest.mark.parametrize(
    "error, age, failure_count",
    [
        pytest.param(RegistryError("the registry has no version: 1; add it"), 0 * MINUTE, 2, id="invalid"),
        pytest.param(DocumentError("ssm:/registry: it cannot be fetched"), 240 * MINUTE, 0, id="at-limit"),
        pytest.param(DocumentError("ssm:/registry: it cannot be fetched"), 241 * MINUTE, 2, id="one-minute-past"),
    ],
)
def test_alerts_wait_while_the_registry_cannot_be_read(error: Exception, age: timedelta, failure_count: int) -> None:
    """Events are published, and the alerts wait: at once a failure if the registry is invalid, else after 4h."""
    harness = DeliveryHarness()
    harness.record_audit()
    harness.now += age

    def raise_registry_error(*, fresh: bool) -> Registry:
        assert isinstance(fresh, bool)
        raise error

    deliveries = deliver_pending(harness.dependencies, ChannelRouter(raise_registry_error).find_route)
    assert (deliveries.sent_count, deliveries.failures_by_project) == (1, {"search": failure_count})
    assert harness.deliver().sent_count == 2


def test_a_defect_does_not_block_other_messages() -> None:
    """An unexpected error is recorded without its text, which can hold secrets."""
    harness = DeliveryHarness()
    harness.record_audit()
    harness.webhooks.script = [ZeroDivisionError("a secret")]
    assert harness.deliver().sent_count == 2
    assert "ZeroDivisionError in support.fakes.channels:" in harness.log.join_messages("warning")
    assert "a secret" not in str(harness.log.lines)


def test_without_time_nothing_is_started() -> None:
    """Messages without enough time stay in the outbox."""
    harness = DeliveryHarness(seconds_left=39.0)
    harness.record_audit()
    assert harness.deliver().waiting_count == 3
    harness.seconds_left = 290.0
    assert harness.deliver().sent_count == 3


def test_the_newest_message_reaches_a_channel_last() -> None:
    """A channel receives the messages of several audits in their order."""
    harness = DeliveryHarness()
    later_report = build_alert_report(build_open_finding("users"), audit_id="1" * 32, observed_at=NOW + MINUTE)
    harness.record_audit(later_report, channels=(SNS_CHANNEL,))
    harness.record_audit(channels=(SNS_CHANNEL,))
    harness.deliver()
    ids = [json.loads(json.loads(it["message"])["sqs"])["audit_id"] for it in harness.topics.recorded_calls]
    assert ids == [build_alert_report().audit_id, later_report.audit_id]


def test_every_line_about_a_message_names_its_audit() -> None:
    """Each log line about a message has its audit, project, channel and id."""
    harness = DeliveryHarness()
    harness.record_audit()
    harness.webhooks.script = [REFUSED_ERROR]
    harness.deliver()
    assert len(harness.log.lines) == 3
    for _, _, extra in harness.log.lines:
        assert {"project", "audit_id", "message_id", "channel", "trigger"} <= extra.keys()


def test_a_report_of_another_version_is_not_sent() -> None:
    """The error names the version that can read the report."""
    harness = DeliveryHarness()
    (message,) = harness.record_audit(channels=(EVENT_CHANNEL,))
    content = b'{"schema_version": "2"}'
    stored_report = replace(message.require_report(), sha256=hashlib.sha256(content).hexdigest())
    harness.evidence.files[stored_report.location] = content
    harness.outbox.pending_by_id[message.message_id].message = replace(message, content=stored_report)
    assert harness.deliver().failed_count == 1
    assert "schema version" in harness.log.join_messages("warning")
