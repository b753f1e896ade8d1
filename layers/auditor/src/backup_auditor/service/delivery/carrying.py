"""The carriers: a digest to a topic or to a webhook, and the events of an audit to the bus."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from backup_auditor.domain.alerting.digest import Digest, digest_of
from backup_auditor.errors import AcceptanceUnknownError, DeliveryError, StateError
from backup_auditor.ports.delivery import Bus, Event, Topics, Webhooks
from backup_auditor.rendering.events import events_of
from backup_auditor.rendering.report_link import report_link
from backup_auditor.service.delivery.parcel import Parcel
from backup_auditor.service.delivery.parts import read_parts, write_parts
from backup_auditor.service.delivery.persevering import Patience

_FIRST = 10
"""Events that are put before all others, in one call: the one that the audit is complete is among them."""
_THEN = 1000
"""Events that are put before it is noted which of them were accepted."""


@dataclass(frozen=True, slots=True)
class TopicCarrier:
    """Publishes digests to topics."""

    topics: Topics
    patience: Patience
    region: str

    def carry(self, parcel: Parcel) -> None:
        """Publish the digest of an audit."""
        from backup_auditor.rendering.sns import publication_of  # noqa: PLC0415  not every project has a topic

        it = publication_of(_digest(parcel, self.region))
        publish = partial(self.topics.publish, parcel.channel.target, it.subject, it.message, it.attributes)
        self.patience.persevere(publish)


@dataclass(frozen=True, slots=True)
class WebhookCarrier:
    """Posts digests to webhooks."""

    webhooks: Webhooks
    patience: Patience
    region: str

    def carry(self, parcel: Parcel) -> None:
        """Post the digest of an audit."""
        from backup_auditor.rendering.slack.payload import slack_payload  # noqa: PLC0415  nor a webhook

        payload = slack_payload(_digest(parcel, self.region))
        self.patience.persevere(
            lambda: self.webhooks.post(parcel.channel.target, payload, self.patience.seconds_left())
        )


@dataclass(frozen=True, slots=True)
class EventCarrier:
    """Puts the events of an audit on the bus, the one that it is complete before all others."""

    bus: Bus
    seconds_left: Callable[[], float]

    def carry(self, parcel: Parcel) -> None:
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


def _noted(parcel: Parcel, accepted: str, error: DeliveryError) -> DeliveryError:
    """Note what was accepted before something failed; where nobody will know, what is sent next may be a repeat."""
    try:
        parcel.note(accepted)
    except StateError as unwritten:
        return AcceptanceUnknownError(f"{error}; and what was accepted cannot be noted: {unwritten}")
    return error


def _digest(parcel: Parcel, region: str) -> Digest:
    link_to = partial(report_link, region=region)
    return digest_of(parcel.report, parcel.message, parcel.channel, link_to=link_to, may_be_repeat=parcel.may_be_repeat)
