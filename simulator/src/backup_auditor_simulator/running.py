"""How the runs of schedules are planned, begin and end."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from backup_auditor_simulator.backing_up import BackingUp, expiry_of
from backup_auditor_simulator.cadence import run_after
from backup_auditor_simulator.model import Backup, Fate, Schedule

_LONGEST_RUN_NAME = 45


class Running(BackingUp):
    """The rules of runs."""

    def foretell(self, schedule: Schedule, fates: Iterable[Fate]) -> None:
        """Say what becomes of the coming runs of a schedule, the next one first."""
        schedule.fates.extend(fates)

    def plan_run(self, schedule: Schedule) -> None:
        """Plan the next run of a schedule, in place of one that may be planned already."""
        self.withdraw_run(schedule)
        schedule.next_run = run_after(schedule.anchor, schedule.frequency, self.now)
        schedule.planned = self._enter_run(schedule, schedule.next_run)
        self.agenda.add(schedule.planned.planned_for or self.now, self._run_is_due, schedule.planned)

    def withdraw_run(self, schedule: Schedule) -> None:
        """Take back the planned run of a schedule."""
        schedule.next_run = None
        if schedule.planned is not None:
            self.remove_backup(schedule.planned)
            schedule.planned = None

    def run_now(self, schedule: Schedule) -> Backup:
        """Let a schedule run once, now, beside its cadence."""
        run = self._enter_run(schedule, self.now)
        self._begin_run(run, schedule, Fate.SUCCEEDS)
        return run

    def expire_later(self, run: Backup) -> None:
        """See to it that a run's backup is gone when its schedule's present retention has passed."""
        expires_at = expiry_of(run)
        if expires_at is not None:
            self.agenda.add(max(expires_at, self.now), self.expire_backup, run)

    def _enter_run(self, schedule: Schedule, moment: datetime) -> Backup:
        # A run planned for 06:00:00 is taken, and says so, a fraction of a second later.
        planned_for = max(moment.replace(microsecond=0) + timedelta(milliseconds=self.chance.randrange(900)), self.now)
        name = f"{schedule.name}-{moment:%Y%m%dT%H%M%SZ}"
        run = self.enter_backup(schedule.index, name=name, schedule=schedule, planned_for=planned_for)
        schedule.runs[run.id] = run
        return run

    def _run_is_due(self, run: Backup) -> None:
        schedule = run.schedule
        if schedule is None or schedule.planned is not run or run.is_gone:
            return
        fate = schedule.fates.popleft() if schedule.fates else Fate.SUCCEEDS
        if fate is Fate.NEVER_STARTS:
            return
        schedule.planned = None
        if fate is Fate.IS_SKIPPED:
            self.remove_backup(run)
        else:
            self._begin_run(run, schedule, fate)
        self.plan_run(schedule)

    def _begin_run(self, run: Backup, schedule: Schedule, fate: Fate) -> None:
        fails = fate is Fate.FAILS or len(run.name or "") > _LONGEST_RUN_NAME or self.quota_is_used_up
        self.begin_backup(run)
        if fate is not Fate.HANGS:
            end = self.fail_backup if fails else self.finish_backup
            self.agenda.add(self.now + self.conduct.run_takes, end, run)
        self.agenda.add(self.now + schedule.retention, self.expire_backup, run)
