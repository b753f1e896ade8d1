"""Backups, schedules and restore jobs as the families write them."""

import json
from typing import Any

from backup_auditor_simulator.api.moments import write_moment, write_moment_or_null
from backup_auditor_simulator.api.versions import Family
from backup_auditor_simulator.conduct import Conduct, PausedNextRun
from backup_auditor_simulator.model import Backup, RestoreJob, Schedule, State

type Row = dict[str, Any]

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def encode(value: object) -> bytes:
    """Write a value as compact JSON."""
    return _encode(value).encode()


def backup_row(backup: Backup, family: Family, conduct: Conduct) -> bytes:
    """Write a backup as backup listings have it."""
    return _written_once(backup, f"{family.name} listing", family, conduct)


def run_row(backup: Backup, family: Family, conduct: Conduct) -> bytes:
    """Write a backup as histories have it: what is not known yet is null rather than absent."""
    return _written_once(backup, f"{family.name} history", family, conduct)


def _written_once(backup: Backup, shape: str, family: Family, conduct: Conduct) -> bytes:
    written = backup.rendered.get(shape)
    if written is None:
        row = _backup(backup, family, conduct)
        if shape.endswith("history"):
            nulls = dict.fromkeys(("description", "record_count", "namespace_count", "size_bytes"))
            row = nulls | row
            row.pop("source_index_deleted_at", None)
        written = backup.rendered[shape] = encode(row)
    return written


def _backup(backup: Backup, family: Family, conduct: Conduct) -> Row:
    index = backup.index
    status = _status(backup, family, conduct)
    row: Row = {
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
    if status == "Scheduled" and backup.planned_for is not None:
        row["scheduled_execution_at"] = write_moment(backup.planned_for, family, backup.id + "planned")
    if family.is_new:
        row["schema"] = {"fields": backup.fields}
        if index.deleted_at is not None and conduct.marks_deleted_sources:
            row["source_index_deleted_at"] = write_moment(index.deleted_at, family, index.id)
    else:
        row |= {key: value for key, value in index.vector.items() if key in {"dimension", "metric"}}
    return row


def _status(backup: Backup, family: Family, conduct: Conduct) -> str:
    if backup.shown_status is not None:
        return backup.shown_status
    match backup.state:
        case State.READY:
            return "Ready"
        case State.UNDER_WAY:
            return "Initializing"
        case State.FAILED:
            return "InitializationFailed" if family.is_new else "Failed"
        case State.PLANNED:
            return conduct.planned_status or ("Initializing" if family.is_new else "Scheduled")


def schedule_row(schedule: Schedule, family: Family, conduct: Conduct, project_id: str) -> bytes:
    """Write a schedule."""
    row: Row = {
        "schedule_id": schedule.id,
        "name": schedule.name,
        "index_id": schedule.index.id,
        "project_id": project_id,
        "schedule_type": "time-based",
        "frequency": schedule.frequency,
        "retention_expire_after_days": schedule.retention.days,
        "enabled": schedule.enabled,
        "next_scheduled_run": write_moment_or_null(schedule.next_run, family, schedule.id + "next"),
        "created_at": write_moment(schedule.created_at, family, schedule.id),
    }
    if not schedule.enabled and conduct.paused_next_run is PausedNextRun.NULL:
        row["next_scheduled_run"] = None
    if not schedule.enabled and conduct.paused_next_run is PausedNextRun.ABSENT:
        del row["next_scheduled_run"]
    return encode(row)


def restore_row(job: RestoreJob, family: Family) -> bytes:
    """Write a restore job."""
    row: Row = {
        "restore_job_id": job.id,
        "backup_id": job.backup.id,
        "target_index_name": job.index.name,
        "target_index_id": job.index.id,
        "status": "Pending" if job.completed_at is None else "Completed",
        "created_at": write_moment(job.created_at, family, job.id),
        "percent_complete": 0.0 if job.completed_at is None else 100.0,
    }
    if job.completed_at is not None:
        row["completed_at"] = write_moment(job.completed_at, family, job.id + "completed")
    return encode(row)
