"""Deliveries with faults chosen by a seed: calls fail, answers are lost or late, and processes are killed."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from threading import RLock
from typing import Any

from backup_auditor.application.notifications.dispatcher import (
    ACCEPTED_PROGRESS,
    ChannelRoute,
    Delivery,
    DeliveryDependencies,
    Sender,
    deliver_pending,
)
from backup_auditor.application.notifications.senders import EventSender
from backup_auditor.domain.audit_record import StoredFile
from backup_auditor.domain.notifications.digest import create_messages
from backup_auditor.domain.outbox import ChannelKind, OutboxMessage
from backup_auditor.errors import AcceptanceUnknownError, ChannelRefusedError, DeliveryError, EvidenceError, StateError
from backup_auditor.ports.messaging import Event, PutResult
from backup_auditor.retry import Retrier
from support.builders.facts import NOW
from support.builders.notifications import (
    EVENT_CHANNEL,
    SLACK_CHANNEL,
    SNS_CHANNEL,
    YESTERDAY,
    build_alert_report,
    build_open_finding,
)
from support.fakes.channels import FakeDeliveryDependencies
from support.fakes.log import FakeLog
from support.fakes.stores import FakeEvidence, FakeOutbox, PendingMessage
from support.faults.aws_clients import KilledError

PROJECT_CHANNELS = {"search": (EVENT_CHANNEL, SNS_CHANNEL, SLACK_CHANNEL), "shop": (EVENT_CHANNEL, SLACK_CHANNEL)}
OUTBOX_CALLS = ("list_pending", "claim", "load_progress", "record_progress", "mark_sent", "mark_failed")
CHANNEL_CALLS = ("sns", "slack", "events")
TIME_BUDGET_SECONDS = 300.0


class DeliveryFaultKind(StrEnum):
    """The ways in which a call fails."""

    FAILS = "fails"
    REFUSED = "refused"
    LOST = "lost"
    LATE = "late"
    KILLED = "killed"


@dataclass
class DeliveryFault:
    """A fault of one kind of call, a limited number of times."""

    call: str
    kind: DeliveryFaultKind
    after: int
    times: int

    def trigger(self, call: str) -> bool:
        """Return whether the fault applies to this call, and count it."""
        if call != self.call or self.times == 0:
            return False
        self.after -= 1
        if self.after >= 0:
            return False
        self.times -= 1
        return True


@dataclass
class DeliverySimulation:
    """The state that outlives a process, and what the channels received."""

    seed: int
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    evidence: FakeEvidence = field(default_factory=FakeEvidence)
    now: datetime = NOW
    faults: list[DeliveryFault] = field(default_factory=list)
    triggered_faults: list[str] = field(default_factory=list)
    received_parts: list[tuple[str, str, bool]] = field(default_factory=list)
    """Message, part, and whether it was marked as a possible duplicate."""
    settled_ids: set[str] = field(default_factory=set)
    """The messages that are recorded as accepted."""
    sent_after_settled: list[str] = field(default_factory=list)
    """The messages that were sent after that record."""
    failures_by_project: dict[str, int] = field(default_factory=dict)
    lock: Any = field(default_factory=RLock)

    def __post_init__(self) -> None:
        """Record two nights of two projects, and choose the faults."""
        self.rng = random.Random(self.seed)  # noqa: S311  not a secret
        for project, channels in PROJECT_CHANNELS.items():
            for night in range(2):
                report = build_alert_report(
                    *(build_open_finding(f"{night}-{it}") for it in range(self.rng.choice([1, 3, 30]))),
                    project=project,
                    audit_id=f"{project}-{night}",
                    observed_at=NOW + night * timedelta(minutes=1),
                )
                for message in create_messages(report, self.evidence.store_report(report), channels, YESTERDAY):
                    self.outbox.pending_by_id[message.message_id] = PendingMessage(message)
        self.messages = [it.message for it in self.outbox.pending_by_id.values()]
        calls = (*OUTBOX_CALLS, "read", *CHANNEL_CALLS)
        for call in self.rng.sample(calls, self.rng.randint(1, 4)):
            kind = self.rng.choice(list(DeliveryFaultKind))
            self.faults.append(DeliveryFault(call, kind, self.rng.randint(0, 6), self.rng.choice([1, 1, 2, 5, 10**9])))

    def run(self) -> None:
        """Run one process that delivers; only the next process sees its effects."""
        process = Process(self)
        try:
            summary = deliver_pending(process.dependencies, find_route)
        except (KilledError, StateError):
            self.failures_by_project = {}
        else:
            self.failures_by_project = dict(summary.failures_by_project)

    def list_expected_parts(self, message: OutboxMessage) -> set[str]:
        """Return the parts of a message that a channel must receive."""
        if message.channel_id != EVENT_CHANNEL.channel_id:
            return {message.message_id}
        sent_parts: list[str] = []
        Process(self, is_fault_free=True).send_events(message, sent_parts.extend)
        return set(sent_parts)


def find_route(message: OutboxMessage) -> ChannelRoute:
    """Return the route of a message."""
    return ChannelRoute(next(it for it in PROJECT_CHANNELS[message.project] if it.channel_id == message.channel_id))


@dataclass
class Process:
    """One invocation of the function, with all its calls."""

    simulation: DeliverySimulation
    is_fault_free: bool = False
    seconds_left: float = TIME_BUDGET_SECONDS
    is_dead: bool = False

    @property
    def dependencies(self) -> DeliveryDependencies:
        """The dependencies of deliveries with the faults of this process."""
        retrier = Retrier(lambda: self.seconds_left, self.wait, lambda low, high: (low + high) / 2)
        return FakeDeliveryDependencies(self, self, retrier, FakeLog(), self.make_sender, lambda: self.simulation.now)

    def make_sender(self, kind: ChannelKind) -> Sender:
        """Return a sender that records what it sends."""
        if kind is ChannelKind.EVENTS:
            return _EventSender(self)
        return _DigestSender(self, str(kind))

    def wait(self, seconds: float) -> None:
        """Advance the clock of this process only."""
        self.seconds_left -= seconds
        if self.seconds_left < 0:
            self.is_dead = True
        self._require_alive()

    def call[Result](
        self, name: str, operation: Callable[[], Result], make_error: Callable[[DeliveryFaultKind], Exception]
    ) -> Result:
        """Make a call, unless a fault applies to it."""
        with self.simulation.lock:
            self._require_alive()
            fault = (
                None if self.is_fault_free else next((it for it in self.simulation.faults if it.trigger(name)), None)
            )
            if fault is None:
                return operation()
            self.simulation.triggered_faults.append(f"{name} {fault.kind}")
            if fault.kind in {DeliveryFaultKind.FAILS, DeliveryFaultKind.REFUSED}:
                raise make_error(fault.kind)
            result = operation()
            if fault.kind is DeliveryFaultKind.LOST:
                raise make_error(fault.kind)
            if fault.kind is DeliveryFaultKind.LATE:
                self.wait(self.simulation.rng.choice([5.0, 100.0, 400.0]))
                return result
            self.is_dead = True
            raise KilledError

    def __getattr__(self, name: str) -> Any:
        """Return a call of the outbox that may fail."""
        if name not in OUTBOX_CALLS:
            raise AttributeError(name)

        def call_outbox(*args: Any, **kwargs: Any) -> Any:
            def operate() -> Any:
                if name == "mark_sent" or (name == "record_progress" and args[1] == ACCEPTED_PROGRESS):
                    self.simulation.settled_ids.add(args[0].message_id)
                return getattr(self.simulation.outbox, name)(*args, **kwargs)

            return self.call(name, operate, lambda _: StateError(f"{name} failed"))

        return call_outbox

    def read(self, file: StoredFile) -> bytes:
        """Read a file of the evidence store."""
        return self.call(
            "read", lambda: self.simulation.evidence.read(file), lambda _: EvidenceError("it cannot be read")
        )

    def send_events(self, message: OutboxMessage, receive_parts: Callable[[list[str]], None]) -> None:
        """Send the events of a message to a given receiver."""

        class Bus:
            def put(
                self, events: Sequence[Event], seconds_left: Callable[[], float], *, may_duplicate: bool = False
            ) -> PutResult:
                assert seconds_left() > 0
                assert not may_duplicate
                receive_parts([describe_part(message, it.detail_type, it.detail) for it in events])
                return PutResult((), None)

        report = load_message_report(self.simulation, message)
        EventSender(Bus(), lambda: TIME_BUDGET_SECONDS).send(
            Delivery(message, EVENT_CHANNEL, report, False, "", lambda _: None)
        )

    def record_receipt(self, message: OutboxMessage, parts: Sequence[str], *, is_repeat: bool) -> None:
        """Record the parts that a channel received."""
        if message.message_id in self.simulation.settled_ids:
            self.simulation.sent_after_settled.append(message.message_id)
        self.simulation.received_parts += [(message.message_id, part, is_repeat) for part in parts]

    def _require_alive(self) -> None:
        if self.is_dead:
            raise KilledError


def describe_part(message: OutboxMessage, detail_type: str, detail: Mapping[str, object]) -> str:
    """Return a text that identifies an event of a message."""
    return f"{message.message_id} {detail_type} {detail.get('fingerprint')}"


def load_message_report(simulation: DeliverySimulation, message: OutboxMessage) -> Any:
    """Load the report of a message."""
    from backup_auditor.rendering.formats.json import load_report  # noqa: PLC0415  only this function needs it

    return load_report(simulation.evidence.read(message.require_report()), message.require_report().location)


def make_delivery_error(kind: DeliveryFaultKind) -> DeliveryError:
    """Return the error of a channel for a kind of fault."""
    if kind is DeliveryFaultKind.REFUSED:
        return ChannelRefusedError("it is gone; make a new one")
    return AcceptanceUnknownError("the answer was lost") if kind is DeliveryFaultKind.LOST else DeliveryError("503")


@dataclass
class _DigestSender:
    process: Process
    name: str

    def send(self, delivery: Delivery) -> None:
        """Record a digest each time that it is sent."""
        message = delivery.message

        def record_digest() -> None:
            self.process.record_receipt(message, [message.message_id], is_repeat=delivery.is_possible_duplicate)

        self.process.dependencies.retrier.call(lambda: self.process.call(self.name, record_digest, make_delivery_error))


@dataclass
class _EventSender:
    process: Process

    def send(self, delivery: Delivery) -> None:
        """Record events in the batches of the sender."""
        process, message = self.process, delivery.message

        class Bus:
            def put(
                self, events: Sequence[Event], seconds_left: Callable[[], float], *, may_duplicate: bool = False
            ) -> PutResult:
                assert seconds_left() > 0
                assert not may_duplicate
                parts = [describe_part(message, it.detail_type, it.detail) for it in events]

                def record_parts() -> None:
                    process.record_receipt(message, parts, is_repeat=delivery.is_possible_duplicate)

                try:
                    process.call("events", record_parts, make_delivery_error)
                except DeliveryError as error:
                    return PutResult(tuple(range(len(events))), error)
                return PutResult((), None)

        EventSender(Bus(), lambda: process.seconds_left).send(delivery)
