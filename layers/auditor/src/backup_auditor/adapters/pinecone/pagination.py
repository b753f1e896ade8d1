"""Read a listing page by page, to its end or until it can no longer be trusted."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from urllib.parse import quote_from_bytes

from backup_auditor.domain.listing import ListingRead, ReadFailure
from backup_auditor.errors import OrganizationPlanError, PineconeError, UnsupportedError

MAX_PAGES = 20_000
"""A limit that no project reaches; it ends a read that would never end."""


class Page[Row](NamedTuple):
    """One page of a listing."""

    rows: list[Row]
    token: str | None
    """The token of the next page; `None` at the end."""
    fault: str | None = None
    """What could not be parsed on this page."""


type PageFetcher[Row] = Callable[[str | None], Page[Row]]
"""Reads the page of a token, or the first page without one."""

type Deduplicator[Row] = Callable[[Iterable[Row]], Mapping[str, Row]]
"""Returns rows without duplicates, by their id."""


def read_pages[Row](
    call: str,
    fetch: PageFetcher[Row],
    deduplicate: Deduplicator[Row],
    *,
    on_page: Callable[[], None] | None = None,
    final_errors: tuple[type[PineconeError], ...] = (),
) -> ListingRead[Row]:
    """Read a listing; `call` names it in a failure. `final_errors` are raised; any other error ends the read early.

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
        ids.update(deduplicate(page.rows))
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
    return ListingRead(tuple(deduplicate(rows).values()), ReadFailure(call, fault) if fault is not None else None)


def build_page_target(path: str, token: str | None) -> bytes:
    """Return the target of a page. Only the first page has a size: with a token, a size skips or repeats rows."""
    query = "limit=100" if token is None else f"paginationToken={quote_from_bytes(token.encode(), safe='')}"
    return f"{path}?{query}".encode()


_FIRST_PAGE_ERRORS = (OrganizationPlanError, UnsupportedError)
