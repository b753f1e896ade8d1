"""The events of an audit: the completed one first, and again only what was not accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.application.notifications.senders import format_progress, parse_progress
from backup_auditor.errors import AcceptanceUnknownError, ChannelRefusedError, DeliveryError
from backup_auditor.ports.messaging import Event
from support.builders.notifications import EVENT_CHANNEL, build_alert_report, build_open_finding
from support.fakes.channels import DeliveryHarness

LARGE_REPORT = build_alert_report(*(build_open_finding(f"index-{number}") for number in range(2500)))
BUSY_ERROR = DeliveryError("the bus did not take 1 event: InternalFailure")


def name_event(event: Event) -> object:
    """Tell events apart."""
    resource = event.detail.get("resource")
    return resource["name"] if isinstance(resource, dict) else event.detail_type


def test_only_what_was_not_accepted_is_put_again() -> None:
    """In the end each event was accepted once."""
    harness = DeliveryHarness()
    harness.record_audit(LARGE_REPORT, (EVENT_CHANNEL,))
    harness.bus.find_error = lambda event: BUSY_ERROR if str(name_event(event)).endswith("7") else None
    assert harness.deliver().failed_count == 1
    harness.bus.find_error = lambda _: None
    assert harness.sweep_after().sent_count == 1
    heard_names = [name_event(it) for it in harness.bus.recorded_calls]
    assert len(heard_names) == len(set(heard_names)) == 2501
    assert heard_names[0] == "Backup Audit Completed"


def test_nothing_is_put_before_the_audit_is_known_to_be_complete() -> None:
    """Where that one fails, those of its findings wait, but for the few that go with it."""
    harness = DeliveryHarness()
    harness.record_audit(LARGE_REPORT, (EVENT_CHANNEL,))
    harness.bus.find_error = lambda event: BUSY_ERROR if event.detail_type == "Backup Audit Completed" else None
    harness.deliver()
    assert len(harness.bus.recorded_calls) == 9


@pytest.mark.parametrize("error", [AcceptanceUnknownError("lost"), ChannelRefusedError("no bus"), BUSY_ERROR])
def test_how_a_bus_failed_is_how_the_message_failed(error: DeliveryError) -> None:
    """A refusal is visible at once; a lost answer is remembered."""
    harness = DeliveryHarness()
    (message,) = harness.record_audit(channels=(EVENT_CHANNEL,))
    harness.bus.find_error = lambda _: error
    deliveries = harness.deliver()
    assert deliveries.failures_by_project == {"search": int(isinstance(error, ChannelRefusedError))}
    claim = harness.outbox.claim(message, harness.now, harness.now)
    assert claim is not None
    assert claim.is_possible_duplicate is isinstance(error, AcceptanceUnknownError)


@given(st.integers(0, 60).flatmap(lambda count: st.tuples(st.just(count), st.sets(st.integers(0, max(0, count - 1))))))
def test_what_is_noted_is_read_again(case: tuple[int, set[int]]) -> None:
    """Whatever the parts are."""
    count, accepted_count = case
    accepted_count = accepted_count if count else set()
    assert parse_progress(count, format_progress(count, accepted_count)) == accepted_count


@pytest.mark.parametrize("progress_note", ["", "accepted", "5:0-1", "6:", "6:0-", "6:0-1,", "6:1", "x:0-1", "6:0-1 "])
def test_a_note_of_something_else_says_nothing(progress_note: str) -> None:
    """Nor does one of another number of events: all are put again."""
    assert parse_progress(6, progress_note) == frozenset()


def test_a_note_stays_short() -> None:
    """Neighbours are one range."""
    assert format_progress(5001, range(1000)) == "5001:0-999"
    assert format_progress(9, [8, 1, 2, 5]) == "9:1-2,5-5,8-8"
