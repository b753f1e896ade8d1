"""What every store of state must do, whatever it is made of."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.adapters.sqlite_state.store import open_state
from backup_auditor.domain.memory import NOTHING, Memory
from backup_auditor.domain.recording import recording_of
from backup_auditor.errors import ConflictingRecordError
from backup_auditor.ports.state import StateStore
from builders import DAY, NOW, backup, index, inventory, schedule
from nights import Nights
from stores import MEMORIES, PROJECT, FakeStore, in_a_row, stored

type Opening = Callable[[], AbstractContextManager[StateStore]]
"""Opens a store that is empty."""


@contextmanager
def fake() -> Iterator[StateStore]:
    """Open a store that lives as long as the test."""
    yield FakeStore()


@contextmanager
def sqlite() -> Iterator[StateStore]:
    """Open a file of its own."""
    with tempfile.TemporaryDirectory() as folder, open_state(Path(folder) / "state.sqlite3") as store:
        yield store


every_store = pytest.mark.parametrize("opening", [pytest.param(fake, id="fake"), pytest.param(sqlite, id="sqlite")])
FIRST = Memory(revision=1, audit_id="first", observed_at=NOW)
SECOND = replace(FIRST, revision=2, audit_id="second", observed_at=NOW + DAY)


@every_store
def test_nothing_is_remembered_before_the_first_recording(opening: Opening) -> None:
    """Of any project."""
    with opening() as store:
        assert store.load(PROJECT) == NOTHING


@every_store
@given(memories=st.lists(MEMORIES, min_size=1, max_size=3))
def test_what_was_recorded_is_what_is_loaded(opening: Opening, memories: list[Memory]) -> None:
    """Each recording puts the differences over what was there; nothing is lost, and nothing stays behind."""
    with opening() as store:
        before = NOTHING
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
        stored(store, NOTHING, FIRST, "a")
        assert store.load("A") == NOTHING
        assert stored(store, NOTHING, replace(FIRST, audit_id="other"), "A").audit_id == "other"
        assert store.load("a") == FIRST


@every_store
@pytest.mark.parametrize(
    "known,before",
    [
        pytest.param([FIRST], NOTHING, id="another-first"),
        pytest.param([FIRST, SECOND], FIRST, id="another-next"),
        pytest.param([], FIRST, id="nothing-there"),
    ],
)
def test_a_recording_made_from_anything_but_the_latest_is_refused(
    opening: Opening, known: list[Memory], before: Memory
) -> None:
    """Another audit was quicker; nothing of the refused one is there."""
    late = replace(before, revision=before.revision + 1, audit_id="late", observed_at=NOW)
    with opening() as store:
        last = NOTHING
        for memory in known:
            last = stored(store, last, memory)
        recording = recording_of(before, late)
        assert recording is not None
        with pytest.raises(ConflictingRecordError):
            store.record(PROJECT, recording)
        assert store.load(PROJECT) == last
