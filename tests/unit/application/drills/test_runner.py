"""Test that a drill is stored before each call, and that every run can be killed, repeated or late."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from backup_auditor.application.drills.runner import DrillRunner
from backup_auditor.domain.drills.drill import DeletionState, DrillRecord, RestoreState
from backup_auditor.domain.drills.state_machine import DeleteIndex, ReadIndex, ReadJob, RequestRestore, VerifyIndex
from backup_auditor.domain.drills.verification import CheckState
from backup_auditor.domain.project_state import DrillResult
from backup_auditor.errors import EvidenceError, StateError
from backup_auditor.rendering.drill_document import render_drill_document
from support.builders.drills import build_drill
from support.builders.facts import NOW
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
