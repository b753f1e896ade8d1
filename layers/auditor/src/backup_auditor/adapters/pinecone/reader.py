"""Read one Pinecone project. Nothing here can change it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote_from_bytes

from backup_auditor.adapters.pinecone.client import PineconeClient, Runtime, SharedDenial
from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.flow_control import CallSlots
from backup_auditor.adapters.pinecone.rows import (
    BACKUP,
    BACKUP_PAGE,
    INDEX,
    SCHEDULE,
    SCHEDULE_PAGE,
    RawRows,
    RowMapper,
    parse_page,
    parse_rows,
)
from backup_auditor.adapters.pinecone.transport import Transport
from backup_auditor.domain.inventory import map_rows_by_id
from backup_auditor.domain.listing import ListingRead, ReadFailure
from backup_auditor.domain.model import Backup, Index, Schedule
from backup_auditor.domain.text import quote_segment
from backup_auditor.errors import NotFoundError, OrganizationPlanError, PineconeError, UnsupportedError

type ErrorTypes = tuple[type[PineconeError], ...]

MAX_PAGES = 20_000
"""A limit that no project reaches; it ends a read that would never end."""
_INDEX_ERRORS = (UnsupportedError, NotFoundError)
_FIRST_PAGE_ERRORS = (OrganizationPlanError, UnsupportedError)
_GRACE_SECONDS = 2.0
"""Seconds that calls get after the deadline to end by themselves."""


class PineconeReader:
    """A `ProjectReader` over HTTP."""

    def __init__(self, client: PineconeClient) -> None:
        """Read with a client."""
        self.max_concurrency = client.connection.max_concurrency
        self._connection = client.connection
        self._client = client
        self._mapper = RowMapper()
        self._plan_denial = SharedDenial()

    @property
    def seconds_left(self) -> float:
        """The seconds until the deadline, and a little more for calls to end by themselves."""
        return self._client.deadline.seconds_left + _GRACE_SECONDS

    @property
    def requests(self) -> int:
        """How many requests were sent, retries included."""
        return self._client.requests

    @property
    def throttles(self) -> int:
        """How many requests were answered with 429."""
        return self._client.throttles

    @property
    def service_time(self) -> datetime | None:
        """The time of the service at its last response; `None` if no response had a valid one."""
        try:
            moment = parsedate_to_datetime(self._client.date_header or "")
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            return None

    def read_indexes(self) -> ListingRead[Index]:
        """Return the live indexes, which come in one response. Raises any `PineconeError`."""
        raw_rows = parse_rows(self._client.read(b"/indexes", self._connection.api_version), "indexes", INDEX)
        failure = ReadFailure("GET /indexes", raw_rows.fault) if raw_rows.fault is not None else None
        return ListingRead(tuple(self._mapper.map_index(row) for row in raw_rows.rows), failure)

    def read_backups(self, on_page: Callable[[], None] | None = None) -> ListingRead[Backup]:
        """Read the backups of the project, before all other calls: this is the longest listing."""
        return self._read_backup_listing("/backups", self._connection.api_version, is_urgent=True, on_page=on_page)

    def read_schedules(
        self, index: str, final_errors: ErrorTypes = (*_INDEX_ERRORS, OrganizationPlanError)
    ) -> ListingRead[Schedule]:
        """Read the schedules of an index. Raises `final_errors`; any other error ends the read early.

        After a refusal by the plan no other call is sent: the response is the same for every index.
        """
        path = f"/indexes/{quote_segment(index)}/backup-schedules"
        version = self._connection.schedules_api_version

        def fetch(token: str | None) -> RawRows[Schedule]:
            body = self._client.read(build_page_target(path, token), version, shared_denial=self._plan_denial)
            page = parse_page(body, SCHEDULE_PAGE, SCHEDULE)
            return RawRows([self._mapper.map_schedule(row) for row in page.rows], page.token, page.fault)

        return read_pages(f"GET {path}", fetch, final_errors=final_errors)

    def read_own_backups(self, index: str, final_errors: ErrorTypes = _INDEX_ERRORS) -> ListingRead[Backup]:
        """Read the backups of the live index with this name. Raises `final_errors`; others end the read early."""
        path = f"/indexes/{quote_segment(index)}/backups"
        return self._read_backup_listing(path, self._connection.api_version, final_errors=final_errors)

    def read_history(self, schedule_id: str) -> ListingRead[Backup]:
        """Read the runs of a schedule. Raises `NotFoundError`; any other error ends the read early."""
        path = f"/backup-schedules/{quote_segment(schedule_id)}/history"
        return self._read_backup_listing(path, self._connection.schedules_api_version, final_errors=(NotFoundError,))

    def _read_backup_listing(
        self,
        path: str,
        version: str,
        *,
        is_urgent: bool = False,
        **options: Any,  # noqa: ANN401  of `read_pages`
    ) -> ListingRead[Backup]:
        def fetch(token: str | None) -> RawRows[Backup]:
            body = self._client.read(build_page_target(path, token), version, is_urgent=is_urgent)
            page = parse_page(body, BACKUP_PAGE, BACKUP)
            return RawRows([self._mapper.map_backup(row) for row in page.rows], page.token, page.fault)

        return read_pages(f"GET {path}", fetch, **options)


def read_pages[Row: (Backup, Schedule)](
    call: str,
    fetch: Callable[[str | None], RawRows[Row]],
    *,
    on_page: Callable[[], None] | None = None,
    final_errors: tuple[type[PineconeError], ...] = (),
) -> ListingRead[Row]:
    """Read a listing page by page, to its end or until it can no longer be trusted.

    `call` names the listing in a failure. `fetch` takes the token of a page, which the first one has not.
    `final_errors` are raised; any other error ends the read early.
    Only on the first page does a refusal mean that the plan or the index does not allow the call: on later pages it is
    about the token.
    """
    rows: list[Row] = []
    ids: set[str] = set()
    tokens: set[str] = set()
    token: str | None = None
    fault: str | None = None
    idle_pages = 0
    while True:
        try:
            page = fetch(token)
        except PineconeError as error:
            if isinstance(error, final_errors) and (token is None or not isinstance(error, _FIRST_PAGE_ERRORS)):
                raise
            fault = str(error)
            break
        if on_page is not None:
            on_page()
        rows.extend(page.rows)
        previous_count = len(ids)
        ids.update(map_rows_by_id(page.rows))
        idle_pages += len(ids) == previous_count
        fault, token = fault or page.fault, page.token
        if token is None:
            break
        if token in tokens or idle_pages > 1:
            fault = fault or "the pages repeat"
            break
        if len(tokens) > MAX_PAGES:
            fault = f"there are more than {MAX_PAGES} pages"
            break
        tokens.add(token)
    return ListingRead(tuple(map_rows_by_id(rows).values()), ReadFailure(call, fault) if fault is not None else None)


def build_page_target(path: str, token: str | None) -> bytes:
    """Return the target of a page. Only the first page has a size: with a token, a size skips or repeats rows."""
    query = "limit=100" if token is None else f"paginationToken={quote_from_bytes(token.encode(), safe='')}"
    return f"{path}?{query}".encode()


@contextmanager
def open_reader(
    connection: Connection, runtime: Runtime | None = None, call_slots: CallSlots | None = None
) -> Iterator[PineconeReader]:
    """Open a project for reading. The deadline starts here. Projects may share their `call_slots`."""
    with Transport(connection) as transport:
        yield PineconeReader(PineconeClient(connection, transport, runtime or Runtime(), call_slots))
