"""The ledger of restore drills in SQLite: each drill under its number, with what audits read in columns of its own."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from backup_auditor.adapters.drill_records import decode_drill, encode_drill, encode_known_drill
from backup_auditor.adapters.records import DRILLS, StoredRow
from backup_auditor.adapters.sqlite.database import (
    DRILLS_VERSION,
    open_database,
    read_version,
    transaction,
    translate_errors,
)
from backup_auditor.domain.drills.drill import DrillRecord
from backup_auditor.domain.exported_state import RecordChanges
from backup_auditor.errors import ConflictingRecordError

_COLUMNS = ("project", "number", "revision", *DRILLS.columns, "record")
_SELECT = "SELECT record, project, number, revision FROM drill WHERE project = ?"
_INSERT = (
    f"INSERT INTO drill ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608  our own words
    " ON CONFLICT (project, number) DO NOTHING"
)
_IS_STORED = "project = ? AND number = ? AND revision = ?"
_UPDATE = f"UPDATE drill SET {', '.join(f'{it} = ?' for it in _COLUMNS)} WHERE {_IS_STORED}"  # noqa: S608  our own words
_DELETE = f"DELETE FROM drill WHERE {_IS_STORED}"  # noqa: S608  our own words


class SqliteDrillLedger:
    """A `DrillLedger` in an open SQLite file. One thread at a time uses the connection."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Take the connection. The caller closes it."""
        self._path = path
        self._connection = connection
        self._lock = Lock()

    def list_drills(self, project: str) -> list[DrillRecord]:
        """Return all drills of a project, by number."""
        return self._select(f"{_SELECT} ORDER BY number", project)

    def load_drill(self, project: str, number: int) -> DrillRecord | None:
        """Return one drill as it is stored now."""
        return next(iter(self._select(f"{_SELECT} AND number = ?", project, number)), None)

    def create_drill(self, record: DrillRecord) -> bool:
        """Store a new drill. Return `False` and store nothing if its project has a drill of this number."""
        return self._write(_INSERT, *_encode_row(record))

    def replace_drill(self, record: DrillRecord) -> bool:
        """Replace a stored drill. Return `False` and change nothing unless its stored revision is the one before."""
        return self._write(_UPDATE, *_encode_row(record), record.project, record.number, record.revision - 1)

    def import_drills(self, changes: RecordChanges[DrillRecord]) -> None:
        """Write and delete drills in one transaction. Raises `ConflictingRecordError` if one has changed meanwhile."""
        replaced_drills = {it.number: it for it in changes.replaced}
        with self._use_connection() as connection, transaction(connection):
            counts = [connection.execute(_DELETE, _get_version(it)).rowcount for it in changes.deletes]
            for record in changes.upserts:
                replaced = replaced_drills.get(record.number)
                condition = () if replaced is None else _get_version(replaced)
                statement = _INSERT if replaced is None else _UPDATE
                counts.append(connection.execute(statement, (*_encode_row(record), *condition)).rowcount)
            if not all(counts):
                raise ConflictingRecordError("a restore drill has changed during the import; import the state again")

    def _select(self, statement: str, *values: object) -> list[DrillRecord]:
        with self._use_connection() as connection:
            if read_version(connection) < DRILLS_VERSION:
                return []  # opened read-only: an empty file, or a version before the first release with drills
            return [decode_drill(*row) for row in connection.execute(statement, values)]

    def _write(self, statement: str, *values: object) -> bool:
        with self._use_connection() as connection, transaction(connection):
            return connection.execute(statement, values).rowcount == 1

    @contextmanager
    def _use_connection(self) -> Iterator[sqlite3.Connection]:
        with self._lock, translate_errors(self._path):
            yield self._connection


def _encode_row(record: DrillRecord) -> StoredRow:
    return *_get_version(record), *encode_known_drill(record), encode_drill(record).decode()


def _get_version(record: DrillRecord) -> StoredRow:
    return record.project, record.number, record.revision


@contextmanager
def open_drill_ledger(path: Path) -> Iterator[SqliteDrillLedger]:
    """Open a state for restore drills; create it if it is missing. Raises `StateError`."""
    with open_database(path, is_writable=True, is_shared=True) as connection:
        yield SqliteDrillLedger(path, connection)


@contextmanager
def open_drill_ledger_read_only(path: Path) -> Iterator[SqliteDrillLedger]:
    """Open the restore drills of an existing state without changing it. Raises `StateError` if it cannot be read."""
    with open_database(path, is_writable=False) as connection:
        yield SqliteDrillLedger(path, connection)
