"""Calls, their responses, and the pages of a listing: an offset inside an opaque token."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from zlib import crc32

from backup_auditor_simulator.api.schemas import Body, Family, encode_json
from backup_auditor_simulator.errors import ApiError
from backup_auditor_simulator.project import SimulatedProject

_JSON_TYPE = "application/json"
_TEXT_TYPE = "text/plain; charset=utf-8"
_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back to the client."""

    status: int
    content: bytes = b""
    content_type: str = _JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)


MAX_PAGE_SIZE = 100


def cut_page[Row](rows: Sequence[Row], query: Mapping[str, str], page_size: int) -> tuple[Sequence[Row], str | None]:
    """Return the page of a query and the token of the next one. A full page has a token, even if no row follows it.

    A token holds an offset and the page size it was made with. A `limit` beside a token changes how many rows this page
    has, and not where the next one begins: rows are skipped or repeated, as by the service.
    """
    limit = _parse_limit(query)
    token = query.get("paginationToken")
    offset, step = (0, limit or page_size) if token is None else _parse_token(token)
    row_count = limit or step
    page_rows = rows[offset : offset + row_count]
    return page_rows, write_token(offset + step, step) if len(page_rows) == row_count else None


def write_token(offset: int, step: int) -> str:
    """Make the token of the page that begins at an offset."""
    body = f"{offset}:{step}"
    return urlsafe_b64encode(f"{body}:{crc32(body.encode()):08x}".encode()).decode()


def _parse_token(token: str) -> tuple[int, int]:
    try:
        offset, step, _ = urlsafe_b64decode(token.encode()).decode().split(":")
        values = int(offset), int(step)
    except ValueError:
        values = -1, -1
    if token != write_token(*values):
        raise ApiError(400, "Invalid pagination token.")
    return values


def _parse_limit(query: Mapping[str, str]) -> int | None:
    text = query.get("limit")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_PAGE_SIZE):
        raise ApiError(400, f"limit must be an integer between 1 and {MAX_PAGE_SIZE}.")
    return int(text)


@dataclass(frozen=True, slots=True)
class Call:
    """A request: the resource of its path, the query and the body."""

    project: SimulatedProject
    family: Family
    resource_key: str
    """The name or id in the path; empty where the path has none."""
    query: Mapping[str, str]
    body: Body

    def build_created_response(self, row: bytes) -> Response:
        """Answer that a thing was made."""
        return Response(200 if self.family.is_new else 201, row)

    def build_page_response[Row](self, rows: Sequence[Row], write: Callable[[Row], bytes]) -> Response:
        """Answer with the page of a listing that the query names. On the last page, `pagination` is null or absent."""
        page_rows, token = cut_page(rows, self.query, self.family.default_page_size)
        pagination = b',"pagination":null' if self.family.is_new else b""
        if token is not None:
            pagination = b',"pagination":{"next":"' + token.encode() + b'"}'
        return Response(200, b'{"data":[' + b",".join(map(write, page_rows)) + b"]" + pagination + b"}")


def build_error_response(error: ApiError, family: Family | None) -> Response:
    """Answer that a call is refused. A key that is not accepted has a plain text in the newest shapes."""
    if error.status == _UNAUTHORIZED and family is not None and family.is_new:
        return Response(error.status, b"Invalid API key", _TEXT_TYPE)
    return Response(error.status, encode_error(error))


def encode_error(error: ApiError) -> bytes:
    """Write the body of a refusal."""
    return encode_json({"error": {"code": error.code, "message": error.message}, "status": error.status})
