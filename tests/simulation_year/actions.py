"""Changes to a project: each is made in the simulated service and recorded in the model."""

import random
from collections.abc import Iterable
from datetime import datetime

from backup_auditor_simulator.model import Backup as ServedBackup
from backup_auditor_simulator.model import RunOutcome
from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject
from simulation_year.model import DAY, HOUR, INTERVALS, Backup, Index, RunResult, Schedule
from simulation_year.rules import find_requirement

_OUTCOMES = {
    RunResult.READY: RunOutcome.SUCCEEDED,
    RunResult.FAILED: RunOutcome.FAILED,
    RunResult.STUCK: RunOutcome.STUCK,
    RunResult.SKIPPED: RunOutcome.SKIPPED,
    RunResult.BLOCKED: RunOutcome.NOT_STARTED,
}


class TrackedProject:
    """A project that is changed in the simulated service and in the model."""

    def __init__(self, started_at: datetime, rng: random.Random) -> None:
        """Start without indexes."""
        options = SimulatorOptions(backup_quota=None, max_retention=500 * DAY)
        self.simulated_project = SimulatedProject(started_at, seed=rng.randrange(1000), options=options)
        self.rng = rng
        self.live_indexes: dict[str, Index] = {}
        self.deleted_indexes: list[Index] = []
        self.drift: list[tuple[str, str]] = []
        """Each change since the last complete audit, with the name of its index."""

    def advance_to(self, moment: datetime) -> None:
        """Advance the clock of the service and of the model."""
        self.simulated_project.advance_to(moment)
        for index in (*self.live_indexes.values(), *self.deleted_indexes):
            index.advance_to(moment)

    def create_index(self, name: str) -> Index:
        """Create an index, with protection and tag if the policy requires them."""
        is_guarded = find_requirement(name).is_guarded
        records, namespaces = self.rng.randrange(40_000, 90_000), self.rng.randrange(30, 90)
        simulated_index = self.simulated_project.create_index(
            name,
            records=records,
            namespaces=namespaces,
            deletion_protection=is_guarded,
            tags={"owner": "search"} if is_guarded else {},
        )
        index = self.live_indexes[name] = Index(simulated_index.id, name, records, namespaces, is_protected=is_guarded)
        return index

    def delete_index(self, name: str) -> None:
        """Delete an index with its schedules; its backups stay."""
        self.simulated_project.delete_index(name)
        index = self.live_indexes.pop(name)
        self.drift += [("schedule deleted", name) for _ in index.schedules]
        self._remove_schedules(index, index.schedules)
        index.is_deleted = True
        self.deleted_indexes.append(index)

    def create_schedule(
        self, name: str, retention: int, label: str = "nightly", *, frequency: str = "", is_second: bool = False
    ) -> Schedule:
        """Create a schedule, by default with the frequency that the policy requires."""
        index, schedule_frequency = self.live_indexes[name], frequency or find_requirement(name).frequency
        simulated_schedule = self.simulated_project.create_schedule(
            name, label, schedule_frequency, retention, is_second_allowed=is_second
        )
        now = self.simulated_project.now
        schedule = Schedule(simulated_schedule.id, label, schedule_frequency, retention * DAY, now, now)
        schedule.schedule_next_run(now)
        index.schedules.append(schedule)
        self.drift.append(("schedule created", name))
        return schedule

    def delete_schedules(self, name: str, *labels: str) -> None:
        """Delete the schedules with these names; their backups stay."""
        index = self.live_indexes[name]
        schedules = [it for it in index.schedules if it.name in labels]
        for schedule in schedules:
            self.simulated_project.delete_schedule(schedule.id)
            self.drift.append(("schedule deleted", name))
        self._remove_schedules(index, schedules)

    def _remove_schedules(self, index: Index, schedules: Iterable[Schedule]) -> None:
        for schedule in list(schedules):
            schedule.is_deleted = True
            schedule.is_enabled = False
            index.schedules.remove(schedule)

    def pause(self, name: str) -> None:
        """Pause the schedules of an index."""
        for schedule in self.live_indexes[name].enabled_schedules:
            self.simulated_project.update_schedule(schedule.id, enabled=False)
            schedule.is_enabled, schedule.next_run = False, None
            self.drift.append(("schedule paused", name))

    def resume(self, name: str) -> None:
        """Resume the schedules of an index: each runs at once, and then at that time of day."""
        index, now = self.live_indexes[name], self.simulated_project.now
        for schedule in index.schedules:
            self.simulated_project.update_schedule(schedule.id, enabled=True)
            schedule.is_enabled, schedule.anchor = True, now
            result = RunResult.FAILED if len(schedule.name) > 28 else RunResult.READY
            index.add_backup(now, schedule, result)
            schedule.schedule_next_run(now)
            self.drift.append(("schedule resumed", name))

    def restart_schedules(self, name: str) -> None:
        """Pause and resume a schedule without a next run; no audit reads it as paused."""
        drift_before = list(self.drift)
        self.pause(name)
        self.resume(name)
        self.drift = drift_before

    def change_retention(self, name: str, retention: int) -> None:
        """Change the retention of the schedules of an index."""
        for schedule in self.live_indexes[name].schedules:
            change = "lowered: existing backups now expire earlier"
            if retention * DAY > schedule.retention:
                change = "raised: existing backups now expire later"
            self.simulated_project.update_schedule(schedule.id, retention_days=retention)
            schedule.retention = retention * DAY
            self.drift.append((f"schedule retention {change}", name))

    def change_frequency(self, name: str, frequency: str) -> None:
        """Change the frequency of the schedules of an index."""
        for schedule in self.live_indexes[name].schedules:
            change = "lowered" if INTERVALS[frequency] > schedule.interval else "raised"
            self.simulated_project.update_schedule(schedule.id, frequency=frequency)
            schedule.frequency = frequency
            if schedule.is_enabled:
                schedule.schedule_next_run(self.simulated_project.now)
            self.drift.append((f"schedule frequency {change}", name))

    def script_runs(self, name: str, *results: RunResult) -> None:
        """Set the results of the next runs of an index."""
        for schedule in self.live_indexes[name].enabled_schedules:
            schedule.results.extend(results)
            self.simulated_project.script_runs(
                self.simulated_project.schedules[schedule.id], [_OUTCOMES[it] for it in results]
            )

    def remove_next_run(self, name: str) -> None:
        """Remove the next run of the enabled schedules."""
        for schedule in self.live_indexes[name].enabled_schedules:
            self.simulated_project.force_next_run(self.simulated_project.schedules[schedule.id], None)
            schedule.next_run = None

    def back_up(self, name: str) -> Backup:
        """Create a manual backup."""
        index = self.live_indexes[name]
        simulated_backup = self.simulated_project.create_backup(name, f"by-hand-{self.rng.randrange(10**9)}")
        index.add_backup(self.simulated_project.now, backup_id=simulated_backup.id)
        return index.backups[-1]

    def delete_backups(self, index: Index, backups: Iterable[Backup]) -> None:
        """Delete backups manually."""
        for backup in list(backups):
            self.simulated_project.delete_backup(self._find_simulated_backup(index, backup).id)
            backup.is_listed = False

    def set_status(self, index: Index, backup: Backup, status: str | None) -> None:
        """Set an unknown status of a backup, or restore its own status."""
        simulated_backup = self._find_simulated_backup(index, backup)
        simulated_backup.forced_status = status
        self.simulated_project.record_change(simulated_backup)
        backup.has_unknown_status = status is not None

    def _find_simulated_backup(self, index: Index, backup: Backup) -> ServedBackup:
        """Return the backup in the service: the model does not know the ids of runs."""
        simulated_backups = [
            it for it in self.simulated_project.backups.values() if it.index.id == index.id and it.captured_at
        ]
        return next(
            it for it in simulated_backups if it.captured_at and abs(it.captured_at - backup.captured_at) < HOUR / 60
        )

    def set_counts(self, name: str, *, records: int | None = None, namespaces: int | None = None) -> None:
        """Change the numbers of records and namespaces of an index."""
        for index in (self.live_indexes[name], self.simulated_project.get_index(name)):
            index.records = index.records if records is None else records
            index.namespaces = index.namespaces if namespaces is None else namespaces

    def set_protection(self, name: str, *, is_protected: bool) -> None:
        """Turn deletion protection on or off."""
        self.simulated_project.configure_index(name, deletion_protection=is_protected)
        self.live_indexes[name].is_protected = is_protected
        self.drift.append((f"deletion protection turned {'on' if is_protected else 'off'}", name))

    def set_tag(self, name: str, *, is_tagged: bool) -> None:
        """Add the required tag to an index, or remove it."""
        self.simulated_project.configure_index(name, tags={"owner": "search" if is_tagged else ""})
        self.live_indexes[name].is_tagged = is_tagged
