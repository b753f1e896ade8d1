"""Indexes, schedules and backups as Pinecone describes them, and how often a schedule runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class Frequency(StrEnum):
    """The frequencies that Pinecone knows, fastest first."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"

    @property
    def interval(self) -> timedelta:
        """The longest interval: 1, 7 or 31 days."""
        return _INTERVALS[self]

    def is_slower_than(self, other: "Frequency") -> bool:
        """Tell whether this frequency leaves more time between runs than the other."""
        return self.interval > other.interval

    @classmethod
    def parse(cls, text: str | None) -> "Frequency | None":
        """Return the frequency a text names, without regard to case; `None` when it names none that is known."""
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
    """Where an index runs. Pods have no backups."""

    SERVERLESS = "serverless"
    BYOC = "byoc"
    POD = "pod"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Index:
    """A live index. It has no id and no creation time in any version of the API."""

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
    """The customer key that encrypts it; `None` where it has none."""

    @property
    def is_initializing(self) -> bool:
        """Whether it is still being created."""
        return (self.state or "").casefold() == "initializing"

    @property
    def is_terminating(self) -> bool:
        """Whether it is being deleted: it still has its name, and is not audited."""
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
    """Whether it tells a next run that cannot be read: which is not to have none."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One row of a backup listing or of a schedule's history, in whatever state."""

    backup_id: str
    index_id: str
    index_name: str
    status: str
    name: str | None = None
    created_at: datetime | None = None
    scheduled_for: datetime | None = None
    """`scheduled_execution_at`, which only some rows of some versions carry."""
    cloud: str | None = None
    region: str | None = None
    record_count: int | None = None
    namespace_count: int | None = None
    size_bytes: int | None = None
    index_deleted_at: datetime | None = None
