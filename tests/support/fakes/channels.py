"""An outbox, an evidence store and channels that fail on request."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from backup_auditor.application.notifications.dispatcher import (
    ChannelRouter,
    DeliveryDependencies,
    DeliverySummary,
    Route,
    Sender,
    deliver_pending,
)
from backup_auditor.application.notifications.senders import EventSender, TopicSender, WebhookSender
from backup_auditor.domain.notifications.digest import create_messages
from backup_auditor.domain.outbox import Channel, ChannelKind, OutboxMessage
from backup_auditor.domain.registry import RegisteredProject, Registry
from backup_auditor.domain.reporting.report import Report
from backup_auditor.errors import DeliveryError
from backup_auditor.ports.messaging import Event, Log, PutResult
from backup_auditor.ports.stores import EvidenceStore, Outbox
from backup_auditor.retry import Retrier
from support.builders.facts import NOW
from support.builders.notifications import (
    EVENT_CHANNEL,
    SLACK_CHANNEL,
    SNS_CHANNEL,
    YESTERDAY,
    build_alert_report,
    build_open_finding,
    make_report_link,
)
from support.fakes.log import FakeLog
from support.fakes.stores import FakeEvidence, FakeOutbox, PendingMessage

ALL_CHANNELS = (EVENT_CHANNEL, SNS_CHANNEL, SLACK_CHANNEL)


@dataclass
class ScriptedCalls:
    """The calls that a fake received, and the errors that it raises for the next ones."""

    recorded_calls: list[Any] = field(default_factory=list)
    script: list[Exception | None] = field(default_factory=list)

    def record_call(self, call: object) -> None:
        """Record a call, or raise the next error of the script."""
        error = self.script.pop(0) if self.script else None
        if error is not None:
            raise error
        self.recorded_calls.append(call)


class FakeTopics(ScriptedCalls):
    """Topics that accept or reject messages as their script says."""

    def publish(self, topic: str, subject: str, message: str, attributes: Mapping[str, str]) -> None:
        """Record a publication."""
        self.record_call({"topic": topic, "subject": subject, "message": message, "attributes": attributes})


class FakeWebhooks(ScriptedCalls):
    """Webhooks that accept or reject payloads as their script says."""

    def post(self, secret_name: str, payload: Mapping[str, object], seconds: float) -> None:
        """Record a payload."""
        assert seconds > 0
        self.record_call({"secret": secret_name, "payload": payload})


class FakeBus(ScriptedCalls):
    """An event bus that rejects the events for which `find_error` returns an error."""

    find_error: Callable[[Event], DeliveryError | None] = staticmethod(lambda _: None)

    def put(
        self, events: Sequence[Event], seconds_left: Callable[[], float], *, may_duplicate: bool = False
    ) -> PutResult:
        """Record the events that have no error."""
        assert seconds_left() > 0
        assert not may_duplicate
        errors = {position: error for position, event in enumerate(events) if (error := self.find_error(event))}
        self.recorded_calls.extend(it for position, it in enumerate(events) if position not in errors)
        return PutResult(tuple(errors), next(iter(errors.values()), None))


@dataclass
class FakeDeliveryDependencies(DeliveryDependencies):
    """The dependencies of deliveries, with fakes."""

    outbox: Outbox
    evidence: EvidenceStore
    retrier: Retrier
    log: Log
    make_sender: Callable[[ChannelKind], Sender]
    read_clock: Callable[[], datetime]

    def find_sender(self, kind: ChannelKind) -> Sender:
        """Return the sender for channels of a kind."""
        return self.make_sender(kind)

    def now(self) -> datetime:
        """Return the time of the clock."""
        return self.read_clock()


@dataclass
class DeliveryHarness:
    """The outbox, evidence, channels, log and clock of deliveries; the test sets the time."""

    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    evidence: FakeEvidence = field(default_factory=FakeEvidence)
    topics: FakeTopics = field(default_factory=FakeTopics)
    webhooks: FakeWebhooks = field(default_factory=FakeWebhooks)
    bus: FakeBus = field(default_factory=FakeBus)
    log: FakeLog = field(default_factory=FakeLog)
    channels: dict[str, tuple[Channel, ...]] = field(default_factory=dict)
    now: datetime = NOW
    seconds_left: float = 290.0
    waited_seconds: list[float] = field(default_factory=list)

    def record_audit(
        self, report: Report | None = None, channels: tuple[Channel, ...] = ALL_CHANNELS
    ) -> tuple[OutboxMessage, ...]:
        """Store the messages of an audit, by default of one with a new finding."""
        report = report or build_alert_report(build_open_finding())
        messages = create_messages(report, self.evidence.store_report(report), channels, YESTERDAY)
        self.outbox.pending_by_id |= {it.message_id: PendingMessage(it) for it in messages}
        self.channels.setdefault(report.project, channels)
        return messages

    def deliver(self, project: str | None = None, only_kind: ChannelKind | None = None) -> DeliverySummary:
        """Deliver the messages that are due."""
        return deliver_pending(self.dependencies, self._find_route, project, only_kind)

    def sweep_after(self, wait: timedelta = timedelta(hours=1)) -> DeliverySummary:
        """Advance the clock, and deliver the messages that are due then."""
        self.now += wait
        return self.deliver()

    @property
    def dependencies(self) -> DeliveryDependencies:
        """The dependencies of deliveries with the fakes of this harness."""
        return FakeDeliveryDependencies(
            self.outbox, self.evidence, self.retrier, self.log, self._make_sender, lambda: self.now
        )

    @property
    def retrier(self) -> Retrier:
        """A retrier that records waits instead of sleeping."""
        return Retrier(lambda: self.seconds_left, self._wait, lambda low, high: (low + high) / 2)

    def _make_sender(self, kind: ChannelKind) -> Sender:
        if kind is ChannelKind.EVENTS:
            return EventSender(self.bus, lambda: self.seconds_left)
        if kind is ChannelKind.SNS:
            return TopicSender(self.topics, self.retrier, make_report_link)
        return WebhookSender(self.webhooks, self.retrier, make_report_link)

    def _find_route(self, message: OutboxMessage) -> Route:
        return ChannelRouter(self._load_registry).find_route(message)

    def _load_registry(self, *, fresh: bool) -> Registry:  # noqa: ARG002  every read returns the same registry
        return Registry(tuple(RegisteredProject(name, channels=channels) for name, channels in self.channels.items()))

    def _wait(self, seconds: float) -> None:
        self.waited_seconds.append(seconds)
        self.seconds_left -= seconds
