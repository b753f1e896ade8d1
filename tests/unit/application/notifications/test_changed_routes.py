"""Messages to a channel that was removed or restricted are readdressed, or dropped."""

from dataclasses import replace

from backup_auditor.domain.finding import Severity
from backup_auditor.errors import ChannelRefusedError
from support.builders.notifications import SLACK_CHANNEL, SNS_CHANNEL, build_alert_report, build_open_finding
from support.fakes.channels import DeliveryHarness


def test_messages_to_a_wrong_name_go_to_the_corrected_one() -> None:
    """Each waiting message goes once to the corrected channel, for every audit that it has no message about."""
    harness, wrong_channel = DeliveryHarness(), replace(SLACK_CHANNEL, target="backup-auditor/webhooks/slak")
    harness.webhooks.script = [ChannelRefusedError("there is no such secret")] * 2
    for name in ("first", "second"):
        harness.record_audit(
            build_alert_report(build_open_finding(), audit_id=name), channels=(SNS_CHANNEL, wrong_channel)
        )
    assert harness.deliver().sent_count == 2
    harness.channels["search"] = (SNS_CHANNEL, SLACK_CHANNEL)
    assert harness.sweep_after().dropped_count == 0
    assert harness.sweep_after().sent_count == 2
    assert [it["secret"] for it in harness.webhooks.recorded_calls] == [SLACK_CHANNEL.target] * 2
    assert not harness.outbox.pending_by_id


def test_a_channel_that_was_notified_replaces_no_other() -> None:
    """A waiting message of a removed webhook is dropped if the remaining webhook has one about the audit."""
    harness, former_channel = DeliveryHarness(), replace(SLACK_CHANNEL, target="backup-auditor/webhooks/former")
    harness.record_audit(channels=(SLACK_CHANNEL, former_channel))
    harness.channels["search"] = (SLACK_CHANNEL,)
    deliveries = harness.deliver()
    assert (deliveries.sent_count, deliveries.dropped_count) == (1, 1)
    assert len(harness.webhooks.recorded_calls) == 1
    assert not harness.outbox.pending_by_id


def test_a_channel_with_a_higher_minimum_receives_nothing() -> None:
    """A waiting message without a finding at or above the channel's current minimum is dropped."""
    harness = DeliveryHarness()
    harness.record_audit(build_alert_report(build_open_finding(severity=Severity.MEDIUM)), channels=(SLACK_CHANNEL,))
    harness.channels["search"] = (replace(SLACK_CHANNEL, min_severity=Severity.CRITICAL),)
    assert harness.deliver().dropped_count == 1
    assert "nothing in it has severity critical or higher" in harness.log.join_messages("warning")
    assert not harness.webhooks.recorded_calls
