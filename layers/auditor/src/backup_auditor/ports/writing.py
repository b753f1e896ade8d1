"""What remediation needs of a project's place at Pinecone, and of whatever records what was done, as protocols."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from backup_auditor.domain.cadence import Frequency
from backup_auditor.domain.facts import Backup, Index, Schedule
from backup_auditor.domain.remediation.calls import Settings
from backup_auditor.domain.remediation.plan import Plan
from backup_auditor.domain.remediation.record import ActionRecord


class ProjectWriter(Protocol):
    """Looks at single indexes of a project, and changes them. Safe to call from many threads; deletes nothing.

    Every call raises any `PineconeError`; a listing that could not be read to its end is an error too. Each change is
    sent once. One whose answer was lost is settled by reading, and `OutcomeUnknownError` says that this failed.
    """

    @property
    def ceiling(self) -> int:
        """How many calls it will ever have in flight at once."""

    @property
    def seconds_left(self) -> float:
        """How long to wait, at most, for what was asked of it."""

    def index(self, name: str) -> Index:
        """Return one index, as it was within the last second."""

    def schedules(self, index: str) -> tuple[Schedule, ...]:
        """Read all schedules of an index."""

    def backups(self, index: str) -> tuple[Backup, ...]:
        """Read all backups of the live index of a name."""

    def create_schedule(
        self, index: str, name: str, frequency: Frequency, retention: timedelta, beside: Sequence[Schedule]
    ) -> Schedule:
        """Create an enabled schedule beside those that were just read. `ConflictError`: one is enabled by now."""

    def change_schedule(self, schedule_id: str, changes: Settings) -> Schedule:
        """Change what the settings speak of, and leave the rest."""

    def take_backup(self, index: str, name: str, beside: Sequence[Backup]) -> Backup:
        """Begin a backup beside those that were just read."""

    def pause(self, seconds: float) -> None:
        """Wait for what was asked for to show. Raises `DeadlineError` when the time would be over by then."""


class RemediationLog(Protocol):
    """Remembers plans, and every action from before it is begun. Safe to call from many threads.

    All raise `StateError` where it cannot be read or written.
    """

    def keep(self, plan: Plan) -> None:
        """Remember a plan; one of the same id that was made before is replaced."""

    def plan(self, project: str, plan_id: str) -> Plan | None:
        """Return a plan of a project, as it was last made; `None` where there is none of that id."""

    def pinecone_project_id(self, project: str) -> str | None:
        """Return Pinecone's id of a project, once an audit has recorded it."""

    def last(self, project: str, key: str) -> ActionRecord | None:
        """Return the latest attempt at an action, of whatever plan."""

    def begin(self, record: ActionRecord) -> bool:
        """Record an attempt before it is made; `False`, and nothing recorded, where another has taken its number."""

    def conclude(self, record: ActionRecord) -> None:
        """Record what came of an attempt that was begun."""

    def settle(self, record: ActionRecord) -> None:
        """Record what reading shows of an attempt, unless whoever made it has said by now what came of it."""

    def unsettled(self, project: str) -> Sequence[ActionRecord]:
        """Return every attempt of which nobody knows what came of it, the oldest first."""

    def attempts(self, project: str) -> Sequence[ActionRecord]:
        """Return every attempt at any action, the oldest first."""

    def actions(self, project: str, plan_id: str) -> Sequence[ActionRecord]:
        """Return every attempt at the actions of a plan, the oldest first."""


class ToldLog(RemediationLog, Protocol):
    """Remembers, besides, of what was done that the bus has heard of it."""

    def untold(self, project: str) -> Sequence[ActionRecord]:
        """Return every attempt that was written and not told, the oldest first."""

    def mark_told(self, record: ActionRecord, at: datetime) -> None:
        """Remember that an attempt was told as this record has it; one that says otherwise by now is still to be."""
