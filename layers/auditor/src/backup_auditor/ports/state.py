"""What the use cases need of whatever remembers projects, as protocols."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from backup_auditor.domain.alerting.message import Message
from backup_auditor.domain.audit_record import AuditRecord
from backup_auditor.domain.memory import Memory
from backup_auditor.domain.recording import Recording

EVER = datetime.min.replace(tzinfo=UTC)
"""The moment since which all audits are asked for."""


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


class RecordedState(StateStore, AuditLog, Protocol):
    """A store with the records of its audits."""


@dataclass(frozen=True, slots=True)
class LastAudits:
    """When a project was audited last, and when completely; `None` where it never was."""

    observed_at: datetime | None
    complete_at: datetime | None
    pinecone_project_id: str | None = None
    """Pinecone's id of the project that was audited, once it is known."""

    @property
    def are_incomplete(self) -> bool:
        """Whether the last audit of all did not see everything."""
        return self.observed_at != self.complete_at


class Watched(Protocol):
    """Knows how long a project has gone without a complete audit. It is the store's side for whoever watches it."""

    def last_audits(self, project: str) -> LastAudits:
        """Return when the last audits were, without loading what is remembered."""

    def registered_since(self, project: str, now: datetime) -> datetime:
        """Return when it was first asked for, by whoever watches: the present moment, the first time."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What was known of a message when it was taken."""

    attempts: int
    """How often it was taken now, this time included."""
    may_be_repeat: bool
    """Whether an attempt before may have been accepted without anybody hearing of it."""


class Outbox(Protocol):
    """The messages that were recorded and not yet accepted. It is the store's third side.

    All raise `StateError` where the store cannot be read or written.
    """

    def pending(self, project: str | None, now: datetime) -> Sequence[Message]:
        """Return the messages of a project, or of all, that are due: not sent, not claimed, and not to wait longer."""

    def claim(self, message: Message, now: datetime, until: datetime) -> Claim | None:
        """Take a message for oneself until a moment; `None` where another has it, or it was sent meanwhile."""

    def sent(self, message: Message, now: datetime) -> None:
        """Say that a channel accepted a message: it is never sent again."""

    def failed(self, message: Message, why: str, retry_at: datetime, *, may_have_arrived: bool = False) -> int:
        """Say that it was not accepted, or that nobody knows, and when to try again. Return how often it was tried."""

    def readdress(self, message: Message, instead: Message) -> bool:
        """Let another message take the place of one; `False`, and nothing is done, where that waits or was sent."""

    def progress(self, message: Message) -> str:
        """Return what was noted of the parts of a message that were accepted; empty where nothing was."""

    def note_progress(self, message: Message, text: str) -> None:
        """Note, in the words of whoever sends it, which parts were accepted: only the others are sent again."""
