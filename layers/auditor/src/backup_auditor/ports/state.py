"""What the use cases need of whatever remembers projects, as protocols."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from backup_auditor.domain.alerting.message import Message
from backup_auditor.domain.audit_record import AuditRecord
from backup_auditor.domain.memory import Memory
from backup_auditor.domain.recording import Recording


class StateStore(Protocol):
    """Remembers projects from one audit to the next. A recording is there wholly or not at all, whatever happens.

    Both raise `StateError` where the store cannot be read or written.
    """

    def load(self, project: str) -> Memory:
        """Return what is remembered of a project; the empty memory where nothing is."""

    def record(self, project: str, recording: Recording) -> None:
        """Make a recording lasting. Raises `ConflictingRecordError` unless the revision it expects is the latest."""


class AuditLog(Protocol):
    """Knows which audits were recorded. It is the store's other side, for those who ask later."""

    def audits(self, project: str, since: datetime) -> Sequence[AuditRecord]:
        """Return what is kept of a project's audits since a moment, the oldest first."""


class Outbox(Protocol):
    """The messages that were recorded and not yet accepted. It is the store's third side."""

    def pending(self, project: str | None, now: datetime) -> Sequence[Message]:
        """Return the messages of a project, or of all, that are due: not sent, not claimed, and not to wait longer."""

    def claim(self, message: Message, now: datetime, until: datetime) -> bool:
        """Take a message for oneself until a moment; `False` where another has it, or it was sent meanwhile."""

    def sent(self, message: Message, now: datetime) -> None:
        """Say that a channel accepted a message: it is never sent again."""

    def failed(self, message: Message, why: str, retry_at: datetime) -> int:
        """Say that it was not accepted, and when it is to be tried again. Return how often that has happened now."""
