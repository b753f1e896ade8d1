"""Create and change schedules and backups of a project; lost responses are resolved by reading."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import Any

from backup_auditor.adapters.pinecone import schemas
from backup_auditor.adapters.pinecone.client import PineconeClient, Runtime
from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.flow_control import Monotonic
from backup_auditor.adapters.pinecone.mapping import RowMapper
from backup_auditor.adapters.pinecone.pagination import quoted
from backup_auditor.adapters.pinecone.reader import PineconeReader
from backup_auditor.adapters.pinecone.schemas import parse_row
from backup_auditor.adapters.pinecone.transport import AnswerLostError, Transport
from backup_auditor.adapters.pinecone.writing.restores import Restore, RestoreJob, restore_job, walk_restore_jobs
from backup_auditor.domain.listing import ListingRead
from backup_auditor.domain.model import Backup, Frequency, Index, Schedule
from backup_auditor.domain.remediation.actions import ScheduleSettings
from backup_auditor.errors import (
    NotFoundError,
    NotUnderstoodError,
    OutcomeUnknownError,
    PineconeError,
    UnavailableError,
)

WAITS = (0.0, 1.0, 4.0)
"""Seconds to wait before each look: what was asked for may take a moment to show."""


def ids_before[Row](
    look: Callable[[], ListingRead[Row]], identity: Callable[[Row], str], known: Iterable[Row] | None = None
) -> frozenset[str]:
    """Return the ids of what is there before a creation: what is known, else what a look shows.

    Without it a lost answer could not be settled, so nothing is sent: raises `UnavailableError` when it cannot be read.
    """
    if known is not None:
        return frozenset(map(identity, known))
    walk = look()
    if walk.broken is not None:
        raise UnavailableError(
            f"not sent, for what is there could not be read: {walk.broken.what}: {walk.broken.error}"
        )
    return frozenset(map(identity, walk.rows))


def resolve_lost_response[Row](
    reason: str, caller: PineconeClient, look: Callable[[], ListingRead[Row]], is_it: Callable[[Row], bool]
) -> Row:
    """Return the one row that the change made. Raises `OutcomeUnknownError` when reading shows none, or several."""
    for wait in WAITS:
        try:
            caller.pause(wait)
            found = [row for row in look().rows if is_it(row)]
        except PineconeError:
            continue
        if len(found) == 1:
            return found[0]
        if found:
            break
    raise OutcomeUnknownError(
        f"{reason}; whether it took effect all the same could not be found out: look before repeating"
    )


def delete(caller: PineconeClient, target: bytes, version: str) -> None:
    """Delete what a target names. One that is not there is deleted, so a lost answer is settled by asking again."""
    for is_last in (False, True):
        try:
            caller.write("DELETE", target, version)
        except NotFoundError:
            return
        except AnswerLostError as lost:
            if is_last:
                raise OutcomeUnknownError(
                    f"{lost}; whether it was deleted is not known: look before repeating"
                ) from None
        else:
            return


class BackupWriter:
    """Changes the backups of a project, and makes indexes of them. Raises any `PineconeError`."""

    def __init__(self, caller: PineconeClient, version: str, reader: PineconeReader) -> None:
        """Write through a caller, and look through a reader."""
        self._caller = caller
        self._version = version
        self._reader = reader
        self._translation = RowMapper()

    def describe(self, backup_id: str) -> Backup:
        """Read one backup."""
        return self._backup(self._caller.read(_backup_target(backup_id), self._version))

    def create(
        self,
        index: str,
        name: str | None = None,
        description: str | None = None,
        beside: Iterable[Backup] | None = None,
    ) -> Backup:
        """Begin a backup, which is not `Ready` yet when this returns.

        `beside` are the backups of the live index, where they were just read.
        """

        def look() -> ListingRead[Backup]:
            return self._reader.own_backups(index)

        before = ids_before(look, lambda it: it.backup_id, beside)
        given = {"name": name, "description": description}
        target = f"/indexes/{quoted(index)}/backups".encode()
        try:
            return self._backup(self._caller.write("POST", target, self._version, _backup_body(given)))
        except (AnswerLostError, NotUnderstoodError) as lost:
            reason = str(lost)
        return resolve_lost_response(
            reason, self._caller, look, lambda it: it.backup_id not in before and it.name == name
        )

    def delete(self, backup_id: str) -> None:
        """Begin to delete a backup. `ConflictError` means that a restore job runs; one that is not there is deleted."""
        delete(self._caller, _backup_target(backup_id), self._version)

    def restore(
        self,
        backup_id: str,
        index: str,
        *,
        tags: Mapping[str, str] | None = None,
        deletion_protection: bool | None = None,
    ) -> Restore:
        """Begin to make a new index of a backup. `ConflictError` means that the backup is not `Ready`."""
        before = ids_before(self.restore_jobs, lambda it: it.restore_job_id)
        protection = {True: "enabled", False: "disabled", None: None}[deletion_protection]
        given = {"name": index, "tags": dict(tags) if tags else None, "deletion_protection": protection}
        target = f"/backups/{quoted(backup_id)}/create-index".encode()
        try:
            answer = self._caller.write("POST", target, self._version, _backup_body(given))
            begun = parse_row(answer, schemas.RESTORE_STARTED)
            return Restore(begun["restore_job_id"], begun["index_id"])
        except (AnswerLostError, NotUnderstoodError) as lost:
            reason = str(lost)

        def is_it(job: RestoreJob) -> bool:
            return job.restore_job_id not in before and (job.backup_id, job.index_name) == (backup_id, index)

        job = resolve_lost_response(reason, self._caller, self.restore_jobs, is_it)
        return Restore(job.restore_job_id, job.index_id)

    def restore_jobs(self) -> ListingRead[RestoreJob]:
        """Walk the restore jobs of the project. Absence from this listing proves nothing."""
        return walk_restore_jobs(self._caller, self._version)

    def restore_job(self, restore_job_id: str) -> RestoreJob:
        """Read one restore job."""
        body = self._caller.read(f"/restore-jobs/{quoted(restore_job_id)}".encode(), self._version)
        return restore_job(parse_row(body, schemas.RESTORE_JOB))

    def _backup(self, body: bytes) -> Backup:
        return self._translation.backup(parse_row(body, schemas.BACKUP))


def _backup_target(backup_id: str) -> bytes:
    return f"/backups/{quoted(backup_id)}".encode()


def _backup_body(given: Mapping[str, object]) -> bytes:
    return json.dumps({key: value for key, value in given.items() if value is not None}).encode()


_RECENT = 1.0
"""Seconds."""


class RecentIndexes:
    """Looks indexes up by name. Safe to use from many threads: who waits for a listing takes it, slow as it may be."""

    def __init__(self, reader: PineconeReader, monotonic: Monotonic) -> None:
        """List nothing yet."""
        self._reader = reader
        self._monotonic = monotonic
        self._listed: tuple[float, ListingRead[Index]] | None = None
        self._lock = Lock()

    def find(self, name: str) -> Index:
        """Return an index. Raises any `PineconeError`, `NotFoundError` where there is none of that name."""
        asked = self._monotonic()
        with self._lock:
            if self._listed is None or asked - self._listed[0] > _RECENT:
                self._listed = self._monotonic(), self._reader.indexes()
            walk = self._listed[1]
        found = next((it for it in walk.rows if it.name == name), None)
        if found is not None:
            return found
        if walk.broken is not None:
            raise UnavailableError(f"{walk.broken.what}: {walk.broken.error}")
        raise NotFoundError(f"no index is called {name}")


class ScheduleWriter:
    """Changes the schedules of a project. Raises any `PineconeError`."""

    def __init__(self, caller: PineconeClient, version: str, reader: PineconeReader) -> None:
        """Write through a caller, and look through a reader."""
        self._caller = caller
        self._version = version
        self._reader = reader
        self._translation = RowMapper()

    def describe(self, schedule_id: str) -> Schedule:
        """Read one schedule."""
        return self._schedule(self._caller.read(_schedule_target(schedule_id), self._version))

    def create(
        self,
        index: str,
        name: str,
        frequency: Frequency,
        retention: timedelta,
        beside: Iterable[Schedule] | None = None,
    ) -> Schedule:
        """Create an enabled schedule. `ConflictError` means that the index has one; a paused one is no hindrance.

        `beside` are the index's schedules, where they were just read.
        """

        def look() -> ListingRead[Schedule]:
            return self._reader.schedules(index)

        before = ids_before(look, _schedule_id, beside)
        body = {
            "name": name,
            "schedule": {"type": "time-based", "frequency": frequency.value},
            "retention": {"expire_after_days": retention.days},
        }
        target = f"/indexes/{quoted(index)}/backup-schedules".encode()
        try:
            return self._schedule(self._caller.write("POST", target, self._version, json.dumps(body).encode()))
        except (AnswerLostError, NotUnderstoodError) as lost:
            reason = str(lost)

        def is_it(found: Schedule) -> bool:
            is_set_so = (Frequency.of(found.frequency), found.retention) == (frequency, retention)
            return found.schedule_id not in before and found.name == name and is_set_so

        return resolve_lost_response(reason, self._caller, look, is_it)

    def update(
        self,
        schedule_id: str,
        *,
        enabled: bool | None = None,
        frequency: Frequency | None = None,
        retention: timedelta | None = None,
    ) -> Schedule:
        """Change what is given and leave the rest.

        Another retention holds for the backups that are already there: a lower one deletes some of them sooner.
        Resuming a schedule starts an extra backup.
        """
        body: dict[str, Any] = {}
        if enabled is not None:
            body["enabled"] = enabled
        if frequency is not None:
            body["frequency"] = frequency.value
        if retention is not None:
            body["retention"] = {"expire_after_days": retention.days}
        try:
            answer = self._caller.write(
                "PATCH", _schedule_target(schedule_id), self._version, json.dumps(body).encode()
            )
            return self._schedule(answer)
        except (AnswerLostError, NotUnderstoodError) as lost:
            reason = str(lost)

        def is_as_asked(found: Schedule) -> bool:
            is_frequency = frequency is None or Frequency.of(found.frequency) is frequency
            return is_frequency and enabled in {None, found.enabled} and retention in {None, found.retention}

        return resolve_lost_response(
            reason, self._caller, lambda: ListingRead((self.describe(schedule_id),)), is_as_asked
        )

    def delete(self, schedule_id: str) -> None:
        """Delete a schedule, and none of its backups. One that is not there counts as deleted."""
        delete(self._caller, _schedule_target(schedule_id), self._version)

    def _schedule(self, body: bytes) -> Schedule:
        return self._translation.schedule(parse_row(body, schemas.SCHEDULE))


def _schedule_id(schedule: Schedule) -> str:
    return schedule.schedule_id


def _schedule_target(schedule_id: str) -> bytes:
    return f"/backup-schedules/{quoted(schedule_id)}".encode()


_EVERY_ERROR = (PineconeError,)


class ProjectChanges:
    """A `ProjectWriter` over HTTP."""

    def __init__(
        self,
        caller: PineconeClient,
        reader: PineconeReader,
        indexes: RecentIndexes,
        schedules: ScheduleWriter,
        backups: BackupWriter,
    ) -> None:
        """Look through a reader, and write through the writers, all of them over one caller."""
        self._caller = caller
        self._reader = reader
        self._indexes = indexes
        self._schedules = schedules
        self._backups = backups

    @property
    def ceiling(self) -> int:
        """How many calls it will ever have in flight at once."""
        return self._reader.ceiling

    @property
    def seconds_left(self) -> float:
        """The rest of the time for everything together, and a little more for calls to end by themselves."""
        return self._reader.seconds_left

    def index(self, name: str) -> Index:
        """Return one index, as it was within the last second."""
        return self._indexes.find(name)

    def schedules(self, index: str) -> tuple[Schedule, ...]:
        """Read all schedules of an index."""
        return _whole(self._reader.schedules(index, _EVERY_ERROR))

    def backups(self, index: str) -> tuple[Backup, ...]:
        """Read all backups of the live index of a name."""
        return _whole(self._reader.own_backups(index, _EVERY_ERROR))

    def create_schedule(
        self, index: str, name: str, frequency: Frequency, retention: timedelta, beside: Sequence[Schedule]
    ) -> Schedule:
        """Create an enabled schedule beside those that were just read."""
        return self._schedules.create(index, name, frequency, retention, beside)

    def change_schedule(self, schedule_id: str, changes: ScheduleSettings) -> Schedule:
        """Change what the settings speak of, and leave the rest."""
        return self._schedules.update(
            schedule_id, enabled=changes.enabled, frequency=changes.frequency, retention=changes.retention
        )

    def take_backup(self, index: str, name: str, beside: Sequence[Backup]) -> Backup:
        """Begin a backup beside those that were just read."""
        return self._backups.create(index, name, beside=beside)

    def pause(self, seconds: float) -> None:
        """Wait for what was asked for to show. Raises `DeadlineError` when the time would be over by then."""
        self._caller.pause(seconds)


def _whole[Row](walk: ListingRead[Row]) -> tuple[Row, ...]:
    if walk.broken is not None:
        raise UnavailableError(f"{walk.broken.what}: {walk.broken.error}")
    return walk.rows


@dataclass(frozen=True, slots=True)
class PineconeWriter:
    """What can be changed. A change is sent once, unless it was throttled, and so did nothing.

    A creation whose answer was lost is settled by reading: what is there now and was not before is what was created.
    Where reading does not settle it, `OutcomeUnknownError` is raised, and nothing is sent again.
    """

    schedules: ScheduleWriter
    backups: BackupWriter
    remedies: ProjectChanges
    """What of it remediation may do."""


@contextmanager
def open_writer(connection: Connection, surroundings: Runtime | None = None) -> Iterator[PineconeWriter]:
    """Open a project for changes; it wants a key that may make them."""
    with Transport(connection) as transport:
        around = surroundings or Runtime()
        caller = PineconeClient(connection, transport, around)
        reader = PineconeReader(connection, caller)
        schedules = ScheduleWriter(caller, connection.schedules_api_version, reader)
        backups = BackupWriter(caller, connection.api_version, reader)
        indexes = RecentIndexes(reader, around.monotonic)
        yield PineconeWriter(schedules, backups, ProjectChanges(caller, reader, indexes, schedules, backups))
