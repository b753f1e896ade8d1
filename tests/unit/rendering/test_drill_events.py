"""Test the events of restore drills."""

import json
from dataclasses import replace

import pytest

from backup_auditor.adapters.aws.messaging import MAX_BATCH_BYTES
from backup_auditor.domain.audit_record import StoredFile
from backup_auditor.domain.drills.drill import (
    VALIDATION_STATES,
    DeletionState,
    DrillRecord,
    RestoreState,
    ValidationState,
)
from backup_auditor.domain.drills.verification import CheckState
from backup_auditor.rendering.drill_json import build_drill_event
from support.builders.drills import build_checked, build_drill, build_job
from support.builders.facts import MINUTE, NOW

FILE = StoredFile("s3://evidence/search/drills/5f5f5f5f5f5f5f5f/7.json", "0" * 64)


def build_ended_drill(state: CheckState) -> DrillRecord:
    """Build a drill that restored its backup and was verified with this result."""
    return build_drill(
        restore=RestoreState.COMPLETED,
        validation=VALIDATION_STATES[state],
        deletion=DeletionState.CONFIRMED,
        requested_at=NOW,
        restored_at=NOW + 12 * MINUTE,
        verified_at=NOW + 13 * MINUTE,
        job=build_job(),
        verification=build_checked(state),
        evidence=FILE,
    )


@pytest.mark.parametrize(
    "state, event_type, next_step",
    [
        (CheckState.PASSED, "Backup Restore Drill Completed", "Nothing"),
        (CheckState.NOT_VERIFIED, "Backup Restore Drill Completed", "Read the reasons, correct what kept"),
        (CheckState.FAILED, "Backup Restore Drill Failed", "Do not rely on this backup"),
    ],
)
def test_a_result_is_an_event_with_its_document(state: CheckState, event_type: str, next_step: str) -> None:
    """The event has the result, its reasons, the restore time of the job, the document, and what to do."""
    kind, detail = build_drill_event(build_ended_drill(state))
    assert (kind, detail["result"], detail["restore_seconds"]) == (event_type, state.value, 600.0)
    assert detail["document"] == {"location": FILE.location, "sha256": FILE.sha256}
    assert bool(detail["reasons"]) is (state is not CheckState.PASSED)
    assert str(detail["next_step"]).startswith(next_step)


def test_an_unknown_outcome_is_a_failure() -> None:
    """A drill that ended before its restore was known has the reason, and no restore time."""
    record = build_drill(
        restore=RestoreState.UNKNOWN,
        validation=ValidationState.SKIPPED,
        deletion=DeletionState.CONFIRMED,
        restore_detail="The answer to the request was lost, and no index appeared.",
        verified_at=NOW,
    )
    kind, detail = build_drill_event(record)
    assert (kind, detail["result"], detail["restore_seconds"]) == ("Backup Restore Drill Failed", "unknown", None)
    assert detail["reasons"] == ["The answer to the request was lost, and no index appeared."]


def test_an_index_that_is_left_is_the_next_step() -> None:
    """The event of a drill whose index could not be deleted names the index and why."""
    record = replace(
        build_ended_drill(CheckState.PASSED),
        deletion=DeletionState.FAILED,
        deletion_detail="Pinecone refused to delete the index: 403.",
    )
    _, detail = build_drill_event(record)
    assert detail["reasons"] == ["Pinecone refused to delete the index: 403."]
    assert str(detail["next_step"]).startswith("Delete the index drill-main-1a2b3c4d yourself")


def test_an_event_fits_the_bus() -> None:
    """Texts are cut, so that an event of a drill has no more than the bus accepts."""
    record = replace(
        build_ended_drill(CheckState.FAILED),
        restore_detail="x" * 300_000,
        deletion_detail="y" * 300_000,
        actor="z" * 300_000,
    )
    _, detail = build_drill_event(record)
    assert len(json.dumps(detail)) < MAX_BATCH_BYTES / 10
