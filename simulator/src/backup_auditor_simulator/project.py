"""A simulated Pinecone project: its state, its clock and its rules, without input or output."""

import heapq
import random
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import RLock
from typing import Any

from backup_auditor_simulator.damages import Damage, DamageKind
from backup_auditor_simulator.model import (
    ApiError,
    Backup,
    BackupState,
    Frequency,
    Index,
    IndexKind,
    RestoreJob,
    RunOutcome,
    Schedule,
    find_next_run,
)
from backup_auditor_simulator.options import CustomerKeySupport, SimulatorOptions

_MAX_SCHEDULE_NAME_LENGTH = 255
_MAX_RUN_NAME_LENGTH = 45
_BYTES_PER_DIMENSION = 4
_BYTES_PER_RECORD = 240
_CUSTOMER_KEY_MESSAGE = "Backups are not supported for indexes that are encrypted with a customer-managed key."
_SECOND_ENABLED_MESSAGES = (
    "This index already has an enabled backup schedule. Disable or delete it first.",
    "Only one enabled backup schedule is allowed per index.",
    "A backup schedule is already enabled for this index.",
)
_NEVER = datetime.max.replace(tzinfo=UTC)
_NAME_PATTERN = re.compile(r"[a-z0-9]([a-z0-9-]{0,43}[a-z0-9])?")


class SimulatedProject:
    """A Pinecone project under a clock that can be set: its contents, and the rules by which they change.

    Everything random in it comes from its seed. The `force_` methods show what the service does only when something
    is broken, if at all.
    """

    def __init__(self, now: datetime, *, seed: int = 0, options: SimulatorOptions | None = None) -> None:
        """Create an empty project; `now` is its time."""
        self.now = now.astimezone(UTC)
        self.options = options or SimulatorOptions()
        self.lock = RLock()
        """Held while a request is answered, and while a test changes the project beside a running server."""
        self.rng = random.Random(seed)  # noqa: S311  the same seed must make the same project
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        """A heap of what happens later; events of the same moment happen in the order in which they were added."""
        self._event_count = 0
        self.project_id = self.make_id()
        self.indexes: dict[str, Index] = {}
        """The live ones, by name."""
        self.deleted_indexes: dict[str, list[Index]] = {}
        self.schedules: dict[str, Schedule] = {}
        self.backups: dict[str, Backup] = {}
        self.restore_jobs: dict[str, RestoreJob] = {}
        self.damages: list[Damage] = []
        """The damages of the restores to come."""
        self._cached_listing: tuple[int, list[Backup]] | None = None
        self.revision = 0
        """Counts the changes, so that a stored listing is known to be out of date."""

    def advance(self, duration: timedelta) -> None:
        """Advance the clock by a duration."""
        self.advance_to(self.now + duration)

    def advance_to(self, moment: datetime) -> None:
        """Let time pass until a moment: whatever is due by then happens, in order. Time does not run back."""
        with self.lock:
            while self._events and self._events[0][0] <= moment:
                due_at, _, run_action = heapq.heappop(self._events)
                self.now = max(self.now, due_at)
                run_action()
            self.now = max(self.now, moment.astimezone(UTC))

    def _add_event(self, due_at: datetime, action: Callable[[], None]) -> None:
        """Run an action at a later time. The action checks whether it still applies."""
        self._event_count += 1
        heapq.heappush(self._events, (due_at, self._event_count, action))

    def make_id(self) -> str:
        """Return a new id in the form of a UUID."""
        digits = f"{self.rng.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def get_index(self, name: str) -> Index:
        """Return a live index, or refuse with 404."""
        return _require(self.indexes.get(name), f"Index {name}")

    def get_schedule(self, schedule_id: str) -> Schedule:
        """Return a schedule, or refuse with 404."""
        return _require(self.schedules.get(schedule_id), "Backup schedule")

    def get_backup(self, backup_id: str) -> Backup:
        """Return a backup, or refuse with 404."""
        return _require(self.backups.get(backup_id), f"Backup {backup_id}")

    def get_restore_job(self, job_id: str) -> RestoreJob:
        """Return a restore job, or refuse with 404."""
        return _require(self.restore_jobs.get(job_id), f"Restore job {job_id}")

    def find_index_by_label(self, host_label: str) -> Index | None:
        """Return the live index whose host has a first part; `None` if there is none."""
        return next((it for it in self.indexes.values() if it.host_label == host_label), None)

    def list_indexes_named(self, name: str) -> list[Index]:
        """Return all indexes that had a name, the live one last."""
        live_index = self.indexes.get(name)
        return [*self.deleted_indexes.get(name, []), *([live_index] if live_index else [])]

    def select_listed_backups(self, backups: Iterable[Backup]) -> list[Backup]:
        """Return the backups of a backup listing, in its order."""
        shows_scheduled = self.options.lists_scheduled_runs
        return self.order_rows([it for it in backups if shows_scheduled or it.state is not BackupState.SCHEDULED])

    def list_backups(self) -> list[Backup]:
        """Return the backups of the whole project as listed, built once for each revision."""
        if self._cached_listing is None or self._cached_listing[0] != self.revision:
            self._cached_listing = self.revision, self.select_listed_backups(self.backups.values())
        return self._cached_listing[1]

    def order_rows[Row](self, oldest_first: Iterable[Row]) -> list[Row]:
        """Return rows in the order of a listing."""
        rows = list(oldest_first)
        if self.options.is_newest_first:
            rows.reverse()
        return rows

    def record_change(self, *backups: Backup) -> None:
        """Record a change, and discard the cached rows of these backups."""
        self.revision += 1
        for backup in backups:
            backup.cached_rows.clear()

    def create_backup(self, index_name: str, name: str | None = None, description: str | None = None) -> Backup:
        """Start a manual backup. It never expires."""
        if not self.options.has_backups:
            raise ApiError(
                403, "Your organization's plan does not include backups. Upgrade your plan to create backups."
            )
        index = self.get_index_for_creation(index_name)
        if name is not None:
            require_name(name, "Backup")
        if self.is_quota_exhausted:
            raise ApiError(403, "Increase your quota or upgrade to create more backups.", "FORBIDDEN")
        backup = self.add_backup(index, name=name, description=description)
        self.start_backup(backup)
        self._add_event(self.now + self.options.backup_duration, partial(self.finish_backup, backup))
        return backup

    def get_index_for_listing(self, name: str) -> Index:
        """Return a live index whose backups can be listed; refuse others with 400."""
        index = self.get_index(name)
        if index.kind is IndexKind.POD:
            raise ApiError(400, "Backups are not supported for pod-based indexes.")
        if index.cmek_id is not None and self.options.customer_key_support is CustomerKeySupport.NONE:
            raise ApiError(400, _CUSTOMER_KEY_MESSAGE)
        return index

    def get_index_for_creation(self, name: str) -> Index:
        """Return a live index of which a backup or a schedule can be created; refuse others with 400 or 412."""
        index = self.get_index_for_listing(name)
        if index.cmek_id is not None and self.options.customer_key_support is CustomerKeySupport.LISTING_ONLY:
            raise ApiError(400, _CUSTOMER_KEY_MESSAGE)
        if index.is_terminating:
            raise ApiError(412, f"Index {name} is being deleted.")
        return index

    @property
    def is_quota_exhausted(self) -> bool:
        """Whether the backup quota is used up. Planned runs do not count."""
        quota = self.options.backup_quota
        if quota is None or len(self.backups) < quota:
            return False
        return sum(it.state is not BackupState.SCHEDULED for it in self.backups.values()) >= quota

    def add_backup(
        self,
        index: Index,
        *,
        name: str | None = None,
        description: str | None = None,
        schedule: Schedule | None = None,
        scheduled_for: datetime | None = None,
    ) -> Backup:
        """Add a backup in the state scheduled."""
        backup = Backup(
            id=self.make_id(),
            index=index,
            state=BackupState.SCHEDULED,
            created_at=self.now,
            name=name,
            description=description,
            schedule=schedule,
            scheduled_for=scheduled_for,
            fields=index.fields,
            tags=dict(index.tags),
        )
        self.backups[backup.id] = index.backups[backup.id] = backup
        self.record_change()
        return backup

    def start_backup(self, backup: Backup) -> None:
        """Capture the data of a backup now."""
        backup.state = BackupState.IN_PROGRESS
        backup.captured_at = self.now
        self.record_change(backup)

    def finish_backup(self, backup: Backup) -> None:
        """Complete a backup with the content of its index."""
        if backup.is_deleted:
            return
        index = backup.index
        index.records += index.records // 1000
        backup.state = BackupState.READY
        backup.record_count = index.records
        backup.namespace_count = index.namespaces
        dimension = index.vector_field.get("dimension", 0)
        backup.size_bytes = index.records * (dimension * _BYTES_PER_DIMENSION + _BYTES_PER_RECORD)
        self.record_change(backup)

    def fail_backup(self, backup: Backup) -> None:
        """Fail a backup."""
        if not backup.is_deleted:
            backup.state = BackupState.FAILED
            self.record_change(backup)

    def delete_backup(self, backup_id: str) -> None:
        """Accept the deletion of a backup, which takes effect later."""
        backup = self.get_backup(backup_id)
        if backup.state is BackupState.SCHEDULED:
            raise ApiError(412, "Unable to delete backup. It is waiting to run.")
        jobs = [it.id for it in self.restore_jobs.values() if it.backup is backup and it.completed_at is None]
        if jobs:
            raise ApiError(412, f"Unable to delete backup. There are pending restore jobs for this backup: {jobs}")
        self._add_event(self.now + self.options.backup_deletion_duration, partial(self.remove_backup, backup))
        self.advance(timedelta())

    def remove_backup(self, backup: Backup) -> None:
        """Remove a backup from the project immediately, in any state."""
        if backup.is_deleted:
            return
        backup.is_deleted = True
        del self.backups[backup.id]
        del backup.index.backups[backup.id]
        if backup.schedule is not None and not (self.options.keeps_expired_in_history and backup.captured_at):
            del backup.schedule.runs[backup.id]
        self.record_change(backup)

    def expire_backup(self, backup: Backup) -> None:
        """Remove a scheduled backup if its schedule's present retention has passed since its capture."""
        expires_at = find_expiry(backup)
        if backup.is_deleted or expires_at is None:
            return
        if expires_at <= self.now:
            self.remove_backup(backup)
        else:
            self._add_event(expires_at, partial(self.expire_backup, backup))

    def script_runs(self, schedule: Schedule, outcomes: Iterable[RunOutcome]) -> None:
        """Set the outcomes of the coming runs of a schedule, the next one first."""
        schedule.outcomes.extend(outcomes)

    def schedule_run(self, schedule: Schedule) -> None:
        """Plan the next run of a schedule, and replace the planned one if there is one."""
        self.cancel_scheduled_run(schedule)
        schedule.next_run = find_next_run(schedule.anchor, schedule.frequency, self.now)
        schedule.scheduled_run = self._add_run(schedule, schedule.next_run)
        self._add_event(
            schedule.scheduled_run.scheduled_for or self.now, partial(self._start_due_run, schedule.scheduled_run)
        )

    def cancel_scheduled_run(self, schedule: Schedule) -> None:
        """Remove the planned run of a schedule."""
        schedule.next_run = None
        if schedule.scheduled_run is not None:
            self.remove_backup(schedule.scheduled_run)
            schedule.scheduled_run = None

    def run_now(self, schedule: Schedule) -> Backup:
        """Run a schedule once now, in addition to its planned runs."""
        run = self._add_run(schedule, self.now)
        self._start_run(run, schedule, RunOutcome.SUCCEEDED)
        return run

    def create_schedule(
        self,
        index_name: str,
        name: str,
        frequency: Frequency | str = Frequency.DAILY,
        retention_days: int = 30,
        *,
        is_second_allowed: bool = False,
    ) -> Schedule:
        """Create an enabled schedule and plan its first run, one period from now.

        `is_second_allowed` makes the second enabled schedule that the service itself refuses, as a race would.
        """
        self.require_plan()
        index = self.get_index_for_creation(index_name)
        if not 1 <= len(name) <= _MAX_SCHEDULE_NAME_LENGTH:
            raise ApiError(400, "Backup schedule name must be 1-255 characters long.")
        retention = self._parse_retention(retention_days)
        parsed_frequency = parse_frequency(frequency)
        if not is_second_allowed:
            self._require_none_enabled(index)
        schedule = Schedule(
            id=self.make_id(),
            name=name,
            index=index,
            frequency=parsed_frequency,
            retention=retention,
            created_at=self.now + timedelta(microseconds=self.rng.randrange(1000)),
            anchor=self.now.replace(microsecond=0),
        )
        self.schedules[schedule.id] = index.schedules[schedule.id] = schedule
        self.schedule_run(schedule)
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
            self.require_plan()
        schedule = self.get_schedule(schedule_id)
        retention = None if retention_days is None else self._parse_retention(retention_days)
        parsed_frequency = None if frequency is None else parse_frequency(frequency)
        if enabled and not schedule.enabled:
            self._require_none_enabled(schedule.index)
        if retention is not None:
            schedule.retention = retention
            for run in schedule.runs.values():
                expires_at = find_expiry(run)
                if expires_at is not None:
                    self._add_event(max(expires_at, self.now), partial(self.expire_backup, run))
        if parsed_frequency is not None and parsed_frequency is not schedule.frequency:
            schedule.frequency = parsed_frequency
            if schedule.enabled:
                self.schedule_run(schedule)
        if enabled is False and schedule.enabled:
            next_run = schedule.next_run
            self.cancel_scheduled_run(schedule)
            schedule.enabled = False
            # Shown only where a paused schedule's next run is to be stale.
            schedule.next_run = next_run
        if enabled is True and not schedule.enabled:
            schedule.enabled = True
            schedule.anchor = self.now.replace(microsecond=0)
            self.run_now(schedule)
            self.schedule_run(schedule)
        self.record_change()
        self.advance(timedelta())
        return schedule

    def delete_schedule(self, schedule_id: str) -> None:
        """Delete a schedule. Its backups stay, and expire after its last retention."""
        self.remove_schedule(self.get_schedule(schedule_id))

    def remove_schedule(self, schedule: Schedule) -> None:
        """Delete a schedule on any plan."""
        self.cancel_scheduled_run(schedule)
        schedule.enabled = False
        del self.schedules[schedule.id]
        del schedule.index.schedules[schedule.id]
        self.record_change()

    def require_plan(self) -> None:
        """Refuse with 403 what the plan does not include, before anything is looked up."""
        if not self.options.has_backups:
            raise ApiError(403, "Scheduled backups are not available for your plan")

    def create_index(self, name: str, **traits: Any) -> Index:  # noqa: ANN401  the fields of an index
        """Create an index, ready once `index_creation_duration` has passed. The traits are fields of `Index`.

        An index with the name of an earlier one has another id, and no schedules. Empty traits have their default.
        """
        require_name(name, "Index")
        if name in self.indexes:
            raise ApiError(409, "Resource already exists.")
        index_id = self.make_id()
        if traits.get("records") is None:
            traits["records"] = self.rng.randrange(20_000, 900_000)
        if traits.get("namespaces") is None:
            traits["namespaces"] = self.rng.randrange(1, 40)
        ready_at = self.now + self.options.index_creation_duration
        given_traits = {"data_seed": index_id} | {
            key: value for key, value in traits.items() if value not in (None, {})
        }
        index = Index(index_id, name, self.now, ready_at, **given_traits)
        index.tags = dict(index.tags)
        self.indexes[name] = index
        self.record_change()
        return index

    def configure_index(
        self, name: str, *, tags: Mapping[str, str] | None = None, deletion_protection: bool | None = None
    ) -> Index:
        """Change an index. A tag with an empty value is taken away."""
        index = self.get_index(name)
        merged_tags = index.tags | dict(tags or {})
        index.tags = {key: value for key, value in merged_tags.items() if value}
        if deletion_protection is not None:
            index.deletion_protection = deletion_protection
        self.record_change()
        return index

    def delete_index(self, name: str) -> None:
        """Delete an index and its schedules. Its backups stay. It is gone after `index_deletion_duration`."""
        index = self.get_index(name)
        if index.is_terminating:
            return
        if index.deletion_protection:
            raise ApiError(
                403,
                "Deletion protection is enabled for this index. Disable deletion protection before retrying.",
                "FORBIDDEN",
            )
        self._remove_schedules(index)
        index.is_terminating = True
        self._add_event(self.now + self.options.index_deletion_duration, partial(self.remove_index, index))
        self.record_change()
        self.advance(timedelta())

    def remove_index(self, index: Index) -> None:
        """Remove an index from the project immediately, with its schedules and the jobs that restored it."""
        if index.deleted_at is not None:
            return
        self._remove_schedules(index)
        index.is_terminating = False
        index.deleted_at = self.now
        del self.indexes[index.name]
        self.deleted_indexes.setdefault(index.name, []).append(index)
        self.restore_jobs = {key: job for key, job in self.restore_jobs.items() if job.index is not index}
        self.record_change(*index.backups.values())

    def _remove_schedules(self, index: Index) -> None:
        for schedule in list(index.schedules.values()):
            self.remove_schedule(schedule)

    def require_index_slot(self) -> None:
        """Refuse with 403 to create an index if the quota of indexes is used up."""
        quota = self.options.index_quota
        if quota is not None and len(self.indexes) >= quota:
            raise ApiError(403, f"You've reached the max indexes allowed in your project ({quota}).", "FORBIDDEN")

    def create_index_from_backup(
        self, backup_id: str, name: str, *, tags: Mapping[str, str] | None = None, deletion_protection: bool = False
    ) -> RestoreJob:
        """Start a restore of a backup into a new index. Index and restore job end independently of each other."""
        backup = self.get_backup(backup_id)
        if backup.state is not BackupState.READY:
            raise ApiError(412, f"Backup {backup_id} is not ready.")
        self.require_index_slot()
        source = backup.index
        index = self.create_index(
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
            data_seed=source.data_seed,
        )
        index.damages = tuple(it for it in self.damages if it.applies_to(source.name))
        if index.get_damage(DamageKind.WRONG_SCHEMA) is not None:
            index.fields = {name: _change_vector_field(it) for name, it in index.fields.items()}
        job = RestoreJob(self.make_id(), backup, index, self.now)
        self.restore_jobs[job.id] = job
        if index.get_damage(DamageKind.STUCK_RESTORE) is not None:
            index.ready_at = _NEVER
            return job
        index.ready_at = self.now + self.options.restore_duration
        job_duration = self.options.restore_job_duration
        self._add_event(
            index.ready_at if job_duration is None else self.now + job_duration, partial(self._complete_restore, job)
        )
        self.advance(timedelta())
        return job

    def force_status(self, backup: Backup, status: str) -> None:
        """Show a backup with a status, whatever its state is, in every version."""
        backup.forced_status = status
        self.record_change(backup)

    def force_next_run(self, schedule: Schedule, next_run: datetime | None) -> None:
        """Leave an enabled schedule without a planned run, and show this as its next one."""
        self.cancel_scheduled_run(schedule)
        schedule.next_run = next_run
        self.record_change()

    def force_retention(self, schedule: Schedule, retention: timedelta) -> None:
        """Show another retention, by which nothing that the schedule made so far is deleted."""
        schedule.retention = retention
        self.record_change()

    def _add_run(self, schedule: Schedule, due_at: datetime) -> Backup:
        # A run planned for 06:00:00 is taken, and says so, a fraction of a second later.
        scheduled_for = max(due_at.replace(microsecond=0) + timedelta(milliseconds=self.rng.randrange(900)), self.now)
        name = f"{schedule.name}-{due_at:%Y%m%dT%H%M%SZ}"
        run = self.add_backup(schedule.index, name=name, schedule=schedule, scheduled_for=scheduled_for)
        schedule.runs[run.id] = run
        return run

    def _start_due_run(self, run: Backup) -> None:
        schedule = run.schedule
        if schedule is None or schedule.scheduled_run is not run or run.is_deleted:
            return
        outcome = schedule.outcomes.popleft() if schedule.outcomes else RunOutcome.SUCCEEDED
        if outcome is RunOutcome.NOT_STARTED:
            return
        schedule.scheduled_run = None
        if outcome is RunOutcome.SKIPPED:
            self.remove_backup(run)
        else:
            self._start_run(run, schedule, outcome)
        self.schedule_run(schedule)

    def _start_run(self, run: Backup, schedule: Schedule, outcome: RunOutcome) -> None:
        will_fail = (
            outcome is RunOutcome.FAILED or len(run.name or "") > _MAX_RUN_NAME_LENGTH or self.is_quota_exhausted
        )
        self.start_backup(run)
        if outcome is not RunOutcome.STUCK:
            end_backup = self.fail_backup if will_fail else self.finish_backup
            self._add_event(self.now + self.options.backup_duration, partial(end_backup, run))
        self._add_event(self.now + schedule.retention, partial(self.expire_backup, run))

    def _require_none_enabled(self, index: Index) -> None:
        if any(it.enabled for it in index.schedules.values()):
            raise ApiError(409, _SECOND_ENABLED_MESSAGES[self.revision % len(_SECOND_ENABLED_MESSAGES)])

    def _parse_retention(self, days: int) -> timedelta:
        max_days = self.options.max_retention.days
        if not 1 <= days <= max_days:
            raise ApiError(400, f"retention.expire_after_days must be between 1 and {max_days}.")
        return timedelta(days=days)

    def _complete_restore(self, job: RestoreJob) -> None:
        job.completed_at = self.now
        self.record_change()


def _change_vector_field(index_field: Mapping[str, Any]) -> Mapping[str, Any]:
    if "metric" not in index_field:
        return index_field
    other_metric = "cosine" if index_field["metric"] == "dotproduct" else "dotproduct"
    other_dimension = {"dimension": index_field["dimension"] + 1} if "dimension" in index_field else {}
    return {**index_field, "metric": other_metric, **other_dimension}


def _require[Row](row: Row | None, resource: str) -> Row:
    if row is None:
        raise ApiError(404, f"{resource} not found.")
    return row


def require_name(name: str, resource: str) -> None:
    """Refuse with 400 what cannot be the name of an index or of a backup."""
    if not _NAME_PATTERN.fullmatch(name):
        raise ApiError(
            400,
            f"{resource} name must be 1-45 characters long, start and end with an alphanumeric character, "
            "and consist only of lower case alphanumeric characters or '-'.",
        )


def find_expiry(backup: Backup) -> datetime | None:
    """Return when a backup expires: capture and its schedule's present retention. Manual ones never do."""
    if backup.schedule is None or backup.captured_at is None:
        return None
    return backup.captured_at + backup.schedule.retention


def parse_frequency(text: str) -> Frequency:
    """Return the frequency that a text names, or refuse with 400."""
    try:
        return Frequency(text)
    except ValueError:
        raise ApiError(400, "frequency must be one of: daily, weekly, monthly.") from None
