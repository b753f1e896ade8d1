"""How schedules are made, changed and deleted."""

from datetime import timedelta

from backup_auditor_simulator.cadence import Frequency
from backup_auditor_simulator.errors import already_exists, denied, invalid
from backup_auditor_simulator.model import Index, Schedule
from backup_auditor_simulator.running import Running

_SECOND_ENABLED = (
    "This index already has an enabled backup schedule. Disable or delete it first.",
    "Only one enabled backup schedule is allowed per index.",
    "A backup schedule is already enabled for this index.",
)
_LONGEST_NAME = 255


class Scheduling(Running):
    """The rules of schedules."""

    def create_schedule(
        self,
        index_name: str,
        name: str,
        frequency: Frequency | str = Frequency.DAILY,
        retention_days: int = 30,
        *,
        beside_enabled: bool = False,
    ) -> Schedule:
        """Create an enabled schedule and plan its first run, one period from now.

        `beside_enabled` makes the second enabled schedule that the service itself refuses, as a race would.
        """
        self.need_plan()
        index = self.creatable_index(index_name)
        if not 1 <= len(name) <= _LONGEST_NAME:
            raise invalid("Backup schedule name must be 1-255 characters long.")
        retention = self._retention(retention_days)
        cadence = frequency_of(frequency)
        if not beside_enabled:
            self._need_none_enabled(index)
        schedule = Schedule(
            id=self.new_id(),
            name=name,
            index=index,
            frequency=cadence,
            retention=retention,
            created_at=self.now + timedelta(microseconds=self.chance.randrange(1000)),
            anchor=self.now.replace(microsecond=0),
        )
        self.schedules[schedule.id] = index.schedules[schedule.id] = schedule
        self.plan_run(schedule)
        return schedule

    def update_schedule(
        self,
        schedule_id: str,
        *,
        enabled: bool | None = None,
        frequency: Frequency | str | None = None,
        retention_days: int | None = None,
    ) -> Schedule:
        """Change a schedule. Another retention re-times the expiry of what it already made."""
        if enabled:
            self.need_plan()
        schedule = self.schedule(schedule_id)
        retention = None if retention_days is None else self._retention(retention_days)
        cadence = None if frequency is None else frequency_of(frequency)
        if enabled and not schedule.enabled:
            self._need_none_enabled(schedule.index)
        if retention is not None:
            schedule.retention = retention
            for run in schedule.runs.values():
                self.expire_later(run)
        if cadence is not None and cadence is not schedule.frequency:
            schedule.frequency = cadence
            if schedule.enabled:
                self.plan_run(schedule)
        if enabled is False and schedule.enabled:
            self._pause(schedule)
        if enabled is True and not schedule.enabled:
            self._resume(schedule)
        self.changed()
        self.advance(timedelta())
        return schedule

    def delete_schedule(self, schedule_id: str) -> None:
        """Delete a schedule. The backups it made stay, and expire as it last had it."""
        self.drop_schedule(self.schedule(schedule_id))

    def drop_schedule(self, schedule: Schedule) -> None:
        """Delete a schedule, whatever the plan."""
        self.withdraw_run(schedule)
        schedule.enabled = False
        del self.schedules[schedule.id]
        del schedule.index.schedules[schedule.id]
        self.changed()

    def need_plan(self) -> None:
        """Refuse with 403 what the plan does not include, before anything is looked up."""
        if not self.conduct.has_backups:
            raise denied("Scheduled backups are not available for your plan")

    def _pause(self, schedule: Schedule) -> None:
        planned_for = schedule.next_run
        self.withdraw_run(schedule)
        schedule.enabled = False
        # Shown only where a paused schedule's next run is to be stale.
        schedule.next_run = planned_for

    def _resume(self, schedule: Schedule) -> None:
        schedule.enabled = True
        schedule.anchor = self.now.replace(microsecond=0)
        self.run_now(schedule)
        self.plan_run(schedule)

    def _need_none_enabled(self, index: Index) -> None:
        if any(it.enabled for it in index.schedules.values()):
            raise already_exists(_SECOND_ENABLED[self.revision % len(_SECOND_ENABLED)])

    def _retention(self, days: int) -> timedelta:
        longest = self.conduct.longest_retention.days
        if not 1 <= days <= longest:
            raise invalid(f"retention.expire_after_days must be between 1 and {longest}.")
        return timedelta(days=days)


def frequency_of(text: str) -> Frequency:
    """Return the frequency a text names, or refuse with 400."""
    try:
        return Frequency(text)
    except ValueError:
        raise invalid("frequency must be one of: daily, weekly, monthly.") from None
