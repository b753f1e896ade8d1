"""The rows of Pinecone's responses: their schemas, which allow unknown keys, their parsers, and the facts they map to.

Each text and each fact is in memory once.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Required, TypedDict

from pydantic import TypeAdapter, ValidationError

from backup_auditor.adapters.pinecone.connection import to_one_line
from backup_auditor.domain.model import Backup, Deployment, Index, Schedule
from backup_auditor.domain.timefmt import parse_moment
from backup_auditor.errors import MalformedResponseError


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


class IndexRow(TypedDict, total=False):
    """A live index. API versions describe deployment and contents differently."""

    name: Required[str]
    spec: Any
    deployment: Any
    status: Any
    deletion_protection: Any
    tags: Any
    schema: Any
    cmek_id: Any
    source_backup_id: Any


class RestoredIndexRow(IndexRow, total=False):
    """A live index with the host of its records."""

    host: Any


class RestorableBackupRow(BackupRow, total=False):
    """A backup with the schema of its index."""

    schema: Any


class AcceptedRestoreRow(TypedDict):
    """The response to an accepted restore."""

    restore_job_id: str
    index_id: str


class RestoreJobRow(TypedDict, total=False):
    """A restore job."""

    restore_job_id: Required[str]
    backup_id: Required[str]
    target_index_name: Required[str]
    status: Required[str]
    target_index_id: str | None
    created_at: str | None
    completed_at: str | None
    percent_complete: int | None


class Pagination(TypedDict, total=False):
    """The token of the next page."""

    next: str | None


class RawPage[Row](TypedDict, total=False):
    """One page of a listing."""

    data: Required[list[Row] | None]
    pagination: Pagination | None


BACKUP_PAGE = TypeAdapter(RawPage[BackupRow])
SCHEDULE_PAGE = TypeAdapter(RawPage[ScheduleRow])
BACKUP = TypeAdapter(BackupRow)
SCHEDULE = TypeAdapter(ScheduleRow)
INDEX = TypeAdapter(IndexRow)
RESTORED_INDEX = TypeAdapter(RestoredIndexRow)
RESTORABLE_BACKUP = TypeAdapter(RestorableBackupRow)
ACCEPTED_RESTORE = TypeAdapter(AcceptedRestoreRow)
RESTORE_JOB = TypeAdapter(RestoreJobRow)
RESTORE_JOB_PAGE = TypeAdapter(RawPage[RestoreJobRow])


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
    return _read_rows(parse_object(body), key, row)


def parse_row[Row](body: bytes, row: TypeAdapter[Row]) -> Row:
    """Parse a response that is one row. Raises `MalformedResponseError` if it is not."""
    return _read_row(parse_object(body), row)


def _read_page_in_pieces[Row](body: bytes, row: TypeAdapter[Row]) -> RawRows[Row]:
    document = parse_object(body)
    raw_rows = _read_rows(document, "data", row)
    pagination = document.get(_PAGINATION)
    token = pagination.get("next") if isinstance(pagination, dict) else pagination
    if token is None or token == "":
        return raw_rows
    if not isinstance(token, str) or not is_encodable(token):
        return raw_rows._replace(fault=raw_rows.fault or "the token of the next page cannot be parsed")
    return raw_rows._replace(token=token)


def parse_object(body: bytes) -> dict[str, Any]:
    """Parse a response that is a JSON object; `NaN` and `Infinity` are numbers. Raises `MalformedResponseError`."""
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
        other_keys = ", ".join(f'"{to_one_line(it)[:_MAX_KEY_LENGTH]}"' for it in unknown_keys[:_MAX_KEYS])
        reason = f"other keys: {other_keys}" if raw_rows is None else "another type"
        raise MalformedResponseError(f'the response has no list under the key "{key}", but {reason}')
    rows: list[Row] = []
    faults: list[str] = []
    for raw_row in raw_rows:
        try:
            rows.append(_read_row(raw_row, row))
        except MalformedResponseError as error:
            faults.append(str(error))
    fault = f"{len(faults)} of {len(raw_rows)} rows cannot be parsed: {min(faults)}" if faults else None
    return RawRows(rows, fault=fault)


def _read_row[Row](raw_row: Any, row: TypeAdapter[Row]) -> Row:  # noqa: ANN401  JSON
    """Parse one row; an optional field that cannot be parsed is left out as unknown."""
    if not is_encodable(raw_row):
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


def is_encodable(value: Any) -> bool:  # noqa: ANN401  JSON
    """Return whether all texts in a value can be encoded: JSON allows half a surrogate pair, UTF-8 does not."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    except RecursionError:
        pass  # a value nested so deeply is not used
    return True


def _find_faults(error: ValidationError) -> Iterable[str]:
    return {str(it["loc"][0]) if it["loc"] else "" for it in error.errors(include_input=False, include_url=False)}


_DEPLOYMENTS = {
    "managed": Deployment.SERVERLESS,
    "serverless": Deployment.SERVERLESS,
    "byoc": Deployment.BYOC,
    "pod": Deployment.POD,
}
_MAX_DAYS = 366_000
_PROTECTION = {"enabled": True, "disabled": False}
_DOCUMENT_TRAITS = ("full_text_search", "embed", "sparse_embed")


class RowMapper:
    """Maps rows to facts. Safe to use from many threads, because it only adds to what it stores."""

    def __init__(self) -> None:
        """Start without stored facts."""
        self._texts: dict[str, str] = {}
        self._backups: dict[str, Backup] = {}

    def map_backup(self, row: BackupRow) -> Backup:
        """Return the backup of a row. Equal rows of several listings or reads become one object."""
        intern_text = self._texts.setdefault
        previous = self._backups.get(row["backup_id"])
        name, created_at = row.get("name"), parse_optional_moment(row.get("created_at"))
        if previous is not None:
            name = previous.name if previous.name == name else name
            created_at = previous.created_at if previous.created_at == created_at else created_at
        index_id, index_name, status = row["source_index_id"], row["source_index_name"], row["status"]
        cloud, region = row.get("cloud") or "", row.get("region") or ""
        backup = Backup(
            row["backup_id"] if previous is None else previous.backup_id,
            intern_text(index_id, index_id),
            intern_text(index_name, index_name),
            intern_text(status, status),
            name,
            created_at,
            parse_optional_moment(row.get("scheduled_execution_at")),
            intern_text(cloud, cloud) or None,
            intern_text(region, region) or None,
            row.get("record_count"),
            row.get("namespace_count"),
            row.get("size_bytes"),
            parse_optional_moment(row.get("source_index_deleted_at")),
        )
        previous = self._backups.setdefault(backup.backup_id, backup)
        return previous if previous == backup else backup

    def map_schedule(self, row: ScheduleRow) -> Schedule:
        """Return the schedule of a row."""
        days = row.get("retention_expire_after_days")
        next_run_value = row.get("next_scheduled_run")
        next_run = parse_optional_moment(_to_text(next_run_value))
        return Schedule(
            schedule_id=row["schedule_id"],
            name=row.get("name"),
            index_id=row.get("index_id") or None,
            project_id=row.get("project_id") or None,
            frequency=row.get("frequency"),
            retention=timedelta(days=days) if days is not None and 0 <= days <= _MAX_DAYS else None,
            enabled=row.get("enabled"),
            next_run=next_run,
            created_at=parse_optional_moment(row.get("created_at")),
            next_run_unreadable=next_run is None and next_run_value not in (None, ""),
        )

    def map_index(self, row: IndexRow) -> Index:
        """Return the index of a row, in the older or the newer format."""
        deployment, location = _read_deployment(row)
        state = _to_mapping(row.get("status")).get("state")
        tags = _to_mapping(row.get("tags"))
        return Index(
            name=row["name"],
            deployment=deployment,
            cloud=_to_text(location.get("cloud")),
            region=_to_text(location.get("region")),
            state=_to_text(state),
            deletion_protection=_PROTECTION.get(str(row.get("deletion_protection")).casefold()),
            tags={key: value for key, value in tags.items() if isinstance(value, str)},
            holds_documents=_holds_documents(row, location),
            cmek_id=_to_text(row.get("cmek_id")) or _to_text(location.get("cmek_id")),
            source_backup_id=_to_text(row.get("source_backup_id")),
        )


class VectorField(NamedTuple):
    """The field of a schema by which records are compared; all parts are `None` if the schema has none."""

    name: str | None = None
    vector_type: str | None = None
    """`dense` or `sparse`."""
    dimension: int | None = None
    metric: str | None = None


def read_vector_field(schema: object) -> VectorField:
    """Return the vector field of a schema: the first dense one by name, or else the first sparse one."""
    fields = _to_mapping(_to_mapping(schema).get("fields"))
    for vector_type in ("dense", "sparse"):
        for name in sorted(fields):
            traits = _to_mapping(fields[name])
            if traits.get("type") == f"{vector_type}_vector":
                dimension = traits.get("dimension")
                is_number = isinstance(dimension, int) and not isinstance(dimension, bool)
                return VectorField(name, vector_type, dimension if is_number else None, _to_text(traits.get("metric")))
    return VectorField()


def parse_optional_moment(text: str | None) -> datetime | None:
    """Return a time; `None` if it is absent or cannot be parsed."""
    if not text:
        return None
    try:
        return parse_moment(text)
    except (ValueError, OverflowError):
        return None


def _read_deployment(row: IndexRow) -> tuple[Deployment, Mapping[str, Any]]:
    location = _to_mapping(row.get("deployment"))
    if location:
        return _DEPLOYMENTS.get(str(location.get("deployment_type")).casefold(), Deployment.UNKNOWN), location
    for kind, kind_fields in _to_mapping(row.get("spec")).items():
        if kind_fields is not None and kind in _DEPLOYMENTS:
            return _DEPLOYMENTS[kind], _to_mapping(kind_fields)
    return Deployment.UNKNOWN, {}


def _holds_documents(row: IndexRow, location: Mapping[str, Any]) -> bool:
    for schema in (row.get("schema"), location.get("schema")):
        for field in _to_mapping(_to_mapping(schema).get("fields")).values():
            traits = _to_mapping(field)
            if traits.get("type") == "semantic_text" or any(traits.get(it) is not None for it in _DOCUMENT_TRAITS):
                return True
    return False


def _to_mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _to_text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
