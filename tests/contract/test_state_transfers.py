"""Test that a state that is moved from one kind of store to another keeps every record."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from backup_auditor.adapters.dynamodb.drill_ledger import DynamoDrillLedger
from backup_auditor.adapters.dynamodb.remediation_log import DynamoRemediationLog
from backup_auditor.adapters.dynamodb.state_transfer import DynamoTransfer
from backup_auditor.adapters.sqlite.state_transfer import open_transfer
from backup_auditor.adapters.state_file import encode_state, load_exported_state
from backup_auditor.domain.drills.drill import build_known_drill
from backup_auditor.domain.exported_state import ExportedState, build_import
from backup_auditor.domain.lifecycle.state_change import diff_states
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.errors import ConflictingRecordError, StateError
from backup_auditor.ports.stores import StateTransfer
from support.aws.dynamodb import list_chunk_names, open_table
from support.builders.exported_states import ATTEMPT, AUDIT, DRILLS, PLAN, PROJECT, RUNNING_DRILL, build_exported_state
from support.builders.facts import DAY, NOW
from support.fakes.stores import STATES

type OpenStore = Callable[[], AbstractContextManager[StateTransfer]]
EMPTY = ExportedState(PROJECT, EMPTY_STATE)
LATER = replace(
    build_exported_state(),
    state=ProjectState(revision=1, audit_id="a-3", observed_at=NOW + DAY),
    audits=(AUDIT, replace(AUDIT, audit_id="a-3", observed_at=NOW + DAY)),
    plans=(),
    attempts=(replace(ATTEMPT, detail="Changed."), replace(ATTEMPT, attempt=2)),
    drills=(replace(RUNNING_DRILL, validation_detail="Changed."), replace(RUNNING_DRILL, number=3, drill_id="d-3")),
)


@contextmanager
def open_sqlite() -> Iterator[StateTransfer]:
    """Create a file for one test."""
    with tempfile.TemporaryDirectory() as folder, open_transfer(Path(folder) / "state", is_writable=True) as store:
        yield store


@contextmanager
def open_dynamodb() -> Iterator[StateTransfer]:
    """Create a table for one test."""
    with open_table() as (client, table):
        yield DynamoTransfer(client, table)


every_store = pytest.mark.parametrize(
    "open_store", [pytest.param(it, id=it.__name__) for it in (open_sqlite, open_dynamodb)]
)


def move_state(exported: ExportedState, store: StateTransfer) -> ExportedState:
    """Import a state as a file has it, and export it again."""
    state_import = build_import(exported, store.export_state(PROJECT))
    assert state_import is not None
    store.import_state(state_import)
    return store.export_state(PROJECT)


@every_store
def test_a_new_store_exports_an_empty_state(open_store: OpenStore) -> None:
    """A store without records of a project exports an empty state."""
    with open_store() as store:
        assert store.export_state(PROJECT) == EMPTY


@every_store
@pytest.mark.parametrize("backup_count", [1, 2000])
def test_every_record_is_moved(open_store: OpenStore, backup_count: int) -> None:
    """The state that is exported after an import equals the imported one, with its revision."""
    exported = build_exported_state(backup_count)
    with open_store() as store:
        assert move_state(exported, store) == exported
        assert store.export_state("other").is_empty


@settings(max_examples=max(settings().max_examples // 3, 1))
@given(state=STATES)
def test_a_state_has_the_same_bytes_after_two_moves(state: ProjectState) -> None:
    """A state that is moved from a file to a table and back is exported with the same bytes."""
    exported = replace(build_exported_state(), state=replace(state, revision=7))
    with (
        open_sqlite() as first,
        open_dynamodb() as table,
        open_sqlite() as second,
        tempfile.TemporaryDirectory() as tmp,
    ):
        path = Path(tmp) / "state.jsonl"
        texts = []
        for store in (first, table, second):
            exported = move_state(exported, store)
            texts.append("".join(f"{it}\n" for it in encode_state(exported, "0.1.0")))
            path.write_text(texts[-1], encoding="utf-8")
            exported = load_exported_state(path)
    assert texts[0] == texts[1] == texts[2]


@every_store
def test_an_import_replaces_every_record(open_store: OpenStore) -> None:
    """After an import, the store has only the imported records, under a higher revision."""
    with open_store() as store:
        move_state(build_exported_state(60), store)
        imported = move_state(LATER, store)
        assert replace(imported, state=imported.state.without_derived()) == replace(
            LATER, state=replace(LATER.state, revision=13)
        )
        assert imported.state.first_backup_ids == {"b-1"}
        assert imported.state.drills == {it.drill_id: build_known_drill(it) for it in LATER.drills}


@every_store
def test_a_repeated_import_changes_nothing(open_store: OpenStore) -> None:
    """A store that has the exported state needs no import."""
    exported = build_exported_state()
    with open_store() as store:
        move_state(exported, store)
        assert build_import(exported, store.export_state(PROJECT)) is None


@every_store
def test_an_import_after_a_concurrent_audit_is_refused(open_store: OpenStore) -> None:
    """An import that was built before another recording raises an error and changes nothing."""
    with open_store() as store:
        late_import = build_import(LATER, EMPTY)
        assert late_import is not None
        recorded = move_state(build_exported_state(), store)
        with pytest.raises(ConflictingRecordError):
            store.import_state(late_import)
        assert store.export_state(PROJECT) == recorded


@every_store
def test_an_audit_that_read_the_earlier_state_is_refused(open_store: OpenStore) -> None:
    """An audit that has loaded the state before an import cannot be recorded, whatever revision the file has."""
    exported = build_exported_state()
    with open_store() as store:
        before = move_state(exported, store)
        older = replace(exported, state=replace(exported.state, revision=12, audit_id="a-9"))
        imported = move_state(older, store)
        late_change = diff_states(before.state, replace(before.state, revision=13))
        assert late_change is not None
        late_import = build_import(LATER, before)
        assert late_import is not None
        with pytest.raises(ConflictingRecordError):
            store.import_state(replace(late_import, state_change=late_change))
        assert store.export_state(PROJECT) == imported


def test_an_import_into_a_file_that_fails_changes_nothing() -> None:
    """A record that the file cannot store at the end of an import takes everything before it back."""
    exported = build_exported_state()
    too_large = replace(LATER, attempts=(replace(ATTEMPT, attempt=1 << 70),))
    with open_sqlite() as store:
        recorded = move_state(exported, store)
        state_import = build_import(too_large, recorded)
        assert state_import is not None
        with pytest.raises(StateError):
            store.import_state(state_import)
        assert store.export_state(PROJECT) == recorded


def test_events_of_imported_actions_are_not_published_again() -> None:
    """An imported attempt in a table is not among those whose event has to be published."""
    with open_table() as (client, table):
        move_state(build_exported_state(), DynamoTransfer(client, table))
        log = DynamoRemediationLog(client, table)
        assert log.list_attempts(PROJECT) == [ATTEMPT]
        assert log.list_unpublished(PROJECT) == []
        assert log.load_plan(PROJECT, PLAN.plan_id) == PLAN


def test_an_imported_drill_in_progress_is_found_by_a_sweep() -> None:
    """A drill in progress is among those that a run has to continue, until an import deletes it."""
    with open_table() as (client, table):
        store, ledger = DynamoTransfer(client, table), DynamoDrillLedger(client, table)
        move_state(build_exported_state(), store)
        assert ledger.list_drills(PROJECT) == [*DRILLS]
        assert ledger.list_projects_in_progress() == [PROJECT]
        move_state(replace(build_exported_state(), drills=DRILLS[:1]), store)
        assert ledger.list_projects_in_progress() == []


@every_store
@pytest.mark.parametrize(
    "exported",
    [
        pytest.param(replace(LATER, drills=(replace(RUNNING_DRILL, revision=9),)), id="replaced"),
        pytest.param(replace(LATER, drills=()), id="deleted"),
        pytest.param(replace(LATER, drills=(*DRILLS, replace(RUNNING_DRILL, number=3))), id="new"),
    ],
)
def test_an_import_overwrites_no_drill_that_has_changed(open_store: OpenStore, exported: ExportedState) -> None:
    """A drill that was started or advanced since the import was built stays as it is, and the import says so."""
    advanced = replace(RUNNING_DRILL, revision=2, restore_detail="Lost.")
    started = replace(RUNNING_DRILL, number=3, drill_id="d-4")
    with open_store() as store:
        stored = move_state(build_exported_state(), store)
        late_import = build_import(exported, stored)
        assert late_import is not None
        current = move_state(replace(stored, drills=(DRILLS[0], advanced, started)), store)
        change = diff_states(current.state, replace(current.state, revision=current.state.revision + 1))
        assert change is not None
        with pytest.raises(ConflictingRecordError, match="a restore drill has changed during the import"):
            store.import_state(replace(late_import, state_change=change))
        drills = {it.number: it for it in store.export_state(PROJECT).drills}
        assert (drills[2], drills[3]) == (advanced, started)


def test_an_import_leaves_no_chunks_of_the_earlier_state() -> None:
    """The chunks of the state that an import replaces are deleted."""
    with open_table() as (client, table):
        store = DynamoTransfer(client, table)
        move_state(build_exported_state(60), store)
        earlier_names = list_chunk_names(client, table)
        move_state(build_exported_state(1), store)
        assert earlier_names - list_chunk_names(client, table)
        assert len(list_chunk_names(client, table)) < len(earlier_names)
