"""Indexes, schedules and backups as Pinecone describes them, the frequencies of schedules, and calls of its API."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum


class Frequency(StrEnum):
    """The frequencies of schedules, most frequent first."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"

    @property
    def interval(self) -> timedelta:
        """The longest interval: 1, 7 or 31 days."""
        return _INTERVALS[self]

    def is_slower_than(self, other: "Frequency") -> bool:
        """Return whether this frequency has a longer interval than another."""
        return self.interval > other.interval

    @classmethod
    def parse(cls, text: str | None) -> "Frequency | None":
        """Return the frequency that a text names, in any case; `None` if it is unknown."""
        try:
            return cls((text or "").casefold())
        except ValueError:
            return None


_INTERVALS = {
    Frequency.DAILY: timedelta(days=1),
    Frequency.WEEKLY: timedelta(days=7),
    Frequency.MONTHLY: timedelta(days=31),
}


class Deployment(StrEnum):
    """The deployment type of an index. Pods have no backups."""

    SERVERLESS = "serverless"
    BYOC = "byoc"
    POD = "pod"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Index:
    """A live index. The API returns neither its id nor its creation time."""

    name: str
    deployment: Deployment = Deployment.SERVERLESS
    cloud: str | None = None
    region: str | None = None
    state: str | None = None
    deletion_protection: bool | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    holds_documents: bool = False
    """Whether its schema has full-text or semantic-text fields."""
    cmek_id: str | None = None
    """The id of the customer key that encrypts it; `None` without one."""
    source_backup_id: str | None = None
    """The backup from which it was restored; `None` if it was not, or if the API version does not say so."""

    @property
    def is_initializing(self) -> bool:
        """Whether it is still being created."""
        return (self.state or "").casefold() == "initializing"

    @property
    def is_terminating(self) -> bool:
        """Whether it is being deleted. It still has its name, but it is not audited."""
        return (self.state or "").casefold() == "terminating"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A backup schedule, enabled or paused."""

    schedule_id: str
    name: str | None
    index_id: str | None
    project_id: str | None
    frequency: str | None
    retention: timedelta | None
    enabled: bool | None
    next_run: datetime | None
    created_at: datetime | None
    next_run_unreadable: bool = False
    """Whether Pinecone returned a next run that cannot be parsed; then it is unknown, not missing."""

    @property
    def label(self) -> str:
        """The name for a sentence; the id if the name is unknown."""
        return self.name or self.schedule_id

    @property
    def identity(self) -> dict[str, object]:
        """The name and the id as evidence."""
        return {"schedule": self.name, "schedule_id": self.schedule_id}


@dataclass(frozen=True, slots=True)
class Backup:
    """One row of a backup listing or of a schedule's history, in any state."""

    backup_id: str
    index_id: str
    index_name: str
    status: str
    name: str | None = None
    created_at: datetime | None = None
    scheduled_for: datetime | None = None
    """`scheduled_execution_at`; only some rows of some API versions have it."""
    cloud: str | None = None
    region: str | None = None
    record_count: int | None = None
    namespace_count: int | None = None
    size_bytes: int | None = None
    index_deleted_at: datetime | None = None

    @property
    def label(self) -> str:
        """The name for a sentence; the id if the name is unknown."""
        return self.name or self.backup_id


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    """Settings of a schedule. `None` means that a setting stays as it is, or that it is unknown."""

    enabled: bool | None = None
    frequency: Frequency | None = None
    retention: timedelta | None = None

    def restrict_to(self, other: "ScheduleSettings") -> "ScheduleSettings":
        """Return those of these settings that another one sets too."""
        return ScheduleSettings(
            None if other.enabled is None else self.enabled,
            None if other.frequency is None else self.frequency,
            None if other.retention is None else self.retention,
        )

    def merge(self, other: "ScheduleSettings") -> "ScheduleSettings":
        """Return these settings, completed by those of another one."""
        return ScheduleSettings(
            other.enabled if self.enabled is None else self.enabled,
            other.frequency if self.frequency is None else self.frequency,
            other.retention if self.retention is None else self.retention,
        )

    def apply_to(self, schedule: Schedule) -> Schedule:
        """Return a schedule with these settings."""
        return replace(
            schedule,
            enabled=schedule.enabled if self.enabled is None else self.enabled,
            frequency=schedule.frequency if self.frequency is None else self.frequency.value,
            retention=schedule.retention if self.retention is None else self.retention,
        )


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call of Pinecone's API. What is shown and recorded is what is sent."""

    method: str
    path: str
    body: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return method, path and body in one line."""
        return f"{self.method} {self.path}" + (f" {json.dumps(self.body)}" if self.body else "")
