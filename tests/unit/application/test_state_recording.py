"""An audit is recorded after its evaluation, with the state of audits recorded meanwhile; an error loses no report."""

from dataclasses import replace

from backup_auditor.application.audit import evaluate_inventory
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.state_change import StateChange
from backup_auditor.domain.project_state import ProjectState
from backup_auditor.errors import ConflictingRecordError, StateError
from support.builders.audit_sequence import NON_COMPLIANT
from support.builders.facts import DAY, NOW, SECOND, build_complete_listing, build_index, build_inventory
from support.builders.reports import BUILT_IN_POLICY
from support.fakes.stores import PROJECT, FakeStore

NEGLECTED_INVENTORY = build_inventory(build_index(schedules=build_complete_listing(())))
NEXT_INVENTORY = replace(NEGLECTED_INVENTORY, observed_at=NOW + DAY)


class CrowdedStore(FakeStore):
    """A store in which others are quicker: each time one wants to record, the next of them is recorded first."""

    def __init__(self, *other_inventories: Inventory) -> None:
        """Take the states that other audits record."""
        super().__init__()
        self.other_inventories = list(other_inventories)

    def record(self, project: str, change: StateChange) -> None:
        """Let another audit be recorded first, if one is left."""
        if self.other_inventories:
            other_store = FakeStore()
            other_store.states = self.states
            evaluate_inventory(self.other_inventories.pop(0), BUILT_IN_POLICY, other_store)
        super().record(project, change)


class FailingStore(FakeStore):
    """A store that cannot be written, and cannot be read a second time."""

    def __init__(self, *, is_overtaken: bool) -> None:
        """Fail at once, or say that another audit was quicker."""
        super().__init__()
        self.is_overtaken = is_overtaken
        self.load_count = 0

    def load(self, project: str) -> ProjectState:
        """Fail the second time."""
        self.load_count += 1
        if self.load_count > 1:
            raise StateError("the disk is gone")
        return super().load(project)

    def record(self, project: str, change: StateChange) -> None:
        """Fail."""
        if self.is_overtaken:
            raise ConflictingRecordError("another audit was recorded at the same time")
        raise StateError(f"{project}: the disk is full at revision {change.revision}")


def list_lifecycles(store: FakeStore | None, inventory: Inventory = NEGLECTED_INVENTORY) -> set[str | None]:
    """Evaluate an inventory, and return the lifecycles of the non-compliant findings."""
    findings = evaluate_inventory(inventory, BUILT_IN_POLICY, store).report.findings
    return {it.lifecycle for it in findings if it.compliance is NON_COMPLIANT}


def test_without_a_store_nothing_is_reported_about_the_time_before() -> None:
    """A finding is neither new nor old."""
    assert list_lifecycles(None) == {None}


def test_an_audit_is_recorded_for_the_next() -> None:
    """A finding that another audit recorded meanwhile is ongoing."""
    store = FakeStore()
    assert list_lifecycles(store) == {"new"}
    assert list_lifecycles(store, NEXT_INVENTORY) == {"ongoing"}
    assert store.load(PROJECT).revision == 2


def test_the_same_audit_is_recorded_once() -> None:
    """The repeated audit gives the same report."""
    store = FakeStore()
    first_result = evaluate_inventory(NEGLECTED_INVENTORY, BUILT_IN_POLICY, store)
    second_result = evaluate_inventory(NEGLECTED_INVENTORY, BUILT_IN_POLICY, store)
    assert second_result.report == first_result.report
    assert (second_result.record, second_result.record_error) == (None, None)
    assert store.load(PROJECT).revision == 1


def test_what_was_recorded_meanwhile_is_evaluated_by() -> None:
    """The other was the first to find it: here it is ongoing, and both are recorded."""
    store = CrowdedStore(NEGLECTED_INVENTORY)
    result = evaluate_inventory(NEXT_INVENTORY, BUILT_IN_POLICY, store)
    assert {it.lifecycle for it in result.report.findings if it.compliance is NON_COMPLIANT} == {"ongoing"}
    assert result.record_error is None
    assert store.load(PROJECT).revision == 2


def test_an_audit_that_was_overtaken_by_a_later_one_changes_nothing() -> None:
    """An audit that is older than the recorded one changes nothing and has a note."""
    store = CrowdedStore(NEXT_INVENTORY)
    result = evaluate_inventory(NEGLECTED_INVENTORY, BUILT_IN_POLICY, store)
    assert result.notes == (
        "an audit of 2026-11-23T12:00:00Z is already recorded; the older audit of 2026-11-22T12:00:00Z changes nothing",
    )
    assert result.record_error is None
    assert store.load(PROJECT).observed_at == NEXT_INVENTORY.observed_at


def test_an_audit_that_is_overtaken_without_end_gives_up() -> None:
    """The audit has a report and the error of the record."""
    other_inventories = [replace(NEGLECTED_INVENTORY, observed_at=NOW + number * SECOND) for number in range(20)]
    result = evaluate_inventory(NEXT_INVENTORY, BUILT_IN_POLICY, CrowdedStore(*other_inventories))
    assert isinstance(result.record_error, ConflictingRecordError)
    assert result.report.findings


def test_a_state_that_cannot_be_written_loses_no_report() -> None:
    """A state that cannot be written, or read again, leaves the report valid."""
    for is_overtaken, message in ((False, "the disk is full at revision 1"), (True, "the disk is gone")):
        result = evaluate_inventory(NEGLECTED_INVENTORY, BUILT_IN_POLICY, FailingStore(is_overtaken=is_overtaken))
        assert isinstance(result.record_error, StateError)
        assert message in str(result.record_error)
        assert result.report.findings
