"""Walks a listing page by page, to its end or to the point where it can no longer be trusted."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from urllib.parse import quote, quote_from_bytes

from backup_auditor.domain.listing import ListingRead, ReadFailure
from backup_auditor.errors import OrganizationPlanError, PineconeError, UnsupportedError

MAX_PAGES = 20_000
"""A bound that no project reaches, so that no walk goes on for ever."""


class Page[Row](NamedTuple):
    """One page of a listing."""

    rows: list[Row]
    token: str | None
    """What to ask for the next page with; `None` at the end."""
    fault: str | None = None
    """What in this page could not be understood."""


type PageFetcher[Row] = Callable[[str | None], Page[Row]]
"""Reads the page that a token stands for, the first one without."""

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
    """Walk a listing; `what` names the call. An error of the `final` types is raised, any other breaks the walk off.

    That the plan or the index does not allow the call is believed of the first page alone: further on it is an answer
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
            fault = fault or "the pages repeat themselves"
            break
        if len(tokens) > MAX_PAGES:
            fault = f"there are more than {MAX_PAGES} pages"
            break
        tokens.add(token)
    return ListingRead(tuple(deduplicate(rows).values()), ReadFailure(call, fault) if fault is not None else None)


def quote_segment(name: str) -> str:
    """Make a name one segment of a path, whatever stands in it."""
    if name in {".", ".."}:
        return name.replace(".", "%2E")
    return quote(name, safe="")


def build_page_target(path: str, token: str | None) -> bytes:
    """Return what to ask for: a size on the first page alone, for beside a token it skips or repeats rows."""
    query = "limit=100" if token is None else f"paginationToken={quote_from_bytes(token.encode(), safe='')}"
    return f"{path}?{query}".encode()


_FIRST_PAGE_ERRORS = (OrganizationPlanError, UnsupportedError)
