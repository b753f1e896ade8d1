"""Making it lasting what became of a message, and writing it down."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from backup_auditor.domain.alerting.channel import Channel
from backup_auditor.domain.alerting.message import Message
from backup_auditor.domain.moments import format_to_second
from backup_auditor.errors import (
    AcceptanceUnknownError,
    ChannelRefusedError,
    DeliveryError,
    EvidenceError,
    ReportAlteredError,
    SecretError,
    StateError,
)
from backup_auditor.ports.state import Claim
from backup_auditor.service.delivery.means import Fate, Means, Outcome

ACCEPTED = "accepted"
"""Noted of a message whose acceptance could not be recorded as such: it is not sent again."""
_WAITS = tuple(timedelta(minutes=it) for it in (1, 5, 15, 40))
"""Before the next attempt. The last stays, and no channel may ask for more: what is stuck fails at every third sweep,
and so within each hour, which keeps its alarm on."""
_LASTING_ATTEMPTS = 2
_SETTLING_WAITS = (0.2, 1.0, 5.0)


@dataclass(frozen=True, slots=True)
class Settlement:
    """One message that was taken, or that could not be."""

    message: Message
    means: Means

    def accepted(self, fate: Fate = Fate.SENT) -> Outcome:
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
            return Outcome(fate)
        try:
            outbox.note_progress(self.message, ACCEPTED)
        except StateError:
            return self.stuck(f"it was {fate}, and that cannot be recorded: {why}; it may be sent again")
        return self.stuck(f"it was {fate}, and only a note of that could be made: {why}")

    def failed(self, claim: Claim, error: Exception, why: str) -> Outcome:
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
            return Outcome(Fate.FAILED_LASTINGLY, is_busy)
        self._tell(self.means.log.warning, text, attempts=claim.attempts)
        return Outcome(Fate.FAILED, is_busy)

    def dropped(self, why: str) -> Outcome:
        """Record that a message is wanted nowhere any more."""
        self._tell(self.means.log.warning, f"{why}, so it is not sent")
        return self.accepted(Fate.DROPPED)

    def handed_to(self, channel: Channel) -> Outcome:
        """Write down that another channel is told instead, with the next messages that are due."""
        text = f"the project has no such channel any more; {channel.channel_id} is told instead"
        self._tell(self.means.log.warning, text)
        return Outcome(Fate.WAITING)

    def stuck(self, why: str) -> Outcome:
        """Write down what the outbox could not be told: the message stays, and is tried when its lease is over."""
        self._tell(self.means.log.error, why)
        return Outcome(Fate.FAILED_LASTINGLY)

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
