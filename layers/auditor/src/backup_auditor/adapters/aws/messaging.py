"""Send messages on AWS: events to an EventBridge bus, digests to SNS topics."""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from backup_auditor.adapters.aws.session import build_delivery_error
from backup_auditor.domain.events import SOURCE
from backup_auditor.errors import AcceptanceUnknownError, ChannelRefusedError, DeliveryError
from backup_auditor.ports.messaging import Event, PutResult, Subscriptions
from backup_auditor.retry import MAX_CALL_SECONDS, Retrier

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef
    from mypy_boto3_sns import SNSClient

MAX_ENTRIES = 10
MAX_BATCH_BYTES = 256 * 1024
_MAX_WORKERS = 8
_REFUSAL_OF_DETAIL = "MalformedDetail"
_TRANSIENT_CODES = frozenset({"InternalFailure", "ThrottlingException"})


class _Entry(NamedTuple):
    position: int
    size: int
    request: "PutEventsRequestEntryTypeDef"


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

    def put(
        self,
        events: Sequence[Event],
        seconds_left: Callable[[], float] = lambda: float("inf"),
        *,
        may_duplicate: bool = False,
    ) -> PutResult:
        """Put events on the bus, with retries. A call whose response was lost is repeated only if `may_duplicate`."""
        retrier = Retrier(seconds_left, self._sleep, self._uniform)
        put_batch = partial(self._put_batch, retrier, may_duplicate=may_duplicate)
        batches = list(_split_batches([self._build_entry(position, it) for position, it in enumerate(events)]))
        results: list[PutResult]
        if len(batches) == 1:
            results = [put_batch(batches[0])]
        else:
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  needed for many events only

            with ThreadPoolExecutor(_MAX_WORKERS) as pool:
                results = list(pool.map(put_batch, batches))
        errors = [it.error for it in results if it.error]
        return PutResult(
            tuple(position for it in results for position in it.unaccepted_positions),
            # the error that most needs attention
            max(
                errors,
                key=lambda it: (isinstance(it, ChannelRefusedError), isinstance(it, AcceptanceUnknownError)),
                default=None,
            ),
        )

    def check_put(self, seconds_left: Callable[[], float]) -> None:
        """Raise `DeliveryError` unless the role may put events on the bus.

        The detail of the sent event is no JSON: EventBridge checks the permission and refuses the event.
        """
        Retrier(seconds_left, self._sleep, self._uniform).call(self._put_malformed_event, may_duplicate=True)

    def _put_malformed_event(self) -> None:
        request: PutEventsRequestEntryTypeDef = {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": "Backup Check",
            "Detail": "{",
        }
        try:
            response = self._client.put_events(Entries=[request])
        except Exception as error:  # noqa: BLE001  any exception is translated
            remedy = f"check that the bus {self._bus} exists and that the role may put events"
            raise build_delivery_error(error, f"the bus {self._bus} cannot be used", remedy) from None
        code = response["Entries"][0].get("ErrorCode", "") if response["Entries"] else ""
        if code != _REFUSAL_OF_DETAIL:
            error_type = DeliveryError if code in _TRANSIENT_CODES else ChannelRefusedError
            raise error_type(
                f"the bus {self._bus} answered a check with {code or 'no error'} (expected: {_REFUSAL_OF_DETAIL});"
                " run doctor again, then check the policy of the bus"
            )

    def _build_entry(self, position: int, event: Event) -> _Entry:
        text = json.dumps(event.detail, separators=(",", ":"), ensure_ascii=False)
        detail = text.encode(errors="replace").decode()  # replaces unpaired surrogates, which UTF-8 cannot encode
        request: PutEventsRequestEntryTypeDef = {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": event.detail_type,
            "Detail": detail,
        }
        return _Entry(position, len(SOURCE) + len(event.detail_type) + len(detail.encode()), request)

    def _put_batch(self, retrier: Retrier, entries: Sequence[_Entry], *, may_duplicate: bool) -> PutResult:
        remaining = list(entries)

        def put_remaining() -> None:
            try:
                response = self._client.put_events(Entries=[it.request for it in remaining])
            except Exception as error:  # noqa: BLE001  any exception is translated
                remedy = f"check that the bus {self._bus} exists and that the role may put events"
                raise build_delivery_error(error, self._describe_failure(remaining), remedy) from None
            if not response.get("FailedEntryCount"):
                return
            results = list(zip(remaining, response["Entries"], strict=True))
            remaining[:] = [entry for entry, result in results if "EventId" not in result]
            codes = sorted({result.get("ErrorCode", "no reason") for _, result in results if "EventId" not in result})
            if remaining:
                raise DeliveryError(f"{self._describe_failure(remaining)}: {', '.join(codes)[:200]}")

        error: DeliveryError | None = None
        if retrier.seconds_left() < MAX_CALL_SECONDS:
            error = DeliveryError(f"{self._describe_failure(entries)}: there was no time left")
        else:
            try:
                retrier.call(put_remaining, may_duplicate=may_duplicate)
            except DeliveryError as delivery_error:
                error = delivery_error
        return PutResult(tuple(it.position for it in remaining) if error else (), error)

    def _describe_failure(self, entries: Sequence[_Entry]) -> str:
        return f"the bus {self._bus} did not accept {len(entries)} event{'s' if len(entries) > 1 else ''}"


def _split_batches(entries: Sequence[_Entry]) -> Iterator[list[_Entry]]:
    batch: list[_Entry] = []
    size = 0
    for entry in entries:
        if batch and (len(batch) == MAX_ENTRIES or size + entry.size > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.size
    if batch:
        yield batch


_TOPIC_REMEDY = (
    "check that the topic exists in the region of the stack, and that its policy and its key allow the function"
)


class SnsTopics:
    """The SNS topics of a region. Safe to use from many threads."""

    def __init__(self, client: "SNSClient") -> None:
        """Take a client that sends each call once."""
        self._client = client

    def count_subscriptions(self, topic: str) -> Subscriptions:
        """Return how many subscriptions a topic has. Raises `DeliveryError`."""
        try:
            attributes = self._client.get_topic_attributes(TopicArn=topic)["Attributes"]
            return Subscriptions(int(attributes["SubscriptionsConfirmed"]), int(attributes["SubscriptionsPending"]))
        except Exception as error:  # noqa: BLE001  any exception is translated
            raise build_delivery_error(error, f"{topic} cannot be examined", _TOPIC_REMEDY) from None

    def publish(self, topic: str, subject: str, message: str, attributes: Mapping[str, str]) -> None:
        """Publish a message once: JSON with a text for each protocol. Raises `DeliveryError`."""
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
        except Exception as error:  # noqa: BLE001  any exception is translated
            raise build_delivery_error(error, f"{topic} did not accept the message", _TOPIC_REMEDY) from None
