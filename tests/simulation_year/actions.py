"""What people do to a project: each deed is done to the simulated service, and written into the book."""

import random
from collections.abc import Iterable
from datetime import datetime

from backup_auditor_simulator.model import Backup as ServedBackup
from backup_auditor_simulator.model import RunOutcome
from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject
from simulation_year.model import DAY, HOUR, INTERVALS, Backup, End, Index, Schedule
from simulation_year.rules import demand_of

_FATES = {
    End.WELL: RunOutcome.SUCCEEDS,
    End.BADLY: RunOutcome.FAILS,
    End.NEVER: RunOutcome.HANGS,
    End.NOT_BEGUN: RunOutcome.IS_SKIPPED,
    End.NOT_BEGUN_NOR_ANY_AFTER: RunOutcome.NEVER_STARTS,
}


class Project:
    """A project that people work on."""

    def __init__(self, begun_at: datetime, chance: random.Random) -> None:
        """Begin without an index."""
        conduct = SimulatorOptions(backup_quota=None, longest_retention=500 * DAY)
        self.world = SimulatedProject(begun_at, seed=chance.randrange(1000), conduct=conduct)
        self.chance = chance
        self.live: dict[str, Index] = {}
        self.gone: list[Index] = []
        self.drift: list[tuple[str, str]] = []
        """What changed since the last complete audit, and of which index."""

    def pass_to(self, moment: datetime) -> None:
        """Let time pass."""
        self.world.advance_to(moment)
        for index in (*self.live.values(), *self.gone):
            index.pass_to(moment)

    def create_index(self, name: str) -> Index:
        """Create an index; one that the policy guards is guarded."""
        is_guarded = demand_of(name).is_guarded
        records, namespaces = self.chance.randrange(40_000, 90_000), self.chance.randrange(30, 90)
        made = self.world.create_index(
            name,
            records=records,
            namespaces=namespaces,
            deletion_protection=is_guarded,
            tags={"owner": "search"} if is_guarded else {},
        )
        index = self.live[name] = Index(made.id, name, records, namespaces, is_protected=is_guarded)
        return index

    def delete_index(self, name: str) -> None:
        """Delete an index: its schedules go, its backups stay."""
        self.world.delete_index(name)
        index = self.live.pop(name)
        self.drift += [("schedule deleted", name) for _ in index.schedules]
        self._drop(index, index.schedules)
        index.is_deleted = True
        self.gone.append(index)

    def create_schedule(
        self, name: str, retention: int, label: str = "nightly", *, frequency: str = "", is_beside: bool = False
    ) -> Schedule:
        """Create a schedule, by default as often as the policy demands."""
        index, often = self.live[name], frequency or demand_of(name).frequency
        made = self.world.create_schedule(name, label, often, retention, beside_enabled=is_beside)
        now = self.world.now
        schedule = Schedule(made.id, label, often, retention * DAY, now, now)
        schedule.plan(now)
        index.schedules.append(schedule)
        self.drift.append(("schedule created", name))
        return schedule

    def delete_schedules(self, name: str, *labels: str) -> None:
        """Delete the schedules of these names; its backups stay."""
        index = self.live[name]
        chosen = [it for it in index.schedules if it.name in labels]
        for schedule in chosen:
            self.world.delete_schedule(schedule.id)
            self.drift.append(("schedule deleted", name))
        self._drop(index, chosen)

    def _drop(self, index: Index, schedules: Iterable[Schedule]) -> None:
        for schedule in list(schedules):
            schedule.is_deleted = True
            schedule.is_enabled = False
            index.schedules.remove(schedule)

    def pause(self, name: str) -> None:
        """Pause the schedules of an index."""
        for schedule in self.live[name].enabled:
            self.world.update_schedule(schedule.id, enabled=False)
            schedule.is_enabled, schedule.next_run = False, None
            self.drift.append(("schedule paused", name))

    def resume(self, name: str) -> None:
        """Resume the schedules of an index: each runs at once, and from then on at that time."""
        index, now = self.live[name], self.world.now
        for schedule in index.schedules:
            self.world.update_schedule(schedule.id, enabled=True)
            schedule.is_enabled, schedule.anchor = True, now
            too_long = End.BADLY if len(schedule.name) > 28 else End.WELL
            index.take(now, schedule, too_long)
            schedule.plan(now)
            self.drift.append(("schedule resumed", name))

    def set_going(self, name: str) -> None:
        """Pause and resume a schedule that plans nothing any more; no audit sees it paused."""
        before = list(self.drift)
        self.pause(name)
        self.resume(name)
        self.drift = before

    def keep(self, name: str, retention: int) -> None:
        """Change for how many days backups are kept."""
        for schedule in self.live[name].schedules:
            told = "lowered: existing backups now expire earlier"
            if retention * DAY > schedule.retention:
                told = "raised: existing backups now expire later"
            self.world.update_schedule(schedule.id, retention_days=retention)
            schedule.retention = retention * DAY
            self.drift.append((f"schedule retention {told}", name))

    def run_every(self, name: str, frequency: str) -> None:
        """Change how often the schedules run."""
        for schedule in self.live[name].schedules:
            told = "lowered" if INTERVALS[frequency] > schedule.interval else "raised"
            self.world.update_schedule(schedule.id, frequency=frequency)
            schedule.frequency = frequency
            if schedule.is_enabled:
                schedule.plan(self.world.now)
            self.drift.append((f"schedule frequency {told}", name))

    def script_runs(self, name: str, *ends: End) -> None:
        """Say how the coming runs of an index end."""
        for schedule in self.live[name].enabled:
            schedule.ends.extend(ends)
            self.world.script_runs(self.world.schedules[schedule.id], [_FATES[it] for it in ends])

    def lose_next_run(self, name: str) -> None:
        """Leave the schedules enabled and without a next run."""
        for schedule in self.live[name].enabled:
            self.world.force_next_run(self.world.schedules[schedule.id], None)
            schedule.next_run = None

    def back_up(self, name: str) -> Backup:
        """Take a backup by hand."""
        index = self.live[name]
        made = self.world.create_backup(name, f"by-hand-{self.chance.randrange(10**9)}")
        index.take(self.world.now, backup_id=made.id)
        return index.backups[-1]

    def delete_backups(self, index: Index, backups: Iterable[Backup]) -> None:
        """Delete backups by hand."""
        for backup in list(backups):
            self.world.delete_backup(self._served(index, backup).id)
            backup.is_listed = False

    def show(self, index: Index, backup: Backup, status: str | None) -> None:
        """Show a backup in a status that nobody knows, or again in its own."""
        served = self._served(index, backup)
        served.shown_status = status
        self.world.changed(served)
        backup.is_strange = status is not None

    def _served(self, index: Index, backup: Backup) -> ServedBackup:
        """Return the same backup as the service has it: the book does not know the ids of runs."""
        served = [it for it in self.world.backups.values() if it.index.id == index.id and it.captured_at]
        return next(it for it in served if it.captured_at and abs(it.captured_at - backup.at) < HOUR / 60)

    def hold(self, name: str, *, records: int | None = None, namespaces: int | None = None) -> None:
        """Let an index hold other numbers of records and namespaces."""
        for it in (self.live[name], self.world.index(name)):
            it.records = it.records if records is None else records
            it.namespaces = it.namespaces if namespaces is None else namespaces

    def protect(self, name: str, *, is_protected: bool) -> None:
        """Turn deletion protection on or off."""
        self.world.configure_index(name, deletion_protection=is_protected)
        self.live[name].is_protected = is_protected
        self.drift.append((f"deletion protection turned {'on' if is_protected else 'off'}", name))

    def tag(self, name: str, *, is_tagged: bool) -> None:
        """Give an index the tag that it is to have, or take it away."""
        self.world.configure_index(name, tags={"owner": "search" if is_tagged else ""})
        self.live[name].is_tagged = is_tagged
