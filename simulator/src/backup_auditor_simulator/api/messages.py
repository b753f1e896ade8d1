"""Calls and their responses in each API version: bodies, rows, times, and the pages of a listing.

The token of a page is an offset, which is opaque to clients.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from zlib import crc32

from backup_auditor_simulator.model import ApiError, Backup, BackupState
from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject


@dataclass(frozen=True, slots=True)
class Family:
    """The API versions that use the same format."""

    name: str
    has_schedules: bool
    is_new: bool
    """Whether it has the shapes of 2026-07."""


_DATED = Family("dated", has_schedules=False, is_new=False)
_UNSTABLE = Family("unstable", has_schedules=True, is_new=False)
_NEW = Family("2026-07", has_schedules=True, is_new=True)

OLDEST_VERSION = "2025-04"
"""What a request without a version gets."""

_FAMILIES_BY_VERSION = {
    OLDEST_VERSION: _DATED,
    "2025-10": _DATED,
    "2026-04": _DATED,
    "unstable": _UNSTABLE,
    "2026-07": _NEW,
}


def find_family(version: str | None) -> Family:
    """Return the family of a version, or refuse with 400 one that is not supported."""
    family = _FAMILIES_BY_VERSION.get(version or OLDEST_VERSION)
    if family is None:
        raise ApiError(400, f"Unsupported API version {version!r}.")
    return family


def build_body_error(message: str) -> ApiError:
    """Return the error for a body with a wrong format."""
    return ApiError(422, f"Failed to deserialize the JSON body into the target type: {message}")


class Body:
    """The members of a JSON object, taken one by one."""

    def __init__(self, members: Mapping[str, Any], prefix: str = "") -> None:
        """Take an object; the prefix is its path in the request."""
        self._members = {key: value for key, value in members.items() if value is not None}
        self._prefix = prefix

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read a body. An empty one is an empty object."""
        try:
            document = json.loads(content or b"{}")
        except ValueError:
            raise build_body_error("expected value at line 1 column 1") from None
        if not isinstance(document, dict):
            raise build_body_error("invalid type: expected a map at line 1 column 0")
        return cls(document)

    def take[Value](self, key: str, value_type: type[Value], default: Value | None = None) -> Value | None:
        """Take an optional member."""
        value = self._members.pop(key, default)
        if value is None or (isinstance(value, value_type) and not (value_type is int and isinstance(value, bool))):
            return value
        raise build_body_error(f"{self._prefix}{key}: invalid type, expected {value_type.__name__} at line 1 column 1")

    def require[Value](self, key: str, value_type: type[Value]) -> Value:
        """Take a required member."""
        value = self.take(key, value_type)
        if value is None:
            raise build_body_error(f"missing field `{self._prefix}{key}` at line 1 column 1")
        return value

    def require_object(self, key: str) -> "Body":
        """Take a required object."""
        return Body(self.require(key, dict), f"{self._prefix}{key}.")

    def take_object(self, key: str) -> "Body | None":
        """Take an optional object."""
        members = self.take(key, dict)
        return None if members is None else Body(members, f"{self._prefix}{key}.")

    def take_texts(self, key: str) -> dict[str, str] | None:
        """Take an object whose values are all text."""
        members = self.take(key, dict)
        if members is not None and not all(isinstance(value, str) for value in members.values()):
            raise build_body_error(f"{self._prefix}{key}: invalid type, expected a string at line 1 column 1")
        return members

    def reject_unknown_fields(self) -> None:
        """Refuse members that were not taken."""
        for key in self._members:
            raise ApiError(400, f"Unknown field `{self._prefix}{key}`.")


_DIGIT_VARIANTS = 10
_SPACE_EVERY = 7
_NANOSECONDS_PER_MICROSECOND = 1000
"""The simulator's clock has no nanoseconds, but the service writes them. A whole second has no fraction."""


def write_moment(moment: datetime, family: Family, key: str) -> str:
    """Write a time. `key` selects the notation, so the same field of the same row always has the same notation."""
    variant = crc32(key.encode())
    digits = variant % _DIGIT_VARIANTS
    nanoseconds = variant % _NANOSECONDS_PER_MICROSECOND if moment.microsecond else 0
    fraction = f".{moment.microsecond:06d}{nanoseconds:03d}"[: digits + 1] if digits else ""
    zone = "+00:00" if variant // _DIGIT_VARIANTS % 2 else "Z"
    separator = " " if not family.is_new and variant % _SPACE_EVERY == 0 else "T"
    return f"{moment:%Y-%m-%d}{separator}{moment:%H:%M:%S}{fraction}{zone}"


_encode_text = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def encode_json(value: object) -> bytes:
    """Write a value as compact JSON."""
    return _encode_text(value).encode()


def write_backup(backup: Backup, family: Family, options: SimulatorOptions) -> bytes:
    """Write a backup as backup listings have it."""
    return _write_cached(backup, f"{family.name} listing", lambda: _build_backup_row(backup, family, options))


def write_run(backup: Backup, family: Family, options: SimulatorOptions) -> bytes:
    """Write a backup as histories have it: what is still unknown is null rather than absent."""
    return _write_cached(backup, f"{family.name} history", lambda: _build_run_row(backup, family, options))


def _write_cached(backup: Backup, shape: str, build_row: Callable[[], dict[str, Any]]) -> bytes:
    if shape not in backup.cached_rows:
        backup.cached_rows[shape] = encode_json(build_row())
    return backup.cached_rows[shape]


def _build_run_row(backup: Backup, family: Family, options: SimulatorOptions) -> dict[str, Any]:
    row = dict.fromkeys(("description", "record_count", "namespace_count", "size_bytes"))
    row |= _build_backup_row(backup, family, options)
    row.pop("source_index_deleted_at", None)
    return row


def _build_backup_row(backup: Backup, family: Family, options: SimulatorOptions) -> dict[str, Any]:
    index = backup.index
    status = _choose_status(backup, family, options)
    row: dict[str, Any] = {
        "backup_id": backup.id,
        "source_index_id": index.id,
        "source_index_name": index.name,
        "status": status,
        "cloud": index.cloud,
        "region": index.region,
        "tags": dict(backup.tags) or None,
        "created_at": write_moment(backup.created_at, family, backup.id),
        "name": backup.name,
        "description": backup.description,
        "record_count": backup.record_count,
        "namespace_count": backup.namespace_count,
        "size_bytes": backup.size_bytes,
    }
    row = {key: value for key, value in row.items() if value is not None or (key == "tags" and family.is_new)}
    if status == "Scheduled" and backup.scheduled_for is not None:
        row["scheduled_execution_at"] = write_moment(backup.scheduled_for, family, backup.id + "planned")
    if family.is_new:
        row["schema"] = {"fields": backup.fields}
        if index.deleted_at is not None and options.marks_deleted_sources:
            row["source_index_deleted_at"] = write_moment(index.deleted_at, family, index.id)
    else:
        row |= {key: value for key, value in index.vector_field.items() if key in {"dimension", "metric"}}
    return row


def _choose_status(backup: Backup, family: Family, options: SimulatorOptions) -> str:
    if backup.forced_status is not None:
        return backup.forced_status
    match backup.state:
        case BackupState.READY:
            return "Ready"
        case BackupState.IN_PROGRESS:
            return "Initializing"
        case BackupState.FAILED:
            return "InitializationFailed" if family.is_new else "Failed"
        case BackupState.SCHEDULED:
            return options.scheduled_run_status or ("Initializing" if family.is_new else "Scheduled")


@dataclass(slots=True, kw_only=True)
class ParsedRequest:
    """A received request, and the status of its answer."""

    method: str
    host: str
    """The address that it was sent to."""
    path: str
    query: Mapping[str, str]
    ids: Sequence[str] = ()
    """The values of the query parameter `ids`, the only one that is repeated."""
    version: str | None
    role: str | None
    """`viewer`, `editor` or `driller`; `None` where the key is not accepted."""
    is_write: bool
    """Whether it would change the project; a request for an unknown call would."""
    credential: str = field(default="", repr=False)
    """The API key, or the header of an access token."""
    content: bytes = b""
    status: int | None = None
    """`None` while no answer was sent, or where none ever is."""


_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back to the client."""

    status: int
    content: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


MAX_PAGE_SIZE = 100


def write_token(offset: int, step: int) -> str:
    """Make the token of the page that begins at an offset."""
    body = f"{offset}:{step}"
    return urlsafe_b64encode(f"{body}:{crc32(body.encode()):08x}".encode()).decode()


def parse_token(token: str) -> tuple[int, int]:
    """Return the offset of a page and the page size of its token; refuse with 400 a malformed token."""
    try:
        offset, step, _ = urlsafe_b64decode(token.encode()).decode().split(":")
        values = int(offset), int(step)
    except ValueError:
        values = -1, -1
    if token != write_token(*values):
        raise ApiError(400, "Invalid pagination token.")
    return values


def parse_limit(text: str | None) -> int | None:
    """Read the size of a page; refuse with 400 one that is out of range."""
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
    server_url: str
    """The address at which the client reaches the service; the hosts of indexes begin with it."""
    resource_key: str
    """The name or id in the path; empty where the path has none."""
    query: Mapping[str, str]
    body: Body

    def build_created_response(self, row: bytes) -> Response:
        """Answer that a thing was made."""
        return Response(200 if self.family.is_new else 201, row)

    def build_page_response[Row](self, rows: Sequence[Row], write: Callable[[Row], bytes]) -> Response:
        """Answer with the page of a listing that the query names.

        A full page has the token of the next one, even if no row follows it; on the last page, `pagination` is null or
        absent. A token holds an offset and the page size it was made with. A `limit` beside a token changes how many
        rows this page has, and not where the next one begins: rows are skipped or repeated, as by the service.
        """
        limit, token = parse_limit(self.query.get("limit")), self.query.get("paginationToken")
        default_size = 100 if self.family.is_new else 10
        offset, step = (0, limit or default_size) if token is None else parse_token(token)
        page_rows = rows[offset : offset + (limit or step)]
        pagination = b',"pagination":null' if self.family.is_new else b""
        if len(page_rows) == (limit or step):
            pagination = b',"pagination":{"next":"' + write_token(offset + step, step).encode() + b'"}'
        return Response(200, b'{"data":[' + b",".join(map(write, page_rows)) + b"]" + pagination + b"}")


def build_error_response(error: ApiError, family: Family | None) -> Response:
    """Answer that a call is refused. A key that is not accepted has a plain text in the newest shapes."""
    if error.status == _UNAUTHORIZED and family is not None and family.is_new:
        return Response(error.status, b"Invalid API key", "text/plain; charset=utf-8")
    return Response(error.status, encode_error(error))


def encode_error(error: ApiError) -> bytes:
    """Write the body of a refusal."""
    return encode_json({"error": {"code": error.code, "message": error.message}, "status": error.status})
