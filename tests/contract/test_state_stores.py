"""What every store of state must do, whatever it is made of."""

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
"""Opens a store that is empty."""


@contextmanager
def open_fake() -> Iterator[StateAndAuditStore]:
    """Open a store that lives as long as the test."""
    yield FakeStore()


@contextmanager
def open_sqlite() -> Iterator[StateAndAuditStore]:
    """Open a file of its own."""
    with tempfile.TemporaryDirectory() as folder, open_state(Path(folder) / "state.sqlite3") as store:
        yield store


@contextmanager
def open_dynamodb() -> Iterator[StateAndAuditStore]:
    """Make a table of its own."""
    with open_table() as (client, table):
        yield DynamoState(client, table)


every_store = pytest.mark.parametrize(
    "open_store", [pytest.param(it, id=it.__name__) for it in (open_fake, open_sqlite, open_dynamodb)]
)
FIRST_STATE = ProjectState(revision=1, audit_id="first", observed_at=NOW)
SECOND_STATE = replace(FIRST_STATE, revision=2, audit_id="second", observed_at=NOW + DAY)


@every_store
def test_nothing_is_recorded_before_the_first_recording(open_store: OpenStore) -> None:
    """Of any project."""
    with open_store() as store:
        assert store.load(PROJECT) == EMPTY_STATE


@every_store
@given(states=st.lists(STATES, min_size=1, max_size=3))
def test_what_was_recorded_is_what_is_loaded(open_store: OpenStore, states: list[ProjectState]) -> None:
    """Each recording puts the differences over what was there; nothing is lost, and nothing stays behind."""
    with open_store() as store:
        previous_state = EMPTY_STATE
        for new_state in number_revisions(states):
            assert record_and_load(store, previous_state, new_state) == new_state
            previous_state = new_state


@every_store
def test_the_state_of_real_audits_is_loaded_as_it_was(open_store: OpenStore) -> None:
    """Night after night, with findings, backups, settings and drift."""
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
def test_projects_know_nothing_of_each_other(open_store: OpenStore) -> None:
    """Whatever one is called."""
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
        pytest.param([], FIRST_STATE, id="nothing-there"),
    ],
)
def test_a_recording_made_from_anything_but_the_latest_is_refused(
    open_store: OpenStore, recorded_states: list[ProjectState], previous_state: ProjectState
) -> None:
    """Another audit was quicker; nothing of the refused one is there."""
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
def test_it_is_known_which_audits_were_recorded(open_store: OpenStore) -> None:
    """Each since a moment, the oldest first, as it was recorded; each project knows its own."""
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
def test_it_is_known_where_the_page_of_an_audit_is(open_store: OpenStore) -> None:
    """But for files, beside which no pages are kept."""
    paged_audit = replace(
        AUDIT, report=replace(STORED_REPORT, page=StoredFile("s3://reports/default/report.html", "7c" * 32))
    )
    with open_store() as store:
        record_change(store, EMPTY_STATE, FIRST_STATE, audit=paged_audit)
        assert list(store.list_audits(PROJECT, EARLIEST_OBSERVED_AT)) == [paged_audit]


@every_store
def test_audits_are_reported_in_their_order_whatever_the_year(open_store: OpenStore) -> None:
    """And to the microsecond."""
    moments = [datetime(year, 1, 1, microsecond=part, tzinfo=UTC) for year in (990, 1969, 2026) for part in (0, 7)]
    with open_store() as store:
        previous_state = EMPTY_STATE
        for state, moment in zip(number_revisions([FIRST_STATE] * len(moments)), moments, strict=True):
            record_change(store, previous_state, state, audit=replace(AUDIT, observed_at=moment))
            previous_state = state
        assert [it.observed_at for it in store.list_audits(PROJECT, EARLIEST_OBSERVED_AT)] == moments
        assert [it.observed_at for it in store.list_audits(PROJECT, moments[3])] == moments[3:]


@every_store
def test_the_audit_of_a_refused_recording_is_not_known(open_store: OpenStore) -> None:
    """It goes with the recording, or not at all."""
    with open_store() as store:
        record_change(store, EMPTY_STATE, FIRST_STATE)
        with pytest.raises(ConflictingRecordError):
            record_change(store, EMPTY_STATE, FIRST_STATE, audit=AUDIT)
        assert store.list_audits(PROJECT, EARLIEST_OBSERVED_AT) == []


@every_store
def test_a_discard_deletes_records_and_moves_the_last_audit_back(open_store: OpenStore) -> None:
    """The memory is what the discard says; the record of the past audit stays, and the next audit is recorded."""
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
def test_a_discard_of_everything_leaves_an_empty_state(open_store: OpenStore, state: ProjectState) -> None:
    """Only the revision stays, so that an audit that began before it is not recorded after it."""
    (first_state,) = number_revisions([state])
    with open_store() as store:
        record_change(store, EMPTY_STATE, first_state, audit=AUDIT)
        discard = discard_all(store.load(PROJECT), store.list_audits(PROJECT, EARLIEST_OBSERVED_AT))
        assert discard is not None
        store.record(PROJECT, discard.state_change)
        assert store.load(PROJECT) == ProjectState(revision=2)
        assert store.list_audits(PROJECT, EARLIEST_OBSERVED_AT) == []
        assert discard_all(store.load(PROJECT), []) is None
        assert record_and_load(store, ProjectState(revision=2), replace(FIRST_STATE, revision=3)) == replace(
            FIRST_STATE, revision=3
        )


@every_store
def test_a_discard_that_another_audit_overtakes_is_refused(open_store: OpenStore) -> None:
    """Nothing is deleted."""
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
