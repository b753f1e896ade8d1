"""What the owner requires of one index, with every default in its place."""

from dataclasses import dataclass, field
from datetime import timedelta

from backup_auditor.domain.cadence import Frequency

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ScheduleRequirement:
    """What schedules must be."""

    required: bool = True
    frequency: Frequency = Frequency.DAILY
    retention_min: timedelta | None = 7 * _DAY
    retention_max: timedelta | None = 400 * _DAY


@dataclass(frozen=True, slots=True)
class RecoveryRequirement:
    """What recovery points must be; `None` switches a limit off, but for `max_age`: see `Requirements.max_age`."""

    max_age: timedelta | None = None
    min_copies: int | None = 2
    horizon: timedelta | None = 7 * _DAY


@dataclass(frozen=True, slots=True)
class RunRequirement:
    """How late a run may be, and how long it may take; `None` for no such limit."""

    grace: timedelta = timedelta(hours=6)
    stuck_after: timedelta | None = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class ContentRequirement:
    """How far a recovery point may differ from those before it; `None` switches a limit off."""

    allow_empty: bool = False
    max_record_drop_percent: float | None = 20
    max_namespace_drop_percent: float | None = 5
    max_size_factor: float | None = 3


@dataclass(frozen=True, slots=True)
class ProtectionRequirement:
    """Where backups may lie, how long, and what an index must carry."""

    deletion_protection: bool = False
    locations: tuple[str, ...] = ()
    required_tags: tuple[str, ...] = ()
    erasure: timedelta | None = None


@dataclass(frozen=True, slots=True)
class OrphanRequirement:
    """How long backups of deleted indexes may be kept."""

    keep: timedelta | None = 30 * _DAY


@dataclass(frozen=True, slots=True)
class Requirements:
    """Everything that is required of one index."""

    schedule: ScheduleRequirement = field(default_factory=ScheduleRequirement)
    recovery: RecoveryRequirement = field(default_factory=RecoveryRequirement)
    runs: RunRequirement = field(default_factory=RunRequirement)
    content: ContentRequirement = field(default_factory=ContentRequirement)
    protection: ProtectionRequirement = field(default_factory=ProtectionRequirement)
    orphans: OrphanRequirement = field(default_factory=OrphanRequirement)

    @property
    def max_age(self) -> timedelta:
        """The oldest that the newest recovery point may be: as stated, else the frequency's interval and the grace."""
        stated = self.recovery.max_age
        return self.schedule.frequency.interval + self.runs.grace if stated is None else stated
