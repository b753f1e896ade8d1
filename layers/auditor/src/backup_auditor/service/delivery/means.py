"""What delivering takes of the world, and what becomes of a message."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from backup_auditor.domain.alerting.channel import ChannelKind
from backup_auditor.ports.delivery import Log
from backup_auditor.ports.evidence import Evidence
from backup_auditor.ports.state import Outbox
from backup_auditor.service.delivery.parcel import Carrier
from backup_auditor.service.delivery.persevering import Patience


@dataclass(frozen=True, slots=True)
class Means:
    """What delivering takes of the world."""

    outbox: Outbox
    evidence: Evidence
    carrier_for: Callable[[ChannelKind], Carrier]
    now: Callable[[], datetime]
    patience: Patience
    log: Log


class Fate(StrEnum):
    """What became of a message."""

    SENT = "accepted"
    DROPPED = "dropped"
    """Its channel is not one of the project's any more, or wants to hear of nothing in it."""
    WAITING = "waiting"
    """Another has it, or will: there was no time for it, or it goes to another channel."""
    FAILED = "failed"
    FAILED_LASTINGLY = "failed lastingly"
    """Not for the first time, or so that only somebody's doing can mend it."""


class Outcome(NamedTuple):
    """What became of a message, and what that says of the next one."""

    fate: Fate
    is_channel_busy: bool = False
    """Whether the channel did not answer, or asked to be left alone: another message would fare no better."""
