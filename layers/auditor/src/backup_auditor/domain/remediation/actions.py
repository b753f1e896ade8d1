"""Remediation actions: each is one API call, and another call undoes it. No action deletes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from backup_auditor.domain.model import Frequency, Schedule
from backup_auditor.domain.timefmt import days


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call of Pinecone's API."""

    method: str
    path: str
    body: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        """Write it as documents do."""
        return f"{self.method} {self.path}" + (f" {json.dumps(self.body)}" if self.body else "")


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    """What a schedule is set to; `None` leaves as it is, or is not known."""

    enabled: bool | None = None
    frequency: Frequency | None = None
    retention: timedelta | None = None

    @property
    def body(self) -> dict[str, object]:
        """What a change to this sends."""
        found: dict[str, object] = {}
        if self.enabled is not None:
            found["enabled"] = self.enabled
        if self.frequency is not None:
            found["frequency"] = self.frequency.value
        if self.retention is not None:
            found["retention"] = {"expire_after_days": days(self.retention)}
        return found

    def within(self, other: "ScheduleSettings") -> "ScheduleSettings":
        """Return of these settings those that the other speaks of."""
        return ScheduleSettings(
            None if other.enabled is None else self.enabled,
            None if other.frequency is None else self.frequency,
            None if other.retention is None else self.retention,
        )

    def merged(self, other: "ScheduleSettings") -> "ScheduleSettings":
        """Return these settings, and the other ones where these leave something as it is."""
        return ScheduleSettings(
            other.enabled if self.enabled is None else self.enabled,
            other.frequency if self.frequency is None else self.frequency,
            other.retention if self.retention is None else self.retention,
        )

    def applied_to(self, schedule: Schedule) -> Schedule:
        """Return a schedule as it is once it is changed to this."""
        return replace(
            schedule,
            enabled=schedule.enabled if self.enabled is None else self.enabled,
            frequency=schedule.frequency if self.frequency is None else self.frequency.value,
            retention=schedule.retention if self.retention is None else self.retention,
        )


def settings_of(schedule: Schedule) -> ScheduleSettings:
    """Return what a schedule is set to, as far as it tells."""
    return ScheduleSettings(schedule.enabled, Frequency.of(schedule.frequency), schedule.retention)


class ActionKind(StrEnum):
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
    kind = ActionKind.CREATE_SCHEDULE
    is_creation = True

    @property
    def key(self) -> str:
        """What makes it the same action in every plan."""
        return f"{self.kind}/{self.index}"

    @property
    def call(self) -> ApiCall:
        """The call that does it."""
        cadence = {"type": "time-based", "frequency": self.frequency.value}
        body = {"name": self.name, "schedule": cadence, "retention": {"expire_after_days": days(self.retention)}}
        return ApiCall("POST", f"/indexes/{self.index}/backup-schedules", body)

    def undo(self, made_id: str) -> ApiCall:
        """Return the call that undoes it."""
        return ApiCall("DELETE", f"/backup-schedules/{made_id}")


@dataclass(frozen=True, slots=True)
class UpdateSchedule:
    """Other settings for a schedule that falls short: faster, kept longer, or resumed."""

    index: str
    schedule_id: str
    name: str
    changes: ScheduleSettings
    before: ScheduleSettings
    slots: int
    """How many more backups of the quota it takes."""
    because: str
    kind = ActionKind.CHANGE_SCHEDULE
    is_creation = False

    @property
    def key(self) -> str:
        """What makes it the same action in every plan."""
        return f"{self.kind}/{self.schedule_id}"

    @property
    def call(self) -> ApiCall:
        """The call that does it."""
        return ApiCall("PATCH", f"/backup-schedules/{self.schedule_id}", self.changes.body)

    def undo(self, made_id: str) -> ApiCall:
        """Return the call that undoes it."""
        return ApiCall("PATCH", f"/backup-schedules/{made_id}", self.before.within(self.changes).body)


@dataclass(frozen=True, slots=True)
class CreateBackup:
    """One backup, now, of an index that has no recovery point."""

    index: str
    name: str
    because: str
    slots: int = 1
    kind = ActionKind.FIRST_BACKUP
    is_creation = True

    @property
    def key(self) -> str:
        """What makes it the same action in every plan."""
        return f"{self.kind}/{self.index}"

    @property
    def call(self) -> ApiCall:
        """The call that does it."""
        return ApiCall("POST", f"/indexes/{self.index}/backups", {"name": self.name})

    def undo(self, made_id: str) -> ApiCall:
        """Return the call that undoes it."""
        return ApiCall("DELETE", f"/backups/{made_id}")


type Action = CreateSchedule | UpdateSchedule | CreateBackup


def first_backup_keys() -> tuple[str, str]:
    """Return between which two texts, the second left out, the keys of all first backups sort."""
    return f"{ActionKind.FIRST_BACKUP}/", f"{ActionKind.FIRST_BACKUP}0"  # the next character


FIRST_BACKUP_PREFIX = "auditor-first-"
"""How the names of first backups begin, so that a person recognises them."""
