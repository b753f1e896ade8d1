"""A simulated Pinecone project: its state, its clock and its rules, without input or output."""

import heapq
import random
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any

from backup_auditor_simulator.errors import already_exists, denied, forbidden, invalid, not_found, precondition_failed
from backup_auditor_simulator.model import (
    Backup,
    Frequency,
    Index,
    Kind,
    RestoreJob,
    RunOutcome,
    Schedule,
    State,
    run_after,
)
from backup_auditor_simulator.options import CustomerKeys, SimulatorOptions


class Agenda:
    """Things to come, in order of their time; those of the same moment in the order in which they were entered."""

    def __init__(self) -> None:
        """Begin empty."""
        self._entries: list[tuple[datetime, int, Callable[[Any], None], object]] = []
        self._count = 0

    def add[Subject](self, when: datetime, action: Callable[[Subject], None], subject: Subject) -> None:
        """Enter an action on something. It is for the action to see whether it still applies when its time comes."""
        self._count += 1
        heapq.heappush(self._entries, (when, self._count, action, subject))

    def due(self, until: datetime) -> tuple[datetime, Callable[[], None]] | None:
        """Take out the first thing that is due, `until` included."""
        if not self._entries or self._entries[0][0] > until:
            return None
        when, _, action, subject = heapq.heappop(self._entries)
        return when, lambda: action(subject)


_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,43}[a-z0-9])?")


class SimulatedProject:
    """A Pinecone project under a clock that can be set: what it holds, and the rules by which that changes.

    Everything random in it comes from its seed. The `force_` methods show what the service is not known to do,
    or does only when something is broken.
    """

    def __init__(self, now: datetime, *, seed: int = 0, conduct: SimulatorOptions | None = None) -> None:
        """Begin an empty project at a moment."""
        self.now = now.astimezone(UTC)
        self.conduct = conduct or SimulatorOptions()
        self.lock = RLock()
        """Held while a request is answered; whoever changes the world beside a running server takes it too."""
        self.chance = random.Random(seed)  # noqa: S311  what is made must be the same each time
        self.agenda = Agenda()
        self.project_id = self.new_id()
        self.indexes: dict[str, Index] = {}
        """The live ones, by name."""
        self.deleted_indexes: dict[str, list[Index]] = {}
        self.schedules: dict[str, Schedule] = {}
        self.backups: dict[str, Backup] = {}
        self.restore_jobs: dict[str, RestoreJob] = {}
        self._listing: tuple[int, list[Backup]] | None = None
        self.revision = 0
        """Counts the changes, so that what was made of the state is known to be out of date."""

    def advance(self, length: timedelta) -> None:
        """Let time pass."""
        self.advance_to(self.now + length)

    def advance_to(self, moment: datetime) -> None:
        """Let time pass until a moment: whatever is due by then happens, in order. Time does not run back."""
        with self.lock:
            while (entry := self.agenda.due(moment)) is not None:
                when, happen = entry
                self.now = max(self.now, when)
                happen()
            self.now = max(self.now, moment.astimezone(UTC))

    def new_id(self) -> str:
        """Make an id in the form of a UUID."""
        digits = f"{self.chance.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def index(self, name: str) -> Index:
        """Return a live index, or refuse with 404."""
        found = self.indexes.get(name)
        if found is None:
            raise not_found(f"Index {name}")
        return found

    def schedule(self, schedule_id: str) -> Schedule:
        """Return a schedule, or refuse with 404."""
        found = self.schedules.get(schedule_id)
        if found is None:
            raise not_found("Backup schedule")
        return found

    def backup(self, backup_id: str) -> Backup:
        """Return a backup, or refuse with 404."""
        found = self.backups.get(backup_id)
        if found is None:
            raise not_found(f"Backup {backup_id}")
        return found

    def restore_job(self, job_id: str) -> RestoreJob:
        """Return a restore job, or refuse with 404."""
        found = self.restore_jobs.get(job_id)
        if found is None:
            raise not_found(f"Restore job {job_id}")
        return found

    def incarnations(self, name: str) -> list[Index]:
        """Return every index that ever had a name, the live one last."""
        live = self.indexes.get(name)
        return [*self.deleted_indexes.get(name, []), *([live] if live else [])]

    def listed(self, backups: Iterable[Backup]) -> list[Backup]:
        """Return those backups that a backup listing shows, in its order."""
        shows_planned = self.conduct.planned_in_listing
        return self.in_order([it for it in backups if shows_planned or it.state is not State.PLANNED])

    def project_listing(self) -> list[Backup]:
        """Return the backups of the whole project as listed, made once for each revision."""
        if self._listing is None or self._listing[0] != self.revision:
            self._listing = self.revision, self.listed(self.backups.values())
        return self._listing[1]

    def in_order[Row](self, oldest_first: Iterable[Row]) -> list[Row]:
        """Return rows in the order of the listings."""
        rows = list(oldest_first)
        if self.conduct.newest_first:
            rows.reverse()
        return rows

    def changed(self, *backups: Backup) -> None:
        """Note that something changed, and that these backups are to be written anew."""
        self.revision += 1
        for backup in backups:
            backup.rendered.clear()

    def create_backup(self, index_name: str, name: str | None = None, description: str | None = None) -> Backup:
        """Begin a manual backup. It never expires."""
        if not self.conduct.has_backups:
            raise denied("Your organization's plan does not include backups. Upgrade your plan to create backups.")
        index = self.creatable_index(index_name)
        if name is not None:
            need_name(name, "Backup")
        if self.quota_is_used_up:
            raise forbidden("Increase your quota or upgrade to create more backups.")
        backup = self.enter_backup(index, name=name, description=description)
        self.begin_backup(backup)
        self.agenda.add(self.now + self.conduct.run_takes, self.finish_backup, backup)
        return backup

    def backed_up_index(self, name: str) -> Index:
        """Return a live index whose backups can be listed; refuse others with 400."""
        index = self.index(name)
        if index.kind is Kind.POD:
            raise invalid("Backups are not supported for pod-based indexes.")
        if index.cmek_id is not None and self.conduct.customer_keys is CustomerKeys.REFUSED:
            raise invalid(_CUSTOMER_KEY)
        return index

    def creatable_index(self, name: str) -> Index:
        """Return a live index of which a backup or a schedule can be created; refuse others with 400 or 412."""
        index = self.backed_up_index(name)
        if index.cmek_id is not None and self.conduct.customer_keys is CustomerKeys.LISTED:
            raise invalid(_CUSTOMER_KEY)
        if index.is_terminating:
            raise precondition_failed(f"Index {name} is being deleted.")
        return index

    @property
    def quota_is_used_up(self) -> bool:
        """Whether the project has no room for another backup. Planned runs take none."""
        quota = self.conduct.backup_quota
        if quota is None or len(self.backups) < quota:
            return False
        return sum(it.state is not State.PLANNED for it in self.backups.values()) >= quota

    def enter_backup(
        self,
        index: Index,
        *,
        name: str | None = None,
        description: str | None = None,
        schedule: Schedule | None = None,
        planned_for: datetime | None = None,
    ) -> Backup:
        """Write a backup down, as planned."""
        backup = Backup(
            id=self.new_id(),
            index=index,
            state=State.PLANNED,
            created_at=self.now,
            name=name,
            description=description,
            schedule=schedule,
            planned_for=planned_for,
            fields=index.fields,
            tags=dict(index.tags),
        )
        self.backups[backup.id] = index.backups[backup.id] = backup
        self.changed()
        return backup

    def begin_backup(self, backup: Backup) -> None:
        """Let a backup take its data now."""
        backup.state = State.UNDER_WAY
        backup.captured_at = self.now
        self.changed(backup)

    def finish_backup(self, backup: Backup) -> None:
        """Let a backup become ready, with what its index holds."""
        if backup.is_gone:
            return
        index = backup.index
        index.records += index.records // 1000
        backup.state = State.READY
        backup.record_count = index.records
        backup.namespace_count = index.namespaces
        dimension = index.vector.get("dimension", 0)
        backup.size_bytes = index.records * (dimension * _BYTES_PER_DIMENSION + _BYTES_PER_RECORD)
        self.changed(backup)

    def fail_backup(self, backup: Backup) -> None:
        """Let a backup end without being ready."""
        if not backup.is_gone:
            backup.state = State.FAILED
            self.changed(backup)

    def delete_backup(self, backup_id: str) -> None:
        """Accept that a backup be deleted; it is gone a little later."""
        backup = self.backup(backup_id)
        if backup.state is State.PLANNED:
            raise precondition_failed("Unable to delete backup. It is waiting to run.")
        pending = [it.id for it in self.restore_jobs.values() if it.backup is backup and it.completed_at is None]
        if pending:
            raise precondition_failed(
                f"Unable to delete backup. There are pending restore jobs for this backup: {pending}"
            )
        self.agenda.add(self.now + self.conduct.deletion_takes, self.remove_backup, backup)
        self.advance(timedelta())

    def remove_backup(self, backup: Backup) -> None:
        """Take a backup out of the project at once, in whatever state it is."""
        if backup.is_gone:
            return
        backup.is_gone = True
        del self.backups[backup.id]
        del backup.index.backups[backup.id]
        if backup.schedule is not None and not (self.conduct.history_keeps_expired and backup.captured_at):
            del backup.schedule.runs[backup.id]
        self.changed(backup)

    def expire_backup(self, backup: Backup) -> None:
        """Remove a scheduled backup if its schedule's present retention has passed since its capture."""
        expires_at = expiry_of(backup)
        if backup.is_gone or expires_at is None:
            return
        if expires_at <= self.now:
            self.remove_backup(backup)
        else:
            self.agenda.add(expires_at, self.expire_backup, backup)

    def script_runs(self, schedule: Schedule, fates: Iterable[RunOutcome]) -> None:
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
        self._begin_run(run, schedule, RunOutcome.SUCCEEDS)
        return run

    def expire_later(self, run: Backup) -> None:
        """See to it that a run's backup is gone when its schedule's present retention has passed."""
        expires_at = expiry_of(run)
        if expires_at is not None:
            self.agenda.add(max(expires_at, self.now), self.expire_backup, run)

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

    def create_index(  # noqa: PLR0913  an index has this many traits, and every one has a default
        self,
        name: str,
        *,
        kind: Kind = Kind.SERVERLESS,
        cloud: str = "aws",
        region: str = "us-east-1",
        environment: str = "aped-4627-b74a",
        fields: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
        deletion_protection: bool = False,
        records: int | None = None,
        namespaces: int | None = None,
        source_backup_id: str | None = None,
        cmek_id: str | None = None,
        pod_type: str = "p1.x1",
    ) -> Index:
        """Create an index, ready once `index_takes` has passed.

        One of the same name as an earlier one has another id, and no schedules.
        """
        need_name(name, "Index")
        if name in self.indexes:
            raise already_exists("Resource already exists.")
        index = Index(
            id=self.new_id(),
            name=name,
            kind=kind,
            cloud=cloud,
            region=region,
            environment=environment,
            fields=fields or {"_values": {"type": "dense_vector", "dimension": 1536, "metric": "cosine"}},
            tags=dict(tags or {}),
            deletion_protection=deletion_protection,
            records=self.chance.randrange(20_000, 900_000) if records is None else records,
            namespaces=self.chance.randrange(1, 40) if namespaces is None else namespaces,
            created_at=self.now,
            ready_at=self.now + self.conduct.index_takes,
            source_backup_id=source_backup_id,
            cmek_id=cmek_id,
            pod_type=pod_type,
        )
        self.indexes[name] = index
        self.changed()
        return index

    def configure_index(
        self, name: str, *, tags: Mapping[str, str] | None = None, deletion_protection: bool | None = None
    ) -> Index:
        """Change an index. A tag with an empty value is taken away."""
        index = self.index(name)
        merged = index.tags | dict(tags or {})
        index.tags = {key: value for key, value in merged.items() if value}
        if deletion_protection is not None:
            index.deletion_protection = deletion_protection
        self.changed()
        return index

    def delete_index(self, name: str) -> None:
        """Delete an index and its schedules. Its backups stay. It is gone once `index_deletion_takes` has passed."""
        index = self.index(name)
        if index.is_terminating:
            return
        if index.deletion_protection:
            raise forbidden(
                "Deletion protection is enabled for this index. Disable deletion protection before retrying."
            )
        for schedule in list(index.schedules.values()):
            self.drop_schedule(schedule)
        index.is_terminating = True
        self.agenda.add(self.now + self.conduct.index_deletion_takes, self._end_index, index)
        self.changed()
        self.advance(timedelta())

    def create_index_from_backup(
        self,
        backup_id: str,
        name: str,
        *,
        tags: Mapping[str, str] | None = None,
        deletion_protection: bool = False,
    ) -> RestoreJob:
        """Begin to make an index from a backup; it is ready when its restore job has completed."""
        backup = self.backup(backup_id)
        if backup.state is not State.READY:
            raise precondition_failed(f"Backup {backup_id} is not ready.")
        index = self._index_like(backup, name, tags, deletion_protection=deletion_protection)
        index.ready_at = self.now + self.conduct.restore_takes
        job = RestoreJob(self.new_id(), backup, index, self.now)
        self.restore_jobs[job.id] = job
        self.agenda.add(index.ready_at, self._complete_restore, job)
        return job

    def force_status(self, backup: Backup, status: str) -> None:
        """Show a backup with a status, whatever its state is, in every version."""
        backup.shown_status = status
        self.changed(backup)

    def force_next_run(self, schedule: Schedule, moment: datetime | None) -> None:
        """Leave an enabled schedule without a planned run, and show this as its next one."""
        self.withdraw_run(schedule)
        schedule.next_run = moment
        self.changed()

    def force_retention(self, schedule: Schedule, retention: timedelta) -> None:
        """Show another retention, by which nothing that the schedule made so far is deleted."""
        schedule.retention = retention
        self.changed()

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
        fate = schedule.fates.popleft() if schedule.fates else RunOutcome.SUCCEEDS
        if fate is RunOutcome.NEVER_STARTS:
            return
        schedule.planned = None
        if fate is RunOutcome.IS_SKIPPED:
            self.remove_backup(run)
        else:
            self._begin_run(run, schedule, fate)
        self.plan_run(schedule)

    def _begin_run(self, run: Backup, schedule: Schedule, fate: RunOutcome) -> None:
        fails = fate is RunOutcome.FAILS or len(run.name or "") > _LONGEST_RUN_NAME or self.quota_is_used_up
        self.begin_backup(run)
        if fate is not RunOutcome.HANGS:
            end = self.fail_backup if fails else self.finish_backup
            self.agenda.add(self.now + self.conduct.run_takes, end, run)
        self.agenda.add(self.now + schedule.retention, self.expire_backup, run)

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

    def _end_index(self, index: Index) -> None:
        name = index.name
        index.is_terminating = False
        index.deleted_at = self.now
        del self.indexes[name]
        self.deleted_indexes.setdefault(name, []).append(index)
        self.changed(*index.backups.values())

    def _index_like(
        self, backup: Backup, name: str, tags: Mapping[str, str] | None, *, deletion_protection: bool
    ) -> Index:
        source = backup.index
        return self.create_index(
            name,
            kind=source.kind,
            cloud=source.cloud,
            region=source.region,
            environment=source.environment,
            fields=backup.fields,
            tags=backup.tags if tags is None else tags,
            deletion_protection=deletion_protection,
            records=backup.record_count,
            namespaces=backup.namespace_count,
            source_backup_id=backup.id,
        )

    def _complete_restore(self, job: RestoreJob) -> None:
        job.completed_at = self.now
        self.changed()


def need_name(name: str, what: str) -> None:
    """Refuse with 400 what cannot be the name of an index or of a backup."""
    if not _NAME.fullmatch(name):
        raise invalid(
            f"{what} name must be 1-45 characters long, start and end with an alphanumeric character, "
            "and consist only of lower case alphanumeric characters or '-'."
        )


_CUSTOMER_KEY = "Backups are not supported for indexes that are encrypted with a customer-managed key."


_BYTES_PER_DIMENSION = 4


_BYTES_PER_RECORD = 240


def expiry_of(backup: Backup) -> datetime | None:
    """Return when a backup expires: capture and its schedule's present retention. Manual ones never do."""
    if backup.schedule is None or backup.captured_at is None:
        return None
    return backup.captured_at + backup.schedule.retention


_LONGEST_RUN_NAME = 45


_SECOND_ENABLED = (
    "This index already has an enabled backup schedule. Disable or delete it first.",
    "Only one enabled backup schedule is allowed per index.",
    "A backup schedule is already enabled for this index.",
)


_LONGEST_NAME = 255


def frequency_of(text: str) -> Frequency:
    """Return the frequency a text names, or refuse with 400."""
    try:
        return Frequency(text)
    except ValueError:
        raise invalid("frequency must be one of: daily, weekly, monthly.") from None
