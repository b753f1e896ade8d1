"""Calls and their responses."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from backup_auditor_simulator.api.pagination import page_of
from backup_auditor_simulator.api.schemas import Body, Family, encode
from backup_auditor_simulator.errors import RefusedError
from backup_auditor_simulator.project import SimulatedProject


def unauthorized() -> RefusedError:
    """Make a 401."""
    return RefusedError(401, "UNAUTHENTICATED", "Invalid API key.")


_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"
_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the client."""

    status: int
    content: bytes = b""
    content_type: str = _JSON
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """What a request asks for: the thing its path names, the query, and the body."""

    world: SimulatedProject
    family: Family
    key: str
    """The name or id in the path; empty where the path has none."""
    query: Mapping[str, str]
    body: Body

    def created(self, row: bytes) -> Answer:
        """Answer that a thing was made."""
        return Answer(200 if self.family.is_new else 201, row)

    def page[Row](self, rows: Sequence[Row], write: Callable[[Row], bytes]) -> Answer:
        """Answer with the page of a listing that the query asks for."""
        page = page_of(rows, self.query, self.family.page_size)
        return Answer(200, listing(map(write, page.rows), page.token, shows_null=self.family.is_new))


def listing(rows: Iterable[bytes], token: str | None, *, shows_null: bool) -> bytes:
    """Write a page. Where there is no further one, `pagination` is null or absent."""
    if token is not None:
        rest = b',"pagination":{"next":"' + token.encode() + b'"}'
    else:
        rest = b',"pagination":null' if shows_null else b""
    return b'{"data":[' + b",".join(rows) + b"]" + rest + b"}"


def refusal(error: RefusedError, family: Family | None) -> Answer:
    """Answer that a call is refused. A key that is not accepted has a plain text in the newest shapes."""
    if error.status == _UNAUTHORIZED and family is not None and family.is_new:
        return Answer(error.status, b"Invalid API key", _TEXT)
    content = {"error": {"code": error.code, "message": error.message}, "status": error.status}
    return Answer(error.status, encode(content))
