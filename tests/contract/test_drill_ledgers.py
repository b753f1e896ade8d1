"""Test that every ledger of restore drills stores each revision of a drill once, and loads it unchanged."""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.adapters.dynamodb.drill_ledger import DynamoDrillLedger
from backup_auditor.adapters.dynamodb.items import DRILLS_IN_PROGRESS_PARTITION
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.adapters.dynamodb.table import Table
from backup_auditor.adapters.sqlite.drill_ledger import open_drill_ledger, open_drill_ledger_read_only
from backup_auditor.adapters.sqlite.state_store import open_state
from backup_auditor.domain.audit_record import StoredFile
from backup_auditor.domain.drills.drill import (
    DeletionState,
    DrillRecord,
    JobState,
    RestoreJob,
    RestorePoint,
    RestoreState,
    ValidationState,
    build_known_drill,
)
from backup_auditor.domain.drills.verification import (
    CheckName,
    CheckState,
    ContentCheck,
    ExpectedContent,
    FoundFigures,
    Verification,
)
from backup_auditor.domain.lifecycle.state_change import diff_states
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.errors import StateError
from backup_auditor.ports.drills import DrillLedger
from backup_auditor.ports.stores import StateStore
from support.aws.dynamodb import list_items, open_table
from support.builders.drills import build_drill
from support.builders.exported_states import FINISHED_DRILL, RUNNING_DRILL
from support.builders.facts import DAY, NOW
from support.fakes.stores import (
    DURATIONS,
    MOMENTS,
    NAMES,
    OPTIONAL_NAMES,
    PROJECT,
    VALUES,
    FakeDrillLedger,
    FakeStore,
    record_change,
)
from support.faults.aws_clients import (
    KilledError,
    NthCallFault,
    inject_fault,
    make_client_error,
    make_raiser,
    make_timeout_error,
    repeat_calls,
)


class Stores(NamedTuple):
    """A ledger, and the store of the states that are derived from it."""

    ledger: DrillLedger
    states: StateStore


type OpenStores = Callable[[], AbstractContextManager[Stores]]
"""A function that opens empty stores."""


@contextmanager
def open_fake() -> Iterator[Stores]:
    """Open stores in memory."""
    ledger = FakeDrillLedger()
    yield Stores(ledger, FakeStore(ledger))


@contextmanager
def open_sqlite() -> Iterator[Stores]:
    """Create a file for one test."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        path = Path(folder) / "state"
        yield Stores(stack.enter_context(open_drill_ledger(path)), stack.enter_context(open_state(path)))


@contextmanager
def open_dynamodb() -> Iterator[Stores]:
    """Create a table for one test."""
    with open_table() as (client, table):
        yield Stores(DynamoDrillLedger(client, table), DynamoState(client, table))


every_ledger = pytest.mark.parametrize(
    "open_stores", [pytest.param(it, id=it.__name__) for it in (open_fake, open_sqlite, open_dynamodb)]
)
DRILL = build_drill()
REQUESTED_DRILL = replace(DRILL, restore=RestoreState.REQUESTED, requested_at=NOW, revision=1)

COUNTS = st.integers(0, 10**12)
OPTIONAL_COUNTS = st.none() | COUNTS
OPTIONAL_MOMENTS = st.none() | MOMENTS
DOCUMENT_VALUES = VALUES | st.floats(allow_nan=False, allow_infinity=False) | st.lists(VALUES, max_size=2)
DOCUMENTS = st.dictionaries(NAMES, DOCUMENT_VALUES | st.dictionaries(NAMES, DOCUMENT_VALUES, max_size=2), max_size=3)
EXPECTED = st.builds(ExpectedContent, OPTIONAL_COUNTS, OPTIONAL_COUNTS, OPTIONAL_COUNTS, OPTIONAL_NAMES, OPTIONAL_NAMES)
VERIFICATIONS = st.builds(
    Verification,
    EXPECTED,
    st.none() | st.builds(FoundFigures, COUNTS, COUNTS, OPTIONAL_COUNTS, OPTIONAL_NAMES, OPTIONAL_NAMES),
    st.lists(
        st.builds(ContentCheck, st.sampled_from(CheckName), st.sampled_from(CheckState), NAMES, st.booleans()),
        max_size=2,
    ).map(tuple),
    COUNTS,
    COUNTS,
)
RECORDS = st.builds(
    DrillRecord,
    drill_id=st.sampled_from("abcdef"),
    project=st.just(PROJECT),
    number=st.just(1),
    index_name=NAMES,
    index_id=NAMES,
    point=st.builds(RestorePoint, NAMES, OPTIONAL_MOMENTS, COUNTS, EXPECTED),
    target_name=NAMES,
    plan_id=NAMES,
    actor=NAMES,
    max_duration=DURATIONS,
    sample_size=COUNTS,
    chosen_at=MOMENTS,
    unreadable_reason=OPTIONAL_NAMES,
    restore=st.sampled_from(RestoreState),
    validation=st.sampled_from(ValidationState),
    deletion=st.sampled_from(DeletionState),
    requested_at=OPTIONAL_MOMENTS,
    restored_at=OPTIONAL_MOMENTS,
    verified_at=OPTIONAL_MOMENTS,
    deleted_at=OPTIONAL_MOMENTS,
    restore_detail=st.just("") | NAMES,
    validation_detail=st.just("") | NAMES,
    deletion_detail=st.just("") | NAMES,
    is_accepted=st.booleans(),
    target_index_id=OPTIONAL_NAMES,
    job_id=OPTIONAL_NAMES,
    job=st.none()
    | st.builds(
        RestoreJob, NAMES, NAMES, NAMES, st.sampled_from(JobState), OPTIONAL_MOMENTS, OPTIONAL_MOMENTS, DOCUMENTS
    ),
    verification=st.none() | VERIFICATIONS,
    evidence=st.none() | st.builds(StoredFile, NAMES, NAMES),
    published_at=OPTIONAL_MOMENTS,
)


@every_ledger
def test_a_new_ledger_is_empty(open_stores: OpenStores) -> None:
    """A new ledger has no drills, and neither has a state."""
    with open_stores() as (ledger, states):
        assert list(ledger.list_drills(PROJECT)) == []
        assert ledger.load_drill(PROJECT, 1) is None
        assert states.load(PROJECT) == EMPTY_STATE


@every_ledger
@given(record=RECORDS)
def test_a_drill_is_loaded_as_it_was_stored(open_stores: OpenStores, record: DrillRecord) -> None:
    """A loaded record equals the stored one, and the state has what audits need of it."""
    with open_stores() as (ledger, states):
        assert ledger.create_drill(DRILL)
        assert ledger.replace_drill(replace(record, revision=1))
        assert ledger.load_drill(PROJECT, 1) == replace(record, revision=1)
        assert list(ledger.list_drills(PROJECT)) == [replace(record, revision=1)]
        assert states.load(PROJECT) == ProjectState(drills={record.drill_id: build_known_drill(record)})


@every_ledger
def test_drills_are_listed_by_number(open_stores: OpenStores) -> None:
    """The drills of one project are listed in the order of their numbers; a similar project name does not match."""
    numbers = (2, 10, 1, 9)
    with open_stores() as (ledger, states):
        for project in (PROJECT, f"{PROJECT}#1", PROJECT.upper()):
            for number in numbers:
                assert ledger.create_drill(replace(DRILL, project=project, number=number, drill_id=f"d-{number}"))
        for project in (PROJECT, f"{PROJECT}#1", PROJECT.upper()):
            drills = ledger.list_drills(project)
            assert [(it.project, it.number) for it in drills] == [(project, it) for it in sorted(numbers)]
        assert list(ledger.list_drills(PROJECT[:-1])) == []
        assert states.load(PROJECT).drills.keys() == {f"d-{it}" for it in numbers}
        assert states.load(PROJECT[:-1]) == EMPTY_STATE


@every_ledger
def test_a_number_is_given_once(open_stores: OpenStores) -> None:
    """A second drill of a number is refused, also the same one, and the first stays."""
    with open_stores() as (ledger, _):
        assert ledger.create_drill(DRILL)
        assert not ledger.create_drill(replace(DRILL, drill_id="other"))
        assert not ledger.create_drill(DRILL)
        assert list(ledger.list_drills(PROJECT)) == [DRILL]


@every_ledger
@pytest.mark.parametrize("revision", [0, 1, 3])
def test_only_the_next_revision_replaces_a_drill(open_stores: OpenStores, revision: int) -> None:
    """A revision that does not follow the stored one is refused and changes nothing, and so is a drill not stored."""
    with open_stores() as (ledger, _):
        assert not ledger.replace_drill(REQUESTED_DRILL)
        assert ledger.create_drill(DRILL)
        assert ledger.replace_drill(REQUESTED_DRILL)
        assert not ledger.replace_drill(replace(REQUESTED_DRILL, restore_detail="Late.", revision=revision))
        assert not ledger.replace_drill(replace(REQUESTED_DRILL, number=2, revision=2))
        assert list(ledger.list_drills(PROJECT)) == [REQUESTED_DRILL]
        assert ledger.replace_drill(replace(REQUESTED_DRILL, revision=2))


@every_ledger
def test_an_audit_changes_no_drill(open_stores: OpenStores) -> None:
    """An audit that is recorded after a drill was started and advanced keeps both in the state and in the ledger."""
    started_drill = replace(DRILL, number=2, drill_id="second")
    with open_stores() as (ledger, states):
        assert ledger.create_drill(DRILL)
        first_state = states.load(PROJECT)
        assert ledger.replace_drill(REQUESTED_DRILL)
        assert ledger.create_drill(started_drill)
        record_change(states, first_state, replace(first_state, revision=1, audit_id="first", observed_at=NOW))
        second_state = states.load(PROJECT)
        assert second_state.drills == {it.drill_id: build_known_drill(it) for it in (REQUESTED_DRILL, started_drill)}
        record_change(states, second_state, replace(second_state, revision=2, drills={}))
        assert states.load(PROJECT) == replace(second_state, revision=2)
        assert list(ledger.list_drills(PROJECT)) == [REQUESTED_DRILL, started_drill]


@pytest.mark.parametrize("stored", [None, DRILL], ids=["create", "replace"])
def test_of_many_threads_one_stores_a_drill(tmp_path: Path, stored: DrillRecord | None) -> None:
    """Of many runs that store the same revision of a drill in a file at once, exactly one may make its call."""
    record = DRILL if stored is None else REQUESTED_DRILL
    barrier = Barrier(8)

    def store(number: int) -> bool:
        with open_drill_ledger(tmp_path / "state") as ledger:
            barrier.wait()
            own_record = replace(record, actor=f"run-{number}")
            return (ledger.create_drill if stored is None else ledger.replace_drill)(own_record)

    with open_drill_ledger(tmp_path / "state") as ledger:
        assert stored is None or ledger.create_drill(stored)
        with ThreadPoolExecutor(8) as pool:
            results = [*pool.map(store, range(8))]
        assert results.count(True) == 1
        assert ledger.list_drills(PROJECT) == [replace(record, actor=f"run-{results.index(True)}")]


def test_threads_share_a_ledger_in_a_file(tmp_path: Path) -> None:
    """Threads that store drills through one ledger lose none, and one of them gets each number."""
    with open_drill_ledger(tmp_path / "state") as ledger, ThreadPoolExecutor(8) as pool:
        records = [replace(DRILL, number=number % 10) for number in range(40)]
        assert sum(pool.map(ledger.create_drill, records)) == 10
        assert [it.number for it in ledger.list_drills(PROJECT)] == [*range(10)]


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
def test_of_two_runs_one_stores_a_drill_in_a_table(monkeypatch: pytest.MonkeyPatch, *, after_effect: bool) -> None:
    """If another run stores the same record at any call, exactly one of the two may make its call."""
    monkeypatch.setattr(Table, "_wait", lambda *_: None)
    for call_number in range(5):
        with open_table() as (client, table):
            ledger, other_ledger = DynamoDrillLedger(client, table), DynamoDrillLedger(client, table)
            assert ledger.create_drill(DRILL)
            results = []
            fault = NthCallFault(lambda: results.append(other_ledger.replace_drill(REQUESTED_DRILL)), call_number)  # noqa: B023  called within the loop
            with inject_fault(client, fault, after=after_effect):
                results.append(ledger.replace_drill(REQUESTED_DRILL))
            if fault.call_count > call_number:
                assert sorted(results) == [False, True]
            else:
                assert results == [True]
                break
            assert ledger.list_drills(PROJECT) == [REQUESTED_DRILL]
    assert call_number > 0


def test_a_repeated_write_of_a_table_is_not_a_conflict() -> None:
    """A request that the client sends again after a lost answer finds its own item, and counts as stored."""
    with open_table() as (client, table), repeat_calls(client):
        ledger = DynamoDrillLedger(client, table)
        assert ledger.create_drill(DRILL)
        assert ledger.replace_drill(REQUESTED_DRILL)
        assert not ledger.replace_drill(REQUESTED_DRILL)
        assert ledger.list_drills(PROJECT) == [REQUESTED_DRILL]


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "make_error",
    [KilledError, make_timeout_error, lambda: make_client_error("InternalServerError", 500)],
    ids=["killed", "unanswered", "failing"],
)
@pytest.mark.parametrize("is_permanent", [False, True], ids=["once", "always"])
def test_a_drill_is_stored_in_a_table_with_its_progress(
    monkeypatch: pytest.MonkeyPatch,
    make_error: Callable[[], BaseException],
    *,
    after_effect: bool,
    is_permanent: bool,
) -> None:
    """After a fault at any call, a drill in progress is found by a sweep, and success is never reported falsely."""
    monkeypatch.setattr(Table, "_wait", lambda *_: None)
    drills = (RUNNING_DRILL, replace(FINISHED_DRILL, number=2, revision=2), replace(RUNNING_DRILL, revision=3))
    for call_number in range(10):
        with open_table() as (client, table):
            ledger = DynamoDrillLedger(client, table)
            stored_count = 0
            fault = NthCallFault(make_raiser(make_error), call_number, is_permanent=is_permanent)
            with inject_fault(client, fault, after=after_effect), suppress(KilledError, StateError):
                for record in drills:
                    assert ledger.replace_drill(record) if stored_count else ledger.create_drill(record)
                    stored_count += 1
            stored = ledger.load_drill(PROJECT, 2)
            assert stored in (None, *drills)
            assert stored_count <= (0 if stored is None else stored.revision)
            assert ledger.list_projects_in_progress() == [PROJECT] * (stored is not None and stored.is_in_progress)
            if fault.call_count <= call_number:
                assert stored == drills[-1]
                break
    assert call_number >= 3


def test_one_query_finds_the_projects_with_drills_in_progress() -> None:
    """A project is listed while one of its drills is in progress."""
    ended = replace(FINISHED_DRILL, revision=2)
    with open_table() as (client, table):
        ledger = DynamoDrillLedger(client, table)
        for project in ("b#1", "a", "b"):
            assert ledger.create_drill(replace(RUNNING_DRILL, project=project, number=1))
            assert ledger.create_drill(replace(RUNNING_DRILL, project=project, number=2))
        assert ledger.list_projects_in_progress() == ["a", "b", "b#1"]
        assert ledger.replace_drill(replace(ended, project="b", number=1))
        assert ledger.list_projects_in_progress() == ["a", "b", "b#1"]
        assert ledger.replace_drill(replace(ended, project="b", number=2))
        assert ledger.list_projects_in_progress() == ["a", "b#1"]
        assert not ledger.replace_drill(replace(ended, project="a", number=1, revision=9))
        assert ledger.list_projects_in_progress() == ["a", "b#1"]
        keys = [it["SK"]["S"] for it in list_items(client, table) if it["PK"]["S"] == DRILLS_IN_PROGRESS_PARTITION]
        assert sorted(keys) == ["a#000000001", "a#000000002", "b#1#000000001", "b#1#000000002"]


def damage_file(path: Path, change: str) -> None:
    """Change the record in a file."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE drill SET {change}")  # noqa: S608  our own words


@pytest.mark.parametrize(
    "change,reason",
    [
        pytest.param("record = 'no json'", "the record of drill 1 of default is invalid", id="no-json"),
        pytest.param("record = '{}'", "the record of drill 1 of default is invalid", id="no-record"),
        pytest.param(
            "record = replace(record, '12:00:00Z', '12:00:00')",
            "the record of drill 1 of default is invalid",
            id="naive-time",
        ),
        pytest.param("number = 2", "the record of drill 2 of default is another one", id="other-number"),
        pytest.param("revision = 7", "the record of drill 1 of default is another one", id="other-revision"),
    ],
)
def test_a_damaged_record_in_a_file_is_reported(tmp_path: Path, change: str, reason: str) -> None:
    """A record that cannot be read is an error of one line, with the file and the number of the drill."""
    path = tmp_path / "state"
    with open_drill_ledger(path) as ledger:
        assert ledger.create_drill(DRILL)
        damage_file(path, change)
        with pytest.raises(StateError) as error:
            ledger.list_drills(PROJECT)
    assert str(error.value).startswith(f"{path}: the state is damaged ({reason})")
    assert "\n" not in str(error.value)


def test_a_damaged_result_in_a_file_is_reported_to_an_audit(tmp_path: Path) -> None:
    """A column with an unknown result is an error that names the file."""
    path = tmp_path / "state"
    with open_drill_ledger(path) as ledger, open_state(path) as states:
        assert ledger.create_drill(DRILL)
        damage_file(path, "result = 'maybe'")
        with pytest.raises(StateError, match=f"{path}: the state is damaged"):
            states.load(PROJECT)


@pytest.mark.parametrize(
    "name,value",
    [
        pytest.param("record", {"B": b"no record"}, id="not-compressed"),
        pytest.param("record", {"B": b"x\x9c\x8b\x8e\x05\x00\x01\x15\x00\xb9"}, id="another-text"),
        pytest.param("revision", {"N": "7"}, id="other-revision"),
    ],
)
def test_a_damaged_record_in_a_table_is_reported(name: str, value: dict[str, Any]) -> None:
    """A record that cannot be read is an error of one line that names the table."""
    with open_table() as (client, table):
        ledger = DynamoDrillLedger(client, table)
        assert ledger.create_drill(DRILL)
        (item,) = (it for it in list_items(client, table) if it["PK"]["S"] == f"drills#{PROJECT}")
        client.put_item(TableName=table, Item={**item, name: value})
        with pytest.raises(StateError, match=f"the state in the table {table} is damaged") as error:
            ledger.list_drills(PROJECT)
        assert "\n" not in str(error.value)


def test_a_missing_table_is_reported() -> None:
    """A ledger that cannot be written raises an error, so that nothing is requested."""
    with open_table() as (client, _), pytest.raises(StateError, match="check its name"):
        DynamoDrillLedger(client, "missing").create_drill(DRILL)


def test_a_ledger_is_read_without_changing_the_file(tmp_path: Path) -> None:
    """A file that is opened read-only has its drills, and refuses new ones."""
    path = tmp_path / "state"
    with open_drill_ledger(path) as ledger:
        assert ledger.create_drill(DRILL)
    content = path.read_bytes()
    with open_drill_ledger_read_only(path) as ledger:
        assert ledger.list_drills(PROJECT) == [DRILL]
        with pytest.raises(StateError):
            ledger.create_drill(replace(DRILL, number=2))
    assert path.read_bytes() == content


def test_an_audit_that_read_no_drills_is_recorded(tmp_path: Path) -> None:
    """The first audit of a project can be recorded after its first drill, in the same file."""
    path = tmp_path / "state"
    with open_drill_ledger(path) as ledger, open_state(path) as states:
        change = diff_states(states.load(PROJECT), ProjectState(revision=1, audit_id="first", observed_at=NOW + DAY))
        assert ledger.create_drill(DRILL)
        assert change is not None
        states.record(PROJECT, change)
        assert states.load(PROJECT).drills == {DRILL.drill_id: build_known_drill(DRILL)}
