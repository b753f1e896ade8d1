"""Test the record of a drill, and what the state of a project keeps of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_auditor.domain.audit_record import StoredFile, build_time_range
from backup_auditor.domain.drills.drill import (
    DeletionState,
    DrillRecord,
    RestoreState,
    ValidationState,
    build_known_drill,
    compute_drill_id,
    describe_unconfirmed,
    filter_drills,
    find_open_drills,
    require_same_project,
)
from backup_auditor.domain.model import Index
from backup_auditor.domain.project_state import DrillResult, KnownDrill
from backup_auditor.errors import ProjectMismatchError
from support.builders.drills import DRILL_ID, TARGET_NAME, build_drill, build_job, build_target
from support.builders.facts import DAY, HOUR, MINUTE, NOW, SECOND

PASSED = build_drill(
    restore=RestoreState.COMPLETED,
    validation=ValidationState.PASSED,
    deletion=DeletionState.CONFIRMED,
    requested_at=NOW,
    restored_at=NOW + 12 * MINUTE,
    verified_at=NOW + 20 * MINUTE,
    evidence=StoredFile("drills/passed.json", "0" * 64),
    published_at=NOW + 20 * MINUTE,
    revision=7,
)
OWN_INDEX = build_target().index


@pytest.mark.parametrize(
    "restore,validation,result",
    [
        (RestoreState.REQUESTED, ValidationState.PENDING, None),
        (RestoreState.COMPLETED, ValidationState.PENDING, None),
        (RestoreState.FAILED, ValidationState.SKIPPED, DrillResult.FAILED),
        (RestoreState.UNKNOWN, ValidationState.SKIPPED, DrillResult.UNKNOWN),
        (RestoreState.COMPLETED, ValidationState.PASSED, DrillResult.PASSED),
        (RestoreState.COMPLETED, ValidationState.FAILED, DrillResult.FAILED),
        (RestoreState.COMPLETED, ValidationState.NOT_VERIFIED, DrillResult.NOT_VERIFIED),
    ],
)
@pytest.mark.parametrize("deletion", DeletionState)
def test_the_result_follows_from_restore_and_validation(
    restore: RestoreState, validation: ValidationState, result: DrillResult | None, deletion: DeletionState
) -> None:
    """The deletion is a state of its own."""
    record = build_drill(restore=restore, validation=validation, deletion=deletion)
    assert record.result is result
    assert record.is_finished is (result is not None and deletion is DeletionState.CONFIRMED)


@pytest.mark.parametrize(
    "record,expected",
    [
        pytest.param(PASSED, 12 * MINUTE, id="as-observed"),
        pytest.param(replace(PASSED, job=build_job()), 10 * MINUTE, id="by-the-job"),
        pytest.param(replace(PASSED, job=build_job(created_at=None)), 12 * MINUTE, id="job-without-times"),
        pytest.param(replace(PASSED, job=build_job(completed_at=NOW - SECOND)), timedelta(), id="clock-that-went-back"),
        pytest.param(replace(PASSED, restore=RestoreState.FAILED), None, id="failed"),
    ],
)
def test_the_restore_time_is_that_of_the_job(record: DrillRecord, expected: timedelta | None) -> None:
    """Without the job's times, the time until a read saw the restore completed counts."""
    assert record.restore_time == expected


def test_open_drills_are_continued_the_oldest_first() -> None:
    """A finished drill whose index is gone needs nothing."""
    older_drill = build_drill(drill_id="older", target_name="drill-other-1", chosen_at=NOW - DAY)
    assert find_open_drills([build_drill(), older_drill, replace(PASSED, drill_id="done")], []) == [
        older_drill,
        build_drill(),
    ]


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(replace(PASSED, evidence=None), id="without-document"),
        pytest.param(replace(PASSED, published_at=None), id="unpublished"),
    ],
)
def test_a_drill_is_open_until_it_is_documented_and_published(record: DrillRecord) -> None:
    """A run that was killed after the last step leaves the rest to the next run."""
    assert find_open_drills([record], []) == [record]


def test_a_drill_is_open_again_when_its_index_appears_late() -> None:
    """A request whose answer was lost can take effect after the drill has ended."""
    (record,) = find_open_drills([PASSED], [OWN_INDEX])
    assert (record.deletion, record.result, record.revision) == (DeletionState.PENDING, DrillResult.PASSED, 8)
    assert record.evidence is None
    assert record.deletion_detail == "The index exists although its deletion was confirmed."


def test_an_unconfirmed_index_is_described_by_what_it_lacks() -> None:
    """A person decides about an index that a drill never deletes."""
    assert describe_unconfirmed(PASSED, replace(OWN_INDEX, source_backup_id=None, tags={})) == (
        f"The index {TARGET_NAME} is not confirmed as that of this drill (source backup: unknown, tag drill: missing);"
        " delete it yourself if nothing uses it."
    )


@pytest.mark.parametrize(
    "index",
    [
        pytest.param(replace(OWN_INDEX, source_backup_id="run-9"), id="another-backup"),
        pytest.param(replace(OWN_INDEX, tags={}), id="no-tags"),
        pytest.param(replace(OWN_INDEX, state="Terminating"), id="terminating"),
        pytest.param(replace(OWN_INDEX, name="drill-main-9"), id="another-name"),
    ],
)
def test_a_finished_drill_stays_finished_beside_another_index(index: Index) -> None:
    """Only its own index opens it again."""
    assert find_open_drills([PASSED], [index]) == []


def test_an_audit_needs_few_facts_of_a_drill() -> None:
    """The end of a drill is when its result was known."""
    assert build_known_drill(PASSED) == KnownDrill(
        drill_id=DRILL_ID,
        index_id="id-main",
        index_name="main",
        backup_id="run-1",
        target_name=TARGET_NAME,
        started_at=NOW,
        ends_by=NOW + 7 * HOUR,
        result=DrillResult.PASSED,
        ended_at=NOW + 20 * MINUTE,
        restore_time=12 * MINUTE,
        is_target_deleted=True,
    )


def test_an_audit_knows_how_long_a_slow_restore_took_at_least() -> None:
    """The restore of a drill that ended at its deadline has no restore time."""
    record = build_drill(
        restore=RestoreState.FAILED, validation=ValidationState.SKIPPED, least_restore_time=6 * HOUR, verified_at=NOW
    )
    known_drill = build_known_drill(record)
    assert (known_drill.restore_time, known_drill.least_restore_time) == (None, 6 * HOUR)


def test_a_drill_whose_deletion_failed_does_not_run() -> None:
    """Its index is a leftover at once, not only after the time for the deletion."""
    known_drill = build_known_drill(replace(PASSED, deletion=DeletionState.FAILED))
    assert (known_drill.is_deletion_failed, known_drill.is_running(NOW)) == (True, False)


def test_the_id_of_a_drill_is_that_of_its_project_backup_and_index() -> None:
    """Two drills of one backup have different ids."""
    drill_id = compute_drill_id("default", "run-1", "drill-main-1")
    assert len(drill_id) == 16
    assert drill_id == compute_drill_id("default", "run-1", "drill-main-1")
    assert drill_id != compute_drill_id("default", "run-1", "drill-main-2")


@pytest.mark.parametrize(
    "recorded_id,found_id,is_same",
    [("p-1", "p-1", True), (None, "p-1", False), ("p-1", None, False)],
)
def test_only_two_equal_ids_show_the_same_project(recorded_id: str | None, found_id: str | None, is_same: bool) -> None:
    """An unknown id shows nothing, and another one is an error with both ids."""
    record = build_drill(pinecone_project_id=recorded_id)
    assert require_same_project(record, found_id) is is_same
    with pytest.raises(ProjectMismatchError, match="p-1"):
        require_same_project(build_drill(pinecone_project_id="p-1"), "p-2")


def test_a_drill_belongs_to_the_day_when_it_ended() -> None:
    """A drill without a result belongs to the day when it started."""
    today, tomorrow = (build_time_range(it, it) for it in (NOW.date(), (NOW + DAY).date()))
    overnight_drill = replace(PASSED, verified_at=NOW + DAY)
    open_drill = build_drill()
    assert filter_drills([overnight_drill, open_drill], today) == [open_drill]
    assert filter_drills([overnight_drill, open_drill], tomorrow) == [overnight_drill]
    assert filter_drills([overnight_drill], build_time_range(None, None)) == [overnight_drill]
