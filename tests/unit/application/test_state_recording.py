"""An audit is recorded once it is judged; what was recorded meanwhile is judged by, and a failure loses no report."""

from dataclasses import replace

from backup_auditor.application.audit import evaluate_inventory
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.state_change import StateChange
from backup_auditor.domain.project_state import ProjectState
from backup_auditor.errors import ConflictingRecordError, StateError
from support.builders.audit_sequence import NON_COMPLIANT
from support.builders.facts import DAY, NOW, SECOND, index, inventory, whole
from support.builders.reports import BUILT_IN
from support.fakes.stores import PROJECT, FakeStore

NEGLECTED = inventory(index(schedules=whole(())))
NEXT = replace(NEGLECTED, observed_at=NOW + DAY)


class CrowdedStore(FakeStore):
    """A store in which others are quicker: each time one wants to record, the next of them is recorded first."""

    def __init__(self, *others: Inventory) -> None:
        """Take what the others read."""
        super().__init__()
        self.others = list(others)

    def record(self, project: str, change: StateChange) -> None:
        """Let another audit be recorded first, if one is left."""
        if self.others:
            quicker = FakeStore()
            quicker.memories = self.memories
            evaluate_inventory(self.others.pop(0), BUILT_IN, quicker)
        super().record(project, change)


class FailingStore(FakeStore):
    """A store that cannot be written, and cannot be read a second time."""

    def __init__(self, *, is_crowded: bool) -> None:
        """Fail at once, or say that another audit was quicker."""
        super().__init__()
        self.is_crowded = is_crowded
        self.loads = 0

    def load(self, project: str) -> ProjectState:
        """Fail the second time."""
        self.loads += 1
        if self.loads > 1:
            raise StateError("the disk is gone")
        return super().load(project)

    def record(self, project: str, change: StateChange) -> None:
        """Fail."""
        if self.is_crowded:
            raise ConflictingRecordError("another audit was recorded meanwhile")
        raise StateError(f"{project}: the disk is full at revision {change.revision}")


def lifecycles(store: FakeStore | None, told: Inventory = NEGLECTED) -> set[str | None]:
    """Judge an inventory, and return the lifecycles of what is non-compliant."""
    found = evaluate_inventory(told, BUILT_IN, store).report.findings
    return {it.lifecycle for it in found if it.compliance is NON_COMPLIANT}


def test_without_a_store_nothing_is_told_of_the_time_before() -> None:
    """A finding is neither new nor old."""
    assert lifecycles(None) == {None}


def test_an_audit_is_recorded_for_the_next() -> None:
    """What was new is ongoing."""
    store = FakeStore()
    assert lifecycles(store) == {"new"}
    assert lifecycles(store, NEXT) == {"ongoing"}
    assert store.load(PROJECT).revision == 2


def test_the_same_audit_is_recorded_once() -> None:
    """It says the same."""
    store = FakeStore()
    first = evaluate_inventory(NEGLECTED, BUILT_IN, store)
    again = evaluate_inventory(NEGLECTED, BUILT_IN, store)
    assert again.report == first.report
    assert (again.record, again.record_error) == (None, None)
    assert store.load(PROJECT).revision == 1


def test_what_was_recorded_meanwhile_is_judged_by() -> None:
    """The other was the first to find it: here it is ongoing, and both are recorded."""
    store = CrowdedStore(NEGLECTED)
    done = evaluate_inventory(NEXT, BUILT_IN, store)
    assert {it.lifecycle for it in done.report.findings if it.compliance is NON_COMPLIANT} == {"ongoing"}
    assert done.record_error is None
    assert store.load(PROJECT).revision == 2


def test_an_audit_that_was_overtaken_by_a_later_one_changes_nothing() -> None:
    """And says so."""
    store = CrowdedStore(NEXT)
    done = evaluate_inventory(NEGLECTED, BUILT_IN, store)
    assert done.notes == (
        "an audit of 2026-11-23T12:00:00Z is already recorded; this one, of 2026-11-22T12:00:00Z, changes nothing",
    )
    assert done.record_error is None
    assert store.load(PROJECT).observed_at == NEXT.observed_at


def test_an_audit_that_is_overtaken_without_end_gives_up() -> None:
    """It reports, and says that it was not recorded."""
    others = [replace(NEGLECTED, observed_at=NOW + number * SECOND) for number in range(20)]
    done = evaluate_inventory(NEXT, BUILT_IN, CrowdedStore(*others))
    assert isinstance(done.record_error, ConflictingRecordError)
    assert done.report.findings


def test_a_state_that_cannot_be_written_loses_no_report() -> None:
    """Neither does one that cannot be read again."""
    for is_crowded, said in ((False, "the disk is full at revision 1"), (True, "the disk is gone")):
        done = evaluate_inventory(NEGLECTED, BUILT_IN, FailingStore(is_crowded=is_crowded))
        assert isinstance(done.record_error, StateError)
        assert said in str(done.record_error)
        assert done.report.findings
