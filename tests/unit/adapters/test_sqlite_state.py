"""The file of a state: made where there is none, and refused, untouched, where it is anything else."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from backup_auditor.adapters.sqlite import database as state_file
from backup_auditor.adapters.sqlite.database import TABLES_VERSION
from backup_auditor.adapters.sqlite.state_store import open_state, open_state_read_only
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.errors import StateError
from support.builders.audit_sequence import Nights
from support.builders.facts import DAY, NOW, index, inventory
from support.fakes.stores import PROJECT, stored

FIRST = ProjectState(revision=1, audit_id="first", observed_at=NOW)


def written(path: Path) -> ProjectState:
    """Record a night, and return what is remembered of it."""
    nights = Nights()
    nights.audited(inventory(*(index(f"index-{number}") for number in range(40))))
    with open_state(path) as store:
        return stored(store, EMPTY_STATE, nights.memory)


def loaded(path: Path) -> ProjectState:
    """Open a state as an audit does, and load what is remembered."""
    with open_state(path) as store:
        return store.load(PROJECT)


def database(path: Path, *statements: str) -> None:
    """Run statements on a database, whosever it is."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_a_state_outlives_the_process(tmp_path: Path) -> None:
    """It is one file, readable by its owner alone, in folders made for it."""
    path = tmp_path / "made" / "for it" / "state ?#%.sqlite3"
    memory = written(path)
    assert loaded(path) == memory
    assert [it.name for it in path.parent.iterdir()] == [path.name]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_an_empty_file_is_a_beginning(tmp_path: Path) -> None:
    """As `mktemp` makes one, or an audit that was killed before it began."""
    path = tmp_path / "state"
    path.touch()
    assert loaded(path) == EMPTY_STATE
    assert loaded(path) == EMPTY_STATE


def test_a_link_is_followed(tmp_path: Path) -> None:
    """Also one to a file that is still to be made."""
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "state")
    memory = written(link)
    assert link.is_symlink()
    assert loaded(tmp_path / "state") == memory


def _text(path: Path) -> None:
    path.write_text("what somebody wrote\n" * 20)


def _short_text(path: Path) -> None:
    path.write_text("no")


def _foreign(path: Path) -> None:
    database(path, "CREATE TABLE theirs (id)", "PRAGMA application_id = 17")


def _anonymous(path: Path) -> None:
    database(path, "CREATE TABLE theirs (id)")


def _newer(path: Path) -> None:
    written(path)
    database(path, f"PRAGMA user_version = {TABLES_VERSION + 1}")


def _cut_short(path: Path) -> None:
    written(path)
    os.truncate(path, path.stat().st_size // 2)


def _overwritten(path: Path) -> None:
    written(path)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 3 * 4096)


def _headless(path: Path) -> None:
    written(path)
    with path.open("r+b") as file:
        file.write(b"\x00" * 16)


def _nonsense(path: Path) -> None:
    written(path)
    database(path, "UPDATE finding SET severity = 'dreadful'")


def _endless(path: Path) -> None:
    written(path)
    database(path, "UPDATE finding SET first_seen = 9000000000000000000")


def _no_json(path: Path) -> None:
    written(path)
    database(path, "UPDATE project SET drift = 'nothing'")


def _no_history(path: Path) -> None:
    written(path)
    database(path, "UPDATE project SET history = '[[1,1,0]]'")


def _without_table(path: Path) -> None:
    written(path)
    database(path, "DROP TABLE backup")


@pytest.mark.parametrize(
    "make,said",
    [
        pytest.param(_text, "this is no state of backup-auditor; it was left as it is", id="text"),
        pytest.param(_short_text, "this is no state of backup-auditor", id="short-text"),
        pytest.param(_foreign, "this is no state of backup-auditor", id="foreign-database"),
        pytest.param(_anonymous, "this is no state of backup-auditor", id="anonymous-database"),
        pytest.param(
            _newer,
            f"a newer backup-auditor wrote this state (version {TABLES_VERSION + 1}); update this one",
            id="newer",
        ),
        pytest.param(_cut_short, "the state is damaged", id="cut-short"),
        pytest.param(_overwritten, "the state is damaged", id="overwritten"),
        pytest.param(_headless, "this is no state of backup-auditor", id="headless"),
        pytest.param(_nonsense, "the state is damaged ('dreadful' is not a valid Severity)", id="nonsense"),
        pytest.param(_endless, "the state is damaged", id="a-moment-beyond-the-last-year"),
        pytest.param(_no_json, "the state is damaged", id="no-json"),
        pytest.param(_no_history, "the state is damaged", id="no-history"),
        pytest.param(_without_table, "the state cannot be used: no such table: backup", id="without-a-table"),
    ],
)
@pytest.mark.parametrize("is_only_read", [False, True], ids=["recording", "looking"])
def test_what_is_no_sound_state_is_refused_and_left_as_it_is(
    tmp_path: Path, make: Callable[[Path], None], said: str, *, is_only_read: bool
) -> None:
    """In one line that names the file; not a byte of it changes."""
    path = tmp_path / "state"
    make(path)
    before = path.read_bytes()
    with pytest.raises(StateError) as caught, (open_state_read_only if is_only_read else open_state)(path) as store:
        store.load(PROJECT)
    assert str(caught.value).startswith(f"{path}: {said}")
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def test_a_folder_is_no_state(tmp_path: Path) -> None:
    """Nor is anything beneath a file, or a pipe."""
    with pytest.raises(StateError, match="this is a folder"):
        loaded(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match=r"cannot be used: (Not a directory|File exists)"):
        loaded(tmp_path / "file" / "state")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StateError, match="this is no ordinary file"):
        loaded(tmp_path / "pipe")


def test_a_state_that_cannot_be_written_is_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a medium that is read-only."""
    path = tmp_path / "state"
    written(path)
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda _, **options: connect(f"file:{path}?mode=ro", uri=True, **options))
    with pytest.raises(StateError, match="attempt to write a readonly database"), open_state(path):
        pass


def test_another_audit_that_does_not_end_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said that the state is in use."""
    path = tmp_path / "state"
    written(path)
    monkeypatch.setattr(state_file, "_BUSY_TIMEOUT_SECONDS", 0.01)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateError, match="database is locked"):
            loaded(path)


def test_looking_into_a_state_changes_nothing(tmp_path: Path) -> None:
    """It is loaded as it is, and what is to be recorded is not."""
    path = tmp_path / "state"
    memory = written(path)
    before = path.read_bytes()
    with open_state_read_only(path) as store:
        assert store.load(PROJECT) == memory
        nights = Nights()
        nights.memory = memory
        nights.audited(inventory(), at=NOW + DAY)
        assert stored(store, memory, nights.memory) == memory
    assert path.read_bytes() == before
    empty = tmp_path / "empty"
    empty.touch()
    with open_state_read_only(empty) as store:
        assert store.load(PROJECT) == EMPTY_STATE
    assert empty.read_bytes() == b""


def test_what_fails_halfway_leaves_the_state_as_it_was(tmp_path: Path) -> None:
    """Nothing of that recording is there."""
    path = tmp_path / "state"
    memory = written(path)
    with open_state(path) as store:
        store._connection.execute(
            "CREATE TEMP TRIGGER fail BEFORE INSERT ON live_index BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        nights = Nights()
        nights.memory = memory
        nights.audited(inventory(index("another")), at=NOW + DAY)
        with suppress(StateError):
            stored(store, memory, nights.memory)
    assert loaded(path) == memory
