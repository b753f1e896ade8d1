"""Send messages on AWS: events to an EventBridge bus, digests to SNS topics."""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from backup_auditor.adapters.aws.session import failure_of
from backup_auditor.errors import AcceptanceUnknownError, ChannelRefusedError, DeliveryError
from backup_auditor.ports.messaging import Event, Put

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE = "backup-auditor"
MOST_ENTRIES = 10
MOST_BYTES = 256 * 1024
_ATTEMPTS = 3
_FIRST_WAIT = 0.2
_AT_ONCE = 8
_FOR_ONE_CALL = 30.0
"""Seconds that one call may take: none is begun in fewer."""


class _Entry(NamedTuple):
    place: int
    size: int
    shape: "PutEventsRequestEntryTypeDef"


class EventBus:
    """One bus. Safe to use from many threads."""

    def __init__(
        self,
        client: "EventBridgeClient",
        bus: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Take a client that sends each call once, and the name of the bus."""
        self._client = client
        self._bus = bus
        self._sleep = sleep
        self._uniform = uniform

    def put(self, events: Sequence[Event], seconds_left: Callable[[], float] = lambda: float("inf")) -> Put:
        """Put events on the bus. A call whose answer was lost is not made again: its events are left."""
        batches = list(_batches([self._entry(place, it) for place, it in enumerate(events)]))
        puts: list[Put]
        if len(batches) == 1:
            puts = [self._put(batches[0], seconds_left)]
        else:
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  needed where there is much to put

            with ThreadPoolExecutor(_AT_ONCE) as pool:
                puts = list(pool.map(lambda it: self._put(it, seconds_left), batches))
        errors = [it.error for it in puts if it.error]
        return Put(tuple(place for it in puts for place in it.left), max(errors, key=_badness, default=None))

    def _entry(self, place: int, event: Event) -> _Entry:
        text = json.dumps(event.detail, separators=(",", ":"), ensure_ascii=False)
        detail = text.encode(errors="replace").decode()  # half a surrogate pair is no text
        shape: PutEventsRequestEntryTypeDef = {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": event.detail_type,
            "Detail": detail,
        }
        return _Entry(place, len(SOURCE) + len(event.detail_type) + len(detail.encode()), shape)

    def _put(self, entries: Sequence[_Entry], seconds_left: Callable[[], float]) -> Put:
        for attempt in range(1, _ATTEMPTS + 1):
            if seconds_left() < _FOR_ONE_CALL:
                return Put(_places(entries), DeliveryError(f"{self._what(entries)}: there was no time left"))
            entries, error = self._put_once(entries)
            if error is None:
                break
            is_final = isinstance(error, ChannelRefusedError | AcceptanceUnknownError)
            if is_final or attempt == _ATTEMPTS:
                return Put(_places(entries), error)
            self._sleep(self._uniform(0.5, 1.5) * _FIRST_WAIT * 4 ** (attempt - 1))
        return Put((), None)

    def _put_once(self, entries: Sequence[_Entry]) -> tuple[Sequence[_Entry], DeliveryError | None]:
        what = self._what(entries)
        try:
            answer = self._client.put_events(Entries=[it.shape for it in entries])
        except Exception as error:  # noqa: BLE001  whatever the client raises is what became of the events
            return entries, failure_of(error, what, f"check that the bus {self._bus} is there and may be written")
        if not answer.get("FailedEntryCount"):
            return (), None
        told = list(zip(entries, answer["Entries"], strict=True))
        left = [entry for entry, one in told if "EventId" not in one]
        codes = sorted({one.get("ErrorCode", "no reason") for _, one in told if "EventId" not in one})
        return left, DeliveryError(f"{self._what(left)}: {', '.join(codes)[:200]}") if left else None

    def _what(self, entries: Sequence[_Entry]) -> str:
        return f"the bus {self._bus} did not take {len(entries)} event{'s' if len(entries) > 1 else ''}"


def _batches(entries: Sequence[_Entry]) -> Iterator[list[_Entry]]:
    batch: list[_Entry] = []
    size = 0
    for entry in entries:
        if batch and (len(batch) == MOST_ENTRIES or size + entry.size > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.size
    if batch:
        yield batch


def _places(entries: Sequence[_Entry]) -> tuple[int, ...]:
    return tuple(it.place for it in entries)


def _badness(error: DeliveryError) -> int:
    return 2 if isinstance(error, ChannelRefusedError) else int(isinstance(error, AcceptanceUnknownError))


if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

_REMEDY = (
    "check that the topic is there, in the region of the stack, and that its policy and its key let the function in"
)


class SnsTopics:
    """The topics of a region. Safe to use from many threads."""

    def __init__(self, client: "SNSClient") -> None:
        """Take a client that sends each call once."""
        self._client = client

    def publish(self, topic: str, subject: str, message: str, attributes: Mapping[str, str]) -> None:
        """Publish a message, once: JSON with one text for each way of being read. Raises `DeliveryError`."""
        try:
            self._client.publish(
                TopicArn=topic,
                Subject=subject,
                Message=message,
                MessageStructure="json",
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )
        except Exception as error:  # noqa: BLE001  whatever the client raises is what became of the message
            raise failure_of(error, f"{topic} did not take it", _REMEDY) from None
