"""A post office in which things go wrong by a seed: calls fail, answers are lost, come late, or find nobody alive."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from threading import RLock
from typing import Any

from backup_auditor.application.notifications.delivery import ACCEPTED_PROGRESS, Delivery, DeliveryDependencies, Sender
from backup_auditor.application.notifications.dispatcher import deliver_pending
from backup_auditor.application.notifications.routing import Route
from backup_auditor.application.notifications.senders import EventSender
from backup_auditor.domain.audit_record import StoredFile
from backup_auditor.domain.notifications.triggers import create_messages
from backup_auditor.domain.outbox import ChannelKind, OutboxMessage
from backup_auditor.errors import AcceptanceUnknownError, ChannelRefusedError, DeliveryError, EvidenceError, StateError
from backup_auditor.ports.messaging import Event, PutResult
from backup_auditor.retry import Retrier
from support.builders.facts import NOW
from support.builders.notifications import EVENTS, SLACK, TOPIC, YESTERDAY, found, told
from support.fakes.channels import FakeLog
from support.fakes.stores import FakeEvidence, FakeOutbox, Waiting

CHANNELS = {"search": (EVENTS, TOPIC, SLACK), "shop": (EVENTS, SLACK)}
OUTBOX_CALLS = ("list_pending", "claim", "load_progress", "record_progress", "mark_sent", "mark_failed")
CHANNEL_CALLS = ("sns", "slack", "events")
TIME = 300.0


class Killed(BaseException):
    """The process is no more."""


class Kind(StrEnum):
    """What goes wrong with a call."""

    FAILS = "fails"
    REFUSED = "refused"
    LOST = "lost"
    LATE = "late"
    KILLED = "killed"


@dataclass
class Mishap:
    """Something that goes wrong with one sort of call, so many times."""

    call: str
    kind: Kind
    after: int
    times: int

    def strikes(self, call: str) -> bool:
        """Tell whether it strikes this call, and count it."""
        if call != self.call or self.times == 0:
            return False
        self.after -= 1
        if self.after >= 0:
            return False
        self.times -= 1
        return True


@dataclass
class World:
    """What lasts from one process to the next, and what the channels have heard."""

    seed: int
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    evidence: FakeEvidence = field(default_factory=FakeEvidence)
    now: datetime = NOW
    mishaps: list[Mishap] = field(default_factory=list)
    struck: list[str] = field(default_factory=list)
    heard: list[tuple[str, str, bool]] = field(default_factory=list)
    """Message and part, and whether it said that it may be a repeat."""
    settled: set[str] = field(default_factory=set)
    """Messages of which it is recorded that they were accepted."""
    after_settled: list[str] = field(default_factory=list)
    """Messages that were sent nevertheless."""
    failures: dict[str, int] = field(default_factory=dict)
    lock: Any = field(default_factory=RLock)

    def __post_init__(self) -> None:
        """Record two nights of two projects, and choose what goes wrong."""
        self.chance = random.Random(self.seed)  # noqa: S311  no secret
        for project, channels in CHANNELS.items():
            for night in range(2):
                report = told(
                    *(found(f"{night}-{it}") for it in range(self.chance.choice([1, 3, 30]))),
                    project=project,
                    audit_id=f"{project}-{night}",
                    observed_at=NOW + night * timedelta(minutes=1),
                )
                for message in create_messages(report, self.evidence.store_report(report), channels, YESTERDAY):
                    self.outbox.waiting[message.message_id] = Waiting(message)
        self.messages = [it.message for it in self.outbox.waiting.values()]
        calls = (*OUTBOX_CALLS, "read", *CHANNEL_CALLS)
        for call in self.chance.sample(calls, self.chance.randint(1, 4)):
            kind = self.chance.choice(list(Kind))
            self.mishaps.append(Mishap(call, kind, self.chance.randint(0, 6), self.chance.choice([1, 1, 2, 5, 10**9])))

    def run(self) -> None:
        """Let a process deliver; what ends it is heard of by nobody but its clock."""
        process = Process(self)
        try:
            deliveries = deliver_pending(process.means, address_of)
        except (Killed, StateError):
            self.failures = {}
        else:
            self.failures = dict(deliveries.failures_by_project)

    def parts(self, message: OutboxMessage) -> set[str]:
        """Name what has to be heard of a message."""
        if message.channel_id != EVENTS.channel_id:
            return {message.message_id}
        carried: list[str] = []
        Process(self, is_safe=True).events(message, carried.extend)
        return set(carried)


def address_of(message: OutboxMessage) -> Route:
    """Return where a message goes."""
    return Route(next(it for it in CHANNELS[message.project] if it.channel_id == message.channel_id))


@dataclass
class Process:
    """One invocation of the function, with all that it calls."""

    world: World
    is_safe: bool = False
    seconds_left: float = TIME
    is_dead: bool = False

    @property
    def means(self) -> DeliveryDependencies:
        """What delivering takes of the world."""
        patience = Retrier(lambda: self.seconds_left, self.wait, lambda low, high: (low + high) / 2)
        return DeliveryDependencies(self, self, self.carrier_for, lambda: self.world.now, patience, FakeLog())

    def carrier_for(self, kind: ChannelKind) -> Sender:
        """Return a carrier that tells the world what it carried."""
        if kind is ChannelKind.EVENTS:
            return _Events(self)
        return _Digests(self, str(kind))

    def wait(self, seconds: float) -> None:
        """Let time pass, for nobody else."""
        self.seconds_left -= seconds
        if self.seconds_left < 0:
            self.is_dead = True
        self._need_life()

    def call[Result](self, name: str, act: Callable[[], Result], failure: Callable[[Kind], Exception]) -> Result:
        """Do something, unless it goes wrong."""
        with self.world.lock:
            self._need_life()
            mishap = None if self.is_safe else next((it for it in self.world.mishaps if it.strikes(name)), None)
            if mishap is None:
                return act()
            self.world.struck.append(f"{name} {mishap.kind}")
            if mishap.kind in {Kind.FAILS, Kind.REFUSED}:
                raise failure(mishap.kind)
            result = act()
            if mishap.kind is Kind.LOST:
                raise failure(mishap.kind)
            if mishap.kind is Kind.LATE:
                self.wait(self.world.chance.choice([5.0, 100.0, 400.0]))
                return result
            self.is_dead = True
            raise Killed

    def __getattr__(self, name: str) -> Any:
        """Be an outbox, each of whose calls may go wrong."""
        if name not in OUTBOX_CALLS:
            raise AttributeError(name)

        def called(*given: Any, **more: Any) -> Any:
            def act() -> Any:
                if name == "mark_sent" or (name == "record_progress" and given[1] == ACCEPTED_PROGRESS):
                    self.world.settled.add(given[0].message_id)
                return getattr(self.world.outbox, name)(*given, **more)

            return self.call(name, act, lambda _: StateError(f"{name} went wrong"))

        return called

    def read(self, file: StoredFile) -> bytes:
        """Be a place for evidence."""
        return self.call("read", lambda: self.world.evidence.read(file), lambda _: EvidenceError("it cannot be read"))

    def events(self, message: OutboxMessage, take: Callable[[list[str]], None]) -> None:
        """Carry the events of a message to somebody else."""

        class Bus:
            def put(self, events: Sequence[Event], seconds_left: Callable[[], float]) -> PutResult:
                assert seconds_left() > 0
                take([part_of(message, it.detail_type, it.detail) for it in events])
                return PutResult((), None)

        report = told_of_evidence(self.world, message)
        EventSender(Bus(), lambda: TIME).send(Delivery(message, EVENTS, report, False, "", lambda _: None))

    def hears(self, message: OutboxMessage, parts: Sequence[str], *, is_repeat: bool) -> None:
        """Let a channel hear something."""
        if message.message_id in self.world.settled:
            self.world.after_settled.append(message.message_id)
        self.world.heard += [(message.message_id, part, is_repeat) for part in parts]

    def _need_life(self) -> None:
        if self.is_dead:
            raise Killed


def part_of(message: OutboxMessage, detail_type: str, detail: Mapping[str, object]) -> str:
    """Tell the events of an audit apart."""
    return f"{message.message_id} {detail_type} {detail.get('fingerprint')}"


def told_of_evidence(world: World, message: OutboxMessage) -> Any:
    """Read the report of a message."""
    from backup_auditor.rendering.formats.json import load_report  # noqa: PLC0415  of this alone

    return load_report(world.evidence.read(message.report), message.report.location)


def failure_of(kind: Kind) -> DeliveryError:
    """Return what a channel's failure is."""
    if kind is Kind.REFUSED:
        return ChannelRefusedError("it is gone; make a new one")
    return AcceptanceUnknownError("the answer was lost") if kind is Kind.LOST else DeliveryError("503")


@dataclass
class _Digests:
    process: Process
    name: str

    def send(self, delivery: Delivery) -> None:
        """Let the channel hear a digest, as often as it is sent."""
        message = delivery.message

        def act() -> None:
            self.process.hears(message, [message.message_id], is_repeat=delivery.is_possible_duplicate)

        self.process.means.retrier.call(lambda: self.process.call(self.name, act, failure_of))


@dataclass
class _Events:
    process: Process

    def send(self, delivery: Delivery) -> None:
        """Let the bus hear events, as many at once as the carrier gives it."""
        process, message = self.process, delivery.message

        class Bus:
            def put(self, events: Sequence[Event], seconds_left: Callable[[], float]) -> PutResult:
                assert seconds_left() > 0
                parts = [part_of(message, it.detail_type, it.detail) for it in events]

                def act() -> None:
                    process.hears(message, parts, is_repeat=delivery.is_possible_duplicate)

                try:
                    process.call("events", act, failure_of)
                except DeliveryError as error:
                    return PutResult(tuple(range(len(events))), error)
                return PutResult((), None)

        EventSender(Bus(), lambda: process.seconds_left).send(delivery)
