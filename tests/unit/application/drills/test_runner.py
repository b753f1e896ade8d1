"""Test that a drill is stored before each call, and that every run can be killed, repeated or late."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from backup_auditor.application.drills.runner import DrillRunner
from backup_auditor.domain.drills.drill import DeletionState, DrillRecord, RestoredIndex, RestoreState
from backup_auditor.domain.drills.state_machine import DeleteIndex, ReadIndex, ReadJob, RequestRestore, VerifyIndex
from backup_auditor.domain.drills.verification import CheckState
from backup_auditor.domain.project_state import DrillResult
from backup_auditor.errors import (
    BackupAuditorError,
    DrillPlanError,
    EvidenceError,
    ProjectMismatchError,
    StateError,
    UnavailableError,
)
from backup_auditor.rendering.drill_json import render_drill_document
from support.builders.drills import build_drill, build_target
from support.builders.facts import HOUR, NOW
from support.fakes.drills import FakeDrillArchive, FakeDrillProject
from support.fakes.stores import FakeDrillLedger


@dataclass
class Worker:
    """A runner over a ledger with the built drill, and what it published and showed."""

    project: FakeDrillProject = field(default_factory=FakeDrillProject)
    ledger: FakeDrillLedger = field(default_factory=FakeDrillLedger)
    archive: FakeDrillArchive = field(default_factory=FakeDrillArchive)
    published_results: list[DrillResult | None] = field(default_factory=list)
    changes: list[DrillRecord] = field(default_factory=list)
    publish_error: Exception | None = None
    now: Callable[[], datetime] = lambda: NOW

    def __post_init__(self) -> None:
        """Store the drill."""
        self.ledger.create_drill(build_drill())

    def publish(self, record: DrillRecord) -> None:
        """Keep a result, or refuse it."""
        if self.publish_error is not None:
            raise self.publish_error
        self.published_results.append(record.result)

    @property
    def stored_record(self) -> DrillRecord:
        """The drill as it is stored."""
        record = self.ledger.load_drill("default", 1)
        assert record is not None
        return record

    def advance(self, record: DrillRecord | None = None) -> DrillRecord:
        """Advance the drill as it is stored, or as a late run knows it."""
        runner = DrillRunner(
            self.project, self.ledger, self.archive, self.publish, self.now, on_change=self.changes.append
        )
        return runner.advance(record or self.stored_record)

    def finish(self) -> DrillRecord:
        """Advance the drill until nothing is left to do."""
        for _ in range(4):
            self.advance()
        return self.stored_record


def test_a_drill_passes_and_leaves_nothing() -> None:
    """The restore is requested once, the index is deleted, and the document is that of the stored record."""
    worker = Worker()
    record = worker.finish()
    assert (record.result, record.is_open, worker.project.index) == (DrillResult.PASSED, False, None)
    kinds = [type(it) for it in worker.project.calls]
    assert [it for it in kinds if it is not ReadIndex] == [RequestRestore, ReadJob, VerifyIndex, DeleteIndex]
    assert worker.published_results == [DrillResult.PASSED]
    assert record.evidence is not None
    documented_record = next(it for it in worker.changes if it.is_finished)
    assert worker.archive.documents == {record.evidence.location: render_drill_document(documented_record)}


def test_each_revision_is_stored_and_shown_once() -> None:
    """The shown records are all revisions after the first, in their order."""
    worker = Worker()
    record = worker.finish()
    assert [it.revision for it in worker.changes] == list(range(1, record.revision + 1))


def test_a_finished_drill_needs_no_call() -> None:
    """A repeated run makes no call, stores nothing and publishes nothing."""
    worker = Worker()
    record = worker.finish()
    call_count, change_count = len(worker.project.calls), len(worker.changes)
    assert worker.advance() == record
    assert (len(worker.project.calls), len(worker.changes)) == (call_count, change_count)
    assert len(worker.published_results) == 1


def test_a_late_run_leaves_the_drill_to_the_run_that_advanced_it() -> None:
    """A run that knows an older revision makes no call and returns the stored record."""
    worker = Worker()
    worker.advance()
    assert worker.advance(build_drill()) == worker.stored_record
    assert [type(it) for it in worker.project.calls] == [RequestRestore]


def test_a_run_that_waited_takes_up_the_stored_record() -> None:
    """Of two runs at once, the other finishes the drill: this one stops, and neither reads nor waits any more."""
    worker = Worker()
    waiting_record = worker.advance()
    ended_record = worker.finish()
    call_count = len(worker.project.calls)
    assert worker.advance(waiting_record) == ended_record
    assert (len(worker.project.calls), ended_record.is_in_progress) == (call_count, False)


def test_nothing_is_requested_unless_it_is_recorded() -> None:
    """If the ledger cannot store the request, it is not sent."""

    class FullLedger(FakeDrillLedger):
        def replace_drill(self, record: DrillRecord) -> bool:
            raise StateError(f"revision {record.revision} cannot be stored: the disk is full")

    worker = Worker(ledger=FullLedger())
    with pytest.raises(StateError, match="disk"):
        worker.advance(build_drill())
    assert worker.project.calls == []


def test_a_run_that_ended_after_the_request_was_recorded_does_not_repeat_it() -> None:
    """The next run reads: whether the request was sent is unknown."""
    worker = Worker()
    worker.ledger.replace_drill(replace(build_drill(), restore=RestoreState.REQUESTED, requested_at=NOW, revision=1))
    worker.advance()
    assert [type(it) for it in worker.project.calls] == [ReadIndex]


def test_a_document_that_could_not_be_stored_is_stored_by_the_next_run() -> None:
    """The result is recorded first; the next run stores the document and publishes, without a call."""
    worker = Worker()
    worker.archive.is_full = True
    with pytest.raises(EvidenceError, match="full"):
        worker.finish()
    assert (worker.stored_record.result, worker.published_results) == (DrillResult.PASSED, [])
    assert worker.stored_record.is_in_progress
    call_count = len(worker.project.calls)
    worker.archive.is_full = False
    assert not worker.advance().is_open
    assert (len(worker.project.calls), worker.published_results) == (call_count, [DrillResult.PASSED])


def test_a_result_that_was_not_accepted_is_published_by_the_next_run() -> None:
    """The document is stored once."""
    worker = Worker(publish_error=StateError("the bus is not available"))
    with pytest.raises(StateError, match="bus"):
        worker.finish()
    assert worker.stored_record.published_at is None
    worker.publish_error = None
    assert worker.advance().published_at == NOW
    assert (len(worker.archive.documents), len(worker.published_results)) == (1, 1)


@pytest.mark.parametrize(
    "state,result",
    [(CheckState.FAILED, DrillResult.FAILED), (CheckState.NOT_VERIFIED, DrillResult.NOT_VERIFIED)],
)
def test_the_index_is_deleted_whatever_the_result(state: CheckState, result: DrillResult) -> None:
    """A drill that proves nothing leaves nothing either."""
    worker = Worker(FakeDrillProject(state))
    assert (worker.finish().result, worker.project.index) == (result, None)


def test_a_reopened_drill_is_stored_before_its_index_is_deleted() -> None:
    """A drill whose index exists again is open again; of two runs that open it, one stores it."""
    worker = Worker()
    record = worker.finish()
    open_record = replace(record, deletion=DeletionState.PENDING, evidence=None, revision=record.revision + 1)
    runner = DrillRunner(worker.project, worker.ledger, worker.archive, worker.publish, worker.now)
    assert runner.reopen(open_record) == worker.stored_record == open_record
    assert runner.reopen(open_record) == open_record
    assert runner.reopen(record) == open_record


OTHER_PROJECT = ProjectMismatchError("default", "project-1", "project-2")
UNREAD = UnavailableError("503")


@pytest.mark.parametrize(
    "confirmation,error",
    [
        pytest.param(OTHER_PROJECT, ProjectMismatchError, id="other"),
        pytest.param(False, DrillPlanError, id="unknown"),
        pytest.param(UNREAD, UnavailableError, id="unread"),
    ],
)
def test_a_restore_is_requested_only_in_the_project_of_the_drill(
    confirmation: bool | BackupAuditorError, error: type[BackupAuditorError]
) -> None:
    """With a key that may be of another project, nothing is recorded and no call is made."""
    worker = Worker(FakeDrillProject(confirmation=confirmation))
    with pytest.raises(error):
        worker.advance()
    assert (worker.stored_record, worker.project.calls) == (build_drill(), [])


def build_restored_worker(confirmation: bool | BackupAuditorError, index: RestoredIndex | None = None) -> Worker:
    """Build a worker whose index was restored and verified with a key, and that has this key now."""
    worker = Worker(FakeDrillProject(CheckState.PASSED))
    worker.advance()
    worker.advance()
    worker.project.index, worker.project.confirmation = index, confirmation
    return worker


@pytest.mark.parametrize(
    "index",
    [None, build_target(source_backup_id="run-2"), build_target(tags={})],
    ids=["missing", "of-another-backup", "without-tags"],
)
@pytest.mark.parametrize(
    "confirmation,error", [(OTHER_PROJECT, ProjectMismatchError), (False, DrillPlanError)], ids=["other", "unknown"]
)
def test_an_index_that_is_missing_in_another_project_shows_nothing(
    confirmation: bool | BackupAuditorError, error: type[BackupAuditorError], index: RestoredIndex | None
) -> None:
    """A key of another project leaves the record as it is, and the next run with the right key deletes the index."""
    worker = build_restored_worker(confirmation, index)
    record = worker.stored_record
    assert record.deletion is DeletionState.REQUESTED
    with pytest.raises(error):
        worker.advance()
    assert worker.stored_record == record
    worker.project.index, worker.project.confirmation = build_target(), False  # the index itself confirms the project
    assert worker.advance().revision == record.revision
    worker.project.confirmation = True
    assert worker.advance().is_finished
    assert worker.published_results == [DrillResult.PASSED]


def test_a_project_that_cannot_be_read_now_is_read_again() -> None:
    """A failed read neither confirms the deletion nor ends the run."""
    worker = build_restored_worker(UNREAD)
    record = worker.stored_record
    assert worker.advance() == record
    worker.project.confirmation = True
    assert worker.advance().is_finished


def test_a_project_that_stays_unknown_does_not_stay_in_progress() -> None:
    """Once its time has passed, its index counts as not deleted, its result is published, and only runs try again."""
    worker = build_restored_worker(False)
    worker.now = lambda: NOW + 8 * HOUR
    record = worker.advance()
    assert (record.deletion, record.is_in_progress, record.is_open) == (DeletionState.FAILED, False, True)
    assert "whether the key belongs to the Pinecone project of restore drill" in record.deletion_detail
    assert worker.advance() == record
    assert worker.published_results == [DrillResult.PASSED]


def test_the_message_names_the_project_of_the_drill() -> None:
    """Without a backup or a schedule that shows the project, the message has its id and what to do."""
    worker = Worker(FakeDrillProject(confirmation=False))
    with pytest.raises(DrillPlanError) as it:
        worker.advance(build_drill(pinecone_project_id="project-1"))
    assert str(it.value) == (
        "whether the key belongs to the Pinecone project project-1 of restore drill 5f5f5f5f5f5f5f5f is unknown: it"
        " reads neither backup run-1 nor a schedule of that project; use the key with which the drill was started"
    )
