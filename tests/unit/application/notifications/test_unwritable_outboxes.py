"""Deliveries handle an outbox that cannot be written, or that another function uses."""

from datetime import datetime, timedelta

import pytest

from backup_auditor.domain.outbox import OutboxMessage
from backup_auditor.errors import DeliveryError, StateError
from support.builders.facts import NOW
from support.builders.notifications import SLACK_CHANNEL, SNS_CHANNEL
from support.fakes.channels import DeliveryHarness
from support.fakes.stores import FakeOutbox

MINUTE = timedelta(minutes=1)
BUSY_ERROR = DeliveryError("it returned 503")


class UnwritableOutbox(FakeOutbox):
    """An outbox in which some things cannot be written."""

    def __init__(self, *failing_names: str) -> None:
        """Break these."""
        super().__init__()
        self.failing_names = set(failing_names)

    def __getattribute__(self, name: str) -> object:
        """Fail instead of what is broken."""
        if (
            name in {"claim", "mark_sent", "mark_failed", "record_progress", "list_pending"}
            and name in self.failing_names
        ):
            raise StateError(f"{name} is not allowed; look at the role")
        return super().__getattribute__(name)


def test_an_accepted_message_recorded_only_as_progress_is_not_sent_again() -> None:
    """The failure is visible after four hours, until the message can be marked as sent."""
    outbox = UnwritableOutbox("mark_sent")
    harness = DeliveryHarness(outbox=outbox)
    harness.record_audit(channels=(SNS_CHANNEL,))
    assert harness.deliver().failures_by_project == {"search": 0}
    assert harness.sweep_after(timedelta(hours=5)).failures_by_project == {"search": 1}
    outbox.failing_names.clear()
    assert harness.sweep_after().failures_by_project == {"search": 0}
    assert len(harness.topics.recorded_calls) == 1


def test_an_acceptance_is_recorded_after_a_retry() -> None:
    """One failed write is not a failure of the delivery."""
    outbox = UnwritableOutbox("mark_sent")
    harness = DeliveryHarness(outbox=outbox)
    harness.record_audit(channels=(SNS_CHANNEL,))
    harness._wait = lambda seconds: outbox.failing_names.discard("mark_sent") if seconds else None  # type: ignore[method-assign]
    assert harness.deliver().failures_by_project == {"search": 0}


@pytest.mark.parametrize("failing_name", ["claim", "mark_failed"])
def test_an_outbox_that_cannot_be_written_is_visible(failing_name: str) -> None:
    """No unclaimed message is sent, and what cannot be recorded counts as a failure after four hours."""
    outbox = UnwritableOutbox(failing_name)
    harness = DeliveryHarness(outbox=outbox)
    harness.record_audit(channels=(SLACK_CHANNEL,))
    harness.webhooks.script = [BUSY_ERROR] * 3
    harness.now += timedelta(hours=5)
    assert harness.deliver().failures_by_project == {"search": 1}
    outbox.failing_names.clear()
    harness.webhooks.script = []
    assert harness.sweep_after().sent_count == 1


def test_an_outbox_that_cannot_be_read_is_an_error() -> None:
    """If the outbox cannot be read, nothing is delivered."""
    harness = DeliveryHarness(outbox=UnwritableOutbox("list_pending"))
    with pytest.raises(StateError):
        harness.deliver()


def test_a_claimed_message_is_left_to_its_claimer() -> None:
    """A pending message that another function claimed meanwhile waits."""
    harness = DeliveryHarness()
    (message,) = harness.record_audit(channels=(SLACK_CHANNEL,))
    list_pending = harness.outbox.list_pending

    def claim_meanwhile(project: str | None, now: datetime) -> list[OutboxMessage]:
        messages = list_pending(project, now)
        harness.outbox.claim(message, NOW, NOW + MINUTE)
        return messages

    harness.outbox.list_pending = claim_meanwhile  # type: ignore[method-assign]
    assert harness.deliver().waiting_count == 1
    assert not harness.webhooks.recorded_calls
