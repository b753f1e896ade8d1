"""What waits for a channel that is gone, or wants to hear of less: told where it is not known, and only there."""

from dataclasses import replace

from backup_auditor.domain.finding import Severity
from backup_auditor.errors import ChannelRefusedError
from support.builders.notifications import SLACK, TOPIC, found, told
from support.fakes.channels import PostOffice


def test_what_waits_for_a_wrong_name_goes_to_the_right_one() -> None:
    """Once, however many were told already, and of every audit that it has not heard of."""
    office, wrong = PostOffice(), replace(SLACK, target="backup-auditor/slak")
    office.webhooks.script = [ChannelRefusedError("there is no such secret")] * 2
    for name in ("first", "second"):
        office.audited(told(found(), audit_id=name), channels=(TOPIC, wrong))
    assert office.deliver().sent_count == 2
    office.channels["search"] = (TOPIC, SLACK)
    assert office.sweep_after().dropped_count == 0
    assert office.sweep_after().sent_count == 2
    assert [it["secret"] for it in office.webhooks.heard] == [SLACK.target] * 2
    assert not office.outbox.waiting


def test_who_was_told_already_takes_nobodys_place() -> None:
    """A webhook that is taken away while another stays loses what waited for it."""
    office, former = PostOffice(), replace(SLACK, target="backup-auditor/former")
    office.audited(channels=(SLACK, former))
    office.channels["search"] = (SLACK,)
    deliveries = office.deliver()
    assert (deliveries.sent_count, deliveries.dropped_count) == (1, 1)
    assert len(office.webhooks.heard) == 1
    assert not office.outbox.waiting


def test_a_channel_that_wants_to_hear_of_less_by_now_is_not_told_that_all_is_well() -> None:
    """What waits for it holds nothing that it wants to hear of."""
    office = PostOffice()
    office.audited(told(found(severity=Severity.MEDIUM)), channels=(SLACK,))
    office.channels["search"] = (replace(SLACK, min_severity=Severity.CRITICAL),)
    assert office.deliver().dropped_count == 1
    assert "nothing in it is critical or worse" in office.log.told("warning")
    assert not office.webhooks.heard
