"""A snapshot has the committed changes of the log, and no others."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from backup_auditor.adapters.sqlite import snapshot
from backup_auditor.adapters.sqlite.snapshot import apply_committed_pages, load_snapshot
from backup_auditor.errors import StateError


def write_database(path: Path, seed: int, *, page_size: int = 4096) -> list[tuple[int, str]]:
    """Write to a database in several transactions, the last one uncommitted; copy the files and return the rows."""
    rng = Random(seed)  # noqa: S311  no secret
    source = path.with_name("source")
    with closing(sqlite3.connect(source, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {page_size}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 20")
        connection.execute("PRAGMA cache_size = 5")
        connection.execute("CREATE TABLE fact (id INTEGER PRIMARY KEY, text TEXT)")
        for _ in range(rng.randint(1, 30)):
            connection.execute("BEGIN")
            for _ in range(rng.randint(1, 40)):
                row = rng.randint(1, 400), "x" * rng.randint(1, 3000)
                connection.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", row)
            if rng.random() < 0.3:
                connection.execute("DELETE FROM fact WHERE id > 200")
            connection.execute("COMMIT" if rng.random() < 0.8 else "ROLLBACK")
        if rng.random() < 0.3:
            connection.execute("VACUUM")
        rows = connection.execute("SELECT * FROM fact ORDER BY id").fetchall()
        connection.execute("BEGIN")
        connection.execute("DELETE FROM fact")
        connection.executemany("INSERT INTO fact VALUES (?, ?)", ((number, "y" * 3000) for number in range(50)))
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{source}{suffix}", f"{path}{suffix}")
        connection.execute("ROLLBACK")
    return rows


def read_copy(path: Path) -> list[tuple[int, str]]:
    """Return the rows of a snapshot."""
    with closing(load_snapshot(path, path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return connection.execute("SELECT * FROM fact ORDER BY id").fetchall()


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("page_size", [512, 4096, 65536])
def test_a_snapshot_has_the_committed_rows(tmp_path: Path, seed: int, page_size: int) -> None:
    """SQLite reads the same rows from the same files."""
    path = tmp_path / "state"
    rows = write_database(path, seed, page_size=page_size)
    assert read_copy(path) == rows
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT * FROM fact ORDER BY id").fetchall() == rows


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_log_is_read_as_far_as_sqlite_reads_it(tmp_path: Path, seed: int) -> None:
    """A frame with a wrong checksum ends the log."""
    path = tmp_path / "state"
    write_database(path, seed)
    log = Path(f"{path}-wal")
    content = bytearray(log.read_bytes())
    rng = Random(seed)  # noqa: S311  no secret
    position = rng.randrange(len(content))
    if seed % 2:
        del content[position:]
    else:
        content[position] ^= 0x55
    log.write_bytes(content)
    copied_rows = read_copy(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT * FROM fact ORDER BY id").fetchall() == copied_rows


def test_a_database_without_a_log_is_read_as_it_is(tmp_path: Path) -> None:
    """A database without a log is read in any journal mode; an empty file stays empty."""
    path = tmp_path / "state"
    path.touch()
    with closing(load_snapshot(path, path)) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE fact (id INTEGER PRIMARY KEY, text TEXT)")
        connection.execute("INSERT INTO fact VALUES (1, 'one')")
    assert read_copy(path) == [(1, "one")]
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    assert read_copy(path) == [(1, "one")]


def test_a_log_of_another_database_changes_nothing() -> None:
    """A file that does not start like a log is ignored."""
    image = bytes(16) + b"\x10\x00" + b"\2\2" + bytes(4076)
    plain_image = image[:18] + b"\1\1" + image[20:]
    assert apply_committed_pages(image, b"") == plain_image
    assert apply_committed_pages(image, b"no log at all, but as long as the head of one") == plain_image


def test_a_state_that_changes_while_it_is_read_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state that changes during every attempt is refused, because its parts may be inconsistent."""
    path = tmp_path / "state"
    rows = write_database(path, 1)
    real_stamp, stamps = snapshot._read_stamp, iter(range(100))
    monkeypatch.setattr(
        snapshot, "_read_stamp", lambda it: real_stamp(it) if (number := next(stamps)) > 7 else (number, 0, 0)
    )
    assert read_copy(path) == rows
    monkeypatch.setattr(snapshot, "_read_stamp", lambda _: (next(stamps), 0, 0))
    with pytest.raises(StateError, match="the state changed while it was read; try again"):
        load_snapshot(path, path)


def test_an_interrupted_write_is_refused(tmp_path: Path) -> None:
    """A state with a rollback journal is refused; an empty journal is ignored."""
    path, journal = tmp_path / "state", tmp_path / "state-journal"
    rows = write_database(path, 1)
    journal.touch()
    assert read_copy(path) == rows
    journal.write_bytes(b"what was there before")
    with pytest.raises(StateError, match="copy both files to a writable folder"):
        load_snapshot(path, path)
