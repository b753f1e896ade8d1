"""An audit leaves out the temporary index of a running drill, and warns of one that was left behind."""

from dataclasses import replace

from backup_auditor.application.audit import evaluate_inventory, run_audit
from backup_auditor.domain.drill_indexes import build_drill_tags
from backup_auditor.domain.inventory import Inventory
from backup_auditor.ports.pinecone import NoProgress
from support.builders.facts import DAY, HOUR, NOW, build_drill_state, build_index, build_inventory, build_running_drill
from support.builders.reports import BUILT_IN_POLICY
from support.fakes.project_audit import FakeReader
from support.fakes.stores import PROJECT, FakeStore

DRILL = build_running_drill()
TARGET = build_index(
    DRILL.target_name, schedules=(), source_backup_id=DRILL.backup_id, tags=build_drill_tags(DRILL.drill_id)
)
NOTE = "The index drill-main-1a2b3c4d is the temporary index of a running restore drill: it is not audited."


def build_store() -> FakeStore:
    """Build a store whose state has the running drill."""
    store = FakeStore()
    store.states[PROJECT] = build_drill_state(DRILL)
    return store


def build_project() -> Inventory:
    """Build a project with an index, and the temporary index of the drill."""
    return build_inventory(build_index(), TARGET)


def test_the_index_of_a_running_drill_is_not_audited() -> None:
    """It has no finding, is not counted, and is named in a note."""
    store = build_store()
    result = evaluate_inventory(build_project(), BUILT_IN_POLICY, store)
    assert {it.resource.name for it in result.report.findings} == {"main", PROJECT}
    assert (result.report.inventory.indexes, result.notes, result.report.warnings) == (1, (NOTE,), ())
    assert list(store.load(PROJECT).indexes) == ["main"]
    assert store.load(PROJECT).drills == {DRILL.drill_id: DRILL}


def test_an_index_that_was_left_behind_is_audited_and_warned_of() -> None:
    """A day later the drill must have ended."""
    result = evaluate_inventory(replace(build_project(), observed_at=NOW + DAY), BUILT_IN_POLICY, build_store())
    assert {it.resource.name for it in result.report.findings} == {"main", DRILL.target_name, PROJECT}
    assert [it.partition(" (")[0] for it in result.report.warnings] == [
        "Restore drill running-drill of main left the index drill-main-1a2b3c4d behind"
    ]


def test_the_audit_has_the_same_id_whether_a_drill_is_known_or_not() -> None:
    """The id depends on what was read, not on the state."""
    known_result = evaluate_inventory(build_project(), BUILT_IN_POLICY, build_store())
    assert known_result.report.audit_id == evaluate_inventory(build_project(), BUILT_IN_POLICY).report.audit_id


def test_an_audit_that_reads_the_project_leaves_it_out_too() -> None:
    """What is read is divided by the state before anything is evaluated."""
    reader, store = FakeReader(TARGET), build_store()
    result = run_audit(reader, BUILT_IN_POLICY, project=PROJECT, observed_at=NOW, progress=NoProgress(), store=store)
    assert [it.index.name for it in result.inventory.drill_indexes] == [DRILL.target_name]
    assert result.inventory.indexes == ()


def test_an_audit_keeps_the_drills_of_deleted_indexes() -> None:
    """The drills are those of the ledger, which no audit changes."""
    leftover = replace(DRILL, drill_id="leftover", index_name="gone")
    ended_drill = replace(leftover, drill_id="ended", is_target_deleted=True)
    store = FakeStore()
    store.states[PROJECT] = build_drill_state(DRILL, leftover, ended_drill)
    result = evaluate_inventory(replace(build_project(), observed_at=NOW + HOUR), BUILT_IN_POLICY, store)
    assert sorted(store.load(PROJECT).drills) == ["ended", "leftover", DRILL.drill_id]
    assert result.report.warnings == ()
