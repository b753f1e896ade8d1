"""The calls about backups and restore jobs."""

from collections.abc import Sequence
from typing import Any

from backup_auditor_simulator.api.indexes import take_protection
from backup_auditor_simulator.api.messages import Call, Response, encode_json, write_backup, write_moment
from backup_auditor_simulator.model import ApiError, Backup, IndexKind, RestoreJob


def list_backups(call: Call) -> Response:
    """List the backups of the whole project, including those of deleted indexes."""
    return _build_page(call, call.project.list_backups())


def list_index_backups(call: Call) -> Response:
    """List the backups of the live index of a name, or of all indexes that had the name."""
    project = call.project
    include_deleted = call.query.get("include_deleted", "false")
    if include_deleted not in {"true", "false"}:
        raise ApiError(400, "include_deleted must be true or false.")
    if include_deleted == "true":
        indexes = project.list_indexes_named(call.resource_key)
        if not indexes:
            raise ApiError(404, f"Index {call.resource_key} not found.")
        if all(it.kind is IndexKind.POD for it in indexes):
            raise ApiError(400, "Backups are not supported for pod-based indexes.")
    else:
        indexes = [project.get_index_for_listing(call.resource_key)]
    return _build_page(
        call, project.select_listed_backups(backup for index in indexes for backup in index.backups.values())
    )


def _build_page(call: Call, backups: Sequence[Backup]) -> Response:
    return call.build_page_response(backups, lambda backup: _write_backup(call, backup))


def create_backup(call: Call) -> Response:
    """Start a manual backup."""
    name, description = call.body.take("name", str), call.body.take("description", str)
    call.body.reject_unknown_fields()
    return call.build_created_response(
        _write_backup(call, call.project.create_backup(call.resource_key, name, description))
    )


def describe_backup(call: Call) -> Response:
    """Describe a backup."""
    return Response(200, _write_backup(call, call.project.get_backup(call.resource_key)))


def _write_backup(call: Call, backup: Backup) -> bytes:
    return write_backup(backup, call.family, call.project.options)


def delete_backup(call: Call) -> Response:
    """Accept the deletion of a backup."""
    call.project.delete_backup(call.resource_key)
    return Response(202)


def create_index_from_backup(call: Call) -> Response:
    """Start to create an index from a backup."""
    name = call.body.require("name", str)
    tags = call.body.take_texts("tags")
    is_protected = take_protection(call.body) or False
    call.body.take("read_capacity", dict)
    call.body.reject_unknown_fields()
    job = call.project.create_index_from_backup(call.resource_key, name, tags=tags, deletion_protection=is_protected)
    return Response(202, encode_json({"restore_job_id": job.id, "index_id": job.index.id}))


def list_restore_jobs(call: Call) -> Response:
    """List the restore jobs of the project."""
    jobs = call.project.order_rows(call.project.restore_jobs.values())
    return call.build_page_response(jobs, lambda job: _write_restore_job(call, job))


def describe_restore_job(call: Call) -> Response:
    """Describe a restore job."""
    return Response(200, _write_restore_job(call, call.project.get_restore_job(call.resource_key)))


def _write_restore_job(call: Call, job: RestoreJob) -> bytes:
    row: dict[str, Any] = {
        "restore_job_id": job.id,
        "backup_id": job.backup.id,
        "target_index_name": job.index.name,
        "target_index_id": job.index.id,
        "status": job.status,
        "created_at": write_moment(job.created_at, call.family, job.id),
    }
    if job.completed_at is not None:
        row["completed_at"] = write_moment(job.completed_at, call.family, job.id + "completed")
    if job.status == "Completed":
        row["percent_complete"] = 100
    return encode_json(row)
