"""A post office for tests: an outbox, evidence, and channels that fail when they are told to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from backup_auditor.application.notifications.delivery import DeliveryDependencies, Sender
from backup_auditor.application.notifications.dispatcher import DeliverySummary, deliver_pending
from backup_auditor.application.notifications.routing import ChannelRouter, Route
from backup_auditor.application.notifications.senders import EventSender, TopicSender, WebhookSender
from backup_auditor.domain.notifications.triggers import create_messages
from backup_auditor.domain.outbox import Channel, ChannelKind, OutboxMessage
from backup_auditor.domain.registry import RegisteredProject, Registry
from backup_auditor.domain.reporting.report import Report
from backup_auditor.errors import DeliveryError
from backup_auditor.ports.messaging import Event, PutResult
from backup_auditor.retry import Retrier
from support.builders.facts import NOW
from support.builders.notifications import EVENTS, SLACK, TOPIC, YESTERDAY, found, told
from support.fakes.stores import FakeEvidence, FakeOutbox, Waiting

CHANNELS = (EVENTS, TOPIC, SLACK)


@dataclass
class Calls:
    """What was asked of something, and what it is to answer: an error is raised instead of what would be done."""

    heard: list[Any] = field(default_factory=list)
    script: list[Exception | None] = field(default_factory=list)

    def take(self, call: object) -> None:
        """Take a call, unless the next in the script is an error."""
        error = self.script.pop(0) if self.script else None
        if error is not None:
            raise error
        self.heard.append(call)


class FakeTopics(Calls):
    """Topics that accept what their script lets them."""

    def publish(self, topic: str, subject: str, message: str, attributes: Mapping[str, str]) -> None:
        """Take a publication."""
        self.take({"topic": topic, "subject": subject, "message": message, "attributes": attributes})


class FakeWebhooks(Calls):
    """Webhooks that accept what their script lets them."""

    def post(self, secret_name: str, payload: Mapping[str, object], seconds: float) -> None:
        """Take a payload."""
        assert seconds > 0
        self.take({"secret": secret_name, "payload": payload})


class FakeBus(Calls):
    """A bus that leaves the events that a function chooses, and accepts the others."""

    leaves: Callable[[Event], DeliveryError | None] = staticmethod(lambda _: None)

    def put(self, events: Sequence[Event], seconds_left: Callable[[], float]) -> PutResult:
        """Take what is not to be left."""
        assert seconds_left() > 0
        errors = {place: error for place, event in enumerate(events) if (error := self.leaves(event))}
        self.heard.extend(it for place, it in enumerate(events) if place not in errors)
        return PutResult(tuple(errors), next(iter(errors.values()), None))


@dataclass
class FakeLog:
    """A log that can be read."""

    lines: list[tuple[str, str, Mapping[str, object]]] = field(default_factory=list)

    def info(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Write a line."""
        self.lines.append(("info", str(msg), extra))

    def warning(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Write a line."""
        self.lines.append(("warning", str(msg), extra))

    def error(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Write a line."""
        self.lines.append(("error", str(msg), extra))

    def told(self, level: str) -> str:
        """Return what was written on one level."""
        return "\n".join(text for it, text, _ in self.lines if it == level)


@dataclass
class PostOffice:
    """Everything that delivering takes of the world, at one moment that is set by hand."""

    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    evidence: FakeEvidence = field(default_factory=FakeEvidence)
    topics: FakeTopics = field(default_factory=FakeTopics)
    webhooks: FakeWebhooks = field(default_factory=FakeWebhooks)
    bus: FakeBus = field(default_factory=FakeBus)
    log: FakeLog = field(default_factory=FakeLog)
    channels: dict[str, tuple[Channel, ...]] = field(default_factory=dict)
    now: datetime = NOW
    seconds_left: float = 290.0
    slept: list[float] = field(default_factory=list)

    def audited(
        self, report: Report | None = None, channels: tuple[Channel, ...] = CHANNELS
    ) -> tuple[OutboxMessage, ...]:
        """Record what has to be told of an audit, by default one with a new finding."""
        report = report or told(found())
        messages = create_messages(report, self.evidence.store_report(report), channels, YESTERDAY)
        self.outbox.waiting |= {it.message_id: Waiting(it) for it in messages}
        self.channels.setdefault(report.project, channels)
        return messages

    def deliver(self, project: str | None = None, only: ChannelKind | None = None) -> DeliverySummary:
        """Deliver what is due."""
        return deliver_pending(self.means, self._address_of, project, only)

    def sweep_after(self, wait: timedelta = timedelta(hours=1)) -> DeliverySummary:
        """Let some time pass, and deliver what is due then."""
        self.now += wait
        return self.deliver()

    @property
    def means(self) -> DeliveryDependencies:
        """What delivering takes of the world."""
        patience = self.patience
        return DeliveryDependencies(self.outbox, self.evidence, self._carrier_for, lambda: self.now, patience, self.log)

    @property
    def patience(self) -> Retrier:
        """The patience of somebody who does not really wait."""
        return Retrier(lambda: self.seconds_left, self._sleep, lambda low, high: (low + high) / 2)

    def _carrier_for(self, kind: ChannelKind) -> Sender:
        if kind is ChannelKind.EVENTS:
            return EventSender(self.bus, lambda: self.seconds_left)
        if kind is ChannelKind.SNS:
            return TopicSender(self.topics, self.patience, "eu-central-1")
        return WebhookSender(self.webhooks, self.patience, "eu-central-1")

    def _address_of(self, message: OutboxMessage) -> Route:
        return ChannelRouter(self._registry).find_route(message)

    def _registry(self, *, fresh: bool) -> Registry:  # noqa: ARG002  it is the same
        return Registry(tuple(RegisteredProject(name, channels=its) for name, its in self.channels.items()))

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds_left -= seconds
