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
    is_possible_duplicate: bool
    """Whether it may have arrived before without anybody hearing of it."""
    progress: str
    """What this carrier noted of the parts that were accepted before."""
    record_progress: Callable[[str], None]
    """Makes such a note lasting. Raises `StateError`."""


class Sender(Protocol):
    """Brings messages to channels of one kind."""

    def send(self, delivery: Delivery) -> None:
        """Bring a message; what fails for the moment is tried again, in time. Raises `DeliveryError`, `SecretError`."""


@dataclass(frozen=True, slots=True)
class DeliveryDependencies:
    """What delivering takes of the world."""

    outbox: Outbox
    evidence: EvidenceStore
    find_sender: Callable[[ChannelKind], Sender]
    now: Callable[[], datetime]
    retrier: Retrier
    log: Log


class DeliveryStatus(StrEnum):
    """What became of a message."""

    SENT = "accepted"
    DROPPED = "dropped"
    """Its channel is not one of the project's any more, or wants to hear of nothing in it."""
    WAITING = "waiting"
    """Another has it, or will: there was no time for it, or it goes to another channel."""
    FAILED = "failed"
    NEEDS_ATTENTION = "failed lastingly"
    """Not for the first time, or so that only somebody's doing can mend it."""


class DeliveryResult(NamedTuple):
    """What became of a message, and what that says of the next one."""

    status: DeliveryStatus
    is_channel_busy: bool = False
    """Whether the channel did not answer, or asked to be left alone: another message would fare no better."""


ACCEPTED_PROGRESS = "accepted"
"""Noted of a message whose acceptance could not be recorded as such: it is not sent again."""
_RETRY_WAITS = tuple(timedelta(minutes=it) for it in (1, 5, 15, 40))
"""Before the next attempt. The last stays, and no channel may ask for more: what is stuck fails at every third sweep,
and so within each hour, which keeps its alarm on."""
_ATTEMPTS_UNTIL_ATTENTION = 2
_RECORD_WAITS = (0.2, 1.0, 5.0)


@dataclass(frozen=True, slots=True)
class DeliveryRecorder:
    """One message that was taken, or that could not be."""

    message: OutboxMessage
    deps: DeliveryDependencies

    def record_accepted(self, status: DeliveryStatus = DeliveryStatus.SENT) -> DeliveryResult:
        """Record that a message needs no other attempt; where that fails, note it, so that it is not sent twice."""
        outbox, reason = self.deps.outbox, ""
        for wait in (0.0, *_RECORD_WAITS):
            self.deps.retrier.sleep(wait)
            try:
                outbox.mark_sent(self.message, self.deps.now())
            except StateError as error:
                reason = str(error)
                continue
            self._log(self.deps.log.info, status)
            return DeliveryResult(status)
        try:
            outbox.record_progress(self.message, ACCEPTED_PROGRESS)
        except StateError:
            return self.log_stuck(f"it was {status}, and that cannot be recorded: {reason}; it may be sent again")
        return self.log_stuck(f"it was {status}, and only a note of that could be made: {reason}")

    def record_failure(self, claim: Claim, error: Exception, reason: str) -> DeliveryResult:
        """Record that a message was not accepted, or that nobody knows, and when it is tried again."""
        wait = _RETRY_WAITS[min(claim.attempts, len(_RETRY_WAITS)) - 1]
        if isinstance(error, DeliveryError) and error.retry_after is not None:
            wait = max(wait, min(timedelta(seconds=error.retry_after), _RETRY_WAITS[-1]))
        retry_at = self.deps.now() + wait
        is_known_error = isinstance(error, DeliveryError | SecretError | EvidenceError)
        may_have_arrived = not is_known_error or isinstance(error, AcceptanceUnknownError)
        try:
            self.deps.outbox.mark_failed(self.message, reason, retry_at, may_have_arrived=may_have_arrived)
        except StateError as record_error:
            return self.log_stuck(f"{reason}; and that cannot be recorded: {record_error}")
        text = f"{reason}; the next attempt is due at {format_to_second(retry_at)}"
        is_final = isinstance(error, ChannelRefusedError | SecretError | ReportAlteredError)
        is_busy = isinstance(error, DeliveryError) and not is_final
        if is_final or claim.attempts >= _ATTEMPTS_UNTIL_ATTENTION:
            self._log(self.deps.log.error, text, attempts=claim.attempts)
            return DeliveryResult(DeliveryStatus.NEEDS_ATTENTION, is_busy)
        self._log(self.deps.log.warning, text, attempts=claim.attempts)
        return DeliveryResult(DeliveryStatus.FAILED, is_busy)

    def record_drop(self, reason: str) -> DeliveryResult:
        """Record that a message is wanted nowhere any more."""
        self._log(self.deps.log.warning, f"{reason}, so it is not sent")
        return self.record_accepted(DeliveryStatus.DROPPED)

    def log_readdressed(self, channel: Channel) -> DeliveryResult:
        """Write down that another channel is told instead, with the next messages that are due."""
        text = f"the project has no such channel any more; {channel.channel_id} is told instead"
        self._log(self.deps.log.warning, text)
        return DeliveryResult(DeliveryStatus.WAITING)

    def log_stuck(self, reason: str) -> DeliveryResult:
        """Write down what the outbox could not be told: the message stays, and is tried when its lease is over."""
        self._log(self.deps.log.error, reason)
        return DeliveryResult(DeliveryStatus.NEEDS_ATTENTION)

    def _log(self, write_line: Callable[..., None], text: str, **fields: object) -> None:
        message = self.message
        observed_text = format_to_second(message.observed_at)
        extra = {
            "project": message.project,
            "audit_id": message.audit_id,
            "message_id": message.message_id,
            "channel": message.channel_id,
            "trigger": message.trigger,
            **fields,
        }
        write_line(f"{message.project}: the message of {observed_text} to {message.channel_id}: {text}", extra=extra)
