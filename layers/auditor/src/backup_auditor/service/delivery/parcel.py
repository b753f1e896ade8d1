"""What a carrier is given, and what a carrier is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from backup_auditor.domain.alerting.channel import Channel
from backup_auditor.domain.alerting.message import Message
from backup_auditor.domain.report import Report


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message with all that is needed to put it into words and to send it."""

    message: Message
    channel: Channel
    report: Report
    may_be_repeat: bool
    """Whether it may have arrived before without anybody hearing of it."""
    progress: str
    """What this carrier noted of the parts that were accepted before."""
    note: Callable[[str], None]
    """Makes such a note lasting. Raises `StateError`."""


class Carrier(Protocol):
    """Brings messages to channels of one kind."""

    def carry(self, parcel: Parcel) -> None:
        """Bring a message; what fails for the moment is tried again, in time. Raises `DeliveryError`, `SecretError`."""
