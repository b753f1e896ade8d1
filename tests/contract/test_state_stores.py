"""Test that every state store loads what it recorded, and refuses recordings of an outdated revision."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.adapters.sqlite.state_store import open_state
from backup_auditor.domain.audit_record import AuditRecord, StoredFile, StoredReport
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.lifecycle.discard import discard_all, discard_future
from backup_auditor.domain.lifecycle.state_change import diff_states
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.errors import ConflictingRecordError
from backup_auditor.ports.stores import EARLIEST_OBSERVED_AT, StateAndAuditStore
from support.aws.dynamodb import open_table
from support.builders.audit_sequence import AuditSequence
from support.builders.facts import DAY, NOW, build_backup, build_index, build_inventory, build_schedule
from support.fakes.stores import PROJECT, STATES, FakeStore, number_revisions, record_and_load, record_change

type OpenStore = Callable[[], AbstractContextManager[StateAndAuditStore]]
"""A function that opens an empty store."""


@contextmanager
def open_fake() -> Iterator[StateAndAuditStore]:
    """Open a store in memory."""
    yield FakeStore()


@contextmanager
def open_sqlite() -> Iterator[StateAndAuditStore]:
    """Create a file for one test."""
    with tempfile.TemporaryDirectory() as folder, open_state(Path(folder) / "state.sqlite3") as store:
        yield store


@contextmanager
def open_dynamodb() -> Iterator[StateAndAuditStore]:
    """Create a table for one test."""
    with open_table() as (client, table):
        yield DynamoState(client, table)


every_store = pytest.mark.parametrize(
    "open_store", [pytest.param(it, id=it.__name__) for it in (open_fake, open_sqlite, open_dynamodb)]
)
FIRST_STATE = ProjectState(revision=1, audit_id="first", observed_at=NOW)
SECOND_STATE = replace(FIRST_STATE, revision=2, audit_id="second", observed_at=NOW + DAY)


@every_store
def test_a_new_store_is_empty(open_store: OpenStore) -> None:
    """A new store has no state and no audits of any project."""
    with open_store() as store:
        assert store.load(PROJECT) == EMPTY_STATE


@every_store
@given(states=st.lists(STATES, min_size=1, max_size=3))
def test_a_recorded_state_is_loaded_unchanged(open_store: OpenStore, states: list[ProjectState]) -> None:
    """The loaded state equals the last recorded state."""
    with open_store() as store:
        previous_state = EMPTY_STATE
        for new_state in number_revisions(states):
            assert record_and_load(store, previous_state, new_state) == new_state
            previous_state = new_state


@every_store
def test_the_states_of_several_audits_are_loaded_unchanged(open_store: OpenStore) -> None:
    """A store loads the state of each audit with findings, backups, settings and drift."""
    sequence = AuditSequence()
    projects = [
        build_inventory(build_index(backups=[build_backup(DAY)], deletion_protection=True)),
        build_inventory(build_index(schedules=[build_schedule(enabled=False)], deletion_protection=False)),
        build_inventory(),
    ]
    with open_store() as store:
        for inventory in projects:
            previous_state = sequence.state
            sequence.audit(inventory)
            loaded_state = record_and_load(store, previous_state, sequence.state)
            assert loaded_state == sequence.state
    assert sequence.state.findings
    assert sequence.state.drift


@every_store
def test_projects_are_separate(open_store: OpenStore) -> None:
    """A recording of one project does not change another project, whatever its name."""
    with open_store() as store:
        record_and_load(store, EMPTY_STATE, FIRST_STATE, "a")
        assert store.load("A") == EMPTY_STATE
        assert record_and_load(store, EMPTY_STATE, replace(FIRST_STATE, audit_id="other"), "A").audit_id == "other"
        assert store.load("a") == FIRST_STATE


@every_store
@pytest.mark.parametrize(
    "recorded_states,previous_state",
    [
        pytest.param([FIRST_STATE], EMPTY_STATE, id="another-first"),
        pytest.param([FIRST_STATE, SECOND_STATE], FIRST_STATE, id="another-next"),
        pytest.param([], FIRST_STATE, id="no-recorded-state"),
    ],
)
def test_a_recording_of_an_outdated_revision_is_refused(
    open_store: OpenStore, recorded_states: list[ProjectState], previous_state: ProjectState
) -> None:
    """A recording that is not based on the latest revision raises an error and changes nothing."""
    late_state = replace(previous_state, revision=previous_state.revision + 1, audit_id="late", observed_at=NOW)
    with open_store() as store:
        last_state = EMPTY_STATE
        for state in recorded_states:
            last_state = record_and_load(store, last_state, state)
        recording = diff_states(previous_state, late_state)
        assert recording is not None
        with pytest.raises(ConflictingRecordError):
            store.record(PROJECT, recording)
        assert store.load(PROJECT) == last_state


STORED_REPORT = StoredReport("s3://reports/default/report.json", "5f" * 32)
AUDIT = AuditRecord("second", NOW, is_complete=False, compliance=Compliance.NON_COMPLIANT, report=STORED_REPORT)


@every_store
def test_audit_records_are_listed(open_store: OpenStore) -> None:
    """A store lists the audit records of one project since a time, the oldest first."""
    bare_audit = AuditRecord("first", NOW - DAY, is_complete=True, compliance=Compliance.COMPLIANT, report=None)
    with open_store() as store:
        assert store.list_audits(PROJECT, EARLIEST_OBSERVED_AT) == []
        record_change(store, EMPTY_STATE, FIRST_STATE, audit=bare_audit)
        record_change(store, FIRST_STATE, SECOND_STATE, audit=AUDIT)
        record_change(store, EMPTY_STATE, FIRST_STATE, "other", audit=replace(AUDIT, audit_id="other"))
        assert list(store.list_audits(PROJECT, EARLIEST_OBSERVED_AT)) == [bare_audit, AUDIT]
        assert list(store.list_audits(PROJECT, NOW)) == [AUDIT]
        assert list(store.list_audits(PROJECT, NOW + DAY)) == []
        assert [it.audit_id for it in store.list_audits("other", EARLIEST_OBSERVED_AT)] == ["other"]


@pytest.mark.parametrize("open_store", [pytest.param(it, id=it.__name__) for it in (open_fake, open_dynamodb)])
def test_the_page_of_an_audit_is_stored(open_store: OpenStore) -> None:
    """An audit record in a table has its page."""
    paged_audit = replace(
        AUDIT, report=replace(STORED_REPORT, page=StoredFile("s3://reports/default/report.html", "7c" * 32))
    )
    with open_store() as store:
        record_change(store, EMPTY_STATE, FIRST_STATE, audit=paged_audit)
        assert list(store.list_audits(PROJECT, EARLIEST_OBSERVED_AT)) == [paged_audit]


@every_store
def test_audits_are_listed_in_order(open_store: OpenStore) -> None:
    """Audit records are ordered to the microsecond, in any year."""
    moments = [datetime(year, 1, 1, microsecond=part, tzinfo=UTC) for year in (990, 1969, 2026) for part in (0, 7)]
    with open_store() as store:
        previous_state = EMPTY_STATE
        for state, moment in zip(number_revisions([FIRST_STATE] * len(moments)), moments, strict=True):
            record_change(store, previous_state, state, audit=replace(AUDIT, observed_at=moment))
            previous_state = state
        assert [it.observed_at for it in store.list_audits(PROJECT, EARLIEST_OBSERVED_AT)] == moments
        assert [it.observed_at for it in store.list_audits(PROJECT, moments[3])] == moments[3:]


@every_store
def test_a_refused_recording_leaves_no_audit_record(open_store: OpenStore) -> None:
    """A refused recording stores no audit record."""
    with open_store() as store:
        record_change(store, EMPTY_STATE, FIRST_STATE)
        with pytest.raises(ConflictingRecordError):
            record_change(store, EMPTY_STATE, FIRST_STATE, audit=AUDIT)
        assert store.list_audits(PROJECT, EARLIEST_OBSERVED_AT) == []


@every_store
def test_a_discard_deletes_records_and_moves_the_last_audit_back(open_store: OpenStore) -> None:
    """The state after a discard is that of the remaining audit, and the next audit can be recorded."""
    past_audit = AuditRecord("first", NOW, is_complete=True, compliance=Compliance.COMPLIANT, report=None)
    future_audit = replace(AUDIT, observed_at=NOW + 200 * DAY)
    with open_store() as store:
        record_change(store, EMPTY_STATE, FIRST_STATE, audit=past_audit)
        record_change(
            store, FIRST_STATE, replace(SECOND_STATE, observed_at=future_audit.observed_at), audit=future_audit
        )
        record_change(store, EMPTY_STATE, FIRST_STATE, "other", audit=future_audit)
        discard = discard_future(store.load(PROJECT), store.list_audits(PROJECT, EARLIEST_OBSERVED_AT), NOW + DAY)
        assert discard is not None
        store.record(PROJECT, discard.state_change)
        assert store.load(PROJECT) == discard.after
        assert (discard.after.audit_id, discard.after.observed_at) == ("first", NOW)
        assert list(store.list_audits(PROJECT, EARLIEST_OBSERVED_AT)) == [past_audit]
        assert list(store.list_audits("other", EARLIEST_OBSERVED_AT)) == [future_audit]
        new_state = replace(discard.after, revision=4, audit_id="fourth", observed_at=NOW + DAY)
        assert record_and_load(store, discard.after, new_state) == new_state


@every_store
@given(state=STATES)
def test_a_discard_of_everything_leaves_only_the_revision(open_store: OpenStore, state: ProjectState) -> None:
    """The revision stays, so that an audit that started earlier cannot be recorded."""
    (first_state,) = number_revisions([state])
    with open_store() as store:
        record_change(store, EMPTY_STATE, first_state, audit=AUDIT)
        discard = discard_all(store.load(PROJECT), store.list_audits(PROJECT, EARLIEST_OBSERVED_AT))
        assert discard is not None
        store.record(PROJECT, discard.state_change)
        discarded_state = ProjectState(revision=2)
        assert store.load(PROJECT) == discarded_state
        assert store.list_audits(PROJECT, EARLIEST_OBSERVED_AT) == []
        assert discard_all(store.load(PROJECT), []) is None
        next_state = replace(FIRST_STATE, revision=3)
        assert record_and_load(store, discarded_state, next_state) == next_state


@every_store
def test_a_discard_of_an_outdated_revision_is_refused(open_store: OpenStore) -> None:
    """A discard that is not based on the latest revision deletes nothing."""
    future_audit = replace(AUDIT, observed_at=NOW + 200 * DAY)
    with open_store() as store:
        record_change(store, EMPTY_STATE, FIRST_STATE, audit=future_audit)
        discard = discard_all(store.load(PROJECT), store.list_audits(PROJECT, EARLIEST_OBSERVED_AT))
        record_change(store, FIRST_STATE, SECOND_STATE)
        assert discard is not None
        with pytest.raises(ConflictingRecordError):
            store.record(PROJECT, discard.state_change)
        assert store.load(PROJECT) == SECOND_STATE
        assert list(store.list_audits(PROJECT, EARLIEST_OBSERVED_AT)) == [future_audit]
