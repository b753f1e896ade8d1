"""Test whole drills: the runner with the adapter of Pinecone, and a ledger in memory."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.application.drills.runner import DrillRunner
from backup_auditor.domain.drills.drill import DeletionState, DrillRecord, RestoreState, ValidationState
from backup_auditor.domain.drills.state_machine import compute_wait
from backup_auditor.domain.project_state import DrillResult
from backup_auditor_simulator.damages import Damage
from backup_auditor_simulator.model import IndexKind
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from support.builders.drills import TARGET_NAME
from support.drills import (
    DENSE_FIELDS,
    INTEGRATED_FIELDS,
    SPARSE_FIELDS,
    TEXT_FIELDS,
    MemoryArchive,
    MemoryLedger,
    SimulatedDrill,
    build_backed_up_project,
    open_simulated_drill,
)

pytestmark = pytest.mark.writes
MAX_ROUNDS = 1_000


@dataclass
class DrillRun:
    """A recorded drill that is advanced until nothing is left to do."""

    drill: SimulatedDrill
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    archive: MemoryArchive = field(default_factory=MemoryArchive)
    published: list[DrillRecord] = field(default_factory=list)

    def run(self) -> DrillRecord:
        """Advance the drill, and the clock of the project by the wait of each round, until it is stopped."""
        project = self.drill.server.project
        runner = DrillRunner(self.drill.project, self.ledger, self.archive, self.published.append, lambda: project.now)
        record = self.drill.record
        assert self.ledger.create_drill(record)
        for _ in range(MAX_ROUNDS):
            record = runner.advance(record)
            if not record.is_in_progress:
                return record
            project.advance(compute_wait(record, project.now))
        raise AssertionError(f"the drill does not end: {record}")

    def count_calls(self, method: str) -> int:
        """Count the requests of a method that would change the project."""
        return sum(it.method == method and it.is_write for it in self.drill.server.requests)


@contextmanager
def open_drill_run(project: SimulatedProject | None = None, **facts: Any) -> Iterator[DrillRun]:
    """Open a drill of the only backup of a project."""
    with open_simulated_drill(project) as drill:
        drill.record = replace(drill.record, **facts)
        yield DrillRun(drill)


@pytest.mark.parametrize(
    "fields",
    [DENSE_FIELDS, SPARSE_FIELDS, TEXT_FIELDS, INTEGRATED_FIELDS],
    ids=["dense", "sparse", "documents", "integrated"],
)
def test_a_drill_of_each_kind_of_index_passes(fields: dict[str, object]) -> None:
    """It restores once, verifies, deletes its index once, keeps its document, and publishes its result."""
    project = build_backed_up_project(fields)
    project.options.index_deletion_duration = timedelta(minutes=1)
    with open_drill_run(project) as run:
        record = run.run()
        counts = run.count_calls("POST"), run.count_calls("DELETE")
    assert (record.restore, record.validation, record.deletion) == (
        RestoreState.COMPLETED,
        ValidationState.PASSED,
        DeletionState.CONFIRMED,
    )
    assert record.result is DrillResult.PASSED
    assert record.restore_time == timedelta(minutes=10)
    assert (counts, list(project.indexes)) == ((1, 1), ["orders"])
    assert [it.drill_id for it in run.published] == [record.drill_id]
    (document,) = run.archive.documents
    assert json.loads(document)["restore"]["job"]["document"]["status"] == "Completed"
    assert [it.revision for it in run.ledger.revisions] == list(range(record.revision + 1))


def test_a_drill_that_cannot_read_records_only_restores() -> None:
    """An index of a private network is restored, not read, and deleted."""
    project = build_backed_up_project(kind=IndexKind.BYOC, environment="gcp-us-central1-b921")
    with open_drill_run(project, unreadable_reason="Its host answers only in its own network.") as run:
        record = run.run()
        assert not any(it.path.startswith("/data/") for it in run.drill.server.requests)
    assert (record.result, record.deletion) == (DrillResult.NOT_VERIFIED, DeletionState.CONFIRMED)


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([Fault(kind="reset_after_effect", path="*/create-index", times=1)], id="restore-lost"),
        pytest.param([Fault(kind="truncate", path="*/create-index", times=1)], id="restore-cut-off"),
        pytest.param([Fault(kind="reset_after_effect", method="DELETE", times=1)], id="deletion-lost"),
        pytest.param([Fault(kind="reset", method="DELETE", times=1)], id="deletion-not-received"),
        pytest.param([Fault(status=429, method="DELETE", times=9)], id="deletion-throttled"),
        pytest.param([Fault(status=404, path="/restore-jobs/*", times=3)], id="jobs-out"),
        pytest.param([Fault(status=503, path="/indexes/*", times=30)], id="index-unreadable"),
        pytest.param([Fault(status=503, path="/data/*", times=30)], id="records-unreadable"),
        pytest.param([Fault(status=429, path="*", probability=0.3, seed=7)], id="throttled"),
        pytest.param([Fault(kind="reset", method="GET", probability=0.3, seed=7)], id="resets"),
    ],
)
def test_a_drill_survives_a_fault(faults: list[Fault]) -> None:
    """It passes, creates one index, and leaves none."""
    project = build_backed_up_project()
    with open_drill_run(project) as run:
        run.drill.server.faults += faults
        record = run.run()
    assert record.result is DrillResult.PASSED, record
    assert record.deletion is DeletionState.CONFIRMED
    assert len([it for it in run.drill.server.requests if it.path.endswith("/create-index") and it.status == 202]) <= 1
    assert list(project.indexes) == ["orders"]


@pytest.mark.parametrize(
    "damage, result",
    [
        (Damage(kind="failed_restore"), DrillResult.FAILED),
        (Damage(kind="stuck_restore"), DrillResult.FAILED),
        (Damage(kind="missing_records"), DrillResult.FAILED),
        (Damage(kind="nan_values"), DrillResult.FAILED),
        (Damage(kind="wrong_dimension"), DrillResult.FAILED),
        (Damage(kind="wrong_schema"), DrillResult.FAILED),
        (Damage(kind="late_stats", seconds=120), DrillResult.PASSED),
    ],
    ids=lambda it: str(it.kind) if isinstance(it, Damage) else "",
)
def test_a_damaged_restore_has_its_result_and_leaves_no_index(damage: Damage, result: DrillResult) -> None:
    """Whatever the restored index is like, the drill deletes it."""
    damage.applied_count = 0
    project = build_backed_up_project()
    project.damages.append(damage)
    with open_drill_run(project, max_duration=timedelta(minutes=20), sample_size=6) as run:
        record = run.run()
    assert (record.result, record.deletion) == (result, DeletionState.CONFIRMED)
    assert list(project.indexes) == ["orders"]


def test_an_index_that_took_the_name_stays() -> None:
    """A drill whose name another index has restores nothing, and deletes nothing."""
    project = build_backed_up_project()
    project.create_index(TARGET_NAME)
    with open_drill_run(project, max_duration=timedelta(minutes=20)) as run:
        record = run.run()
        assert run.count_calls("DELETE") == 0
    assert (record.result, record.deletion) == (DrillResult.UNKNOWN, DeletionState.FAILED)
    assert set(project.indexes) == {"orders", TARGET_NAME}
