"""One delivery: its dependencies, its result, and how the result is recorded."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from backup_auditor.domain.outbox import Channel, ChannelKind, OutboxMessage
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.timefmt import format_to_second
from backup_auditor.errors import (
    AcceptanceUnknownError,
    ChannelRefusedError,
    DeliveryError,
    EvidenceError,
    ReportAlteredError,
    SecretError,
    StateError,
)
from backup_auditor.ports.messaging import Log
from backup_auditor.ports.stores import Claim, EvidenceStore, Outbox
from backup_auditor.retry import Retrier


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message with all that is needed to put it into words and to send it."""

    message: OutboxMessage
    channel: Channel
    report: Report
    may_be_repeat: bool
    """Whether it may have arrived before without anybody hearing of it."""
    progress: str
    """What this carrier noted of the parts that were accepted before."""
    note: Callable[[str], None]
    """Makes such a note lasting. Raises `StateError`."""


class Sender(Protocol):
    """Brings messages to channels of one kind."""

    def carry(self, parcel: Delivery) -> None:
        """Bring a message; what fails for the moment is tried again, in time. Raises `DeliveryError`, `SecretError`."""


@dataclass(frozen=True, slots=True)
class DeliveryDependencies:
    """What delivering takes of the world."""

    outbox: Outbox
    evidence: EvidenceStore
    carrier_for: Callable[[ChannelKind], Sender]
    now: Callable[[], datetime]
    patience: Retrier
    log: Log


class DeliveryStatus(StrEnum):
    """What became of a message."""

    SENT = "accepted"
    DROPPED = "dropped"
    """Its channel is not one of the project's any more, or wants to hear of nothing in it."""
    WAITING = "waiting"
    """Another has it, or will: there was no time for it, or it goes to another channel."""
    FAILED = "failed"
    FAILED_LASTINGLY = "failed lastingly"
    """Not for the first time, or so that only somebody's doing can mend it."""


class DeliveryResult(NamedTuple):
    """What became of a message, and what that says of the next one."""

    fate: DeliveryStatus
    is_channel_busy: bool = False
    """Whether the channel did not answer, or asked to be left alone: another message would fare no better."""


ACCEPTED = "accepted"
"""Noted of a message whose acceptance could not be recorded as such: it is not sent again."""
_WAITS = tuple(timedelta(minutes=it) for it in (1, 5, 15, 40))
"""Before the next attempt. The last stays, and no channel may ask for more: what is stuck fails at every third sweep,
and so within each hour, which keeps its alarm on."""
_LASTING_ATTEMPTS = 2
_SETTLING_WAITS = (0.2, 1.0, 5.0)


@dataclass(frozen=True, slots=True)
class DeliveryRecorder:
    """One message that was taken, or that could not be."""

    message: OutboxMessage
    means: DeliveryDependencies

    def accepted(self, fate: DeliveryStatus = DeliveryStatus.SENT) -> DeliveryResult:
        """Record that a message needs no other attempt; where that fails, note it, so that it is not sent twice."""
        outbox, why = self.means.outbox, ""
        for wait in (0.0, *_SETTLING_WAITS):
            self.means.patience.sleep(wait)
            try:
                outbox.sent(self.message, self.means.now())
            except StateError as error:
                why = str(error)
                continue
            self._tell(self.means.log.info, fate)
            return DeliveryResult(fate)
        try:
            outbox.note_progress(self.message, ACCEPTED)
        except StateError:
            return self.stuck(f"it was {fate}, and that cannot be recorded: {why}; it may be sent again")
        return self.stuck(f"it was {fate}, and only a note of that could be made: {why}")

    def failed(self, claim: Claim, error: Exception, why: str) -> DeliveryResult:
        """Record that a message was not accepted, or that nobody knows, and when it is tried again."""
        wait = _WAITS[min(claim.attempts, len(_WAITS)) - 1]
        if isinstance(error, DeliveryError) and error.retry_after is not None:
            wait = max(wait, min(timedelta(seconds=error.retry_after), _WAITS[-1]))
        retry_at = self.means.now() + wait
        is_certain = isinstance(error, DeliveryError | SecretError | EvidenceError)
        may_have_arrived = not is_certain or isinstance(error, AcceptanceUnknownError)
        try:
            self.means.outbox.failed(self.message, why, retry_at, may_have_arrived=may_have_arrived)
        except StateError as unwritten:
            return self.stuck(f"{why}; and that cannot be recorded: {unwritten}")
        text = f"{why}; the next attempt is due at {format_to_second(retry_at)}"
        is_final = isinstance(error, ChannelRefusedError | SecretError | ReportAlteredError)
        is_busy = isinstance(error, DeliveryError) and not is_final
        if is_final or claim.attempts >= _LASTING_ATTEMPTS:
            self._tell(self.means.log.error, text, attempts=claim.attempts)
            return DeliveryResult(DeliveryStatus.FAILED_LASTINGLY, is_busy)
        self._tell(self.means.log.warning, text, attempts=claim.attempts)
        return DeliveryResult(DeliveryStatus.FAILED, is_busy)

    def dropped(self, why: str) -> DeliveryResult:
        """Record that a message is wanted nowhere any more."""
        self._tell(self.means.log.warning, f"{why}, so it is not sent")
        return self.accepted(DeliveryStatus.DROPPED)

    def handed_to(self, channel: Channel) -> DeliveryResult:
        """Write down that another channel is told instead, with the next messages that are due."""
        text = f"the project has no such channel any more; {channel.channel_id} is told instead"
        self._tell(self.means.log.warning, text)
        return DeliveryResult(DeliveryStatus.WAITING)

    def stuck(self, why: str) -> DeliveryResult:
        """Write down what the outbox could not be told: the message stays, and is tried when its lease is over."""
        self._tell(self.means.log.error, why)
        return DeliveryResult(DeliveryStatus.FAILED_LASTINGLY)

    def _tell(self, write: Callable[..., None], what: str, **more: object) -> None:
        message = self.message
        when = format_to_second(message.observed_at)
        extra = {
            "project": message.project,
            "audit_id": message.audit_id,
            "message_id": message.message_id,
            "channel": message.channel_id,
            "occasion": message.occasion,
            **more,
        }
        write(f"{message.project}: the message of {when} to {message.channel_id}: {what}", extra=extra)
