"""The document of a restore drill: what was restored, what was checked, and how it ended, as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from backup_auditor.domain.drills.drill import DrillRecord, RestoreJob
from backup_auditor.domain.drills.verification import ExpectedContent, Verification
from backup_auditor.domain.timefmt import format_moment, to_seconds
from backup_auditor.rendering.formats.json import build_call_json


def render_drill_document(record: DrillRecord) -> bytes:
    """Write the document that is kept as evidence. The same record gives the same bytes."""
    return f"{json.dumps(build_drill_json(record), indent=1)}\n".encode()


def build_drill_json(record: DrillRecord) -> dict[str, object]:
    """Return a drill with everything that was recorded of it, its evidence and its publication aside."""
    point = record.point
    return {
        "schema_version": "1",
        "drill_id": record.drill_id,
        "revision": record.revision,
        "project": record.project,
        "pinecone_project_id": record.pinecone_project_id,
        "index": {"name": record.index_name, "id": record.index_id},
        "backup": {
            "id": point.backup_id,
            "captured_at": _format_optional_moment(point.captured_at),
            "size_bytes": point.size_bytes,
        },
        "plan_id": record.plan_id,
        "actor": record.actor,
        "result": record.result,
        "restore_seconds": to_seconds(record.restore_time),
        "least_restore_seconds": to_seconds(record.least_restore_time),
        "restore": {
            "state": record.restore,
            "detail": record.restore_detail,
            "call": build_call_json(record.restore_call),
            "job": None if record.job is None else _build_job_json(record.job),
        },
        "validation": {
            "state": record.validation,
            "detail": record.validation_detail,
            "sample_limit": record.sample_size,
            **_build_verification_json(record.verification, point.expected),
        },
        "deletion": {"state": record.deletion, "detail": record.deletion_detail},
        "temporary_index": {"name": record.target_name, "id": record.target_index_id},
        "times": {
            "chosen_at": format_moment(record.chosen_at),
            "requested_at": _format_optional_moment(record.requested_at),
            "restored_at": _format_optional_moment(record.restored_at),
            "verified_at": _format_optional_moment(record.verified_at),
            "unready_at": _format_optional_moment(record.unready_at),
            "deletion_requested_at": _format_optional_moment(record.deletion_requested_at),
            "deleted_at": _format_optional_moment(record.deleted_at),
            "deadline": format_moment(record.deadline),
        },
    }


def _format_optional_moment(moment: datetime | None) -> str | None:
    return None if moment is None else format_moment(moment)


def _build_job_json(job: RestoreJob) -> dict[str, object]:
    return {
        "id": job.job_id,
        "state": job.state,
        "created_at": _format_optional_moment(job.created_at),
        "completed_at": _format_optional_moment(job.completed_at),
        "document": dict(job.document),
    }


def _build_verification_json(verification: Verification | None, expected: ExpectedContent) -> Mapping[str, object]:
    if verification is None:
        return {"expected": asdict(expected), "found": None, "checks": [], "sampled": 0, "queried": 0}
    return {
        "expected": asdict(verification.expected),
        "found": None if verification.found is None else asdict(verification.found),
        "checks": [{"check": it.name, "state": it.state, "detail": it.detail} for it in verification.checks],
        "sampled": verification.sampled,
        "queried": verification.queried,
    }
