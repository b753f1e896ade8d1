"""Calls and their responses."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from backup_auditor_simulator.api.pagination import cut_page
from backup_auditor_simulator.api.schemas import Body, Family, encode_json
from backup_auditor_simulator.errors import ApiError
from backup_auditor_simulator.project import SimulatedProject


def build_unauthorized_error() -> ApiError:
    """Make a 401."""
    return ApiError(401, "UNAUTHENTICATED", "Invalid API key.")


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


@dataclass(frozen=True, slots=True)
class Call:
    """What a request asks for: the thing its path names, the query, and the body."""

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
        """Answer with the page of a listing that the query asks for."""
        page = cut_page(rows, self.query, self.family.default_page_size)
        return Response(200, write_page(map(write, page.rows), page.token, shows_null=self.family.is_new))


def write_page(rows: Iterable[bytes], token: str | None, *, shows_null: bool) -> bytes:
    """Write a page. Where there is no further one, `pagination` is null or absent."""
    if token is not None:
        pagination = b',"pagination":{"next":"' + token.encode() + b'"}'
    else:
        pagination = b',"pagination":null' if shows_null else b""
    return b'{"data":[' + b",".join(rows) + b"]" + pagination + b"}"


def build_error_response(error: ApiError, family: Family | None) -> Response:
    """Answer that a call is refused. A key that is not accepted has a plain text in the newest shapes."""
    if error.status == _UNAUTHORIZED and family is not None and family.is_new:
        return Response(error.status, b"Invalid API key", _TEXT_TYPE)
    content = {"error": {"code": error.code, "message": error.message}, "status": error.status}
    return Response(error.status, encode_json(content))
