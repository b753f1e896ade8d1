"""Reads one Pinecone project. Nothing here can change it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backup_auditor.adapters.pinecone import schemas
from backup_auditor.adapters.pinecone.client import PineconeClient, Runtime, SharedRefusal
from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.mapping import RowMapper
from backup_auditor.adapters.pinecone.pagination import Page, page_target, quoted, walk_pages
from backup_auditor.adapters.pinecone.schemas import parse_page, parse_rows
from backup_auditor.adapters.pinecone.transport import Transport
from backup_auditor.domain.inventory import rows_by_id
from backup_auditor.domain.listing import ListingRead, ReadFailure
from backup_auditor.domain.model import Backup, Index, Schedule
from backup_auditor.errors import NotFoundError, PineconeError, PlanForbidsError, UnsupportedError

type Errors = tuple[type[PineconeError], ...]

_OF_INDEX = (UnsupportedError, NotFoundError)
_SLACK = 2.0
"""Seconds that calls may take to end by themselves once the time is over."""


class PineconeReader:
    """A `ProjectReader` over HTTP."""

    def __init__(self, connection: Connection, caller: PineconeClient) -> None:
        """Read through a caller."""
        self._connection = connection
        self._caller = caller
        self._translation = RowMapper()
        self._plan = SharedRefusal()

    @property
    def ceiling(self) -> int:
        """How many calls it will ever have in flight at once."""
        return self._connection.ceiling

    @property
    def seconds_left(self) -> float:
        """The rest of the time for the whole audit, and a little more for calls to end by themselves."""
        return self._caller.seconds_left + _SLACK

    @property
    def requests(self) -> int:
        """How many requests were sent so far, retries included."""
        return self._caller.requests

    @property
    def throttles(self) -> int:
        """How many of them were answered that the service is called too often."""
        return self._caller.throttles

    def indexes(self) -> ListingRead[Index]:
        """List the live indexes, in one answer. Raises any `PineconeError`."""
        found = parse_rows(self._caller.read(b"/indexes", self._connection.api_version), "indexes", schemas.INDEX)
        broken = ReadFailure("GET /indexes", found.fault) if found.fault is not None else None
        return ListingRead(tuple(self._translation.index(row) for row in found.rows), broken)

    def backups(self, on_page: Callable[[], None] | None = None) -> ListingRead[Backup]:
        """Walk the backups of the project, before all other calls: it is the longest walk."""
        return self._walk_backups("/backups", self._connection.api_version, urgent=True, on_page=on_page)

    def schedules(self, index: str, raised: Errors = (*_OF_INDEX, PlanForbidsError)) -> ListingRead[Schedule]:
        """Walk the schedules of an index. Raises what is said, and lets any other error break the walk off.

        Once the plan has been refused, no further listing is sent: the answer is the same for every index.
        """
        path = f"/indexes/{quoted(index)}/backup-schedules"
        version = self._connection.schedules_api_version

        def fetch(token: str | None) -> Page[Schedule]:
            body = self._caller.read(page_target(path, token), version, shared=self._plan)
            raw = parse_page(body, schemas.SCHEDULE_PAGE, schemas.SCHEDULE)
            return Page([self._translation.schedule(row) for row in raw.rows], raw.token, raw.fault)

        return walk_pages(f"GET {path}", fetch, rows_by_id, final=raised)

    def own_backups(self, index: str, raised: Errors = _OF_INDEX) -> ListingRead[Backup]:
        """Walk the backups of the live index of a name. Raises what is said, as `schedules` does."""
        path = f"/indexes/{quoted(index)}/backups"
        return self._walk_backups(path, self._connection.api_version, final=raised)

    def history(self, schedule_id: str) -> ListingRead[Backup]:
        """Walk the runs of a schedule. Raises `NotFoundError`."""
        path = f"/backup-schedules/{quoted(schedule_id)}/history"
        return self._walk_backups(path, self._connection.schedules_api_version, final=(NotFoundError,))

    def _walk_backups(
        self,
        path: str,
        version: str,
        *,
        urgent: bool = False,
        on_page: Callable[[], None] | None = None,
        final: Errors = (),
    ) -> ListingRead[Backup]:
        def fetch(token: str | None) -> Page[Backup]:
            body = self._caller.read(page_target(path, token), version, urgent=urgent)
            raw = parse_page(body, schemas.BACKUP_PAGE, schemas.BACKUP)
            return Page([self._translation.backup(row) for row in raw.rows], raw.token, raw.fault)

        return walk_pages(f"GET {path}", fetch, rows_by_id, on_page=on_page, final=final)


@contextmanager
def open_reader(connection: Connection, surroundings: Runtime | None = None) -> Iterator[PineconeReader]:
    """Open a project for reading. The time for the whole audit begins here."""
    with Transport(connection) as transport:
        yield PineconeReader(connection, PineconeClient(connection, transport, surroundings or Runtime()))
