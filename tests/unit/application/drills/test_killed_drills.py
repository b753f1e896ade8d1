"""Test that restore drills on AWS can be killed, repeated and late at every point, and run beside each other."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Barrier, Thread

import pytest

from backup_auditor.domain.drills.drill import DrillRecord
from backup_auditor.domain.project_state import DrillResult
from support.builders.facts import HOUR, MINUTE
from support.fakes.project_drill import DrillHarness, KilledError, add_kill_point

MAX_SWEEPS = 20


def finish_killed(harness: DrillHarness) -> None:
    """Repeat a killed request as its queue does, then sweep until nothing is in progress."""
    for _ in range(2):
        with suppress(KilledError):
            harness.run()
    harness.pinecone.is_restored = True
    for _ in range(MAX_SWEEPS):
        with suppress(KilledError):
            harness.sweep()
        if harness.records and not any(it.is_in_progress for it in harness.records):
            return
    raise AssertionError(f"a drill does not end: {harness.records}")


def count_points() -> int:
    """Return how many points a drill has that nothing kills."""
    harness = DrillHarness()
    point = add_kill_point(harness, 0)
    finish_killed(harness)
    return point.passed_count


POINT_COUNT = count_points()


@pytest.mark.parametrize("position", range(1, POINT_COUNT + 1))
def test_a_drill_that_is_killed_anywhere_leaves_no_index(position: int) -> None:
    """Wherever an invocation is killed, one index is created at most, none is left, and the result is published."""
    harness = DrillHarness()
    add_kill_point(harness, position)
    finish_killed(harness)
    (record,) = harness.records
    assert len(harness.pinecone.created_names) <= 1
    assert harness.pinecone.indexes == {}
    assert record.result in ({DrillResult.PASSED} if harness.pinecone.created_names else {DrillResult.UNKNOWN})
    # the event was accepted, and the invocation was killed before that was recorded
    assert 1 <= len(harness.bus.events) <= 2
    assert {it.detail["drill_id"] for it in harness.bus.events} == {record.drill_id}
    assert len(harness.metrics) == 1 or len(harness.bus.events) == 2


def test_a_drill_has_many_points() -> None:
    """The points include each write of the record, each call, the document and the event."""
    assert POINT_COUNT > 30


def test_a_late_request_starts_nothing() -> None:
    """A request that its queue delivers again after hours, when its drill has ended, starts no other."""
    harness = DrillHarness()
    harness.run()
    harness.finish()
    harness.now += 3 * HOUR
    harness.run()
    assert len(harness.records) == len(harness.pinecone.created_names) == 1


@pytest.mark.parametrize("request_ids", [("a", "a"), ("a", "b")], ids=["one-request", "two-requests"])
def test_two_runs_at_once_start_one_drill(request_ids: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two invocations at the same moment, one records the drill; the other starts none."""
    harness = DrillHarness()
    meet = Barrier(2)
    create_drill = harness.ledger.create_drill

    def create_together(record: DrillRecord) -> bool:
        meet.wait(timeout=30)  # both have seen that no drill exists
        return create_drill(record)

    monkeypatch.setattr(harness.ledger, "create_drill", create_together)
    run_together(*(partial(harness.run, it, is_direct=True) for it in request_ids))
    assert len(harness.records) == len(harness.pinecone.created_names) == 1
    harness.finish()
    assert harness.pinecone.indexes == {}


def test_two_sweeps_at_once_finish_one_drill() -> None:
    """Two sweeps at each moment create no second index and leave none; each write of the record is made once."""
    harness = DrillHarness()
    harness.run()
    harness.pinecone.is_restored = True
    for _ in range(6):
        harness.now += 5 * MINUTE
        run_together(*[partial(harness.run, "sweep", is_sweep=True)] * 2)
    (record,) = harness.records
    assert (record.result, record.is_in_progress, harness.pinecone.indexes) == (DrillResult.PASSED, False, {})
    assert len(harness.pinecone.created_names) == 1
    assert {it.detail["drill_id"] for it in harness.bus.events} == {record.drill_id}


def run_together(*works: Callable[[], object]) -> None:
    """Run works at the same time, and wait for all."""
    threads = [Thread(target=it) for it in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
