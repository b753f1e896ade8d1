"""The schemas of Pinecone's responses, which allow unknown keys, and the parsers of bodies."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple, Required, TypedDict

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from backup_auditor.adapters.pinecone.connection import to_one_line
from backup_auditor.errors import MalformedResponseError

_TOLERANT = ConfigDict(extra="ignore")


@with_config(_TOLERANT)
class BackupRow(TypedDict, total=False):
    """A row of a backup listing or of a schedule's history."""

    backup_id: Required[str]
    source_index_id: Required[str]
    source_index_name: Required[str]
    status: Required[str]
    name: str | None
    created_at: str | None
    scheduled_execution_at: str | None
    source_index_deleted_at: str | None
    cloud: str | None
    region: str | None
    record_count: int | None
    namespace_count: int | None
    size_bytes: int | None


@with_config(_TOLERANT)
class ScheduleRow(TypedDict, total=False):
    """A row of a schedule listing. No next run is a fact, so a value that is not a text is kept to distinguish them."""

    schedule_id: Required[str]
    name: str | None
    index_id: str | None
    project_id: str | None
    frequency: str | None
    retention_expire_after_days: int | None
    enabled: bool | None
    next_scheduled_run: Any
    created_at: str | None


@with_config(_TOLERANT)
class IndexRow(TypedDict, total=False):
    """A live index. API versions describe deployment and contents differently: see `mapping`."""

    name: Required[str]
    spec: Any
    deployment: Any
    status: Any
    deletion_protection: Any
    tags: Any
    schema: Any
    cmek_id: Any


@with_config(_TOLERANT)
class Pagination(TypedDict, total=False):
    """The token of the next page."""

    next: str | None


@with_config(_TOLERANT)
class RawPage[Row](TypedDict, total=False):
    """One page of a listing."""

    data: Required[list[Row] | None]
    pagination: Pagination | None


BACKUP_PAGE = TypeAdapter(RawPage[BackupRow])
SCHEDULE_PAGE = TypeAdapter(RawPage[ScheduleRow])
BACKUP = TypeAdapter(BackupRow)
SCHEDULE = TypeAdapter(ScheduleRow)
INDEX = TypeAdapter(IndexRow)


_NOT_JSON = "the response is not JSON"
_PAGINATION = "pagination"
_MAX_KEYS = 3
"""How many keys an error names at most."""
_MAX_KEY_LENGTH = 40


class RawRows[Row](NamedTuple):
    """The rows of one response that could be parsed."""

    rows: list[Row]
    token: str | None = None
    fault: str | None = None
    """What could not be parsed, so that rows or pages may be missing."""


def parse_page[Row](body: bytes, page: TypeAdapter[RawPage[Row]], row: TypeAdapter[Row]) -> RawRows[Row]:
    """Parse one page of a listing. Raises `MalformedResponseError` if it is not a page."""
    try:
        raw_page = page.validate_json(body)
    except ValidationError:
        return _read_page_in_pieces(body, row)
    rows, pagination = raw_page["data"], raw_page.get("pagination")
    if rows is None:  # an empty list only if the response has nothing else
        return _read_page_in_pieces(body, row)
    return RawRows(rows, (pagination.get("next") or None) if pagination else None)


def parse_rows[Row](body: bytes, key: str, row: TypeAdapter[Row]) -> RawRows[Row]:
    """Parse a response with all rows under one key. Raises `MalformedResponseError` if it has no such list."""
    return _read_rows(_parse_object(body), key, row)


def parse_row[Row](body: bytes, row: TypeAdapter[Row]) -> Row:
    """Parse a response that is one row. Raises `MalformedResponseError` if it is not."""
    return _read_row(_parse_object(body), row)


def _read_page_in_pieces[Row](body: bytes, row: TypeAdapter[Row]) -> RawRows[Row]:
    document = _parse_object(body)
    raw_rows = _read_rows(document, "data", row)
    pagination = document.get(_PAGINATION)
    token = pagination.get("next") if isinstance(pagination, dict) else pagination
    if token is None or token == "":
        return raw_rows
    if not isinstance(token, str) or not _is_encodable(token):
        return raw_rows._replace(fault=raw_rows.fault or "the token of the next page cannot be parsed")
    return raw_rows._replace(token=token)


def _parse_object(body: bytes) -> dict[str, Any]:
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError):
        document = _NOT_JSON
    if isinstance(document, dict):
        return document
    raise MalformedResponseError(document if document is _NOT_JSON else "the response is not a JSON object")


def _read_rows[Row](document: dict[str, Any], key: str, row: TypeAdapter[Row]) -> RawRows[Row]:
    """Parse the rows under a key. A response without a list is empty only if it has no unknown key."""
    raw_rows = document.get(key)
    unknown_keys = sorted(document.keys() - {key, _PAGINATION})
    if raw_rows is None and not unknown_keys:
        return RawRows([])
    if not isinstance(raw_rows, list):
        raise MalformedResponseError(_describe_missing_list(key, document, unknown_keys))
    rows: list[Row] = []
    faults: list[str] = []
    for raw_row in raw_rows:
        try:
            rows.append(_read_row(raw_row, row))
        except MalformedResponseError as error:
            faults.append(str(error))
    fault = f"{len(faults)} of {len(raw_rows)} rows cannot be parsed: {min(faults)}" if faults else None
    return RawRows(rows, fault=fault)


def _describe_missing_list(key: str, document: dict[str, Any], unknown_keys: list[str]) -> str:
    """Return that a response has no list under a key, and some of its other keys."""
    if document.get(key) is not None:
        return f'the response has no list under the key "{key}", but another type'
    key_list = ", ".join(f'"{to_one_line(it)[:_MAX_KEY_LENGTH]}"' for it in unknown_keys[:_MAX_KEYS])
    return f'the response has no list under the key "{key}", but other keys: {key_list}'


def _read_row[Row](raw_row: Any, row: TypeAdapter[Row]) -> Row:  # noqa: ANN401  JSON
    """Parse one row; an optional field that cannot be parsed is left out as unknown."""
    if not _is_encodable(raw_row):
        raise MalformedResponseError("it contains half a character")
    try:
        return row.validate_python(raw_row)
    except ValidationError as error:
        faults = _find_faults(error)
    if isinstance(raw_row, dict):
        raw_row = {key: value for key, value in raw_row.items() if key not in faults}
    try:
        return row.validate_python(raw_row)
    except ValidationError as error:
        fault = (
            f"its {min(_find_faults(error))} cannot be parsed" if isinstance(raw_row, dict) else "it is not an object"
        )
    raise MalformedResponseError(fault)


def _is_encodable(value: Any) -> bool:  # noqa: ANN401  JSON
    """Tell whether all texts in a value can be encoded: JSON allows half a surrogate pair, UTF-8 does not."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    except RecursionError:
        pass  # a value nested so deeply is not used
    return True


def _find_faults(error: ValidationError) -> Iterable[str]:
    return {str(it["loc"][0]) if it["loc"] else "" for it in error.errors(include_input=False, include_url=False)}
