"""Pages of a listing: an offset inside an opaque token."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from backup_auditor_simulator.errors import build_bad_request_error

MAX_PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class Page[Row]:
    """One page. A full one carries a token, even when nothing comes after it."""

    rows: Sequence[Row]
    token: str | None


def cut_page[Row](rows: Sequence[Row], query: Mapping[str, str], page_size: int) -> Page[Row]:
    """Cut the page that a query asks for out of the rows as they are now.

    A token holds an offset and the page size it was made with. A `limit` beside a token changes how many rows this page
    has, and not where the next one begins: rows are skipped or repeated, as by the service.
    """
    limit = _parse_limit(query)
    token = query.get("paginationToken")
    offset, step = (0, limit or page_size) if token is None else _parse_token(token)
    row_count = limit or step
    page_rows = rows[offset : offset + row_count]
    return Page(page_rows, write_token(offset + step, step) if len(page_rows) == row_count else None)


def write_token(offset: int, step: int) -> str:
    """Make the token of the page that begins at an offset."""
    body = f"{offset}:{step}"
    return urlsafe_b64encode(f"{body}:{crc32(body.encode()):08x}".encode()).decode()


def _parse_token(token: str) -> tuple[int, int]:
    try:
        offset, step, _ = urlsafe_b64decode(token.encode()).decode().split(":")
        values = int(offset), int(step)
    except ValueError:
        raise _build_token_error() from None
    if token != write_token(*values):
        raise _build_token_error()
    return values


def _build_token_error() -> Exception:
    return build_bad_request_error("Invalid pagination token.")


def _parse_limit(query: Mapping[str, str]) -> int | None:
    text = query.get("limit")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_PAGE_SIZE):
        raise build_bad_request_error(f"limit must be an integer between 1 and {MAX_PAGE_SIZE}.")
    return int(text)
