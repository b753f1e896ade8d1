"""Send digests to topics and webhooks, and the events of an audit to the bus."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from backup_auditor.application.notifications.delivery import Delivery
from backup_auditor.domain.notifications.digest import Digest, create_digest
from backup_auditor.errors import AcceptanceUnknownError, DeliveryError, StateError
from backup_auditor.ports.messaging import Bus, Event, Topics, Webhooks
from backup_auditor.rendering.digest import report_link
from backup_auditor.rendering.events import events_of
from backup_auditor.retry import Retrier

_NOTE = re.compile(r"(\d{1,9}):((?:\d{1,9}-\d{1,9})(?:,\d{1,9}-\d{1,9})*)", re.ASCII)


def write_parts(count: int, accepted: Iterable[int]) -> str:
    """Write which of so many parts were accepted: `5001:0-9,12-12`."""
    return f"{count}:{','.join(f'{first}-{last}' for first, last in _ranges(sorted(accepted)))}"


def read_parts(count: int, note: str) -> frozenset[int]:
    """Return which of so many parts were accepted; none where the note is none, or of another number of parts."""
    match = _NOTE.fullmatch(note)
    if match is None or int(match[1]) != count:
        return frozenset()
    ranges = (it.split("-") for it in match[2].split(","))
    return frozenset(number for first, last in ranges for number in range(int(first), min(int(last), count - 1) + 1))


def _ranges(numbers: list[int]) -> Iterator[tuple[int, int]]:
    first = last = -1
    for number in numbers:
        if first >= 0 and number == last + 1:
            last = number
            continue
        if first >= 0:
            yield first, last
        first = last = number
    if first >= 0:
        yield first, last


_FIRST = 10
"""Events that are put before all others, in one call: the one that the audit is complete is among them."""
_THEN = 1000
"""Events that are put before it is noted which of them were accepted."""


@dataclass(frozen=True, slots=True)
class TopicSender:
    """Publishes digests to topics."""

    topics: Topics
    patience: Retrier
    region: str

    def carry(self, parcel: Delivery) -> None:
        """Publish the digest of an audit."""
        from backup_auditor.rendering.sns import publication_of  # noqa: PLC0415  not every project has a topic

        it = publication_of(_digest(parcel, self.region))
        publish = partial(self.topics.publish, parcel.channel.target, it.subject, it.message, it.attributes)
        self.patience.persevere(publish)


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """Posts digests to webhooks."""

    webhooks: Webhooks
    patience: Retrier
    region: str

    def carry(self, parcel: Delivery) -> None:
        """Post the digest of an audit."""
        from backup_auditor.rendering.slack import slack_payload  # noqa: PLC0415  nor a webhook

        payload = slack_payload(_digest(parcel, self.region))
        self.patience.persevere(
            lambda: self.webhooks.post(parcel.channel.target, payload, self.patience.seconds_left())
        )


@dataclass(frozen=True, slots=True)
class EventSender:
    """Puts the events of an audit on the bus, the one that it is complete before all others."""

    bus: Bus
    seconds_left: Callable[[], float]

    def carry(self, parcel: Delivery) -> None:
        """Put what was not accepted before, and note what is accepted now, as long as anything is left."""
        events = [Event(kind, detail) for kind, detail in events_of(parcel.report, parcel.message.report)]
        accepted = set(read_parts(len(events), parcel.progress))
        left = [place for place in range(len(events)) if place not in accepted]
        while left:
            size = _FIRST if left[0] < _FIRST else _THEN
            chosen, left = left[:size], left[size:]
            put = self.bus.put([events[it] for it in chosen], self.seconds_left)
            accepted.update(it for place, it in enumerate(chosen) if place not in put.left)
            if put.error:
                raise _noted(parcel, write_parts(len(events), accepted), put.error) if accepted else put.error
            if left:
                with suppress(StateError):  # it is noted again with what is accepted next, or needed no more
                    parcel.note(write_parts(len(events), accepted))


def _noted(parcel: Delivery, accepted: str, error: DeliveryError) -> DeliveryError:
    """Note what was accepted before something failed; where nobody will know, what is sent next may be a repeat."""
    try:
        parcel.note(accepted)
    except StateError as unwritten:
        return AcceptanceUnknownError(f"{error}; and what was accepted cannot be noted: {unwritten}")
    return error


def _digest(parcel: Delivery, region: str) -> Digest:
    link_to = partial(report_link, region=region)
    return create_digest(
        parcel.report, parcel.message, parcel.channel, link_to=link_to, may_be_repeat=parcel.may_be_repeat
    )
