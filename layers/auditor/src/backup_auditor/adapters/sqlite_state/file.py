"""Opens the file that holds a state: it is made where there is none, and refused, untouched, where it is another's."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from backup_auditor.adapters.sqlite_state.schema import APPLICATION_ID, SCHEMA, UPGRADES, VERSION
from backup_auditor.adapters.sqlite_state.snapshot import load_snapshot
from backup_auditor.domain.text import join_lines
from backup_auditor.errors import StateError

_MAGIC = b"SQLite format 3\x00"
_HEADER_LENGTH = 100
_PATIENCE = 30.0
"""How many seconds to wait for another audit that is recording."""
_REMEDY = "move it away to begin anew, or name another with --state"
_OTHERWISE = "name another file with --state, or none with --no-state"


@contextmanager
def opened(path: Path, *, is_written: bool, is_shared: bool = False) -> Iterator[sqlite3.Connection]:
    """Open a state. Raises `StateError` where it is none, is damaged, or cannot be written although it is to be.

    A connection that threads share is for them to lock.
    """
    file = Path(os.path.realpath(path))
    with telling(path):
        if is_written:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileExistsError):
                os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        _refuse_strangers(path, file)
        if is_written:
            connection = sqlite3.connect(file, timeout=_PATIENCE, isolation_level=None, check_same_thread=not is_shared)
        else:
            connection = _connect_to_look(path, file)
    try:
        with telling(path):
            _prepare(path, connection, is_written=is_written)
        yield connection
    finally:
        connection.close()


def _connect_to_look(path: Path, file: Path) -> sqlite3.Connection:
    """Connect so that neither the file nor its log changes; where only reading is possible, to a copy in memory."""
    if not all(os.access(it, os.W_OK) for it in (str(file.parent), *_files_of(file))):
        return load_snapshot(path, file)
    connection = sqlite3.connect(file, timeout=_PATIENCE, isolation_level=None)
    if os.path.lexists(f"{file}-wal"):  # else it would be written into the file, and removed
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE)
    return connection


def _files_of(file: Path) -> list[str]:
    """Return the file, and those that SQLite made beside it, as far as they are there."""
    return [it for it in (f"{file}{suffix}" for suffix in ("", "-wal", "-shm")) if os.path.lexists(it)]


def _refuse_strangers(path: Path, file: Path) -> None:
    """Look at the head of a file before SQLite does, which may write to what it opens."""
    mode = file.stat().st_mode
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "no ordinary file"
        raise StateError(f"{path}: this is {what}; name a file with --state")
    with file.open("rb") as opened_file:
        head = opened_file.read(_HEADER_LENGTH)
    if not head:
        return
    application = int.from_bytes(head[68:72])
    if len(head) < _HEADER_LENGTH or not head.startswith(_MAGIC) or application != APPLICATION_ID:
        raise StateError(f"{path}: this is no state of backup-auditor; it was left as it is; {_REMEDY}")
    _refuse_newer(path, int.from_bytes(head[60:64]))


def _refuse_newer(path: Path, version: int) -> None:
    if version > VERSION:
        raise StateError(f"{path}: a newer backup-auditor wrote this state (version {version}); update this one")


def _prepare(path: Path, connection: sqlite3.Connection, *, is_written: bool) -> None:
    """See that the file is sound, then make the tables where there are none, or bring older ones up to date."""
    _refuse_newer(path, _number(connection, "user_version"))
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(join_lines(str(verdict)))
    if not is_written:
        connection.execute("PRAGMA query_only = ON")
        return
    connection.execute("PRAGMA synchronous = FULL")
    with transaction(connection):  # what cannot be written is found out before anything is read
        _make_tables(connection)
        connection.execute("DELETE FROM project WHERE id IS NULL")  # none is: it only asks whether it might
    with suppress(sqlite3.OperationalError):  # another audit uses it at this moment: the next one will
        connection.execute("PRAGMA journal_mode = WAL")
    _refuse_newer(path, _number(connection, "user_version"))


def _make_tables(connection: sqlite3.Connection) -> None:
    """Take the tables to this version, from whichever older one, or from none."""
    version = _number(connection, "user_version")
    statements = SCHEMA if version == 0 else [it for older in range(version, VERSION) for it in UPGRADES[older]]
    for statement in statements:
        connection.execute(statement)
    if statements:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    (number,) = connection.execute(f"PRAGMA {pragma}").fetchone()
    return int(number)


@contextmanager
def transaction(connection: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    """Do everything within or nothing."""
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Say in one line what is wrong with a state."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StateError(f"{path}: the state cannot be used: {error}; {_OTHERWISE}") from None
    except (sqlite3.DatabaseError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise StateError(f"{path}: the state is damaged ({error}); it was left as it is; {_REMEDY}") from None
    except OSError as error:
        why = error.strerror or "it is no file"
        raise StateError(f"{path}: the state cannot be used: {why}; {_OTHERWISE}") from None
