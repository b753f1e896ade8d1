"""What a restore drill does next: from its record and one observation to the next record and the next call.

A run takes the stored record, and repeats: `resume_drill` or `advance_drill` returns a `Step`; if its record is new,
store it, on the condition that the stored revision is the one before; make its call; pass what it returned to
`advance_drill`. Without a call the run waits (`compute_wait`), or ends if the record is stopped. Every run begins with
`resume_drill`, also with a record whose deletion failed, so it can be killed, repeated or late at any point:

- The restore is requested at most once. Its record is stored before the call, and only by one run. If the answer is
  lost, or the run ends before it is stored, reading the index and the job settles what happened.
- The index is deleted only as the direct answer to a read of it that shows name, tags and source backup of the record.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backup_auditor.domain.drills.drill import (
    VALIDATION_STATES,
    DeletionState,
    DrillRecord,
    JobState,
    Ownership,
    RestoredIndex,
    RestoreJob,
    RestoreState,
    ValidationState,
    describe_unconfirmed,
    find_ownership,
)
from backup_auditor.domain.drills.verification import Verification, build_failed_verification
from backup_auditor.domain.model import ApiCall
from backup_auditor.domain.timefmt import format_length

SETTLE_TIME = timedelta(minutes=15)
"""How long after its request an index may appear whose restore was not confirmed."""
REFUSAL_TIME = timedelta(minutes=15)
"""How long the reads of a restored index may be refused: the rights to a new index can take effect late."""
_MIN_WAIT, _MAX_WAIT = timedelta(seconds=2), timedelta(minutes=1)
_WAIT_DIVISOR = 10


@dataclass(frozen=True, slots=True)
class RequestRestore:
    """Send the call once, and repeat it only if it was throttled."""

    call: ApiCall


@dataclass(frozen=True, slots=True)
class ReadIndex:
    """Read the index with this name: `IndexFound`, `IndexMissing` or `ReadFailed`."""

    name: str


@dataclass(frozen=True, slots=True)
class ReadJob:
    """Read the restore job: `JobFound`, `JobMissing` or `ReadFailed`.

    Without an id, find the job with this target and this backup in the listing of restore jobs.
    """

    job_id: str | None
    target_name: str
    backup_id: str


@dataclass(frozen=True, slots=True)
class VerifyIndex:
    """Read and compare the records of the index: `IndexVerified`, or why nothing could be read."""

    index: RestoredIndex


@dataclass(frozen=True, slots=True)
class DeleteIndex:
    """Delete the index of the record at once: a read has just confirmed it. A 404 is `IndexMissing`."""


type DrillCall = RequestRestore | ReadIndex | ReadJob | VerifyIndex | DeleteIndex


@dataclass(frozen=True, slots=True)
class RestoreAccepted:
    """Pinecone accepted the restore."""

    job_id: str
    index_id: str


@dataclass(frozen=True, slots=True)
class RestoreRefused:
    """Pinecone certainly did not create an index. A 409 does not show that: an attempt before it may have."""

    reason: str
    is_of_backup: bool = False
    """Whether the backup cannot be restored. Anything else, such as a quota or a right, shows nothing about it."""


@dataclass(frozen=True, slots=True)
class AnswerLost:
    """A call was sent that changes something, and whether it took effect is unknown."""

    reason: str


@dataclass(frozen=True, slots=True)
class IndexFound:
    """An index has the name of the temporary index."""

    index: RestoredIndex


@dataclass(frozen=True, slots=True)
class IndexMissing:
    """No index has the name: 404."""


@dataclass(frozen=True, slots=True)
class JobFound:
    """The restore job was read."""

    job: RestoreJob


@dataclass(frozen=True, slots=True)
class JobMissing:
    """The job was not found. This shows nothing: Pinecone answers 404 while its store of jobs is out."""


@dataclass(frozen=True, slots=True)
class ReadFailed:
    """A read did not succeed, so nothing is known."""

    reason: str


@dataclass(frozen=True, slots=True)
class AccessRefused:
    """The host of the restored index refuses the key."""

    reason: str


@dataclass(frozen=True, slots=True)
class IndexVerified:
    """The restored index was compared with its backup."""

    verification: Verification


@dataclass(frozen=True, slots=True)
class DeletionAccepted:
    """Pinecone deletes the index."""


@dataclass(frozen=True, slots=True)
class DeletionRefused:
    """Pinecone certainly does not delete the index, such as one with deletion protection."""

    reason: str


type Observation = (
    RestoreAccepted
    | RestoreRefused
    | AnswerLost
    | IndexFound
    | IndexMissing
    | JobFound
    | JobMissing
    | ReadFailed
    | AccessRefused
    | IndexVerified
    | DeletionAccepted
    | DeletionRefused
)


@dataclass(frozen=True, slots=True)
class Step:
    """The record after an observation, and the call to make once it is stored."""

    record: DrillRecord
    call: DrillCall | None = None
    """`None` if the run has to wait, or if the record is stopped."""


def compute_wait(record: DrillRecord, now: datetime) -> timedelta:
    """Return how long to wait before the next `resume_drill`: a tenth of the time since the request, within limits."""
    elapsed = now - (record.requested_at or now)
    return min(max(elapsed / _WAIT_DIVISOR, _MIN_WAIT), _MAX_WAIT)


def resume_drill(record: DrillRecord, now: datetime) -> Step:
    """Return what a run does first with a stored record."""
    return _number_revision(record, _resume(record, now))


def advance_drill(record: DrillRecord, observation: Observation, now: datetime) -> Step:
    """Return what an observation changes, and what to do next."""
    return _number_revision(record, _advance(record, observation, now))


def _resume(record: DrillRecord, now: datetime) -> Step:
    if record.is_finished:
        return Step(record)
    if record.restore is not RestoreState.NOT_REQUESTED:
        return _read_index(record)
    if now >= record.deadline:
        detail = f"The restore was not requested within {format_length(record.max_duration)}."
        ended_record = _end_restore(record, RestoreState.UNKNOWN, detail, now)
        return Step(replace(ended_record, deletion=DeletionState.CONFIRMED))
    requested_record = replace(record, restore=RestoreState.REQUESTED, requested_at=now)
    return Step(requested_record, RequestRestore(requested_record.restore_call))


def _advance(record: DrillRecord, observation: Observation, now: datetime) -> Step:  # noqa: C901, PLR0911  one line for each observation
    match observation:
        case RestoreAccepted():
            job_id, index_id = observation.job_id, observation.index_id
            return Step(replace(record, is_accepted=True, job_id=job_id, target_index_id=index_id))
        case RestoreRefused():
            detail = f"Pinecone refused the restore: {_cut_period(observation.reason)}."
            state = RestoreState.FAILED if observation.is_of_backup else RestoreState.UNKNOWN
            return _read_index(_end_restore(record, state, detail, now))
        case AnswerLost():
            return Step(_note_lost_answer(record, observation.reason))
        case DeletionAccepted():
            return Step(replace(record, deletion_detail=""))
        case DeletionRefused():
            return Step(
                _fail_deletion(record, f"Pinecone refused to delete the index: {_cut_period(observation.reason)}.")
            )
        case IndexVerified():
            return _accept_verification(record, observation.verification, now)
        case JobFound():
            return _accept_job(record, observation.job, now)
        case JobMissing():
            return _accept_missing_job(record, now)
        case ReadFailed():
            return _accept_failure(record, observation.reason, now)
        case AccessRefused():
            return _accept_access_refusal(record, observation.reason, now)
        case IndexMissing():
            return _accept_absence(record, now)
        case IndexFound():
            return _accept_index(record, observation.index, now)


def _number_revision(record: DrillRecord, step: Step) -> Step:
    """Return a step whose record is a new revision, without a document, if it differs from the record before it."""
    if step.record == record:
        return step
    return Step(replace(step.record, revision=record.revision + 1, evidence=None), step.call)


def _read_index(record: DrillRecord) -> Step:
    return Step(record, ReadIndex(record.target_name))


def _end_restore(record: DrillRecord, state: RestoreState, detail: str, now: datetime) -> DrillRecord:
    """Return a record whose restore ended without an index to verify."""
    return replace(record, restore=state, restore_detail=detail, validation=ValidationState.SKIPPED, verified_at=now)


def _end_slow_restore(record: DrillRecord, detail: str, now: datetime) -> DrillRecord:
    """Return a record whose restore was certainly not completed at its deadline."""
    elapsed = now - (record.requested_at or record.chosen_at)
    return _end_restore(replace(record, least_restore_time=elapsed), RestoreState.FAILED, detail, now)


def _end_validation(record: DrillRecord, verification: Verification, now: datetime) -> DrillRecord:
    return replace(
        record,
        validation=VALIDATION_STATES[verification.state],
        validation_detail=" ".join(verification.reasons),
        verification=verification,
        verified_at=now,
    )


def _skip_verification(record: DrillRecord, reason: str, now: datetime) -> DrillRecord:
    return _end_validation(record, build_failed_verification(record.point.expected, reason), now)


def _fail_deletion(record: DrillRecord, detail: str) -> DrillRecord:
    return replace(record, deletion=DeletionState.FAILED, deletion_detail=detail)


def _confirm_deletion(record: DrillRecord, now: datetime, detail: str = "") -> DrillRecord:
    return replace(record, deletion=DeletionState.CONFIRMED, deletion_detail=detail, deleted_at=now)


def _is_restoring(record: DrillRecord) -> bool:
    return record.restore is RestoreState.REQUESTED


def _is_job_completed(record: DrillRecord) -> bool:
    return record.job is not None and record.job.state is JobState.COMPLETED


def _accept_job(record: DrillRecord, job: RestoreJob, now: datetime) -> Step:
    is_own = job.backup_id == record.point.backup_id and job.target_name == record.target_name
    if not is_own:
        return _accept_missing_job(record, now)
    if not _is_restoring(record):
        return Step(record)
    job_record = replace(record, job=job, job_id=job.job_id, is_accepted=True)
    if job.state is JobState.COMPLETED:
        return _read_index(job_record)
    if job.state is JobState.PENDING and now < record.deadline:
        return Step(job_record)
    if job.state is JobState.PENDING:
        detail = f"The restore was not completed within {format_length(record.max_duration)}."
        return _read_index(_end_slow_restore(job_record, detail, now))
    detail = f"The restore job {job.job_id} is {job.state}; Pinecone gives no reason."
    return _read_index(_end_restore(job_record, RestoreState.FAILED, detail, now))


def _accept_missing_job(record: DrillRecord, now: datetime) -> Step:
    if not _is_restoring(record) or now < record.deadline:
        return Step(record)
    detail = f"The restore job was not found within {format_length(record.max_duration)}, which shows nothing."
    return _read_index(_end_restore(record, RestoreState.UNKNOWN, detail, now))


def _cut_period(reason: str) -> str:
    """Return a reason as the end of a sentence: a message of Pinecone can end with a period."""
    return reason.removesuffix(".")


def _note_lost_answer(record: DrillRecord, reason: str) -> DrillRecord:
    if _is_restoring(record):
        return replace(record, restore_detail=f"The answer to the request was lost: {_cut_period(reason)}.")
    return replace(record, deletion_detail=f"The answer to the deletion was lost: {_cut_period(reason)}.")


def _accept_failure(record: DrillRecord, reason: str, now: datetime) -> Step:
    """Wait for a better answer: restore and verification until the deadline, the deletion for its own time."""
    if _is_restoring(record) and now >= record.deadline:
        detail = f"Whether the index was restored could not be read: {_cut_period(reason)}."
        return Step(_end_restore(record, RestoreState.UNKNOWN, detail, now))
    if _is_to_verify(record) and now >= record.deadline:
        return Step(_skip_verification(record, f"The restored index could not be read: {_cut_period(reason)}.", now))
    if record.validation is not ValidationState.PENDING and now >= record.ends_by:
        return Step(_fail_deletion(record, f"Whether the index exists could not be read: {_cut_period(reason)}."))
    return Step(record)


def _accept_access_refusal(record: DrillRecord, reason: str, now: datetime) -> Step:
    """Wait for the rights to take effect, but not until the deadline: the index costs money."""
    if not _is_to_verify(record) or now < (record.restored_at or now) + REFUSAL_TIME:
        return _accept_failure(record, reason, now)
    detail = f"The key may not read the restored index: {_cut_period(reason)}."
    return _read_index(_skip_verification(record, detail, now))


def _is_to_verify(record: DrillRecord) -> bool:
    return record.restore is RestoreState.COMPLETED and record.validation is ValidationState.PENDING


def _accept_absence(record: DrillRecord, now: datetime) -> Step:
    if _is_restoring(record):
        if record.is_accepted and not _is_job_completed(record):
            return _read_job(record)
        settled_at = record.deadline if record.is_accepted else _find_settle_time(record)
        if now < settled_at:
            return Step(record)
        detail = "The answer to the request was lost, and no index appeared."
        if record.is_accepted:
            detail = f"The index did not appear within {format_length(record.max_duration)}, or was deleted."
        ended_record = _end_restore(record, RestoreState.UNKNOWN, detail, now)
        return Step(_confirm_deletion(ended_record, now))
    if _is_to_verify(record):
        ended_record = _skip_verification(record, "The restored index was deleted before it was verified.", now)
        return Step(_confirm_deletion(ended_record, now))
    return Step(_confirm_deletion(record, now))


def _find_settle_time(record: DrillRecord) -> datetime:
    return min(record.deadline, (record.requested_at or record.chosen_at) + SETTLE_TIME)


def _read_job(record: DrillRecord) -> Step:
    return Step(record, ReadJob(record.job_id, record.target_name, record.point.backup_id))


def _accept_index(record: DrillRecord, found: RestoredIndex, now: datetime) -> Step:
    ownership = find_ownership(record, found.index)
    if ownership is Ownership.OTHER:
        return Step(_accept_other_index(record, now))
    if ownership is Ownership.UNCONFIRMED:
        return Step(_accept_unconfirmed_index(record, found, now))
    if found.index.is_terminating:
        return Step(_accept_terminating_index(record, now))
    if _is_restoring(record):
        return _continue_restore(record, found, now)
    if _is_to_verify(record):
        return _continue_validation(record, found, now)
    return _delete_index(record, now)


def _accept_other_index(record: DrillRecord, now: datetime) -> DrillRecord:
    """Return a record whose name another index has, so that its own index does not exist."""
    detail = f"Another index has the name {record.target_name}."
    ended_record = record
    if _is_restoring(record):
        ended_record = _end_restore(record, RestoreState.UNKNOWN, detail, now)
    elif _is_to_verify(record):
        ended_record = _skip_verification(record, detail, now)
    return _confirm_deletion(ended_record, now, detail)


def _accept_unconfirmed_index(record: DrillRecord, found: RestoredIndex, now: datetime) -> DrillRecord:
    """Return a record whose index is unconfirmed: at first it may lack its tags, after the deadline it is left."""
    if record.validation is ValidationState.PENDING and now < record.deadline:
        return record
    detail = describe_unconfirmed(record, found.index)
    ended_record = record
    if _is_restoring(record):
        ended_record = _end_restore(record, RestoreState.UNKNOWN, detail, now)
    elif _is_to_verify(record):
        ended_record = _skip_verification(record, detail, now)
    return _fail_deletion(ended_record, detail)


def _accept_terminating_index(record: DrillRecord, now: datetime) -> DrillRecord:
    detail = "The index is being deleted before it was verified."
    ended_record = record
    if _is_restoring(record):
        ended_record = _end_restore(record, RestoreState.UNKNOWN, detail, now)
    elif _is_to_verify(record):
        ended_record = _skip_verification(record, detail, now)
    elif _is_deletion_late(record, now):
        return _fail_late_deletion(record, "The index is still being deleted", now)
    return _begin_deletion(ended_record, now)


_FAILED_INDEX_STATES = frozenset(("failed", "initializationfailed", "disabled"))


def _continue_restore(record: DrillRecord, found: RestoredIndex, now: datetime) -> Step:
    state, limit = found.index.state or "unknown", format_length(record.max_duration)
    if state.casefold() in _FAILED_INDEX_STATES:
        detail = f"The state of the restored index is {state}."
        return _delete_index(_end_restore(record, RestoreState.FAILED, detail, now), now)
    accepted_record = replace(record, is_accepted=True)
    if not _is_job_completed(
        record
    ):  # also after the deadline: a late run must not take a completed job for a slow one
        return _read_job(accepted_record)
    if not found.is_ready:
        if now < record.deadline:
            return Step(replace(accepted_record, unready_at=now))
        detail = f"The restored index was not ready within {limit} (state: {state})."
        return _delete_index(_end_slow_restore(record, detail, now), now)
    job_duration = None if record.job is None else record.job.duration
    if (
        job_duration is not None and job_duration > record.max_duration
    ):  # a run that waited has ended it at the deadline
        detail = f"The restore took {format_length(job_duration)} (limit: {limit})."
        slow_record = replace(record, least_restore_time=job_duration)
        return _delete_index(_end_restore(slow_record, RestoreState.FAILED, detail, now), now)
    restored_record = replace(accepted_record, restore=RestoreState.COMPLETED, restore_detail="", restored_at=now)
    return _continue_validation(restored_record, found, now)


def _continue_validation(record: DrillRecord, found: RestoredIndex, now: datetime) -> Step:
    if record.unreadable_reason is not None:
        return Step(_skip_verification(record, record.unreadable_reason, now), ReadIndex(record.target_name))
    if not found.is_ready or found.host is None:
        reason = f"the restored index is not ready (state: {found.index.state or 'unknown'})"
        return _accept_failure(record, reason, now)
    return Step(record, VerifyIndex(found))


def _accept_verification(record: DrillRecord, verification: Verification, now: datetime) -> Step:
    if not _is_to_verify(record) or (not verification.is_conclusive and now < record.deadline):
        return Step(record)
    return _read_index(_end_validation(record, verification, now))


def _delete_index(record: DrillRecord, now: datetime) -> Step:
    """Delete the index that a read has just confirmed. A deletion that is repeated changes nothing."""
    if _is_deletion_late(record, now):
        return Step(_fail_late_deletion(record, "The index still exists", now))
    return Step(_begin_deletion(record, now), DeleteIndex())


def _begin_deletion(record: DrillRecord, now: datetime) -> DrillRecord:
    """Return a record whose deletion is requested. One that is requested already keeps its time and its details."""
    if record.deletion is DeletionState.REQUESTED:
        return record
    return replace(record, deletion=DeletionState.REQUESTED, deletion_requested_at=now, deletion_detail="")


def _is_deletion_late(record: DrillRecord, now: datetime) -> bool:
    """Return whether an attempt to delete the index has used its time. The next run begins another attempt."""
    return record.deletion is DeletionState.REQUESTED and now >= record.ends_by


def _fail_late_deletion(record: DrillRecord, fact: str, now: datetime) -> DrillRecord:
    length = format_length(now - (record.deletion_requested_at or record.deadline))
    cause = f" {record.deletion_detail}" if record.deletion_detail else ""
    return _fail_deletion(record, f"{fact} {length} after its deletion was requested.{cause}")
