"""Walks a listing page by page, to its end or to the point where it can no longer be trusted."""

from collections.abc import Callable
from typing import NamedTuple

from backup_auditor.domain.facts import Backup, Schedule
from backup_auditor.domain.listing import Unread, Walk
from backup_auditor.domain.walks import by_id, row_id
from backup_auditor.errors import PineconeError, PlanForbidsError, UnsupportedError

MOST_PAGES = 20_000
"""A bound that no project reaches, so that no walk goes on for ever."""


class Page[Row](NamedTuple):
    """One page of a listing."""

    rows: list[Row]
    token: str | None
    """What to ask for the next page with; `None` at the end."""
    fault: str | None = None
    """What in this page could not be understood."""


type Fetch[Row] = Callable[[str | None], Page[Row]]
"""Reads the page that a token stands for, the first one without."""


def walk_pages[Row: (Backup, Schedule)](
    what: str,
    fetch: Fetch[Row],
    *,
    on_page: Callable[[], None] | None = None,
    final: tuple[type[PineconeError], ...] = (),
) -> Walk[Row]:
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
    for _ in range(MOST_PAGES):
        try:
            page = fetch(token)
        except PineconeError as error:
            if isinstance(error, final) and (token is None or not isinstance(error, _FIRST_PAGE_ONLY)):
                raise
            return _walked(rows, what, str(error))
        if on_page is not None:
            on_page()
        seen_before = len(ids)
        rows.extend(page.rows)
        ids.update(map(row_id, page.rows))
        fault = fault or page.fault
        token = page.token
        if token is None:
            return _walked(rows, what, fault)
        idle_pages += len(ids) == seen_before
        if token in tokens or idle_pages > 1:
            return _walked(rows, what, fault or "the pages repeat themselves")
        tokens.add(token)
    return _walked(rows, what, f"there are more than {MOST_PAGES} pages")


def _walked[Row: (Backup, Schedule)](rows: list[Row], what: str, fault: str | None) -> Walk[Row]:
    return Walk(tuple(by_id(rows).values()), Unread(what, fault) if fault is not None else None)


_FIRST_PAGE_ONLY = (PlanForbidsError, UnsupportedError)
