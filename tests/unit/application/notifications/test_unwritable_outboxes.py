"""What delivering makes of an outbox that cannot be written, or that others use at the same time."""

from datetime import datetime, timedelta

import pytest

from backup_auditor.domain.outbox import OutboxMessage
from backup_auditor.errors import DeliveryError, StateError
from support.builders.facts import NOW
from support.builders.notifications import SLACK, TOPIC
from support.fakes.channels import PostOffice
from support.fakes.stores import FakeOutbox

MINUTE = timedelta(minutes=1)
BUSY = DeliveryError("it answered 503")


class UnwritableOutbox(FakeOutbox):
    """An outbox in which some things cannot be written."""

    def __init__(self, *broken: str) -> None:
        """Break these."""
        super().__init__()
        self.broken = set(broken)

    def __getattribute__(self, name: str) -> object:
        """Fail instead of what is broken."""
        if name in {"claim", "mark_sent", "mark_failed", "record_progress", "list_pending"} and name in self.broken:
            raise StateError(f"{name} is not allowed; look at the role")
        return super().__getattribute__(name)


def test_what_was_accepted_is_not_sent_again_where_only_a_note_of_it_can_be_made() -> None:
    """The note is enough to know; the failure is visible until it can be put away."""
    outbox = UnwritableOutbox("mark_sent")
    office = PostOffice(outbox=outbox)
    office.audited(channels=(TOPIC,))
    assert office.deliver().failures_by_project == {"search": 1}
    assert office.sweep_after().failures_by_project == {"search": 1}
    outbox.broken.clear()
    assert office.sweep_after().failures_by_project == {"search": 0}
    assert len(office.topics.heard) == 1


def test_an_acceptance_that_can_be_recorded_later_in_the_same_run_is() -> None:
    """One write that failed is no failure of the delivery."""
    outbox = UnwritableOutbox("mark_sent")
    office = PostOffice(outbox=outbox)
    office.audited(channels=(TOPIC,))
    office._sleep = lambda seconds: outbox.broken.discard("mark_sent") if seconds else None  # type: ignore[method-assign]
    assert office.deliver().failures_by_project == {"search": 0}


@pytest.mark.parametrize("broken", ["claim", "mark_failed"])
def test_an_outbox_that_cannot_be_written_is_visible(broken: str) -> None:
    """Nothing is sent that was not taken, and what could not be recorded counts as a failure."""
    outbox = UnwritableOutbox(broken)
    office = PostOffice(outbox=outbox)
    office.audited(channels=(SLACK,))
    office.webhooks.script = [BUSY] * 3
    assert office.deliver().failures_by_project == {"search": 1}
    outbox.broken.clear()
    office.webhooks.script = []
    assert office.sweep_after().sent_count == 1


def test_an_outbox_that_cannot_be_read_ends_it() -> None:
    """Then nothing was looked at."""
    office = PostOffice(outbox=UnwritableOutbox("list_pending"))
    with pytest.raises(StateError):
        office.deliver()


def test_what_another_has_taken_is_left_to_it() -> None:
    """A message that was due a moment ago, and is taken now, waits."""
    office = PostOffice()
    (message,) = office.audited(channels=(SLACK,))
    pending = office.outbox.list_pending

    def taken_meanwhile(project: str | None, now: datetime) -> list[OutboxMessage]:
        found = pending(project, now)
        office.outbox.claim(message, NOW, NOW + MINUTE)
        return found

    office.outbox.list_pending = taken_meanwhile  # type: ignore[method-assign]
    assert office.deliver().waiting_count == 1
    assert not office.webhooks.heard
