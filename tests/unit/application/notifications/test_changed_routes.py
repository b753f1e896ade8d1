"""What waits for a channel that is gone, or wants to hear of less: told where it is not known, and only there."""

from dataclasses import replace

from backup_auditor.domain.finding import Severity
from backup_auditor.errors import ChannelRefusedError
from support.builders.notifications import SLACK_CHANNEL, SNS_CHANNEL, build_alert_report, build_open_finding
from support.fakes.channels import DeliveryHarness


def test_what_waits_for_a_wrong_name_goes_to_the_right_one() -> None:
    """Once, however many were told already, and of every audit that it has not heard of."""
    harness, wrong_channel = DeliveryHarness(), replace(SLACK_CHANNEL, target="backup-auditor/slak")
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
    """A webhook that is taken away while another stays loses what waited for it."""
    harness, former_channel = DeliveryHarness(), replace(SLACK_CHANNEL, target="backup-auditor/former")
    harness.record_audit(channels=(SLACK_CHANNEL, former_channel))
    harness.channels["search"] = (SLACK_CHANNEL,)
    deliveries = harness.deliver()
    assert (deliveries.sent_count, deliveries.dropped_count) == (1, 1)
    assert len(harness.webhooks.recorded_calls) == 1
    assert not harness.outbox.pending_by_id


def test_a_channel_that_wants_to_hear_of_less_by_now_is_not_told_that_all_is_well() -> None:
    """What waits for it holds nothing that it wants to hear of."""
    harness = DeliveryHarness()
    harness.record_audit(build_alert_report(build_open_finding(severity=Severity.MEDIUM)), channels=(SLACK_CHANNEL,))
    harness.channels["search"] = (replace(SLACK_CHANNEL, min_severity=Severity.CRITICAL),)
    assert harness.deliver().dropped_count == 1
    assert "nothing in it has severity critical or higher" in harness.log.join_messages("warning")
    assert not harness.webhooks.recorded_calls
