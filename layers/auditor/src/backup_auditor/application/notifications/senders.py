"""Send digests and notices to topics and webhooks, and the events of audits and failures to the bus."""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from backup_auditor.application.notifications.dispatcher import Delivery, FleetDocuments
from backup_auditor.domain.audit_failure import FailureNotice
from backup_auditor.domain.discovery_notice import DiscoveryNotice
from backup_auditor.domain.notifications.digest import Digest, create_digest
from backup_auditor.domain.reporting.report import Report
from backup_auditor.errors import AcceptanceUnknownError, DeliveryError, StateError
from backup_auditor.ports.messaging import Bus, Event, Topics, Webhooks
from backup_auditor.rendering.discovery_notice import DiscoveryMessage
from backup_auditor.rendering.events import build_audit_events, build_discovery_events, build_failure_event
from backup_auditor.rendering.failure_notice import NoticeMessage
from backup_auditor.rendering.fleet_digest import FleetDigest
from backup_auditor.retry import Retrier

if TYPE_CHECKING:
    from backup_auditor.rendering.sns import Publication

_PROGRESS_PATTERN = re.compile(r"(\d{1,9}):((?:\d{1,9}-\d{1,9})(?:,\d{1,9}-\d{1,9})*)", re.ASCII)


def format_progress(count: int, accepted_positions: Iterable[int]) -> str:
    """Format the positions of the accepted parts out of `count`: `5001:0-9,12-12`."""
    numbered_positions = enumerate(sorted(accepted_positions))
    runs = [list(run) for _, run in groupby(numbered_positions, lambda it: it[1] - it[0])]  # equal where consecutive
    return f"{count}:{','.join(f'{run[0][1]}-{run[-1][1]}' for run in runs)}"


def parse_progress(count: int, progress: str) -> frozenset[int]:
    """Return the positions of the accepted parts; none if the text is invalid or for another count."""
    match = _PROGRESS_PATTERN.fullmatch(progress)
    if match is None or int(match[1]) != count:
        return frozenset()
    ranges = (it.split("-") for it in match[2].split(","))
    return frozenset(number for first, last in ranges for number in range(int(first), min(int(last), count - 1) + 1))


_FIRST_BATCH_SIZE = 10
"""Number of events in the first call, which includes the event of the completed audit."""
_BATCH_SIZE = 1000
"""Number of events between two records of progress."""


@dataclass(frozen=True, slots=True)
class TopicSender:
    """Publishes digests and notices to SNS topics."""

    topics: Topics
    retrier: Retrier
    build_link: Callable[[str], str | None]
    """Returns the URL of a stored file."""

    def send(self, delivery: Delivery) -> None:
        """Publish the digest of an audit, or a notice about a failure."""
        publication = self._build_publication(delivery)
        publish = partial(
            self.topics.publish,
            delivery.channel.target,
            publication.subject,
            publication.message,
            publication.attributes,
        )
        self.retrier.call(publish)

    def _build_publication(self, delivery: Delivery) -> "Publication":
        from backup_auditor.rendering import sns  # noqa: PLC0415  not every project has a topic

        match delivery.content:
            case FailureNotice() as notice:
                return sns.build_notice_publication(_build_notice_message(delivery, notice))
            case DiscoveryNotice() as notice:
                return sns.build_discovery_publication(_build_discovery_message(delivery, notice))
            case Report() as report:
                return sns.build_publication(_build_digest(delivery, report, self.build_link))
            case FleetDocuments() as documents:
                return sns.build_fleet_publication(_build_fleet_digest(delivery, documents, self.build_link))


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """Posts digests and notices to Slack webhooks."""

    webhooks: Webhooks
    retrier: Retrier
    build_link: Callable[[str], str | None]
    """Returns the URL of a stored file."""

    def send(self, delivery: Delivery) -> None:
        """Post the digest of an audit, or a notice about a failure."""
        payload = self._build_payload(delivery)
        self.retrier.call(lambda: self.webhooks.post(delivery.channel.target, payload, self.retrier.seconds_left()))

    def _build_payload(self, delivery: Delivery) -> Mapping[str, object]:
        from backup_auditor.rendering import slack  # noqa: PLC0415  not every project has a webhook

        match delivery.content:
            case FailureNotice() as notice:
                content = _build_notice_message(delivery, notice)
                return slack.build_notice_payload(content.title, content.advice, content.footnotes)
            case DiscoveryNotice() as notice:
                return slack.build_discovery_payload(_build_discovery_message(delivery, notice))
            case Report() as report:
                return slack.build_slack_payload(_build_digest(delivery, report, self.build_link))
            case FleetDocuments() as documents:
                return slack.build_fleet_payload(_build_fleet_digest(delivery, documents, self.build_link))


@dataclass(frozen=True, slots=True)
class EventSender:
    """Publishes the events of an audit, the event of the completed audit first, or the event of a failure."""

    bus: Bus
    seconds_left: Callable[[], float]

    def send(self, delivery: Delivery) -> None:
        """Publish the events that were not accepted before, and record which are accepted now."""
        events = _build_events(delivery)
        accepted_positions = set(parse_progress(len(events), delivery.progress))
        remaining = [position for position in range(len(events)) if position not in accepted_positions]
        while remaining:
            batch_size = _FIRST_BATCH_SIZE if remaining[0] < _FIRST_BATCH_SIZE else _BATCH_SIZE
            batch, remaining = remaining[:batch_size], remaining[batch_size:]
            result = self.bus.put([events[it] for it in batch], self.seconds_left)
            accepted_positions.update(
                it for position, it in enumerate(batch) if position not in result.unaccepted_positions
            )
            if result.error:
                raise (
                    _record_accepted(delivery, format_progress(len(events), accepted_positions), result.error)
                    if accepted_positions
                    else result.error
                )
            if remaining:
                with suppress(StateError):  # the next record includes it
                    delivery.record_progress(format_progress(len(events), accepted_positions))


def _record_accepted(delivery: Delivery, progress: str, error: DeliveryError) -> DeliveryError:
    """Record the accepted events after an error. If that fails too, return an error: they may be sent twice."""
    try:
        delivery.record_progress(progress)
    except StateError as record_error:
        return AcceptanceUnknownError(f"{error}; the accepted events could not be recorded: {record_error}")
    return error


def _build_events(delivery: Delivery) -> list[Event]:
    message = delivery.message
    match delivery.content:
        case FailureNotice() as notice:
            return [Event(*build_failure_event(message.project, notice))]
        case DiscoveryNotice() as notice:
            return [Event(kind, detail) for kind, detail in build_discovery_events(notice)]
        case Report() as report:
            return [Event(kind, detail) for kind, detail in build_audit_events(report, message.require_report())]
        case FleetDocuments():
            raise TypeError("a digest of the fleet is no event")


def _build_notice_message(delivery: Delivery, notice: FailureNotice) -> NoticeMessage:
    return NoticeMessage(delivery.message, notice, delivery.is_possible_duplicate)


def _build_discovery_message(delivery: Delivery, notice: DiscoveryNotice) -> DiscoveryMessage:
    return DiscoveryMessage(delivery.message, notice, delivery.is_possible_duplicate)


def _build_digest(delivery: Delivery, report: Report, build_link: Callable[[str], str | None]) -> Digest:
    return create_digest(
        report,
        delivery.message,
        delivery.channel,
        build_link=build_link,
        is_possible_duplicate=delivery.is_possible_duplicate,
    )


def _build_fleet_digest(
    delivery: Delivery, documents: FleetDocuments, build_link: Callable[[str], str | None]
) -> FleetDigest:
    return FleetDigest(
        delivery.message,
        documents.comparison,
        documents.current,
        documents.previous,
        build_link,
        delivery.is_possible_duplicate,
    )
