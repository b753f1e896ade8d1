"""One index at a service that runs schedules and deletes what expired, while people change the settings.

Nothing here is the product's: it is what happens, of which audits see only what they read.
"""

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import datetime, timedelta

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
INTERVALS = {"daily": DAY, "weekly": 7 * DAY, "monthly": 31 * DAY}


@dataclass(eq=False)
class ServiceSchedule:
    """A schedule, also once it is deleted."""

    schedule_id: str
    name: str
    frequency: str
    days: int
    created_at: datetime
    anchor: datetime
    is_enabled: bool = True
    is_deleted: bool = False
    next_run: datetime | None = None

    def plan_next_run(self, moment: datetime) -> None:
        """Plan the first run after a moment."""
        count = 0
        run = self.anchor
        while run <= moment:
            count += 1
            run = self._find_run(count)
        self.next_run = run

    def _find_run(self, count: int) -> datetime:
        if self.frequency != "monthly":
            return self.anchor + count * INTERVALS[self.frequency]
        month = self.anchor.month - 1 + count
        year, month = self.anchor.year + month // 12, month % 12 + 1
        return self.anchor.replace(year=year, month=month, day=min(self.anchor.day, monthrange(year, month)[1]))


@dataclass(eq=False)
class ServiceBackup:
    """A backup, also once it is gone."""

    backup_id: str
    captured_at: datetime
    schedule: ServiceSchedule | None
    is_listed: bool = True
    is_stuck: bool = False
    """Whether the service does not delete it."""


@dataclass(eq=False)
class SimulatedService:
    """One index, its schedules and its backups."""

    now: datetime
    schedules: list[ServiceSchedule] = field(default_factory=list)
    backups: list[ServiceBackup] = field(default_factory=list)
    skips_until: datetime | None = None
    """Until when no run starts."""
    keeps_expired: bool = False
    """Whether what is made now is never deleted."""
    resets_anchor: bool = False
    """Whether a changed frequency counts from the moment of the change."""

    @property
    def live_schedules(self) -> list[ServiceSchedule]:
        """The schedules that are not deleted."""
        return [it for it in self.schedules if not it.is_deleted]

    def advance_to(self, moment: datetime) -> None:
        """Let everything happen until a moment, in its order."""
        while True:
            due_runs = [
                (it.next_run, it)
                for it in self.live_schedules
                if it.is_enabled and it.next_run and it.next_run <= moment
            ]
            if not due_runs:
                break
            run_at, schedule = min(due_runs, key=lambda it: it[0])
            self._expire(run_at)
            if self.skips_until is None or run_at >= self.skips_until:
                self._create_backup(run_at, schedule)
            schedule.plan_next_run(run_at)
        self._expire(moment)
        self.now = moment

    def _create_backup(self, captured_at: datetime, schedule: ServiceSchedule | None) -> None:
        self.backups.append(
            ServiceBackup(
                f"copy-{len(self.backups)}", captured_at, schedule, is_stuck=self.keeps_expired and schedule is not None
            )
        )

    def _expire(self, moment: datetime) -> None:
        for backup in self.backups:
            if (
                backup.schedule is not None
                and not backup.is_stuck
                and backup.captured_at + backup.schedule.days * DAY <= moment
            ):
                backup.is_listed = False

    def create_schedule(self, frequency: str, days: int, name: str = "nightly") -> None:
        """Create a schedule."""
        schedule = ServiceSchedule(f"plan-{len(self.schedules)}", name, frequency, days, self.now, self.now)
        schedule.plan_next_run(self.now)
        self.schedules.append(schedule)

    def pause_schedule(self, schedule: ServiceSchedule) -> None:
        """Pause a schedule."""
        schedule.is_enabled = False

    def resume_schedule(self, schedule: ServiceSchedule) -> None:
        """Resume a schedule: it runs at once, and from then on at that time."""
        schedule.is_enabled = True
        schedule.anchor = self.now
        if self.skips_until is None or self.now >= self.skips_until:
            self._create_backup(self.now, schedule)
        schedule.plan_next_run(self.now)

    def set_frequency(self, schedule: ServiceSchedule, frequency: str) -> None:
        """Change how often a schedule runs."""
        schedule.frequency = frequency
        if self.resets_anchor:
            schedule.anchor = self.now
        schedule.plan_next_run(self.now)

    def set_retention(self, schedule: ServiceSchedule, days: int) -> None:
        """Change for how long a schedule keeps backups: that of the backups it made, too."""
        schedule.days = days
        self._expire(self.now)

    def create_manual_backup(self) -> None:
        """Take a backup that never expires."""
        self._create_backup(self.now, None)

    def delete_backup(self, backup: ServiceBackup) -> None:
        """Delete a backup by hand."""
        backup.is_listed = False
