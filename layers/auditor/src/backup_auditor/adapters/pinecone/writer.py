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
from backup_auditor.adapters.pinecone.flow_control import MonotonicClock
from backup_auditor.adapters.pinecone.mapping import RowMapper
from backup_auditor.adapters.pinecone.pagination import quote_segment
from backup_auditor.adapters.pinecone.reader import PineconeReader
from backup_auditor.adapters.pinecone.schemas import parse_row
from backup_auditor.adapters.pinecone.transport import ResponseLostError, Transport
from backup_auditor.adapters.pinecone.writing.restores import (
    Restore,
    RestoreJob,
    map_restore_job,
    read_restore_job_listing,
)
from backup_auditor.domain.listing import ListingRead
from backup_auditor.domain.model import Backup, Frequency, Index, Schedule, ScheduleSettings
from backup_auditor.errors import (
    MalformedResponseError,
    NotFoundError,
    OutcomeUnknownError,
    PineconeError,
    UnavailableError,
)

LOST_RESPONSE_WAITS = (0.0, 1.0, 4.0)
"""Seconds to wait before each look: what was asked for may take a moment to show."""


def find_existing_ids[Row](
    read_listing: Callable[[], ListingRead[Row]], get_id: Callable[[Row], str], known_rows: Iterable[Row] | None = None
) -> frozenset[str]:
    """Return the ids of what is there before a creation: what is known, else what a look shows.

    Without it a lost answer could not be settled, so nothing is sent: raises `UnavailableError` when it cannot be read.
    """
    if known_rows is not None:
        return frozenset(map(get_id, known_rows))
    listing_read = read_listing()
    if listing_read.failure is not None:
        raise UnavailableError(
            f"not sent, for what is there could not be read: {listing_read.failure.call}: {listing_read.failure.error}"
        )
    return frozenset(map(get_id, listing_read.rows))


def resolve_lost_response[Row](
    reason: str, client: PineconeClient, read_listing: Callable[[], ListingRead[Row]], is_match: Callable[[Row], bool]
) -> Row:
    """Return the one row that the change made. Raises `OutcomeUnknownError` when reading shows none, or several."""
    for wait in LOST_RESPONSE_WAITS:
        try:
            client.wait(wait)
            matches = [row for row in read_listing().rows if is_match(row)]
        except PineconeError:
            continue
        if len(matches) == 1:
            return matches[0]
        if matches:
            break
    raise OutcomeUnknownError(
        f"{reason}; whether it took effect all the same could not be found out: look before repeating"
    )


def delete_resource(client: PineconeClient, target: bytes, version: str) -> None:
    """Delete what a target names. One that is not there is deleted, so a lost answer is settled by asking again."""
    for is_last in (False, True):
        try:
            client.write("DELETE", target, version)
        except NotFoundError:
            return
        except ResponseLostError as error:
            if is_last:
                raise OutcomeUnknownError(
                    f"{error}; whether it was deleted is not known: look before repeating"
                ) from None
        else:
            return


class BackupWriter:
    """Changes the backups of a project, and makes indexes of them. Raises any `PineconeError`."""

    def __init__(self, client: PineconeClient, version: str, reader: PineconeReader) -> None:
        """Write through a caller, and look through a reader."""
        self._client = client
        self._version = version
        self._reader = reader
        self._mapper = RowMapper()

    def describe(self, backup_id: str) -> Backup:
        """Read one backup."""
        return self._parse_backup(self._client.read(_build_backup_target(backup_id), self._version))

    def create(
        self,
        index: str,
        name: str | None = None,
        description: str | None = None,
        existing: Iterable[Backup] | None = None,
    ) -> Backup:
        """Begin a backup, which is not `Ready` yet when this returns.

        `beside` are the backups of the live index, where they were just read.
        """

        def read_listing() -> ListingRead[Backup]:
            return self._reader.read_own_backups(index)

        existing_ids = find_existing_ids(read_listing, lambda it: it.backup_id, existing)
        fields = {"name": name, "description": description}
        target = f"/indexes/{quote_segment(index)}/backups".encode()
        try:
            return self._parse_backup(self._client.write("POST", target, self._version, _encode_body(fields)))
        except (ResponseLostError, MalformedResponseError) as error:
            reason = str(error)
        return resolve_lost_response(
            reason, self._client, read_listing, lambda it: it.backup_id not in existing_ids and it.name == name
        )

    def delete(self, backup_id: str) -> None:
        """Begin to delete a backup. `ConflictError` means that a restore job runs; one that is not there is deleted."""
        delete_resource(self._client, _build_backup_target(backup_id), self._version)

    def restore(
        self,
        backup_id: str,
        index: str,
        *,
        tags: Mapping[str, str] | None = None,
        deletion_protection: bool | None = None,
    ) -> Restore:
        """Begin to make a new index of a backup. `ConflictError` means that the backup is not `Ready`."""
        existing_ids = find_existing_ids(self.read_restore_jobs, lambda it: it.restore_job_id)
        protection = {True: "enabled", False: "disabled", None: None}[deletion_protection]
        fields = {"name": index, "tags": dict(tags) if tags else None, "deletion_protection": protection}
        target = f"/backups/{quote_segment(backup_id)}/create-index".encode()
        try:
            response_body = self._client.write("POST", target, self._version, _encode_body(fields))
            response = parse_row(response_body, schemas.RESTORE_RESPONSE)
            return Restore(response["restore_job_id"], response["index_id"])
        except (ResponseLostError, MalformedResponseError) as error:
            reason = str(error)

        def is_match(job: RestoreJob) -> bool:
            return job.restore_job_id not in existing_ids and (job.backup_id, job.index_name) == (backup_id, index)

        job = resolve_lost_response(reason, self._client, self.read_restore_jobs, is_match)
        return Restore(job.restore_job_id, job.index_id)

    def read_restore_jobs(self) -> ListingRead[RestoreJob]:
        """Walk the restore jobs of the project. Absence from this listing proves nothing."""
        return read_restore_job_listing(self._client, self._version)

    def read_restore_job(self, restore_job_id: str) -> RestoreJob:
        """Read one restore job."""
        body = self._client.read(f"/restore-jobs/{quote_segment(restore_job_id)}".encode(), self._version)
        return map_restore_job(parse_row(body, schemas.RESTORE_JOB))

    def _parse_backup(self, body: bytes) -> Backup:
        return self._mapper.map_backup(parse_row(body, schemas.BACKUP))


def _build_backup_target(backup_id: str) -> bytes:
    return f"/backups/{quote_segment(backup_id)}".encode()


def _encode_body(fields: Mapping[str, object]) -> bytes:
    return json.dumps({key: value for key, value in fields.items() if value is not None}).encode()


_RECENT_SECONDS = 1.0
"""Seconds."""


class RecentIndexes:
    """Looks indexes up by name. Safe to use from many threads: who waits for a listing takes it, slow as it may be."""

    def __init__(self, reader: PineconeReader, monotonic: MonotonicClock) -> None:
        """List nothing yet."""
        self._reader = reader
        self._monotonic = monotonic
        self._last_read: tuple[float, ListingRead[Index]] | None = None
        self._lock = Lock()

    def find(self, name: str) -> Index:
        """Return an index. Raises any `PineconeError`, `NotFoundError` where there is none of that name."""
        started_at = self._monotonic()
        with self._lock:
            if self._last_read is None or started_at - self._last_read[0] > _RECENT_SECONDS:
                self._last_read = self._monotonic(), self._reader.read_indexes()
            listing_read = self._last_read[1]
        index = next((it for it in listing_read.rows if it.name == name), None)
        if index is not None:
            return index
        if listing_read.failure is not None:
            raise UnavailableError(f"{listing_read.failure.call}: {listing_read.failure.error}")
        raise NotFoundError(f"no index is called {name}")


class ScheduleWriter:
    """Changes the schedules of a project. Raises any `PineconeError`."""

    def __init__(self, client: PineconeClient, version: str, reader: PineconeReader) -> None:
        """Write through a caller, and look through a reader."""
        self._client = client
        self._version = version
        self._reader = reader
        self._mapper = RowMapper()

    def describe(self, schedule_id: str) -> Schedule:
        """Read one schedule."""
        return self._parse_schedule(self._client.read(_build_schedule_target(schedule_id), self._version))

    def create(
        self,
        index: str,
        name: str,
        frequency: Frequency,
        retention: timedelta,
        existing: Iterable[Schedule] | None = None,
    ) -> Schedule:
        """Create an enabled schedule. `ConflictError` means that the index has one; a paused one is no hindrance.

        `beside` are the index's schedules, where they were just read.
        """

        def read_listing() -> ListingRead[Schedule]:
            return self._reader.read_schedules(index)

        existing_ids = find_existing_ids(read_listing, _get_schedule_id, existing)
        body = {
            "name": name,
            "schedule": {"type": "time-based", "frequency": frequency.value},
            "retention": {"expire_after_days": retention.days},
        }
        target = f"/indexes/{quote_segment(index)}/backup-schedules".encode()
        try:
            return self._parse_schedule(self._client.write("POST", target, self._version, json.dumps(body).encode()))
        except (ResponseLostError, MalformedResponseError) as error:
            reason = str(error)

        def is_match(schedule: Schedule) -> bool:
            has_settings = (Frequency.parse(schedule.frequency), schedule.retention) == (frequency, retention)
            return schedule.schedule_id not in existing_ids and schedule.name == name and has_settings

        return resolve_lost_response(reason, self._client, read_listing, is_match)

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
            response_body = self._client.write(
                "PATCH", _build_schedule_target(schedule_id), self._version, json.dumps(body).encode()
            )
            return self._parse_schedule(response_body)
        except (ResponseLostError, MalformedResponseError) as error:
            reason = str(error)

        def is_match(schedule: Schedule) -> bool:
            has_frequency = frequency is None or Frequency.parse(schedule.frequency) is frequency
            return has_frequency and enabled in {None, schedule.enabled} and retention in {None, schedule.retention}

        return resolve_lost_response(reason, self._client, lambda: ListingRead((self.describe(schedule_id),)), is_match)

    def delete(self, schedule_id: str) -> None:
        """Delete a schedule, and none of its backups. One that is not there counts as deleted."""
        delete_resource(self._client, _build_schedule_target(schedule_id), self._version)

    def _parse_schedule(self, body: bytes) -> Schedule:
        return self._mapper.map_schedule(parse_row(body, schemas.SCHEDULE))


def _get_schedule_id(schedule: Schedule) -> str:
    return schedule.schedule_id


def _build_schedule_target(schedule_id: str) -> bytes:
    return f"/backup-schedules/{quote_segment(schedule_id)}".encode()


_ALL_ERRORS = (PineconeError,)


class PineconeProjectWriter:
    """A `ProjectWriter` over HTTP."""

    def __init__(
        self,
        client: PineconeClient,
        reader: PineconeReader,
        indexes: RecentIndexes,
        schedules: ScheduleWriter,
        backups: BackupWriter,
    ) -> None:
        """Look through a reader, and write through the writers, all of them over one caller."""
        self._client = client
        self._reader = reader
        self._indexes = indexes
        self._schedules = schedules
        self._backups = backups

    @property
    def max_concurrency(self) -> int:
        """How many calls it will ever have in flight at once."""
        return self._reader.max_concurrency

    @property
    def seconds_left(self) -> float:
        """The rest of the time for everything together, and a little more for calls to end by themselves."""
        return self._reader.seconds_left

    def read_index(self, name: str) -> Index:
        """Return one index, as it was within the last second."""
        return self._indexes.find(name)

    def read_schedules(self, index: str) -> tuple[Schedule, ...]:
        """Read all schedules of an index."""
        return _require_complete(self._reader.read_schedules(index, _ALL_ERRORS))

    def read_backups(self, index: str) -> tuple[Backup, ...]:
        """Read all backups of the live index of a name."""
        return _require_complete(self._reader.read_own_backups(index, _ALL_ERRORS))

    def create_schedule(
        self, index: str, name: str, frequency: Frequency, retention: timedelta, existing: Sequence[Schedule]
    ) -> Schedule:
        """Create an enabled schedule beside those that were just read."""
        return self._schedules.create(index, name, frequency, retention, existing)

    def update_schedule(self, schedule_id: str, changes: ScheduleSettings) -> Schedule:
        """Change what the settings speak of, and leave the rest."""
        return self._schedules.update(
            schedule_id, enabled=changes.enabled, frequency=changes.frequency, retention=changes.retention
        )

    def create_backup(self, index: str, name: str, existing: Sequence[Backup]) -> Backup:
        """Begin a backup beside those that were just read."""
        return self._backups.create(index, name, existing=existing)

    def wait(self, seconds: float) -> None:
        """Wait for what was asked for to show. Raises `DeadlineError` when the time would be over by then."""
        self._client.wait(seconds)


def _require_complete[Row](listing_read: ListingRead[Row]) -> tuple[Row, ...]:
    if listing_read.failure is not None:
        raise UnavailableError(f"{listing_read.failure.call}: {listing_read.failure.error}")
    return listing_read.rows


@dataclass(frozen=True, slots=True)
class PineconeWriters:
    """What can be changed. A change is sent once, unless it was throttled, and so did nothing.

    A creation whose answer was lost is settled by reading: what is there now and was not before is what was created.
    Where reading does not settle it, `OutcomeUnknownError` is raised, and nothing is sent again.
    """

    schedules: ScheduleWriter
    backups: BackupWriter
    project: PineconeProjectWriter
    """What of it remediation may do."""


@contextmanager
def open_writer(connection: Connection, runtime: Runtime | None = None) -> Iterator[PineconeWriters]:
    """Open a project for changes; it wants a key that may make them."""
    with Transport(connection) as transport:
        client_runtime = runtime or Runtime()
        client = PineconeClient(connection, transport, client_runtime)
        reader = PineconeReader(connection, client)
        schedules = ScheduleWriter(client, connection.schedules_api_version, reader)
        backups = BackupWriter(client, connection.api_version, reader)
        indexes = RecentIndexes(reader, client_runtime.monotonic)
        yield PineconeWriters(schedules, backups, PineconeProjectWriter(client, reader, indexes, schedules, backups))
