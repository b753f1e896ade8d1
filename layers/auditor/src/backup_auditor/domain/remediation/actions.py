"""What can be done to put a project right: each action is one call, and another undoes it. Nothing is ever deleted."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from backup_auditor.domain.cadence import Frequency
from backup_auditor.domain.moments import days
from backup_auditor.domain.remediation.calls import Call, Settings


class Kind(StrEnum):
    """The kinds of action."""

    CREATE_SCHEDULE = "create schedule"
    CHANGE_SCHEDULE = "change schedule"
    FIRST_BACKUP = "first backup"


@dataclass(frozen=True, slots=True)
class CreateSchedule:
    """A schedule for an index that has none."""

    index: str
    name: str
    frequency: Frequency
    retention: timedelta
    slots: int
    """How many backups of the quota it takes."""
    because: str
    kind = Kind.CREATE_SCHEDULE
    is_creation = True

    @property
    def key(self) -> str:
        """What makes it the same action in every plan."""
        return f"{self.kind}/{self.index}"

    @property
    def call(self) -> Call:
        """The call that does it."""
        cadence = {"type": "time-based", "frequency": self.frequency.value}
        body = {"name": self.name, "schedule": cadence, "retention": {"expire_after_days": days(self.retention)}}
        return Call("POST", f"/indexes/{self.index}/backup-schedules", body)

    def undo(self, made_id: str) -> Call:
        """Return the call that undoes it."""
        return Call("DELETE", f"/backup-schedules/{made_id}")


@dataclass(frozen=True, slots=True)
class ChangeSchedule:
    """Other settings for a schedule that falls short: faster, kept longer, or resumed."""

    index: str
    schedule_id: str
    name: str
    changes: Settings
    before: Settings
    slots: int
    """How many more backups of the quota it takes."""
    because: str
    kind = Kind.CHANGE_SCHEDULE
    is_creation = False

    @property
    def key(self) -> str:
        """What makes it the same action in every plan."""
        return f"{self.kind}/{self.schedule_id}"

    @property
    def call(self) -> Call:
        """The call that does it."""
        return Call("PATCH", f"/backup-schedules/{self.schedule_id}", self.changes.body)

    def undo(self, made_id: str) -> Call:
        """Return the call that undoes it."""
        return Call("PATCH", f"/backup-schedules/{made_id}", self.before.within(self.changes).body)


@dataclass(frozen=True, slots=True)
class TakeBackup:
    """One backup, now, of an index that has no recovery point."""

    index: str
    name: str
    because: str
    slots: int = 1
    kind = Kind.FIRST_BACKUP
    is_creation = True

    @property
    def key(self) -> str:
        """What makes it the same action in every plan."""
        return f"{self.kind}/{self.index}"

    @property
    def call(self) -> Call:
        """The call that does it."""
        return Call("POST", f"/indexes/{self.index}/backups", {"name": self.name})

    def undo(self, made_id: str) -> Call:
        """Return the call that undoes it."""
        return Call("DELETE", f"/backups/{made_id}")


type Action = CreateSchedule | ChangeSchedule | TakeBackup


def first_backup_keys() -> tuple[str, str]:
    """Return between which two texts, the second left out, the keys of all first backups sort."""
    return f"{Kind.FIRST_BACKUP}/", f"{Kind.FIRST_BACKUP}0"  # the next character


FIRST_BACKUP_PREFIX = "auditor-first-"
"""How the names of first backups begin, so that a person recognises them."""
