"""The record of one restore drill, and what was observed of its restore job and its temporary index."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from backup_auditor.domain.audit_record import StoredFile, TimeRange
from backup_auditor.domain.drill_indexes import DRILL_TAG, build_drill_tags
from backup_auditor.domain.drills.verification import CheckState, ExpectedContent, Verification
from backup_auditor.domain.model import ApiCall, Index
from backup_auditor.domain.project_state import DrillResult, KnownDrill
from backup_auditor.domain.text import quote_segment
from backup_auditor.domain.timefmt import shift_moment
from backup_auditor.errors import ProjectMismatchError

CLEANUP_TIME = timedelta(hours=1)
"""How long the deletion of a temporary index may take before the index counts as left behind."""


class RestoreState(StrEnum):
    """The state of the restore."""

    NOT_REQUESTED = "not_requested"
    REQUESTED = "requested"
    """The request was or may have been sent; the restore is not finished."""
    COMPLETED = "completed"
    """The job is completed, and the index is ready."""
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It ended before it was known whether the index was restored."""


class ValidationState(StrEnum):
    """The state of the verification."""

    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"
    NOT_VERIFIED = "not_verified"
    SKIPPED = "skipped"
    """There was no restored index to verify."""


class DeletionState(StrEnum):
    """The state of the temporary index."""

    PENDING = "pending"
    """It may exist, and is not to be deleted yet, or was not asked to be deleted yet."""
    REQUESTED = "requested"
    """The request to delete it was or may have been sent."""
    FAILED = "failed"
    """It may exist, and could not be deleted. The next run tries again."""
    CONFIRMED = "confirmed"
    """It certainly does not exist."""


class JobState(StrEnum):
    """The state of a restore job. An unknown status of Pinecone counts as pending."""

    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class RestoreJob:
    """A restore job, as Pinecone returned it."""

    job_id: str
    backup_id: str
    target_name: str
    state: JobState
    created_at: datetime | None = None
    completed_at: datetime | None = None
    document: Mapping[str, object] = field(default_factory=dict)
    """The documented parts of the response. Pinecone forgets a job once its index is deleted: the last one is kept."""

    @property
    def duration(self) -> timedelta | None:
        """How long it took; `None` without its times."""
        if self.created_at is None or self.completed_at is None:
            return None
        return max(self.completed_at - self.created_at, timedelta())


@dataclass(frozen=True, slots=True)
class RestoredIndex:
    """The index that has the name of the temporary index, with what verification needs.

    Only API version 2026-07 reports the source backup of an index. With an older one no index is ever confirmed, so
    a drill needs that version.
    """

    index: Index
    is_ready: bool
    host: str | None = None
    """Where its records are read; `None` while it is initializing."""
    dimension: int | None = None
    metric: str | None = None
    vector_type: str | None = None
    vector_field: str | None = None
    """The field of its documents that has their vector; `None` if its schema has none."""


@dataclass(frozen=True, slots=True)
class RestorePoint:
    """The backup that a drill restores."""

    backup_id: str
    captured_at: datetime | None
    size_bytes: int
    expected: ExpectedContent


@dataclass(frozen=True, slots=True)
class DrillRecord:
    """The record of one drill. It is stored before each call that changes something.

    A store replaces a record only by one whose revision is higher by one. So of two workers, one makes the call.
    """

    drill_id: str
    project: str
    number: int
    """The number of the drill in its project, from 1. Of two runs that start a drill at once, one gets the number."""
    index_name: str
    index_id: str
    point: RestorePoint
    target_name: str
    """The name of the temporary index. It is chosen once and never changes."""
    plan_id: str
    actor: str
    max_duration: timedelta
    """How long restore and verification may take together."""
    sample_size: int
    """How many records to read at most."""
    chosen_at: datetime
    pinecone_project_id: str | None = None
    """Pinecone's id of the project; `None` if nothing that was read has it."""
    unreadable_reason: str | None = None
    """Why the records of the restored index cannot be read from here, if they cannot: the drill only restores."""
    restore: RestoreState = RestoreState.NOT_REQUESTED
    validation: ValidationState = ValidationState.PENDING
    deletion: DeletionState = DeletionState.PENDING
    requested_at: datetime | None = None
    restored_at: datetime | None = None
    verified_at: datetime | None = None
    """When the result was known."""
    unready_at: datetime | None = None
    """When a read last found that the index was not ready although its job was completed."""
    deletion_requested_at: datetime | None = None
    """When the last attempt to delete the index began."""
    deleted_at: datetime | None = None
    restore_detail: str = ""
    """Why the restore failed or is unknown, as a sentence."""
    validation_detail: str = ""
    deletion_detail: str = ""
    is_accepted: bool = False
    """Whether Pinecone certainly accepted the restore."""
    target_index_id: str | None = None
    job_id: str | None = None
    job: RestoreJob | None = None
    """The restore job as it was last read."""
    verification: Verification | None = None
    least_restore_time: timedelta | None = None
    """How long the restore took at least, if it was certainly not completed at the deadline."""
    evidence: StoredFile | None = None
    """The stored document of the drill; `None` if none is stored since the record last changed."""
    published_at: datetime | None = None
    """When the result was published; `None` until then."""
    revision: int = 0

    @property
    def deadline(self) -> datetime:
        """When restore and verification end at the latest."""
        return shift_moment(self.requested_at or self.chosen_at, self.max_duration)

    @property
    def ends_by(self) -> datetime:
        """When the temporary index counts as left behind. A late run has the same time for its deletion."""
        starts = self.deadline, self.verified_at or self.deadline, self.deletion_requested_at or self.deadline
        return shift_moment(max(starts), CLEANUP_TIME)

    @property
    def restore_call(self) -> ApiCall:
        """The call that restores the backup. Tags that are left out would be those of the backup."""
        body = {
            "name": self.target_name,
            "tags": build_drill_tags(self.drill_id),
            "deletion_protection": "disabled",
        }
        return ApiCall("POST", f"/backups/{quote_segment(self.point.backup_id)}/create-index", body)

    @property
    def restore_time(self) -> timedelta | None:
        """How long the restore took; `None` if it did not complete.

        The job's own times are exact, but its index can be ready later: then it is the time until a read last found
        the index not ready. Without the times of the job, it is the time until a read found the restore completed.
        """
        if self.restore is not RestoreState.COMPLETED or self.requested_at is None or self.restored_at is None:
            return None
        job_duration = None if self.job is None else self.job.duration
        if job_duration is None:
            return max(self.restored_at - self.requested_at, timedelta())
        return max(job_duration, (self.unready_at or self.requested_at) - self.requested_at)

    @property
    def result(self) -> DrillResult | None:
        """The result; `None` while it is open. The deletion of the temporary index does not change it."""
        if self.validation is ValidationState.PENDING:
            return None
        if self.validation is ValidationState.SKIPPED:
            return DrillResult.FAILED if self.restore is RestoreState.FAILED else DrillResult.UNKNOWN
        return _RESULTS[self.validation]

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do: the result is known, and the temporary index certainly does not exist."""
        return self.validation is not ValidationState.PENDING and self.deletion is DeletionState.CONFIRMED

    @property
    def is_stopped(self) -> bool:
        """Whether a run can do nothing more in Pinecone. What could not be deleted is left to the next run."""
        return self.is_finished or self.deletion is DeletionState.FAILED

    @property
    def is_settled(self) -> bool:
        """Whether the document of the record is stored, and its result was published."""
        return self.evidence is not None and self.published_at is not None

    @property
    def is_in_progress(self) -> bool:
        """Whether a run has anything left to do."""
        return not (self.is_stopped and self.is_settled)

    @property
    def is_open(self) -> bool:
        """Whether the next run has anything left to do: also what this run could not delete."""
        return not (self.is_finished and self.is_settled)


_RESULTS = {
    ValidationState.PASSED: DrillResult.PASSED,
    ValidationState.FAILED: DrillResult.FAILED,
    ValidationState.NOT_VERIFIED: DrillResult.NOT_VERIFIED,
}
VALIDATION_STATES = {
    CheckState.PASSED: ValidationState.PASSED,
    CheckState.FAILED: ValidationState.FAILED,
    CheckState.NOT_VERIFIED: ValidationState.NOT_VERIFIED,
}
"""The state of the validation by the state of its checks."""


class Ownership(StrEnum):
    """Whether an index is the temporary index of a drill."""

    OWN = "own"
    """Name, tags, source backup and record agree."""
    OTHER = "other"
    """It was restored from another backup."""
    UNCONFIRMED = "unconfirmed"
    """A tag is missing or different, or the source backup is unknown. It is never deleted."""


def find_ownership(record: DrillRecord, index: Index) -> Ownership:
    """Return whether an index is the temporary index of a drill, by its name, its tags and its source backup."""
    if index.source_backup_id not in (None, record.point.backup_id):
        return Ownership.OTHER
    are_tags_own = build_drill_tags(record.drill_id).items() <= index.tags.items()
    is_own = index.name == record.target_name and index.source_backup_id is not None and are_tags_own
    return Ownership.OWN if is_own else Ownership.UNCONFIRMED


def require_same_project(record: DrillRecord, found_id: str | None) -> bool:
    """Return whether Pinecone's id of a project shows that it is the one of a drill; `False` if either is unknown.

    Raises `ProjectMismatchError` if it is another project.
    """
    recorded_id = record.pinecone_project_id
    if recorded_id is None or found_id is None:
        return False
    if recorded_id != found_id:
        remedy = f"use a key of Pinecone project {recorded_id} to continue restore drill {record.drill_id}"
        raise ProjectMismatchError(record.project, recorded_id, found_id, remedy)
    return True


def describe_unconfirmed(record: DrillRecord, index: Index) -> str:
    """Return why an index is not confirmed as the temporary index of a drill, and what to do."""
    backup_text = index.source_backup_id or "unknown"
    tag_text = index.tags.get(DRILL_TAG) or "missing"
    return (
        f"The index {record.target_name} is not confirmed as that of this drill (source backup: {backup_text}, tag"
        f" {DRILL_TAG}: {tag_text}); delete it yourself if nothing uses it."
    )


def find_open_drills(records: Iterable[DrillRecord], indexes: Iterable[Index]) -> list[DrillRecord]:
    """Return the drills that a run has to continue, oldest first: the open ones, and those whose index exists again.

    A restore can take effect after its drill has ended. Then the deletion of its index is open again.
    """
    indexes_by_name = {it.name: it for it in indexes}
    open_records = []
    for record in sorted(records, key=lambda it: (it.chosen_at, it.drill_id)):
        index = indexes_by_name.get(record.target_name)
        is_back = index is not None and find_ownership(record, index) is Ownership.OWN and not index.is_terminating
        if record.is_finished and is_back:
            detail = "The index exists although its deletion was confirmed."
            open_records.append(
                replace(
                    record,
                    deletion=DeletionState.PENDING,
                    deletion_detail=detail,
                    deleted_at=None,
                    evidence=None,
                    revision=record.revision + 1,
                )
            )
        elif record.is_open:
            open_records.append(record)
    return open_records


def filter_drills(records: Iterable[DrillRecord], time_range: TimeRange) -> list[DrillRecord]:
    """Return the drills that ended within a time range; of those without a result, the ones that started within it."""
    return [it for it in records if (it.verified_at or it.chosen_at) in time_range]


def build_known_drill(record: DrillRecord) -> KnownDrill:
    """Return what audits need to know about a drill."""
    return KnownDrill(
        drill_id=record.drill_id,
        index_id=record.index_id,
        index_name=record.index_name,
        backup_id=record.point.backup_id,
        target_name=record.target_name,
        started_at=record.chosen_at,
        ends_by=record.ends_by,
        result=record.result,
        ended_at=record.verified_at,
        restore_time=record.restore_time,
        is_target_deleted=record.deletion is DeletionState.CONFIRMED,
        least_restore_time=record.least_restore_time,
        is_deletion_failed=record.deletion is DeletionState.FAILED,
    )


def compute_drill_id(project: str, backup_id: str, target_name: str) -> str:
    """Return the id of a drill: a hash of its project, its backup and the name of its temporary index."""
    identity = f"{project}\0{backup_id}\0{target_name}"
    return hashlib.sha256(identity.encode(errors="surrogatepass")).hexdigest()[:16]
