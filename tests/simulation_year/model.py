"""A model of one index, by the arithmetic of Pinecone's documentation: runs, backups and expiries.

The model shares no code with the product or the simulator: both are compared with it.
"""

from calendar import monthrange
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto

from support.settings_model import REPORTING_PERIOD, ScheduleSighting

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
INTERVALS = {"daily": DAY, "weekly": 7 * DAY, "monthly": 31 * DAY}
"""The maximum time between two runs."""
MAX_NAME_LENGTH = 28


class RunResult(Enum):
    """The result of a run."""

    READY = auto()
    FAILED = auto()
    STUCK = auto()
    SKIPPED = auto()
    """The run creates no backup."""
    BLOCKED = auto()


@dataclass(eq=False, slots=True)
class Schedule:
    """A schedule until its deletion."""

    id: str
    name: str
    frequency: str
    retention: timedelta
    created_at: datetime
    anchor: datetime
    is_enabled: bool = True
    is_deleted: bool = False
    next_run: datetime | None = None
    is_blocked: bool = False
    """Whether its planned run did not start when due, and never starts."""
    results: deque[RunResult] = field(default_factory=deque)
    """The results of the next runs; all later runs succeed."""
    sightings: list[ScheduleSighting] = field(default_factory=list)
    """The settings that each audit read."""

    def record_sighting(self, now: datetime) -> None:
        """Record the settings that an audit reads."""
        self.sightings.append(ScheduleSighting(now, self.frequency, self.retention // DAY, self.is_enabled))

    @property
    def interval(self) -> timedelta:
        """The maximum time between two of its runs."""
        return INTERVALS[self.frequency]

    def schedule_next_run(self, moment: datetime) -> None:
        """Set the first run after a time."""
        self.is_blocked = False
        count = 1
        while (run := self._compute_run(count)) <= moment:
            count += 1
        self.next_run = run

    def _compute_run(self, count: int) -> datetime:
        if self.frequency != "monthly":
            return self.anchor + count * self.interval
        month = self.anchor.month - 1 + count
        year, month = self.anchor.year + month // 12, month % 12 + 1
        return self.anchor.replace(year=year, month=month, day=min(self.anchor.day, monthrange(year, month)[1]))


@dataclass(eq=False, slots=True)
class Backup:
    """A backup of an index, or a run of its schedules."""

    id: str
    captured_at: datetime
    schedule: Schedule | None
    result: RunResult
    records: int
    namespaces: int
    has_unknown_status: bool = False
    """Whether the service shows an unknown status."""
    is_listed: bool = True
    is_known: bool = False
    """Whether an audit read it as a recovery point."""
    expected_expiry: datetime | None = None
    """The expiry of a known backup, by the lowest retention until an audit missed it; `None` means never."""
    missed_at: datetime | None = None
    """The first audit that missed it."""

    def is_missed(self, now: datetime) -> bool:
        """Return whether a backup that an audit knows disappeared before its expiry."""
        if not self.is_known or self.is_listed:
            return False
        if self.missed_at is not None and self.expected_expiry is None:
            return now - self.missed_at < REPORTING_PERIOD
        schedule = self.schedule
        current_expiries = (
            [] if schedule is None or schedule.is_deleted or self.missed_at else [self.captured_at + schedule.retention]
        )
        return all(expires_at is None or expires_at > now for expires_at in (self.expected_expiry, *current_expiries))

    @property
    def is_recovery_point(self) -> bool:
        """Whether an index can be restored from it."""
        return self.is_listed and self.result is RunResult.READY and not self.has_unknown_status


@dataclass(eq=False)
class Index:
    """An index from its creation on; a recreated index with the same name is another one."""

    id: str
    name: str
    records: int
    namespaces: int
    is_protected: bool = False
    is_tagged: bool = True
    is_deleted: bool = False
    schedules: list[Schedule] = field(default_factory=list)
    backups: list[Backup] = field(default_factory=list)

    @property
    def enabled_schedules(self) -> list[Schedule]:
        """The enabled schedules of the index."""
        return [it for it in self.schedules if it.is_enabled]

    @property
    def recovery_points(self) -> list[Backup]:
        """The recovery points, newest first."""
        return sorted((it for it in self.backups if it.is_recovery_point), key=lambda it: it.captured_at, reverse=True)

    def advance_to(self, moment: datetime) -> None:
        """Run and expire backups until a time."""
        while True:
            due_runs = [(it.next_run, it) for it in self.enabled_schedules if it.next_run and not it.is_blocked]
            run_at, schedule = min(due_runs, key=lambda it: it[0], default=(None, None))
            if run_at is None or schedule is None or run_at > moment:
                break
            self._expire_backups(run_at)
            self._run_schedule(schedule, run_at)
        self._expire_backups(moment)

    def _run_schedule(self, schedule: Schedule, run_at: datetime) -> None:
        result = schedule.results.popleft() if schedule.results else RunResult.READY
        if result is RunResult.BLOCKED:
            schedule.is_blocked = True
            return
        if result is not RunResult.SKIPPED:
            is_name_too_long = len(schedule.name) > MAX_NAME_LENGTH
            self.add_backup(
                run_at, schedule, RunResult.FAILED if is_name_too_long and result is RunResult.READY else result
            )
        schedule.schedule_next_run(run_at)

    def add_backup(
        self,
        captured_at: datetime,
        schedule: Schedule | None = None,
        result: RunResult = RunResult.READY,
        backup_id: str = "",
    ) -> None:
        """Add a backup. Each successful one adds a thousandth to the records of the index."""
        if result is RunResult.READY:
            self.records += self.records // 1000
        self.backups.append(Backup(backup_id, captured_at, schedule, result, self.records, self.namespaces))

    def _expire_backups(self, moment: datetime) -> None:
        for backup in self.backups:
            if backup.schedule is not None and backup.captured_at + backup.schedule.retention <= moment:
                backup.is_listed = False

    def record_audit(self, now: datetime) -> None:
        """Record the backups that an audit reads, and remove those that no later audit reports."""
        for backup in self.backups:
            schedule = backup.schedule
            expires_at = None if schedule is None or schedule.is_deleted else backup.captured_at + schedule.retention
            if backup.is_listed and (backup.is_known or backup.is_recovery_point):
                assert backup.is_known or schedule is None or expires_at, (
                    "a schedule must not be deleted before an audit reads its runs"
                )
                backup.is_known, backup.missed_at = True, None
                backup.expected_expiry = expires_at or backup.expected_expiry
            elif backup.is_known and backup.missed_at is None:
                is_missed = backup.is_missed(now)
                if backup.expected_expiry is not None and expires_at is not None:
                    backup.expected_expiry = min(backup.expected_expiry, expires_at)
                backup.missed_at = now if is_missed else None
        self.backups = [it for it in self.backups if it.is_listed or it.is_missed(now)]
