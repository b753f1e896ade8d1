"""The events of an audit are published with the completed event first, and only unaccepted ones again."""

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


def test_only_unaccepted_events_are_published_again() -> None:
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


def test_the_completed_event_is_published_first() -> None:
    """If the first call fails, the events of findings wait."""
    harness = DeliveryHarness()
    harness.record_audit(LARGE_REPORT, (EVENT_CHANNEL,))
    harness.bus.find_error = lambda event: BUSY_ERROR if event.detail_type == "Backup Audit Completed" else None
    harness.deliver()
    assert len(harness.bus.recorded_calls) == 9


@pytest.mark.parametrize("error", [AcceptanceUnknownError("lost"), ChannelRefusedError("no bus"), BUSY_ERROR])
def test_the_error_of_the_bus_is_the_error_of_the_message(error: DeliveryError) -> None:
    """A refusal is visible at once, and a lost answer makes a possible duplicate."""
    harness = DeliveryHarness()
    (message,) = harness.record_audit(channels=(EVENT_CHANNEL,))
    harness.bus.find_error = lambda _: error
    deliveries = harness.deliver()
    assert deliveries.failures_by_project == {"search": int(isinstance(error, ChannelRefusedError))}
    claim = harness.outbox.claim(message, harness.now, harness.now)
    assert claim is not None
    assert claim.is_possible_duplicate is isinstance(error, AcceptanceUnknownError)


@given(st.integers(0, 60).flatmap(lambda count: st.tuples(st.just(count), st.sets(st.integers(0, max(0, count - 1))))))
def test_recorded_progress_is_read_back(case: tuple[int, set[int]]) -> None:
    """Any set of accepted positions is read back as it was recorded."""
    count, accepted_count = case
    accepted_count = accepted_count if count else set()
    assert parse_progress(count, format_progress(count, accepted_count)) == accepted_count


@pytest.mark.parametrize("progress_note", ["", "accepted", "5:0-1", "6:", "6:0-", "6:0-1,", "6:1", "x:0-1", "6:0-1 "])
def test_unknown_progress_is_ignored(progress_note: str) -> None:
    """With progress of another format or count, all events are published again."""
    assert parse_progress(6, progress_note) == frozenset()


def test_progress_is_short() -> None:
    """Neighbouring positions are one range."""
    assert format_progress(5001, range(1000)) == "5001:0-999"
    assert format_progress(9, [8, 1, 2, 5]) == "9:1-2,5-5,8-8"
