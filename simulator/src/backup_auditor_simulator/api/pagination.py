"""Pages of a listing: an offset inside an opaque token."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from backup_auditor_simulator.errors import invalid

LARGEST_PAGE = 100


@dataclass(frozen=True, slots=True)
class Page[Row]:
    """One page. A full one carries a token, even when nothing comes after it."""

    rows: Sequence[Row]
    token: str | None


def page_of[Row](rows: Sequence[Row], query: Mapping[str, str], page_size: int) -> Page[Row]:
    """Cut the page that a query asks for out of the rows as they are now.

    A token holds an offset and the page size it was made with. A `limit` beside a token changes how many rows this page
    has, and not where the next one begins: rows are skipped or repeated, as by the service.
    """
    limit = _limit(query)
    token = query.get("paginationToken")
    offset, step = (0, limit or page_size) if token is None else _read(token)
    length = limit or step
    found = rows[offset : offset + length]
    return Page(found, write_token(offset + step, step) if len(found) == length else None)


def write_token(offset: int, step: int) -> str:
    """Make the token of the page that begins at an offset."""
    body = f"{offset}:{step}"
    return urlsafe_b64encode(f"{body}:{crc32(body.encode()):08x}".encode()).decode()


def _read(token: str) -> tuple[int, int]:
    try:
        offset, step, _ = urlsafe_b64decode(token.encode()).decode().split(":")
        found = int(offset), int(step)
    except ValueError:
        raise _malformed() from None
    if token != write_token(*found):
        raise _malformed()
    return found


def _malformed() -> Exception:
    return invalid("Invalid pagination token.")


def _limit(query: Mapping[str, str]) -> int | None:
    text = query.get("limit")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= LARGEST_PAGE):
        raise invalid(f"limit must be an integer between 1 and {LARGEST_PAGE}.")
    return int(text)
