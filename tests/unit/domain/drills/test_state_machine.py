"""Test what a drill does after each observation."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backup_auditor.domain.drills.drill import (
    CLEANUP_TIME,
    DeletionState,
    DrillRecord,
    JobState,
    RestoreState,
    ValidationState,
)
from backup_auditor.domain.drills.state_machine import (
    REFUSAL_TIME,
    SETTLE_TIME,
    AccessRefused,
    AnswerLost,
    DeleteIndex,
    DeletionAccepted,
    DeletionRefused,
    IndexFound,
    IndexMissing,
    IndexVerified,
    JobFound,
    JobMissing,
    Observation,
    ReadFailed,
    ReadIndex,
    ReadJob,
    RequestRestore,
    RestoreAccepted,
    RestoreRefused,
    Step,
    VerifyIndex,
    advance_drill,
    compute_wait,
    resume_drill,
)
from backup_auditor.domain.drills.verification import CheckState, FoundContent, FoundFigures, build_verification
from backup_auditor.domain.project_state import DrillResult
from support.builders.drills import EXPECTED, SAMPLE, TARGET_NAME, build_checked, build_drill, build_job, build_target
from support.builders.facts import HOUR, MINUTE, NOW, SECOND

READ_INDEX = ReadIndex(TARGET_NAME)
CHOSEN = build_drill()
DEADLINE = NOW + CHOSEN.max_duration
READY, NOT_READY = IndexFound(build_target()), IndexFound(build_target(is_ready=False))
OTHER_INDEX = IndexFound(build_target(source_backup_id="run-9"))
UNTAGGED_INDEX = IndexFound(build_target(tags={}))
TERMINATING_INDEX = IndexFound(build_target(state="Terminating"))
LATER = NOW + 10 * MINUTE


def follow(record: DrillRecord, *observations: Observation, at: datetime = LATER) -> Step:
    """Return the step after some observations at a time."""
    step = Step(record)
    for observation in observations:
        step = advance_drill(step.record, observation, at)
    return step


REQUESTED = resume_drill(CHOSEN, NOW).record
ACCEPTED = follow(REQUESTED, RestoreAccepted("job-1", "id-drill")).record
JOB_COMPLETED = follow(ACCEPTED, JobFound(build_job())).record
RESTORED = follow(JOB_COMPLETED, READY).record
PASSED = follow(RESTORED, IndexVerified(build_checked(CheckState.PASSED))).record
DELETING = follow(PASSED, READY).record


def test_the_restore_is_requested_once() -> None:
    """The record says that it is requested before the call, so that no later run requests it again."""
    step = resume_drill(CHOSEN, NOW)
    assert (step.record.restore, step.record.requested_at) == (RestoreState.REQUESTED, NOW)
    assert step.record.revision == CHOSEN.revision + 1
    assert step.call == RequestRestore(CHOSEN.restore_call)
    assert str(CHOSEN.restore_call) == (
        'POST /backups/run-1/create-index {"name": "drill-main-1a2b3c4d", "tags": {"managed-by": "backup-auditor",'
        ' "drill": "5f5f5f5f5f5f5f5f"}, "deletion_protection": "disabled"}'
    )
    assert resume_drill(step.record, LATER) == Step(step.record, READ_INDEX)


@pytest.mark.parametrize(
    "age,is_requested",
    [
        pytest.param(6 * HOUR - SECOND, True, id="one-second-before"),
        pytest.param(6 * HOUR, False, id="at-limit"),
    ],
)
def test_a_drill_that_was_chosen_long_ago_is_not_started(age: timedelta, is_requested: bool) -> None:
    """A record that a run left behind before its request is closed: nothing was created."""
    step = resume_drill(CHOSEN, NOW + age)
    assert (step.call is not None) is is_requested
    if not is_requested:
        assert (step.record.is_finished, step.record.result) == (True, DrillResult.UNKNOWN)
        assert step.record.restore is RestoreState.UNKNOWN
        assert step.record.restore_detail == "The restore was not requested within 6h."


def test_a_drill_passes_step_by_step() -> None:
    """Each step has its time, and the last one confirms that the index does not exist."""
    assert follow(ACCEPTED, NOT_READY).call == ReadJob("job-1", TARGET_NAME, "run-1")
    assert follow(ACCEPTED, JobFound(build_job(JobState.PENDING))).call is None
    assert follow(ACCEPTED, JobFound(build_job())).call == READ_INDEX
    assert follow(JOB_COMPLETED, NOT_READY).call is None
    assert follow(JOB_COMPLETED, READY).call == VerifyIndex(READY.index)
    assert follow(RESTORED, IndexVerified(build_checked(CheckState.PASSED))).call == READ_INDEX
    assert follow(PASSED, READY).call == DeleteIndex()
    assert follow(DELETING, DeletionAccepted()).call is None
    ended_record = follow(DELETING, DeletionAccepted(), TERMINATING_INDEX, IndexMissing(), at=NOW + HOUR).record
    assert (ended_record.result, ended_record.is_finished) == (DrillResult.PASSED, True)
    times = (ended_record.chosen_at, ended_record.requested_at, ended_record.restored_at, ended_record.verified_at)
    assert (*times, ended_record.deleted_at) == (NOW, NOW, LATER, LATER, NOW + HOUR)
    assert ended_record.restore_time == 10 * MINUTE
    assert ended_record.job == build_job()
    assert resume_drill(ended_record, NOW + HOUR) == Step(ended_record)


@pytest.mark.parametrize(
    "record",
    [CHOSEN, REQUESTED, ACCEPTED, JOB_COMPLETED, RESTORED, PASSED, DELETING],
    ids=["chosen", "requested", "accepted", "job-completed", "restored", "passed", "deleting"],
)
def test_no_run_begins_with_a_deletion(record: DrillRecord) -> None:
    """The permission to delete is the answer to a read, never a stored record."""
    assert not isinstance(resume_drill(record, NOW).call, DeleteIndex)


@pytest.mark.parametrize(
    "observation,result",
    [
        pytest.param(RestoreRefused("412: not Ready", is_of_backup=True), DrillResult.FAILED, id="backup"),
        pytest.param(RestoreRefused("403 FORBIDDEN: index quota"), DrillResult.UNKNOWN, id="quota"),
    ],
)
def test_a_refused_restore_fails_only_because_of_its_backup(observation: RestoreRefused, result: DrillResult) -> None:
    """A quota shows nothing about the backup. The read that follows confirms that there is nothing to delete."""
    step = follow(REQUESTED, observation)
    assert step.call == READ_INDEX
    assert step.record.restore_detail == f"Pinecone refused the restore: {observation.reason}."
    ended_record = follow(step.record, IndexMissing()).record
    assert (ended_record.result, ended_record.is_finished) == (result, True)


@pytest.mark.parametrize(
    "elapsed,is_finished",
    [
        pytest.param(SETTLE_TIME - SECOND, False, id="one-second-before"),
        pytest.param(SETTLE_TIME, True, id="at-limit"),
    ],
)
def test_a_lost_answer_is_settled_by_reading(elapsed: timedelta, is_finished: bool) -> None:
    """An index that does not appear within 15 minutes was not created, as far as can be known."""
    lost_record = follow(REQUESTED, AnswerLost("connection reset")).record
    step = follow(lost_record, IndexMissing(), at=NOW + elapsed)
    assert (step.record.is_finished, step.call) == (is_finished, None)
    assert step.record.result is (DrillResult.UNKNOWN if is_finished else None)
    if is_finished:
        assert step.record.restore_detail == "The answer to the request was lost, and no index appeared."
        assert (step.record.verified_at, step.record.deleted_at) == (NOW + elapsed, NOW + elapsed)


def test_an_index_shows_that_a_lost_request_was_accepted() -> None:
    """The job is found in the listing by its target, because its id is unknown."""
    step = follow(REQUESTED, AnswerLost("connection reset"), NOT_READY)
    assert (step.record.is_accepted, step.call) == (True, ReadJob(None, TARGET_NAME, "run-1"))
    found_record = follow(step.record, JobFound(build_job())).record
    assert found_record.job_id == "job-1"
    assert follow(found_record, IndexMissing(), at=DEADLINE - SECOND).record.result is None


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_a_failed_job_is_a_failed_restore(state: JobState) -> None:
    """Pinecone gives no reason; the job's document stays in the record."""
    step = follow(ACCEPTED, JobFound(build_job(state)))
    assert (step.record.restore, step.call) == (RestoreState.FAILED, READ_INDEX)
    assert step.record.restore_detail == f"The restore job job-1 is {state}; Pinecone gives no reason."
    assert step.record.job == build_job(state)
    assert follow(step.record, NOT_READY).call == DeleteIndex()


@pytest.mark.parametrize("state", ["InitializationFailed", "Failed", "Disabled"])
def test_a_failed_index_is_deleted_at_once(state: str) -> None:
    """The read that shows its state also confirms that it is its own."""
    step = follow(ACCEPTED, IndexFound(build_target(is_ready=False, state=state)))
    assert (step.record.result, step.call) == (DrillResult.FAILED, DeleteIndex())
    assert step.record.revision == ACCEPTED.revision + 1


def test_another_job_shows_nothing() -> None:
    """A job of another backup or another index is not the job of this drill."""
    for job in (replace(build_job(), backup_id="run-9"), replace(build_job(), target_name="other")):
        assert follow(ACCEPTED, JobFound(job)) == Step(ACCEPTED)


@pytest.mark.parametrize(
    "record,observation,result",
    [
        pytest.param(ACCEPTED, JobMissing(), DrillResult.UNKNOWN, id="job-not-found"),
        pytest.param(ACCEPTED, JobFound(build_job(JobState.PENDING)), DrillResult.FAILED, id="job-pending"),
        pytest.param(ACCEPTED, ReadFailed("503"), DrillResult.UNKNOWN, id="nothing-read"),
        pytest.param(JOB_COMPLETED, NOT_READY, DrillResult.FAILED, id="index-not-ready"),
        pytest.param(JOB_COMPLETED, IndexMissing(), DrillResult.UNKNOWN, id="index-missing"),
        pytest.param(ACCEPTED, UNTAGGED_INDEX, DrillResult.UNKNOWN, id="index-unconfirmed"),
        pytest.param(RESTORED, ReadFailed("503"), DrillResult.NOT_VERIFIED, id="records-not-read"),
    ],
)
def test_the_deadline_ends_restore_and_verification(
    record: DrillRecord, observation: Observation, result: DrillResult
) -> None:
    """Until one second before it, the drill waits."""
    assert follow(record, observation, at=DEADLINE - SECOND).record.result is None
    assert follow(record, observation, at=DEADLINE).record.result is result


@pytest.mark.parametrize(
    "record,observation,is_slow",
    [
        pytest.param(ACCEPTED, JobFound(build_job(JobState.PENDING)), True, id="job-pending"),
        pytest.param(JOB_COMPLETED, NOT_READY, True, id="index-not-ready"),
        pytest.param(ACCEPTED, JobFound(build_job(JobState.FAILED)), False, id="job-failed"),
        pytest.param(ACCEPTED, JobMissing(), False, id="job-not-found"),
        pytest.param(ACCEPTED, ReadFailed("503"), False, id="nothing-read"),
        pytest.param(RESTORED, ReadFailed("503"), False, id="restored"),
    ],
)
def test_a_restore_that_is_not_completed_at_the_deadline_took_longer(
    record: DrillRecord, observation: Observation, is_slow: bool
) -> None:
    """A late run shows more; a restore that failed may have failed early."""
    for lateness in (timedelta(), HOUR):
        ended_record = follow(record, observation, at=DEADLINE + lateness).record
        assert ended_record.least_restore_time == (DEADLINE + lateness - NOW if is_slow else None)
        assert ended_record.restore_detail or ended_record.validation_detail
        assert ended_record.verified_at == DEADLINE + lateness
    assert follow(record, observation, at=DEADLINE - SECOND).record.least_restore_time is None


def test_a_late_run_reads_the_job_before_it_calls_a_restore_slow() -> None:
    """A job may have completed in time although no run saw it."""
    step = follow(ACCEPTED, READY, at=DEADLINE + HOUR)
    assert step.call == ReadJob("job-1", TARGET_NAME, "run-1")
    late_step = follow(step.record, JobFound(build_job()), READY, at=DEADLINE + HOUR)
    assert (late_step.record.restore, late_step.record.restore_time) == (RestoreState.COMPLETED, 10 * MINUTE)
    assert late_step.call == VerifyIndex(READY.index)


def test_a_late_run_judges_the_duration_as_one_that_waited() -> None:
    """A restore that took longer than it may has failed, although a late run finds it completed."""
    slow_job = build_job(completed_at=NOW + CHOSEN.max_duration + SECOND)
    step = follow(ACCEPTED, JobFound(slow_job), READY, at=DEADLINE + HOUR)
    assert (step.record.result, step.call) == (DrillResult.FAILED, DeleteIndex())
    assert step.record.restore_detail == "The restore took 6h (limit: 6h)."
    on_time_job = build_job(completed_at=NOW + CHOSEN.max_duration)
    step = follow(ACCEPTED, JobFound(on_time_job), READY, at=DEADLINE + HOUR)
    assert step.record.restore is RestoreState.COMPLETED


def test_an_index_that_is_ready_after_its_job_prolongs_the_restore() -> None:
    """The restore took at least until a read last found the index not ready; a late run adds nothing to it."""
    record = follow(JOB_COMPLETED, NOT_READY, at=NOW + 2 * HOUR).record
    assert follow(record, READY, at=NOW + 2 * HOUR + MINUTE).record.restore_time == 2 * HOUR
    assert follow(record, READY, at=NOW + 30 * HOUR).record.restore_time == 2 * HOUR


def test_a_refused_key_ends_the_verification_before_the_deadline() -> None:
    """The rights to a new index may take effect late; after that the index only costs money."""
    refused = AccessRefused("403: Forbidden")
    assert follow(RESTORED, refused, at=LATER + REFUSAL_TIME - SECOND) == Step(RESTORED)
    step = follow(RESTORED, refused, at=LATER + REFUSAL_TIME)
    assert (step.record.result, step.call) == (DrillResult.NOT_VERIFIED, READ_INDEX)
    assert step.record.validation_detail == "The key may not read the restored index: 403: Forbidden."


def test_counts_that_lag_are_read_again_until_the_deadline() -> None:
    """A verification that a later read can change is not final before the deadline."""
    lagging = build_checked(CheckState.PASSED)
    checks = tuple(replace(it, state=CheckState.FAILED, may_settle=True) for it in lagging.checks)
    observation = IndexVerified(replace(lagging, checks=checks))
    assert follow(RESTORED, observation, at=DEADLINE - SECOND) == Step(RESTORED)
    assert follow(RESTORED, observation, at=DEADLINE).record.result is DrillResult.FAILED
    damaged = IndexVerified(build_checked(CheckState.FAILED))
    assert follow(RESTORED, damaged).record.result is DrillResult.FAILED


def test_an_index_that_cannot_be_read_from_here_is_only_restored() -> None:
    """The drill says why, and deletes the index after a read of its own."""
    record = replace(JOB_COMPLETED, unreadable_reason="A BYOC index is read only from its own network.")
    step = follow(record, READY)
    assert (step.record.result, step.call) == (DrillResult.NOT_VERIFIED, READ_INDEX)
    assert step.record.validation_detail == "A BYOC index is read only from its own network."
    assert step.record.restore_time == 10 * MINUTE
    assert step.record.revision == record.revision + 1


@pytest.mark.parametrize(
    "record,result",
    [
        pytest.param(ACCEPTED, DrillResult.UNKNOWN, id="while-restoring"),
        pytest.param(RESTORED, DrillResult.NOT_VERIFIED, id="before-verification"),
        pytest.param(PASSED, DrillResult.PASSED, id="after-verification"),
    ],
)
def test_another_index_under_the_name_is_never_deleted(record: DrillRecord, result: DrillResult) -> None:
    """It was restored from another backup, so the drill's own index does not exist, and nothing shows why."""
    step = follow(record, OTHER_INDEX)
    assert (step.call, step.record.deletion, step.record.result) == (None, DeletionState.CONFIRMED, result)
    assert (step.record.deleted_at, step.record.verified_at) == (LATER, LATER)
    assert step.record.deletion_detail == f"Another index has the name {TARGET_NAME}."


@pytest.mark.parametrize(
    "observation",
    [
        pytest.param(UNTAGGED_INDEX, id="no-tags"),
        pytest.param(IndexFound(build_target(source_backup_id=None)), id="no-source"),
        pytest.param(IndexFound(build_target(name="other")), id="another-name"),
        pytest.param(
            IndexFound(build_target(tags={"managed-by": "backup-auditor", "drill": "other"})), id="another-drill"
        ),
    ],
)
def test_an_unconfirmed_index_is_never_deleted(observation: IndexFound) -> None:
    """All of name, tags and source backup must agree with the record; a person has to decide."""
    step = follow(PASSED, observation)
    assert (step.call, step.record.deletion) == (None, DeletionState.FAILED)
    assert "is not confirmed as that of this drill" in step.record.deletion_detail
    assert follow(step.record, READY).call == DeleteIndex()


def test_an_unconfirmed_index_ends_a_restore_at_its_deadline() -> None:
    """Until then it may still get its tags."""
    assert follow(ACCEPTED, UNTAGGED_INDEX, at=DEADLINE - SECOND).record == ACCEPTED
    ended_record = follow(ACCEPTED, UNTAGGED_INDEX, at=DEADLINE).record
    assert (ended_record.restore, ended_record.verified_at) == (RestoreState.UNKNOWN, DEADLINE)
    assert ended_record.deletion is DeletionState.FAILED


def test_a_message_that_ends_with_a_period_ends_one_sentence() -> None:
    """Messages of Pinecone are sentences."""
    record = follow(DELETING, DeletionRefused("403: Deletion protection is enabled.")).record
    assert record.deletion_detail == "Pinecone refused to delete the index: 403: Deletion protection is enabled."


def test_a_refused_deletion_is_tried_again_by_the_next_run() -> None:
    """The run ends, and the next one reads the index first."""
    refused_record = follow(DELETING, DeletionRefused("403: deletion protection is enabled")).record
    assert (refused_record.is_stopped, refused_record.is_finished) == (True, False)
    assert refused_record.deletion_detail == (
        "Pinecone refused to delete the index: 403: deletion protection is enabled."
    )
    assert resume_drill(refused_record, NOW + HOUR).call == READ_INDEX
    assert follow(refused_record, READY).call == DeleteIndex()


def test_a_lost_answer_to_the_deletion_is_settled_by_reading() -> None:
    """The index is deleted again if it is still there."""
    lost_record = follow(DELETING, AnswerLost("connection reset")).record
    assert lost_record.deletion_detail == "The answer to the deletion was lost: connection reset."
    assert follow(lost_record, READY).call == DeleteIndex()
    assert follow(lost_record, IndexMissing()).record.is_finished


@pytest.mark.parametrize(
    "observation", [READY, TERMINATING_INDEX, ReadFailed("503")], ids=["still-there", "terminating", "not-read"]
)
def test_a_deletion_that_takes_too_long_is_left_to_the_next_run(observation: Observation) -> None:
    """The index then counts as left behind, whatever was observed of it."""
    assert PASSED.ends_by == DEADLINE + CLEANUP_TIME
    assert not follow(DELETING, observation, at=DELETING.ends_by - SECOND).record.is_stopped
    late_step = follow(DELETING, observation, at=DELETING.ends_by)
    assert (late_step.record.deletion, late_step.call) == (DeletionState.FAILED, None)


@pytest.mark.parametrize("answer", [AnswerLost("500"), DeletionAccepted()], ids=["lost", "without-effect"])
def test_a_deletion_without_effect_ends(answer: Observation) -> None:
    """A run that repeats it every minute stops after the time for it, and says what happened to the last attempt."""
    record, now = DELETING, LATER
    while not record.is_stopped:
        record, now = follow(record, answer, READY, at=now).record, now + MINUTE
        assert now < DELETING.ends_by + HOUR
    cause = " The answer to the deletion was lost: 500." if isinstance(answer, AnswerLost) else ""
    assert record.deletion_detail == f"The index still exists 6h 50m after its deletion was requested.{cause}"


@pytest.mark.parametrize("observation", [READY, TERMINATING_INDEX], ids=["still-there", "terminating"])
def test_a_late_run_has_the_same_time_for_the_deletion(observation: IndexFound) -> None:
    """The time counts from the request of the deletion, not from that of the restore."""
    late = DEADLINE + 20 * HOUR
    record = follow(PASSED, observation, at=late).record
    assert (record.deletion, record.deletion_requested_at) == (DeletionState.REQUESTED, late)
    assert record.ends_by == late + CLEANUP_TIME
    assert not follow(record, TERMINATING_INDEX, at=late + HOUR - SECOND).record.is_stopped
    failed_record = follow(record, TERMINATING_INDEX, at=late + HOUR).record
    assert failed_record.deletion_detail == "The index is still being deleted 1h after its deletion was requested."


def test_a_late_run_may_read_an_index_again_before_it_is_left() -> None:
    """A verification that ended after the deadline leaves the whole time for the clean-up."""
    late = DEADLINE + 20 * HOUR
    record = follow(RESTORED, IndexVerified(build_checked(CheckState.PASSED)), ReadFailed("503"), at=late).record
    assert not record.is_stopped
    assert follow(record, ReadFailed("503"), at=late + CLEANUP_TIME).record.deletion is DeletionState.FAILED


def test_the_next_run_begins_another_attempt_to_delete() -> None:
    """It has its own time."""
    failed_record = follow(DELETING, READY, at=DELETING.ends_by).record
    next_day = NOW + 30 * HOUR
    step = follow(failed_record, READY, at=next_day)
    assert (step.call, step.record.deletion_requested_at) == (DeleteIndex(), next_day)
    assert not follow(step.record, READY, at=next_day + MINUTE).record.is_stopped


@pytest.mark.parametrize("observation", [IndexMissing(), TERMINATING_INDEX], ids=["missing", "terminating"])
def test_an_index_that_a_person_deletes_is_not_verified(observation: Observation) -> None:
    """The restore completed, and nothing else is known."""
    record = follow(RESTORED, observation).record
    assert (record.result, record.validation) == (DrillResult.NOT_VERIFIED, ValidationState.NOT_VERIFIED)
    assert follow(record, IndexMissing()).record.is_finished


def test_an_index_that_is_not_ready_any_more_is_read_again() -> None:
    """Until the deadline it may become ready again."""
    assert follow(RESTORED, NOT_READY).record.result is None
    assert follow(RESTORED, NOT_READY, at=DEADLINE).record.result is DrillResult.NOT_VERIFIED


def test_a_verification_names_what_differs() -> None:
    """The record keeps the figures of the verification."""
    record = follow(RESTORED, IndexVerified(build_checked(CheckState.FAILED))).record
    assert record.validation_detail.startswith("Damaged: 1 of 3 sampled records: 'a' in '' has 1 dimension ")
    assert record.verification is not None
    assert record.verification.found == FoundFigures(3, 2, 2, "cosine", "dense")


@pytest.mark.parametrize(
    "elapsed,wait",
    [
        pytest.param(timedelta(), 2 * SECOND, id="at-once"),
        pytest.param(5 * MINUTE, 30 * SECOND, id="a-tenth"),
        pytest.param(HOUR, MINUTE, id="at-most-a-minute"),
    ],
)
def test_a_run_waits_longer_the_longer_the_restore_takes(elapsed: timedelta, wait: timedelta) -> None:
    """A short restore is measured exactly, and a long one is not polled often."""
    assert compute_wait(ACCEPTED, NOW + elapsed) == wait


def test_a_record_keeps_the_ids_of_what_was_accepted() -> None:
    """The job and the index of a restore are recorded, and an accepted deletion has no detail."""
    assert (ACCEPTED.job_id, ACCEPTED.target_index_id, ACCEPTED.is_accepted) == ("job-1", "id-drill", True)
    assert follow(DELETING, DeletionAccepted()).record.deletion_detail == ""


def test_an_index_that_is_gone_before_its_verification_is_not_verified() -> None:
    """The result is known from then on, with its reason."""
    record = follow(RESTORED, IndexMissing(), at=LATER).record
    assert (record.result, record.verified_at, record.deleted_at) == (DrillResult.NOT_VERIFIED, LATER, LATER)
    assert record.validation_detail == "The restored index was deleted before it was verified."


def test_an_index_that_is_deleted_before_its_verification_is_not_verified() -> None:
    """A person can delete it while it is restored or before it is read."""
    detail = "The index is being deleted before it was verified."
    assert follow(RESTORED, TERMINATING_INDEX).record.validation_detail == detail
    restoring_record = follow(ACCEPTED, TERMINATING_INDEX).record
    assert (restoring_record.restore_detail, restoring_record.result) == (detail, DrillResult.UNKNOWN)


def test_every_reason_of_a_failed_verification_is_recorded() -> None:
    """Reasons are sentences with a space between them."""
    found = FoundContent({"": 2}, dimension=3, metric="cosine", vector_type="dense")
    verification = build_verification(EXPECTED, found, SAMPLE)
    record = follow(RESTORED, IndexVerified(verification), at=DEADLINE).record
    assert record.result is DrillResult.FAILED
    assert record.validation_detail.startswith("The dimension is 3 (backup: 2). The restored index has ")
