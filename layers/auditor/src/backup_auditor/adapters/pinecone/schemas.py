"""The schemas of Pinecone's responses, tolerant of unknown keys, and how bodies are parsed into them."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple, Required, TypedDict

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from backup_auditor.adapters.pinecone.connection import one_line
from backup_auditor.errors import NotUnderstoodError

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
    """A row of an index's schedules. To have no next run tells something, so one that is no text is not left out."""

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
    """A live index. Where it runs, and what it holds, is told in other words by each version: see `translation`."""

    name: Required[str]
    spec: Any
    deployment: Any
    status: Any
    deletion_protection: Any
    tags: Any
    schema: Any
    cmek_id: Any


@with_config(_TOLERANT)
class RestoreJobRow(TypedDict, total=False):
    """A restore job."""

    restore_job_id: Required[str]
    backup_id: Required[str]
    status: Required[str]
    target_index_name: str | None
    target_index_id: str | None
    created_at: str | None
    completed_at: str | None
    percent_complete: float | None


@with_config(_TOLERANT)
class RestoreStarted(TypedDict, total=False):
    """The answer to creating an index from a backup."""

    restore_job_id: Required[str]
    index_id: Required[str]


@with_config(_TOLERANT)
class Pagination(TypedDict, total=False):
    """Where the next page is."""

    next: str | None


@with_config(_TOLERANT)
class RawPage[Row](TypedDict, total=False):
    """A page of any listing."""

    data: Required[list[Row] | None]
    pagination: Pagination | None


BACKUP_PAGE = TypeAdapter(RawPage[BackupRow])
SCHEDULE_PAGE = TypeAdapter(RawPage[ScheduleRow])
RESTORE_JOB_PAGE = TypeAdapter(RawPage[RestoreJobRow])
BACKUP = TypeAdapter(BackupRow)
SCHEDULE = TypeAdapter(ScheduleRow)
INDEX = TypeAdapter(IndexRow)
RESTORE_JOB = TypeAdapter(RestoreJobRow)
RESTORE_STARTED = TypeAdapter(RestoreStarted)


_NOT_JSON = "the answer is not JSON"
_PAGINATION = "pagination"
_SHOWN_KEYS = 3
"""How many keys of an answer that is not understood an error names."""
_LONGEST_KEY = 40


class RawRows[Row](NamedTuple):
    """The rows of one answer that could be understood."""

    rows: list[Row]
    token: str | None = None
    fault: str | None = None
    """What could not be understood, and hides rows or whether there are more."""


def parse_page[Row](body: bytes, page: TypeAdapter[RawPage[Row]], row: TypeAdapter[Row]) -> RawRows[Row]:
    """Read a page of a listing. Raises `NotUnderstoodError` when it is none."""
    try:
        found = page.validate_json(body)
    except ValidationError:
        return _read_page_in_pieces(body, row)
    rows, pagination = found["data"], found.get("pagination")
    if rows is None:  # an empty list only where the answer holds nothing else
        return _read_page_in_pieces(body, row)
    return RawRows(rows, (pagination.get("next") or None) if pagination else None)


def parse_rows[Row](body: bytes, key: str, row: TypeAdapter[Row]) -> RawRows[Row]:
    """Read an answer that holds all rows under one key. Raises `NotUnderstoodError` when it does not."""
    return _rows_of(_object(body), key, row)


def parse_row[Row](body: bytes, row: TypeAdapter[Row]) -> Row:
    """Read an answer that is one row. Raises `NotUnderstoodError` when it is none."""
    return _read_row(_object(body), row)


def _read_page_in_pieces[Row](body: bytes, row: TypeAdapter[Row]) -> RawRows[Row]:
    whole = _object(body)
    found = _rows_of(whole, "data", row)
    pagination = whole.get(_PAGINATION)
    token = pagination.get("next") if isinstance(pagination, dict) else pagination
    if token is None or token == "":
        return found
    if not isinstance(token, str) or not _is_text(token):
        return found._replace(fault=found.fault or "where the next page is cannot be understood")
    return found._replace(token=token)


def _object(body: bytes) -> dict[str, Any]:
    try:
        whole: Any = json.loads(body)
    except (ValueError, RecursionError):
        whole = _NOT_JSON
    if isinstance(whole, dict):
        return whole
    raise NotUnderstoodError(whole if whole is _NOT_JSON else "the answer is not a JSON object")


def _rows_of[Row](whole: dict[str, Any], key: str, row: TypeAdapter[Row]) -> RawRows[Row]:
    """Read the rows under a key. An answer without a list is empty only where it has no key that is not known."""
    listed = whole.get(key)
    unknown = sorted(whole.keys() - {key, _PAGINATION})
    if listed is None and not unknown:
        return RawRows([])
    if not isinstance(listed, list):
        raise NotUnderstoodError(_without_list(key, whole, unknown))
    rows: list[Row] = []
    faults: list[str] = []
    for it in listed:
        try:
            rows.append(_read_row(it, row))
        except NotUnderstoodError as error:
            faults.append(str(error))
    fault = f"{len(faults)} of {len(listed)} rows cannot be understood: {min(faults)}" if faults else None
    return RawRows(rows, fault=fault)


def _without_list(key: str, whole: dict[str, Any], unknown: list[str]) -> str:
    """Say that an answer has no list under a key, and what it has instead: a few of its other keys."""
    if whole.get(key) is not None:
        return f'the answer has no list under the key "{key}", but another type'
    shown = ", ".join(f'"{one_line(it)[:_LONGEST_KEY]}"' for it in unknown[:_SHOWN_KEYS])
    return f'the answer has no list under the key "{key}", but other keys: {shown}'


def _read_row[Row](raw: Any, row: TypeAdapter[Row]) -> Row:  # noqa: ANN401  JSON
    """Read one row; a field that may be absent is left out where it cannot be understood: it is not known."""
    if not _is_text(raw):
        raise NotUnderstoodError("it holds half a character")
    try:
        return row.validate_python(raw)
    except ValidationError as error:
        faults = _faults(error)
    if isinstance(raw, dict):
        raw = {key: value for key, value in raw.items() if key not in faults}
    try:
        return row.validate_python(raw)
    except ValidationError as error:
        fault = f"its {min(_faults(error))} cannot be read" if isinstance(raw, dict) else "it is not an object"
    raise NotUnderstoodError(fault)


def _is_text(value: Any) -> bool:  # noqa: ANN401  JSON
    """Tell whether all texts in a value can be written down: JSON can spell halves of characters, which cannot."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    except RecursionError:
        pass  # what is nested so deeply is no field that is read
    return True


def _faults(error: ValidationError) -> Iterable[str]:
    return {str(it["loc"][0]) if it["loc"] else "" for it in error.errors(include_input=False, include_url=False)}
