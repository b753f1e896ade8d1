"""Send remediation actions to a project; settle a lost response by reading."""

import json
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

from backup_auditor.adapters.pinecone.client import PineconeClient, Runtime
from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.flow_control import MonotonicClock
from backup_auditor.adapters.pinecone.reader import PineconeReader
from backup_auditor.adapters.pinecone.rows import BACKUP, SCHEDULE, RowMapper, parse_row
from backup_auditor.adapters.pinecone.transport import ResponseLostError, Transport
from backup_auditor.domain.listing import ListingRead
from backup_auditor.domain.model import Backup, Index, Schedule
from backup_auditor.domain.remediation.checks import find_results
from backup_auditor.domain.remediation.plan import Action, CreateBackup, CreateSchedule, UpdateSchedule
from backup_auditor.errors import (
    MalformedResponseError,
    NotFoundError,
    OutcomeUnknownError,
    PineconeError,
    UnavailableError,
)

_LOST_RESPONSE_WAITS = (0.0, 1.0, 4.0)
"""Seconds to wait before each read: a change may take a moment to be listed."""
_MAX_INDEXES_AGE_SECONDS = 1.0
"""How old the list of indexes may be before it is read again."""
_ALL_ERRORS = (PineconeError,)


class PineconeWriter:
    """A `ProjectWriter` over HTTP."""

    def __init__(self, client: PineconeClient, monotonic: MonotonicClock) -> None:
        """Send and read with one client; `monotonic` measures the age of the list of indexes."""
        self.max_concurrency = client.connection.max_concurrency
        self._connection = client.connection
        self._client = client
        self._reader = PineconeReader(client)
        self._mapper = RowMapper()
        self._monotonic = monotonic
        self._indexes: tuple[float, ListingRead[Index]] | None = None
        self._indexes_lock = Lock()

    @property
    def seconds_left(self) -> float:
        """The seconds until the deadline, and a little more for calls to end by themselves."""
        return self._reader.seconds_left

    def read_index(self, name: str) -> Index:
        """Return an index as it was within the last second. Threads that wait for the same list share it."""
        started_at = self._monotonic()
        with self._indexes_lock:
            if self._indexes is None or started_at - self._indexes[0] > _MAX_INDEXES_AGE_SECONDS:
                self._indexes = self._monotonic(), self._reader.read_indexes()
            listing_read = self._indexes[1]
        index = next((it for it in listing_read.rows if it.name == name), None)
        if index is not None:
            return index
        _require_complete(listing_read)
        raise NotFoundError(f"index {name} does not exist")

    def read_schedules(self, index: str) -> tuple[Schedule, ...]:
        """Return all schedules of an index."""
        return _require_complete(self._reader.read_schedules(index, _ALL_ERRORS))

    def read_backups(self, index: str) -> tuple[Backup, ...]:
        """Return all backups of the live index with this name."""
        return _require_complete(self._reader.read_own_backups(index, _ALL_ERRORS))

    def send(self, action: Action, existing_ids: Container[str]) -> Schedule | Backup:
        """Send the call of an action and return the schedule or the backup that it created or changed."""
        call, is_backup = action.call, isinstance(action, CreateBackup)
        version = self._connection.api_version if is_backup else self._connection.schedules_api_version
        try:
            body = self._client.write(call.method, call.path.encode(), version, json.dumps(call.body).encode())
            if is_backup:
                return self._mapper.map_backup(parse_row(body, BACKUP))
            return self._parse_schedule(body)
        except (ResponseLostError, MalformedResponseError) as error:
            reason = str(error)
        return self._settle(action, existing_ids, reason)

    def wait(self, seconds: float) -> None:
        """Wait until a change can be listed. Raises `DeadlineError` if the deadline is earlier."""
        self._client.wait(seconds)

    def _settle(self, action: Action, existing_ids: Container[str], reason: str) -> Schedule | Backup:
        """Return the only result of an action that reading shows. Raises `OutcomeUnknownError` for none or several."""
        for wait in _LOST_RESPONSE_WAITS:
            try:
                self._client.wait(wait)
                results = self._read_results(action, existing_ids)
            except PineconeError:
                continue
            if len(results) == 1:
                return results[0]
            if results:
                break
        raise OutcomeUnknownError(f"{reason}; the outcome is unknown: check index {action.index} before a retry")

    def _read_results(self, action: Action, existing_ids: Container[str]) -> Sequence[Schedule | Backup]:
        match action:
            case CreateSchedule():
                return find_results(action, existing_ids, self._reader.read_schedules(action.index).rows, ())
            case UpdateSchedule():
                body = self._client.read(action.call.path.encode(), self._connection.schedules_api_version)
                return find_results(action, existing_ids, [self._parse_schedule(body)], ())
            case CreateBackup():
                return find_results(action, existing_ids, (), self._reader.read_own_backups(action.index).rows)

    def _parse_schedule(self, body: bytes) -> Schedule:
        return self._mapper.map_schedule(parse_row(body, SCHEDULE))


def _require_complete[Row](listing_read: ListingRead[Row]) -> tuple[Row, ...]:
    if listing_read.failure is not None:
        raise UnavailableError(f"{listing_read.failure.call}: {listing_read.failure.error}")
    return listing_read.rows


@contextmanager
def open_writer(connection: Connection, runtime: Runtime | None = None) -> Iterator[PineconeWriter]:
    """Open a project for changes; the key of the connection must allow them. The deadline starts here."""
    with Transport(connection) as transport:
        client_runtime = runtime or Runtime()
        client = PineconeClient(connection, transport, client_runtime)
        yield PineconeWriter(client, client_runtime.monotonic)
