"""Record the result of one delivery, and define what a delivery needs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from backup_auditor.domain.outbox import Channel, ChannelKind, OutboxMessage
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.timefmt import format_minute
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
    """One message, and what is needed to render and send it."""

    message: OutboxMessage
    channel: Channel
    report: Report
    is_possible_duplicate: bool
    """Whether an earlier attempt may have arrived although it was not confirmed."""
    progress: str
    """The sender's record of the parts that were accepted before."""
    record_progress: Callable[[str], None]
    """Stores such a record. Raises `StateError`."""


class Sender(Protocol):
    """Sends messages to channels of one kind."""

    def send(self, delivery: Delivery) -> None:
        """Send a message, with retries as far as time allows. Raises `DeliveryError` and `SecretError`."""


class DeliveryDependencies(Protocol):
    """What deliveries need from outside."""

    outbox: Outbox
    evidence: EvidenceStore
    retrier: Retrier
    log: Log

    def find_sender(self, kind: ChannelKind) -> Sender:
        """Return the sender for channels of a kind."""

    def now(self) -> datetime:
        """Return the present time."""


class DeliveryStatus(StrEnum):
    """The status of a message after an attempt."""

    SENT = "accepted"
    DROPPED = "dropped"
    """The project no longer has its channel, or the channel's minimum severity excludes all of it."""
    WAITING = "waiting"
    """Not attempted: no time was left, another function has it, or another channel receives it."""
    FAILED = "failed"
    NEEDS_ATTENTION = "needs attention"
    """Failed more than once, or with an error that no retry resolves."""


class DeliveryResult(NamedTuple):
    """The status of a message, and whether its channel can take another one now."""

    status: DeliveryStatus
    is_channel_busy: bool = False
    """Whether the channel did not answer or asked to wait, so that another message would fail too."""


ACCEPTED_PROGRESS = "accepted"
"""The progress of a message that was accepted but could not be marked as sent: it is not sent again."""
_RETRY_WAITS = tuple(timedelta(minutes=it) for it in (1, 5, 15, 40))
"""Waits before the next attempts. The last is repeated, and is the longest that a channel can ask for: a message that
cannot be delivered fails at least once per hour, so the alarm stays on."""
_ATTEMPTS_UNTIL_ATTENTION = 2
_RECORD_WAITS = (0.2, 1.0, 5.0)


@dataclass(frozen=True, slots=True)
class DeliveryRecorder:
    """Records and logs what happened to one message."""

    message: OutboxMessage
    deps: DeliveryDependencies

    def record_accepted(self, status: DeliveryStatus = DeliveryStatus.SENT) -> DeliveryResult:
        """Mark the message as sent or dropped. If that fails, record it as progress, so that it is not sent twice."""
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
            return self.log_stuck(f"{status}, but this could not be recorded: {reason}; it may be sent again")
        return self.log_stuck(f"{status}, but recorded only as progress: {reason}; it is not sent again")

    def record_failure(self, claim: Claim, error: Exception, reason: str) -> DeliveryResult:
        """Record that the message was not accepted, or that this is unknown, and the time of the next attempt."""
        wait = _RETRY_WAITS[min(claim.attempts, len(_RETRY_WAITS)) - 1]
        if isinstance(error, DeliveryError) and error.retry_after is not None:
            wait = max(wait, min(timedelta(seconds=error.retry_after), _RETRY_WAITS[-1]))
        retry_at = self.deps.now() + wait
        is_known_error = isinstance(error, DeliveryError | SecretError | EvidenceError)
        may_have_arrived = not is_known_error or isinstance(error, AcceptanceUnknownError)
        try:
            self.deps.outbox.mark_failed(self.message, reason, retry_at, may_have_arrived=may_have_arrived)
        except StateError as record_error:
            return self.log_stuck(f"{reason}; the failure could not be recorded: {record_error}")
        text = f"{reason}; next attempt at {format_minute(retry_at)}"
        is_final = isinstance(error, ChannelRefusedError | SecretError | ReportAlteredError)
        is_busy = isinstance(error, DeliveryError) and not is_final
        if is_final or claim.attempts >= _ATTEMPTS_UNTIL_ATTENTION:
            self._log(self.deps.log.error, text, attempts=claim.attempts)
            return DeliveryResult(DeliveryStatus.NEEDS_ATTENTION, is_busy)
        self._log(self.deps.log.warning, text, attempts=claim.attempts)
        return DeliveryResult(DeliveryStatus.FAILED, is_busy)

    def record_drop(self, reason: str) -> DeliveryResult:
        """Record that no channel needs the message any more."""
        self._log(self.deps.log.warning, f"not sent: {reason}")
        return self.record_accepted(DeliveryStatus.DROPPED)

    def log_readdressed(self, channel: Channel) -> DeliveryResult:
        """Log that another channel receives the message, with the next pending messages."""
        text = f"the project no longer has this channel; {channel.channel_id} receives the message instead"
        self._log(self.deps.log.warning, text)
        return DeliveryResult(DeliveryStatus.WAITING)

    def log_stuck(self, reason: str) -> DeliveryResult:
        """Log that the outbox could not be updated. The message stays, and is retried when its claim ends."""
        self._log(self.deps.log.error, reason)
        return DeliveryResult(DeliveryStatus.NEEDS_ATTENTION)

    def _log(self, write_line: Callable[..., None], text: str, **fields: object) -> None:
        message = self.message
        extra = {
            "project": message.project,
            "audit_id": message.audit_id,
            "message_id": message.message_id,
            "channel": message.channel_id,
            "trigger": message.trigger,
            **fields,
        }
        subject = f"{message.project}: message of {format_minute(message.observed_at)} to {message.channel_id}"
        write_line(f"{subject}: {text}", extra=extra)
