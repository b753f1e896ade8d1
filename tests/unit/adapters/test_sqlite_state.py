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
from support.builders.audit_sequence import AuditSequence
from support.builders.facts import DAY, NOW, build_index, build_inventory
from support.fakes.stores import PROJECT, record_and_load

FIRST_STATE = ProjectState(revision=1, audit_id="first", observed_at=NOW)


def write_state(path: Path) -> ProjectState:
    """Record an audit and return the state."""
    sequence = AuditSequence()
    sequence.audit(build_inventory(*(build_index(f"index-{number}") for number in range(40))))
    with open_state(path) as store:
        return record_and_load(store, EMPTY_STATE, sequence.state)


def load_state(path: Path) -> ProjectState:
    """Open a state as an audit does and load it."""
    with open_state(path) as store:
        return store.load(PROJECT)


def run_statements(path: Path, *statements: str) -> None:
    """Run statements on any database."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_a_state_outlives_the_process(tmp_path: Path) -> None:
    """A state is one file that only its owner can read, in folders that are created for it."""
    path = tmp_path / "made" / "for it" / "state ?#%.sqlite3"
    state = write_state(path)
    assert load_state(path) == state
    assert [it.name for it in path.parent.iterdir()] == [path.name]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_an_empty_file_is_an_empty_state(tmp_path: Path) -> None:
    """An empty file, such as one of `mktemp` or of an audit that was killed early, is a new state."""
    path = tmp_path / "state"
    path.touch()
    assert load_state(path) == EMPTY_STATE
    assert load_state(path) == EMPTY_STATE


def test_a_link_is_followed(tmp_path: Path) -> None:
    """A link may also lead to a file that does not exist yet."""
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "state")
    state = write_state(link)
    assert link.is_symlink()
    assert load_state(tmp_path / "state") == state


def _write_text(path: Path) -> None:
    path.write_text("text of another program\n" * 20)


def _write_short_text(path: Path) -> None:
    path.write_text("no")


def _make_foreign(path: Path) -> None:
    run_statements(path, "CREATE TABLE theirs (id)", "PRAGMA application_id = 17")


def _clear_application_id(path: Path) -> None:
    run_statements(path, "CREATE TABLE theirs (id)")


def _set_newer_version(path: Path) -> None:
    write_state(path)
    run_statements(path, f"PRAGMA user_version = {TABLES_VERSION + 1}")


def _truncate_file(path: Path) -> None:
    write_state(path)
    os.truncate(path, path.stat().st_size // 2)


def _overwrite_page(path: Path) -> None:
    write_state(path)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 3 * 4096)


def _delete_head(path: Path) -> None:
    write_state(path)
    with path.open("r+b") as file:
        file.write(b"\x00" * 16)


def _store_nonsense(path: Path) -> None:
    write_state(path)
    run_statements(path, "UPDATE finding SET severity = 'dreadful'")


def _make_endless(path: Path) -> None:
    write_state(path)
    run_statements(path, "UPDATE finding SET first_seen = 9000000000000000000")


def _break_json(path: Path) -> None:
    write_state(path)
    run_statements(path, "UPDATE project SET drift = 'nothing'")


def _break_history(path: Path) -> None:
    write_state(path)
    run_statements(path, "UPDATE project SET history = '[[1,1,0]]'")


def _drop_table(path: Path) -> None:
    write_state(path)
    run_statements(path, "DROP TABLE backup")


@pytest.mark.parametrize(
    "damage,expected_text",
    [
        pytest.param(_write_text, "not a state of backup-auditor; the file was not changed", id="text"),
        pytest.param(_write_short_text, "not a state of backup-auditor", id="short-text"),
        pytest.param(_make_foreign, "not a state of backup-auditor", id="foreign-database"),
        pytest.param(_clear_application_id, "not a state of backup-auditor", id="anonymous-database"),
        pytest.param(
            _set_newer_version,
            f"a newer backup-auditor wrote this state (version {TABLES_VERSION + 1}); update backup-auditor",
            id="newer",
        ),
        pytest.param(_truncate_file, "the state is damaged", id="cut-short"),
        pytest.param(_overwrite_page, "the state is damaged", id="overwritten"),
        pytest.param(_delete_head, "not a state of backup-auditor", id="headless"),
        pytest.param(_store_nonsense, "the state is damaged ('dreadful' is not a valid Severity)", id="nonsense"),
        pytest.param(_make_endless, "the state is damaged", id="a-moment-beyond-the-last-year"),
        pytest.param(_break_json, "the state is damaged", id="no-json"),
        pytest.param(_break_history, "the state is damaged", id="no-history"),
        pytest.param(_drop_table, "the state cannot be used: no such table: backup", id="without-a-table"),
    ],
)
@pytest.mark.parametrize("is_read_only", [False, True], ids=["recording", "looking"])
def test_an_invalid_state_is_refused_and_not_changed(
    tmp_path: Path, damage: Callable[[Path], None], expected_text: str, *, is_read_only: bool
) -> None:
    """An invalid file raises a one-line error with its path, and no byte of it changes."""
    path = tmp_path / "state"
    damage(path)
    content_before = path.read_bytes()
    with pytest.raises(StateError) as error_info, (open_state_read_only if is_read_only else open_state)(path) as store:
        store.load(PROJECT)
    assert str(error_info.value).startswith(f"{path}: {expected_text}")
    assert "\n" not in str(error_info.value)
    assert path.read_bytes() == content_before


def test_a_folder_is_no_state(tmp_path: Path) -> None:
    """A folder, a path below a file, and a pipe are refused."""
    with pytest.raises(StateError, match="this is a folder"):
        load_state(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match=r"cannot be used: (Not a directory|File exists)"):
        load_state(tmp_path / "file" / "state")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StateError, match="this is not a regular file"):
        load_state(tmp_path / "pipe")


def test_a_state_that_cannot_be_written_is_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A state on a read-only medium is refused when it is opened for writing."""
    path = tmp_path / "state"
    write_state(path)
    original_connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda _, **options: original_connect(f"file:{path}?mode=ro", uri=True, **options)
    )
    with pytest.raises(StateError, match="attempt to write a readonly database"), open_state(path):
        pass


def test_a_locked_state_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state that another audit locks for too long raises an error."""
    path = tmp_path / "state"
    write_state(path)
    monkeypatch.setattr(state_file, "_BUSY_TIMEOUT_SECONDS", 0.01)
    with closing(sqlite3.connect(path, isolation_level=None)) as other_connection:
        other_connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateError, match="database is locked"):
            load_state(path)


def test_reading_a_state_changes_nothing(tmp_path: Path) -> None:
    """A state that is opened read-only is loaded, and recording a change does nothing."""
    path = tmp_path / "state"
    state = write_state(path)
    content_before = path.read_bytes()
    with open_state_read_only(path) as store:
        assert store.load(PROJECT) == state
        sequence = AuditSequence()
        sequence.state = state
        sequence.audit(build_inventory(), observed_at=NOW + DAY)
        assert record_and_load(store, state, sequence.state) == state
    assert path.read_bytes() == content_before
    empty_path = tmp_path / "empty"
    empty_path.touch()
    with open_state_read_only(empty_path) as store:
        assert store.load(PROJECT) == EMPTY_STATE
    assert empty_path.read_bytes() == b""


def test_a_failed_recording_leaves_the_state_unchanged(tmp_path: Path) -> None:
    """A recording that fails halfway leaves no row."""
    path = tmp_path / "state"
    state = write_state(path)
    with open_state(path) as store:
        store._connection.execute(
            "CREATE TEMP TRIGGER fail BEFORE INSERT ON live_index BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        sequence = AuditSequence()
        sequence.state = state
        sequence.audit(build_inventory(build_index("another")), observed_at=NOW + DAY)
        with suppress(StateError):
            record_and_load(store, state, sequence.state)
    assert load_state(path) == state
