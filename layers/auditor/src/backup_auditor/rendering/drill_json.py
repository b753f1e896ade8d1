"""A restore drill as JSON: the document that is kept as evidence, its event, and what the function answers."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum

from backup_auditor.domain.drills.drill import DeletionState, DrillRecord, RestoreJob
from backup_auditor.domain.drills.verification import ExpectedContent, Verification
from backup_auditor.domain.project_state import DrillResult
from backup_auditor.domain.reporting.report import SCHEMA_VERSION
from backup_auditor.domain.timefmt import format_moment, to_seconds
from backup_auditor.rendering.formats.json import build_call_json, build_stored_file_json
from backup_auditor.rendering.text import truncate


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


_MAX_TEXT_LENGTH = 4000
"""The limit of a text, so that no event comes near the limit of the bus, 256 KB."""
_NEXT_STEPS = {
    DrillResult.PASSED: "Nothing: the backup was restored and verified.",
    DrillResult.NOT_VERIFIED: "Read the reasons, correct what kept the records from being read, and drill again.",
    DrillResult.FAILED: "Do not rely on this backup: read the reasons, and drill another backup of the index.",
    DrillResult.UNKNOWN: "Read the reasons, correct the cause, and drill again.",
}


class DrillEventType(StrEnum):
    """The `detail-type` of an event."""

    DRILL_COMPLETED = "Backup Restore Drill Completed"
    DRILL_FAILED = "Backup Restore Drill Failed"


FAILED_RESULTS = frozenset((DrillResult.FAILED, DrillResult.UNKNOWN))
"""The results that count as failures."""


def build_drill_event(record: DrillRecord) -> tuple[DrillEventType, Mapping[str, object]]:
    """Return the event of a drill whose result is known and whose document is stored."""
    is_failure = record.result in FAILED_RESULTS
    detail = {
        "schema_version": SCHEMA_VERSION,
        "project": record.project,
        **build_drill_detail(record),
        "started_at": format_moment(record.chosen_at),
        "ended_at": None if record.verified_at is None else format_moment(record.verified_at),
        "plan_id": record.plan_id,
        "actor": truncate(record.actor, _MAX_TEXT_LENGTH),
        "document": None if record.evidence is None else build_stored_file_json(record.evidence),
        "next_step": _describe_next_step(record),
    }
    return DrillEventType.DRILL_FAILED if is_failure else DrillEventType.DRILL_COMPLETED, detail


def build_drill_detail(record: DrillRecord) -> Mapping[str, object]:
    """Return a drill and its three states."""
    return {
        "drill_id": record.drill_id,
        "result": record.result,
        "reasons": [truncate(it, _MAX_TEXT_LENGTH) for it in list_reasons(record)],
        "index": {"name": record.index_name, "id": record.index_id},
        "backup": {
            "id": record.point.backup_id,
            "captured_at": None if record.point.captured_at is None else format_moment(record.point.captured_at),
            "size_bytes": record.point.size_bytes,
        },
        "restore": record.restore,
        "restore_seconds": to_seconds(record.restore_time),
        "validation": record.validation,
        "deletion": record.deletion,
        "temporary_index": {"name": record.target_name, "id": record.target_index_id},
    }


def list_reasons(record: DrillRecord) -> tuple[str, ...]:
    """Return why a drill did not pass, and why its temporary index may exist; empty if all is well."""
    reasons = record.verification.reasons if record.verification is not None else (record.validation_detail,)
    return tuple(dict.fromkeys(it for it in (record.restore_detail, *reasons, record.deletion_detail) if it))


def _describe_next_step(record: DrillRecord) -> str:
    if record.deletion is DeletionState.FAILED:
        return (
            f"Delete the index {record.target_name} yourself if nothing uses it; the next run tries again."
            f" {_NEXT_STEPS[record.result or DrillResult.UNKNOWN]}"
        )
    return _NEXT_STEPS[record.result or DrillResult.UNKNOWN]
