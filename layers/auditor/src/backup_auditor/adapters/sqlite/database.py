"""The SQLite file of a state: tables, upgrades and opening. A file of another program is refused and not changed."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from backup_auditor.adapters.sqlite.snapshot import load_snapshot
from backup_auditor.domain.text import collapse_whitespace
from backup_auditor.errors import StateError

APPLICATION_ID = 0x42416453
"""The application id in the header of the file."""
TABLES_VERSION = 8
"""Incremented when the tables change. A state of a newer version is refused."""
AUDITS_VERSION = 2
"""The version of the tables that added audits, plans and attempts."""
DRILLS_VERSION = 8
"""The version of the tables that has every column of the ledger of restore drills."""

UPGRADES = {
    0: (
        """
        CREATE TABLE project (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            revision INTEGER NOT NULL,
            audit_id TEXT NOT NULL,
            observed_at INTEGER NOT NULL,
            complete_at INTEGER,
            policy_sha256 TEXT,
            drift TEXT NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE finding (
            project INTEGER NOT NULL REFERENCES project,
            fingerprint TEXT NOT NULL,
            control TEXT NOT NULL,
            resource_type TEXT NOT NULL,
            resource_name TEXT NOT NULL,
            resource_id TEXT,
            severity TEXT NOT NULL,
            state TEXT NOT NULL,
            first_seen INTEGER NOT NULL,
            times INTEGER NOT NULL,
            changed_at INTEGER NOT NULL,
            changed_by TEXT NOT NULL,
            PRIMARY KEY (project, fingerprint)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE backup (
            project INTEGER NOT NULL REFERENCES project,
            backup_id TEXT NOT NULL,
            index_id TEXT NOT NULL,
            index_name TEXT NOT NULL,
            name TEXT,
            schedule_id TEXT,
            captured_at INTEGER,
            expires INTEGER,
            expires_at INTEGER,
            known_since INTEGER NOT NULL,
            PRIMARY KEY (project, backup_id)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE schedule (
            project INTEGER NOT NULL REFERENCES project,
            schedule_id TEXT NOT NULL,
            index_name TEXT NOT NULL,
            name TEXT,
            frequency TEXT,
            retention INTEGER,
            enabled INTEGER,
            PRIMARY KEY (project, schedule_id)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE live_index (
            project INTEGER NOT NULL REFERENCES project,
            name TEXT NOT NULL,
            index_id TEXT,
            first_seen INTEGER NOT NULL,
            deletion_protection INTEGER,
            PRIMARY KEY (project, name)
        ) STRICT, WITHOUT ROWID
        """,
    ),
    1: (
        """
        CREATE TABLE audit (
            project INTEGER NOT NULL REFERENCES project,
            audit_id TEXT NOT NULL,
            observed_at INTEGER NOT NULL,
            complete INTEGER NOT NULL,
            compliance TEXT NOT NULL,
            location TEXT,
            sha256 TEXT,
            PRIMARY KEY (project, observed_at, audit_id)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE plan (
            project TEXT NOT NULL,
            plan_id TEXT NOT NULL,
            made_at INTEGER NOT NULL,
            text TEXT NOT NULL,
            PRIMARY KEY (project, plan_id)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE action (
            project TEXT NOT NULL,
            key TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            plan_id TEXT NOT NULL,
            who TEXT NOT NULL,
            began_at INTEGER NOT NULL,
            call TEXT NOT NULL,
            before TEXT NOT NULL,
            state TEXT NOT NULL,
            detail TEXT NOT NULL,
            made_id TEXT,
            after TEXT NOT NULL,
            ended_at INTEGER,
            PRIMARY KEY (project, key, attempt)
        ) STRICT, WITHOUT ROWID
        """,
    ),
    2: ("ALTER TABLE project ADD COLUMN history TEXT NOT NULL DEFAULT '[]'",),
    3: (
        "ALTER TABLE project ADD COLUMN pinecone_project_id TEXT",
        "ALTER TABLE backup ADD COLUMN missed_at INTEGER",
        "ALTER TABLE schedule ADD COLUMN since INTEGER",
        "ALTER TABLE schedule ADD COLUMN seen_at INTEGER",
        "ALTER TABLE schedule ADD COLUMN earlier TEXT",
    ),
    4: (
        """
        UPDATE action SET state = CASE state
            WHEN 'intended' THEN 'started'
            WHEN 'already there' THEN 'already_satisfied'
            WHEN 'amiss' THEN 'verification_failed'
            WHEN 'not begun' THEN 'not_started'
            ELSE state END
        """,
        """
        UPDATE action SET key = CASE substr(key, 1, instr(key, '/') - 1)
            WHEN 'create schedule' THEN 'create_schedule' || substr(key, instr(key, '/'))
            WHEN 'change schedule' THEN 'update_schedule' || substr(key, instr(key, '/'))
            WHEN 'first backup' THEN 'first_backup' || substr(key, instr(key, '/'))
            ELSE key END
        """,
    ),
    5: (
        "ALTER TABLE audit ADD COLUMN page_location TEXT",
        "ALTER TABLE audit ADD COLUMN page_sha256 TEXT",
    ),
    6: (
        """
        CREATE TABLE drill (
            project INTEGER NOT NULL REFERENCES project,
            drill_id TEXT NOT NULL,
            index_id TEXT NOT NULL,
            index_name TEXT NOT NULL,
            backup_id TEXT NOT NULL,
            target_name TEXT NOT NULL,
            started_at INTEGER NOT NULL,
            ends_by INTEGER NOT NULL,
            result TEXT,
            ended_at INTEGER,
            restore_time INTEGER,
            is_target_deleted INTEGER NOT NULL,
            PRIMARY KEY (project, drill_id)
        ) STRICT, WITHOUT ROWID
        """,
    ),
    7: (
        "DROP TABLE drill",  # no version wrote to it
        """
        CREATE TABLE drill (
            project TEXT NOT NULL,
            number INTEGER NOT NULL,
            revision INTEGER NOT NULL,
            drill_id TEXT NOT NULL,
            index_id TEXT NOT NULL,
            index_name TEXT NOT NULL,
            backup_id TEXT NOT NULL,
            target_name TEXT NOT NULL,
            started_at INTEGER NOT NULL,
            ends_by INTEGER NOT NULL,
            result TEXT,
            ended_at INTEGER,
            restore_time INTEGER,
            is_target_deleted INTEGER NOT NULL,
            least_restore_time INTEGER,
            is_deletion_failed INTEGER NOT NULL,
            record TEXT NOT NULL,
            PRIMARY KEY (project, number)
        ) STRICT
        """,
    ),
}
"""The statements that upgrade the tables of a version to the next one. A new file begins at version 0."""


_MAGIC = b"SQLite format 3\x00"
_HEADER_LENGTH = 100
_BUSY_TIMEOUT_SECONDS = 30.0
"""How long to wait for another audit that is recording."""
_REMEDY = "move it away to start with an empty state, or name another file with --state"
_OTHER_FILE_REMEDY = (
    "name another file with --state (for a registry another folder with XDG_STATE_HOME), or use --no-state"
)


@contextmanager
def open_database(path: Path, *, is_writable: bool, is_shared: bool = False) -> Iterator[sqlite3.Connection]:
    """Open a state. Raises `StateError` if it is not a state, is damaged, or is to be written and cannot be.

    Threads that share the connection must lock it.
    """
    file = Path(os.path.realpath(path))
    with translate_errors(path):
        if is_writable:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileExistsError):
                os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        _refuse_foreign_file(path, file)
        if is_writable:
            connection = sqlite3.connect(
                file, timeout=_BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=not is_shared
            )
        else:
            connection = _connect_read_only(path, file)
    try:
        with translate_errors(path):
            _prepare(path, connection, is_writable=is_writable)
        yield connection
    finally:
        connection.close()


def _connect_read_only(path: Path, file: Path) -> sqlite3.Connection:
    """Connect without changing the file or its log; on a read-only file system, connect to a copy in memory."""
    if not all(os.access(it, os.W_OK) for it in (str(file.parent), *_list_files(file))):
        return load_snapshot(path, file)
    connection = sqlite3.connect(file, timeout=_BUSY_TIMEOUT_SECONDS, isolation_level=None)
    if os.path.lexists(f"{file}-wal"):  # else SQLite would write the log into the file and delete it
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE)
    return connection


def _list_files(file: Path) -> list[str]:
    """Return the file and the files that SQLite created beside it, if they exist."""
    return [it for it in (f"{file}{suffix}" for suffix in ("", "-wal", "-shm")) if os.path.lexists(it)]


def _refuse_foreign_file(path: Path, file: Path) -> None:
    """Check the header of a file before SQLite opens it, because SQLite may write to what it opens."""
    mode = file.stat().st_mode
    if not stat.S_ISREG(mode):
        description = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
        raise StateError(f"{path}: this is {description}; name a file with --state")
    with file.open("rb") as stream:
        header = stream.read(_HEADER_LENGTH)
    if not header:
        return
    application_id = int.from_bytes(header[68:72])
    if len(header) < _HEADER_LENGTH or not header.startswith(_MAGIC) or application_id != APPLICATION_ID:
        raise StateError(f"{path}: not a state of backup-auditor; the file was not changed; {_REMEDY}")
    _refuse_newer(path, int.from_bytes(header[60:64]))


def _refuse_newer(path: Path, version: int) -> None:
    if version > TABLES_VERSION:
        raise StateError(f"{path}: a newer backup-auditor wrote this state (version {version}); update backup-auditor")


def _prepare(path: Path, connection: sqlite3.Connection, *, is_writable: bool) -> None:
    """Check the file, then create or upgrade its tables."""
    _refuse_newer(path, read_version(connection))
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(collapse_whitespace(str(verdict)))
    if not is_writable:
        connection.execute("PRAGMA query_only = ON")
        return
    connection.execute("PRAGMA synchronous = FULL")
    with transaction(connection):  # a read-only file fails here, before anything is read
        _upgrade_tables(connection)
        # no row matches: the statement only checks that writing is possible
        connection.execute("DELETE FROM project WHERE id IS NULL")
    with suppress(sqlite3.OperationalError):  # another audit is using the file: the next audit switches the mode
        connection.execute("PRAGMA journal_mode = WAL")
    _refuse_newer(path, read_version(connection))


def _upgrade_tables(connection: sqlite3.Connection) -> None:
    """Create the tables, or upgrade them from any older version."""
    version = read_version(connection)
    statements = [it for older_version in range(version, TABLES_VERSION) for it in UPGRADES[older_version]]
    for statement in statements:
        connection.execute(statement)
    if statements:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {TABLES_VERSION}")


def read_version(connection: sqlite3.Connection) -> int:
    """Return the version of the tables; 0 for an empty file. A file that is opened read-only is not upgraded."""
    return _read_pragma(connection, "user_version")


def _read_pragma(connection: sqlite3.Connection, pragma: str) -> int:
    (number,) = connection.execute(f"PRAGMA {pragma}").fetchone()
    return int(number)


@contextmanager
def transaction(connection: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    """Commit everything that the block did, or nothing. A transaction in another one is a part of it."""
    if connection.in_transaction:
        yield
        return
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Translate errors of SQLite and of stored values into `StateError`."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StateError(f"{path}: the state cannot be used: {error}; {_OTHER_FILE_REMEDY}") from None
    except (sqlite3.DatabaseError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise StateError(f"{path}: the state is damaged ({error}); the file was not changed; {_REMEDY}") from None
    except OSError as error:
        reason = error.strerror or "not a file"
        raise StateError(f"{path}: the state cannot be used: {reason}; {_OTHER_FILE_REMEDY}") from None
