"""The shapes of Pinecone's answers, of every version, as far as an audit needs them. What is not named is ignored."""

from typing import Any, Required, TypedDict

from pydantic import ConfigDict, TypeAdapter, with_config

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
