"""Builders of the records and observations of restore drills."""

from typing import Any

from backup_auditor.domain.drill_indexes import build_drill_tags
from backup_auditor.domain.drills.drill import DrillRecord, JobState, RestoredIndex, RestoreJob, RestorePoint
from backup_auditor.domain.drills.verification import (
    CheckState,
    ExpectedContent,
    FetchedRecord,
    FoundContent,
    FoundSample,
    SampledRecord,
    Verification,
    build_verification,
)
from backup_auditor.domain.model import Index
from support.builders.facts import HOUR, MINUTE, NOW

EXPECTED = ExpectedContent(record_count=3, namespace_count=2, dimension=2, metric="cosine", vector_type="dense")
NAMESPACES = {"": 2, "tenant-1": 1}
FOUND = FoundContent(NAMESPACES, dimension=2, metric="cosine", vector_type="dense")
POINT = RestorePoint("run-1", NOW - 6 * HOUR, 1_000_000, EXPECTED)
DRILL_ID = "5f5f5f5f5f5f5f5f"
TARGET_NAME = "drill-main-1a2b3c4d"


def build_drill(**facts: Any) -> DrillRecord:
    """Build the record of a drill of the index `main` that was just chosen, and may take 6 hours."""
    defaults: dict[str, Any] = {
        "drill_id": DRILL_ID,
        "project": "default",
        "number": 1,
        "index_name": "main",
        "index_id": "id-main",
        "point": POINT,
        "target_name": TARGET_NAME,
        "plan_id": "plan-1",
        "actor": "tester@here",
        "max_duration": 6 * HOUR,
        "sample_size": 100,
        "chosen_at": NOW,
    }
    return DrillRecord(**(defaults | facts))


def build_target(*, is_ready: bool = True, **facts: Any) -> RestoredIndex:
    """Build the temporary index of the drill."""
    defaults: dict[str, Any] = {
        "name": TARGET_NAME,
        "state": "Ready" if is_ready else "Initializing",
        "tags": build_drill_tags(DRILL_ID),
        "source_backup_id": POINT.backup_id,
    }
    host = "drill.svc.pinecone.io" if is_ready else None
    return RestoredIndex(Index(**(defaults | facts)), is_ready, host, dimension=2, metric="cosine", vector_type="dense")


def build_job(state: JobState = JobState.COMPLETED, **facts: Any) -> RestoreJob:
    """Build the restore job of the drill, which took ten minutes."""
    completed_at = NOW + 10 * MINUTE if state is JobState.COMPLETED else None
    defaults: dict[str, Any] = {"created_at": NOW, "completed_at": completed_at, "document": {"status": state.value}}
    return RestoreJob("job-1", POINT.backup_id, TARGET_NAME, state, **(defaults | facts))


def build_sampled_record(record_id: str, namespace: str = "", **facts: Any) -> SampledRecord:
    """Build a record of the sample that is found by its own vector."""
    defaults: dict[str, Any] = {"record": FetchedRecord([0.5, 0.25]), "scores_by_id": {record_id: 1.0}}
    return SampledRecord(namespace, record_id, **(defaults | facts))


SAMPLE = FoundSample((build_sampled_record("a"), build_sampled_record("b"), build_sampled_record("c", "tenant-1")))


def build_checked(state: CheckState) -> Verification:
    """Build a conclusive verification with this result."""
    if state is CheckState.NOT_VERIFIED:
        return build_verification(ExpectedContent(), FOUND, SAMPLE)
    if state is CheckState.PASSED:
        return build_verification(EXPECTED, FOUND, SAMPLE)
    damaged_record = build_sampled_record("a", record=FetchedRecord([0.5]))
    return build_verification(EXPECTED, FOUND, FoundSample((damaged_record, *SAMPLE.records[1:])))
