"""A webhook that several projects share is one channel."""

from datetime import timedelta
from threading import Lock
from time import sleep

from backup_auditor.errors import DeliveryError
from support.builders.facts import NOW
from support.builders.notifications import SLACK_CHANNEL, SNS_CHANNEL, build_alert_report, build_open_finding
from support.fakes.channels import DeliveryHarness

MINUTE = timedelta(minutes=1)


def test_projects_that_share_a_webhook_take_turns() -> None:
    """A shared webhook receives one message at a time."""
    harness = DeliveryHarness()
    projects = [f"project-{number}" for number in range(20)]
    for project in projects:
        harness.record_audit(build_alert_report(build_open_finding(), project=project), channels=(SLACK_CHANNEL,))
    in_progress = Lock()

    def take_one_call(call: object) -> None:
        assert in_progress.acquire(blocking=False), "two at once"
        sleep(0.001)
        harness.webhooks.recorded_calls.append(call)
        in_progress.release()

    harness.webhooks.record_call = take_one_call  # type: ignore[method-assign]
    assert harness.deliver().failures_by_project == dict.fromkeys(projects, 0)
    assert len(harness.webhooks.recorded_calls) == 20


def test_a_busy_webhook_is_busy_for_every_project() -> None:
    """A message that waits for a busy webhook is not a failure of its project."""
    harness = DeliveryHarness()
    harness.record_audit(channels=(SLACK_CHANNEL,))
    harness.record_audit(
        build_alert_report(build_open_finding(), project="shop", observed_at=NOW + MINUTE),
        channels=(SLACK_CHANNEL, SNS_CHANNEL),
    )
    harness.webhooks.script = [DeliveryError("429", retry_after=600)]
    deliveries = harness.deliver()
    assert (deliveries.sent_count, deliveries.failed_count, deliveries.waiting_count) == (1, 1, 1)
    assert not harness.webhooks.recorded_calls
    assert harness.sweep_after(10 * MINUTE).sent_count == 2
