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
from support.aws.dynamodb import a_table
from support.builders.audit_sequence import Nights
from support.builders.facts import DAY, NOW, backup, index, inventory, schedule
from support.fakes.stores import MEMORIES, PROJECT, FakeStore, in_a_row, recorded, stored

type Opening = Callable[[], AbstractContextManager[StateAndAuditStore]]
"""Opens a store that is empty."""


@contextmanager
def fake() -> Iterator[StateAndAuditStore]:
    """Open a store that lives as long as the test."""
    yield FakeStore()


@contextmanager
def sqlite() -> Iterator[StateAndAuditStore]:
    """Open a file of its own."""
    with tempfile.TemporaryDirectory() as folder, open_state(Path(folder) / "state.sqlite3") as store:
        yield store


@contextmanager
def dynamodb() -> Iterator[StateAndAuditStore]:
    """Make a table of its own."""
    with a_table() as (client, table):
        yield DynamoState(client, table)


every_store = pytest.mark.parametrize("opening", [pytest.param(it, id=it.__name__) for it in (fake, sqlite, dynamodb)])
FIRST = ProjectState(revision=1, audit_id="first", observed_at=NOW)
SECOND = replace(FIRST, revision=2, audit_id="second", observed_at=NOW + DAY)


@every_store
def test_nothing_is_remembered_before_the_first_recording(opening: Opening) -> None:
    """Of any project."""
    with opening() as store:
        assert store.load(PROJECT) == EMPTY_STATE


@every_store
@given(memories=st.lists(MEMORIES, min_size=1, max_size=3))
def test_what_was_recorded_is_what_is_loaded(opening: Opening, memories: list[ProjectState]) -> None:
    """Each recording puts the differences over what was there; nothing is lost, and nothing stays behind."""
    with opening() as store:
        before = EMPTY_STATE
        for after in in_a_row(memories):
            assert stored(store, before, after) == after
            before = after


@every_store
def test_the_memory_of_real_audits_is_loaded_as_it_was(opening: Opening) -> None:
    """Night after night, with findings, backups, settings and drift."""
    nights = Nights()
    projects = [
        inventory(index(backups=[backup(DAY)], deletion_protection=True)),
        inventory(index(schedules=[schedule(enabled=False)], deletion_protection=False)),
        inventory(),
    ]
    with opening() as store:
        for told in projects:
            before = nights.memory
            nights.audited(told)
            loaded = stored(store, before, nights.memory)
            assert loaded == nights.memory
    assert nights.memory.findings
    assert nights.memory.drift


@every_store
def test_projects_know_nothing_of_each_other(opening: Opening) -> None:
    """Whatever one is called."""
    with opening() as store:
        stored(store, EMPTY_STATE, FIRST, "a")
        assert store.load("A") == EMPTY_STATE
        assert stored(store, EMPTY_STATE, replace(FIRST, audit_id="other"), "A").audit_id == "other"
        assert store.load("a") == FIRST


@every_store
@pytest.mark.parametrize(
    "known,before",
    [
        pytest.param([FIRST], EMPTY_STATE, id="another-first"),
        pytest.param([FIRST, SECOND], FIRST, id="another-next"),
        pytest.param([], FIRST, id="nothing-there"),
    ],
)
def test_a_recording_made_from_anything_but_the_latest_is_refused(
    opening: Opening, known: list[ProjectState], before: ProjectState
) -> None:
    """Another audit was quicker; nothing of the refused one is there."""
    late = replace(before, revision=before.revision + 1, audit_id="late", observed_at=NOW)
    with opening() as store:
        last = EMPTY_STATE
        for memory in known:
            last = stored(store, last, memory)
        recording = diff_states(before, late)
        assert recording is not None
        with pytest.raises(ConflictingRecordError):
            store.record(PROJECT, recording)
        assert store.load(PROJECT) == last


KEPT = StoredReport("s3://reports/default/report.json", "5f" * 32)
AUDIT = AuditRecord("second", NOW, is_complete=False, compliance=Compliance.NON_COMPLIANT, report=KEPT)


@every_store
def test_it_is_known_which_audits_were_recorded(opening: Opening) -> None:
    """Each since a moment, the oldest first, as it was recorded; each project knows its own."""
    bare = AuditRecord("first", NOW - DAY, is_complete=True, compliance=Compliance.COMPLIANT, report=None)
    with opening() as store:
        assert store.list_audits(PROJECT, EARLIEST_OBSERVED_AT) == []
        recorded(store, EMPTY_STATE, FIRST, audit=bare)
        recorded(store, FIRST, SECOND, audit=AUDIT)
        recorded(store, EMPTY_STATE, FIRST, "other", audit=replace(AUDIT, audit_id="other"))
        assert list(store.list_audits(PROJECT, EARLIEST_OBSERVED_AT)) == [bare, AUDIT]
        assert list(store.list_audits(PROJECT, NOW)) == [AUDIT]
        assert list(store.list_audits(PROJECT, NOW + DAY)) == []
        assert [it.audit_id for it in store.list_audits("other", EARLIEST_OBSERVED_AT)] == ["other"]


@pytest.mark.parametrize("opening", [pytest.param(it, id=it.__name__) for it in (fake, dynamodb)])
def test_it_is_known_where_the_page_of_an_audit_is(opening: Opening) -> None:
    """But for files, beside which no pages are kept."""
    paged = replace(AUDIT, report=replace(KEPT, page=StoredFile("s3://reports/default/report.html", "7c" * 32)))
    with opening() as store:
        recorded(store, EMPTY_STATE, FIRST, audit=paged)
        assert list(store.list_audits(PROJECT, EARLIEST_OBSERVED_AT)) == [paged]


@every_store
def test_audits_are_told_in_their_order_whatever_the_year(opening: Opening) -> None:
    """And to the microsecond."""
    moments = [datetime(year, 1, 1, microsecond=part, tzinfo=UTC) for year in (990, 1969, 2026) for part in (0, 7)]
    with opening() as store:
        before = EMPTY_STATE
        for memory, moment in zip(in_a_row([FIRST] * len(moments)), moments, strict=True):
            recorded(store, before, memory, audit=replace(AUDIT, observed_at=moment))
            before = memory
        assert [it.observed_at for it in store.list_audits(PROJECT, EARLIEST_OBSERVED_AT)] == moments
        assert [it.observed_at for it in store.list_audits(PROJECT, moments[3])] == moments[3:]


@every_store
def test_the_audit_of_a_refused_recording_is_not_known(opening: Opening) -> None:
    """It goes with the recording, or not at all."""
    with opening() as store:
        recorded(store, EMPTY_STATE, FIRST)
        with pytest.raises(ConflictingRecordError):
            recorded(store, EMPTY_STATE, FIRST, audit=AUDIT)
        assert store.list_audits(PROJECT, EARLIEST_OBSERVED_AT) == []


@every_store
def test_a_discard_deletes_records_and_moves_the_last_audit_back(opening: Opening) -> None:
    """The memory is what the discard says; the record of the past audit stays, and the next audit is recorded."""
    past = AuditRecord("first", NOW, is_complete=True, compliance=Compliance.COMPLIANT, report=None)
    future = replace(AUDIT, observed_at=NOW + 200 * DAY)
    with opening() as store:
        recorded(store, EMPTY_STATE, FIRST, audit=past)
        recorded(store, FIRST, replace(SECOND, observed_at=future.observed_at), audit=future)
        recorded(store, EMPTY_STATE, FIRST, "other", audit=future)
        discard = discard_future(store.load(PROJECT), store.list_audits(PROJECT, EARLIEST_OBSERVED_AT), NOW + DAY)
        assert discard is not None
        store.record(PROJECT, discard.state_change)
        assert store.load(PROJECT) == discard.after
        assert (discard.after.audit_id, discard.after.observed_at) == ("first", NOW)
        assert list(store.list_audits(PROJECT, EARLIEST_OBSERVED_AT)) == [past]
        assert list(store.list_audits("other", EARLIEST_OBSERVED_AT)) == [future]
        after = replace(discard.after, revision=4, audit_id="fourth", observed_at=NOW + DAY)
        assert stored(store, discard.after, after) == after


@every_store
@given(memory=MEMORIES)
def test_a_discard_of_everything_leaves_an_empty_memory(opening: Opening, memory: ProjectState) -> None:
    """Only the revision stays, so that an audit that began before it is not recorded after it."""
    (first,) = in_a_row([memory])
    with opening() as store:
        recorded(store, EMPTY_STATE, first, audit=AUDIT)
        discard = discard_all(store.load(PROJECT), store.list_audits(PROJECT, EARLIEST_OBSERVED_AT))
        assert discard is not None
        store.record(PROJECT, discard.state_change)
        assert store.load(PROJECT) == ProjectState(revision=2)
        assert store.list_audits(PROJECT, EARLIEST_OBSERVED_AT) == []
        assert discard_all(store.load(PROJECT), []) is None
        assert stored(store, ProjectState(revision=2), replace(FIRST, revision=3)) == replace(FIRST, revision=3)


@every_store
def test_a_discard_that_another_audit_overtakes_is_refused(opening: Opening) -> None:
    """Nothing is deleted."""
    future = replace(AUDIT, observed_at=NOW + 200 * DAY)
    with opening() as store:
        recorded(store, EMPTY_STATE, FIRST, audit=future)
        discard = discard_all(store.load(PROJECT), store.list_audits(PROJECT, EARLIEST_OBSERVED_AT))
        recorded(store, FIRST, SECOND)
        assert discard is not None
        with pytest.raises(ConflictingRecordError):
            store.record(PROJECT, discard.state_change)
        assert store.load(PROJECT) == SECOND
        assert list(store.list_audits(PROJECT, EARLIEST_OBSERVED_AT)) == [future]
