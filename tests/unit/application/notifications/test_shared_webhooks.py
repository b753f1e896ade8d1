"""A webhook that several projects are told by is one channel, not one for each of them."""

from datetime import timedelta
from threading import Lock
from time import sleep

from backup_auditor.errors import DeliveryError
from support.builders.facts import NOW
from support.builders.notifications import SLACK, TOPIC, found, told
from support.fakes.channels import PostOffice

MINUTE = timedelta(minutes=1)


def test_projects_that_share_a_webhook_take_turns() -> None:
    """It takes one message a second, whosesoever: asked by eight at once it would refuse most of them."""
    office = PostOffice()
    projects = [f"project-{number}" for number in range(20)]
    for it in projects:
        office.audited(told(found(), project=it), channels=(SLACK,))
    under_way = Lock()

    def take(call: object) -> None:
        assert under_way.acquire(blocking=False), "two at once"
        sleep(0.001)
        office.webhooks.heard.append(call)
        under_way.release()

    office.webhooks.take = take  # type: ignore[method-assign]
    assert office.deliver().failures_by_project == dict.fromkeys(projects, 0)
    assert len(office.webhooks.heard) == 20


def test_a_webhook_that_asks_to_be_left_alone_is_left_alone_by_every_project() -> None:
    """What waits is no failure of its project."""
    office = PostOffice()
    office.audited(channels=(SLACK,))
    office.audited(told(found(), project="shop", observed_at=NOW + MINUTE), channels=(SLACK, TOPIC))
    office.webhooks.script = [DeliveryError("429", retry_after=600)]
    deliveries = office.deliver()
    assert (deliveries.sent_count, deliveries.failed_count, deliveries.waiting_count) == (1, 1, 1)
    assert not office.webhooks.heard
    assert office.sweep_after(10 * MINUTE).sent_count == 2
