"""A bus is given ten events a call, and again those that it did not take."""

import json
import re
from collections.abc import Callable
from threading import Lock
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, NoCredentialsError, ReadTimeoutError

from backup_auditor.adapters.aws.messaging import MAX_BATCH_BYTES, MAX_ENTRIES, EventBus
from backup_auditor.errors import AcceptanceUnknownError, ChannelRefusedError, DeliveryError
from backup_auditor.ports.messaging import Event

FAILED_ENTRY = {"ErrorCode": "InternalFailure", "ErrorMessage": "later"}
DENIED_ERROR = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "PutEvents")
LOST_ERROR = ReadTimeoutError(endpoint_url="https://events")
UNREACHED_ERROR = ConnectTimeoutError(endpoint_url="https://events")


class FakeClient:
    """Takes entries as a rule for each of them says, by its number and by how often it was put."""

    def __init__(self, rule: Callable[[int, int], object] = lambda _number, _time: None) -> None:
        """Take a rule: `None` accepts, a mapping is the entry's error, an exception that of the call."""
        self.choose_answer = rule
        self.calls: list[list[int]] = []
        self.accepted_numbers: list[int] = []
        self.times: dict[int, int] = {}
        self.lock = Lock()

    def put_events(self, *, Entries: list[Any]) -> Any:  # noqa: N803  as boto3 has it
        """Take some of the entries."""
        with self.lock:
            numbers = [json.loads(it["Detail"])["number"] for it in Entries]
            self.calls.append(numbers)
            entry_results: list[Any] = []
            for number in numbers:
                self.times[number] = self.times.get(number, 0) + 1
                entry_result = self.choose_answer(number, self.times[number])
                if isinstance(entry_result, Exception):
                    raise entry_result
                entry_results.append(entry_result or {"EventId": str(number)})
            self.accepted_numbers += [
                number for number, it in zip(numbers, entry_results, strict=True) if "EventId" in it
            ]
            return {"FailedEntryCount": sum("EventId" not in it for it in entry_results), "Entries": entry_results}


class RefusingClient:
    """Answers each call with the next code, and after the last code as EventBridge answers a detail that is no JSON."""

    def __init__(self, *codes: str) -> None:
        """Take the codes; an empty one is no error."""
        self.codes = list(codes)
        self.call_count = 0

    def put_events(self, *, Entries: list[Any]) -> Any:  # noqa: N803  as boto3 has it
        """Refuse the entry."""
        with pytest.raises(ValueError, match="Expecting"):
            json.loads(Entries[0]["Detail"])
        self.call_count += 1
        code = self.codes.pop(0) if self.codes else "MalformedDetail"
        return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": code} if code else {"EventId": "1"}]}


@pytest.mark.parametrize(
    "codes, calls, error",
    [
        pytest.param([], 1, None, id="refused-as-expected"),
        pytest.param(["ThrottlingException", "InternalFailure"], 3, None, id="busy-twice"),
        pytest.param(["InternalFailure"] * 3, 3, "InternalFailure", id="busy-three-times"),
        pytest.param([""], 1, "no error", id="accepted"),
        pytest.param(["NotAuthorizedForSourceException"], 1, "NotAuthorizedForSourceException", id="refused-otherwise"),
    ],
)
def test_a_check_expects_one_refusal(codes: list[str], calls: int, error: str | None) -> None:
    """A busy bus is asked again; any other answer fails with what to do."""
    client = RefusingClient(*codes)
    bus = make_bus(cast("Any", client))
    if error is None:
        bus.check_put(lambda: 900.0)
    else:
        text = f"the bus auditor answered a check with {error} (expected: MalformedDetail); run doctor again, then"
        with pytest.raises(DeliveryError, match=f"^{re.escape(text)}"):
            bus.check_put(lambda: 900.0)
    assert client.call_count == calls


def make_bus(client: FakeClient) -> EventBus:
    """Make a bus that does not really wait."""
    return EventBus(cast("Any", client), "auditor", sleep=lambda _: None, uniform=lambda low, _: low)


def make_events(count: int, text: str = "") -> list[Event]:
    """Build events that differ."""
    return [Event("Backup Finding Opened", {"number": number, "text": text}) for number in range(count)]


@pytest.mark.parametrize("count,calls", [(0, 0), (1, 1), (10, 1), (11, 2), (1001, 101)])
def test_a_call_takes_ten(count: int, calls: int) -> None:
    """Each event is sent exactly once."""
    client = FakeClient()
    assert make_bus(client).put(make_events(count)) == ((), None)
    assert len(client.calls) == calls
    assert sorted(client.accepted_numbers) == list(range(count))
    assert all(len(it) <= MAX_ENTRIES for it in client.calls)


def test_a_call_takes_so_many_bytes() -> None:
    """Ten large events are more than one call."""
    client = FakeClient()
    assert make_bus(client).put(make_events(10, "é" * (MAX_BATCH_BYTES // 8))) == ((), None)
    assert sorted(map(len, client.calls)) == [1, 3, 3, 3]


def test_only_what_was_not_taken_is_put_again() -> None:
    """The others are not put twice."""
    client = FakeClient(lambda number, time: FAILED_ENTRY if number == 3 and time < 3 else None)
    assert make_bus(client).put(make_events(5)) == ((), None)
    assert client.calls == [[0, 1, 2, 3, 4], [3], [3]]


def test_what_is_not_taken_to_the_end_is_left() -> None:
    """The result names the events that were not accepted, and the error."""
    client = FakeClient(lambda number, _: FAILED_ENTRY if number % 10 == 3 else None)
    put_result = make_bus(client).put(make_events(20))
    assert put_result.unaccepted_positions == (3, 13)
    assert "InternalFailure" in str(put_result.error)
    assert client.times[3] == 3


@pytest.mark.parametrize(
    "error,kind,times",
    [
        pytest.param(DENIED_ERROR, ChannelRefusedError, 1, id="refused"),
        pytest.param(LOST_ERROR, AcceptanceUnknownError, 1, id="lost"),
        pytest.param(UNREACHED_ERROR, DeliveryError, 3, id="unreached"),
        pytest.param(NoCredentialsError(), ChannelRefusedError, 1, id="not-sent"),
        pytest.param(ValueError("no"), AcceptanceUnknownError, 1, id="unexpected"),
    ],
)
def test_a_call_that_failed_is_made_again_where_that_is_safe(
    error: Exception, kind: type[DeliveryError], times: int
) -> None:
    """An event that may have been accepted is not sent again."""
    client = FakeClient(lambda number, _: error if number == 12 else None)
    put_result = make_bus(client).put(make_events(30))
    assert put_result.unaccepted_positions == tuple(range(10, 20))
    assert type(put_result.error) is kind
    assert client.times[12] == times


def test_events_that_may_be_duplicated_are_put_again_after_a_lost_response() -> None:
    """Only the call whose response was lost is repeated."""
    client = FakeClient(lambda number, time: LOST_ERROR if number == 12 and time < 3 else None)
    assert make_bus(client).put(make_events(30), may_duplicate=True) == ((), None)
    assert (client.times[0], client.times[12]) == (1, 3)


def test_the_worst_reason_is_reported() -> None:
    """A refusal has to be seen, whatever else there was."""
    client = FakeClient(lambda number, _: {5: FAILED_ENTRY, 15: LOST_ERROR, 25: DENIED_ERROR}.get(number))
    assert isinstance(make_bus(client).put(make_events(30)).error, ChannelRefusedError)


def test_without_time_nothing_is_put() -> None:
    """Everything is left for another time."""
    client = FakeClient()
    put_result = make_bus(client).put(make_events(11), lambda: 29.0)
    assert (len(put_result.unaccepted_positions), client.calls) == (11, [])


def test_half_a_character_keeps_nothing_from_being_put() -> None:
    """A lone surrogate becomes a question mark."""
    client = FakeClient()
    assert make_bus(client).put([Event("Backup Finding Opened", {"number": 0, "text": "\ud800"})]) == ((), None)
