"""The remediation log in SQLite: every plan that was shown, and every attempt, recorded before it starts."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from backup_auditor.adapters.records import ATTEMPTS, StoredRow, decode_plan, encode_plan, to_ticks
from backup_auditor.adapters.sqlite.database import open_database, transaction, translate_errors
from backup_auditor.domain.exported_state import RecordChanges
from backup_auditor.domain.remediation.plan import UNSETTLED_STATES, ActionRecord, RemediationPlan

_INTO_ACTION = f"INTO action ({', '.join(ATTEMPTS.columns)}) VALUES ({', '.join('?' * len(ATTEMPTS.columns))})"
_INTO_PLAN = "INTO plan (project, plan_id, made_at, text) VALUES (?, ?, ?, ?)"
_SELECT = f"SELECT {', '.join(ATTEMPTS.columns)} FROM action WHERE project = ?"  # noqa: S608  columns are our own words


class SqliteRemediationLog:
    """A `RemediationLog` in an open SQLite file. One thread at a time uses the connection."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Take the connection. The caller closes it."""
        self._path = path
        self._connection = connection
        self._lock = Lock()

    def store_plan(self, plan: RemediationPlan) -> None:
        """Store a plan; it replaces an earlier plan of the same id."""
        with self._use_connection() as connection, transaction(connection):
            connection.execute(f"REPLACE {_INTO_PLAN}", _encode_plan_row(plan))

    def load_plan(self, project: str, plan_id: str) -> RemediationPlan | None:
        """Return the latest plan of an id, `None` if there is none."""
        with self._use_connection() as connection:
            statement = "SELECT text FROM plan WHERE project = ? AND plan_id = ?"
            row = connection.execute(statement, (project, plan_id)).fetchone()
            return None if row is None else decode_plan(row[0], plan_id)

    def list_plans(self, project: str) -> list[RemediationPlan]:
        """Return every stored plan of a project, by its id."""
        with self._use_connection() as connection:
            rows = connection.execute("SELECT text, plan_id FROM plan WHERE project = ? ORDER BY plan_id", (project,))
            return [decode_plan(text, plan_id) for text, plan_id in rows]

    def import_records(self, plans: RecordChanges[RemediationPlan], attempts: RecordChanges[ActionRecord]) -> None:
        """Write and delete plans and attempts in one transaction."""
        with self._use_connection() as connection, transaction(connection):
            connection.executemany(
                "DELETE FROM plan WHERE project = ? AND plan_id = ?",
                ((it.project, it.plan_id) for it in plans.deletes),
            )
            connection.executemany(f"REPLACE {_INTO_PLAN}", map(_encode_plan_row, plans.upserts))
            connection.executemany(
                "DELETE FROM action WHERE project = ? AND key = ? AND attempt = ?",
                ((it.project, it.key, it.attempt) for it in attempts.deletes),
            )
            connection.executemany(f"REPLACE {_INTO_ACTION}", map(ATTEMPTS.encode, attempts.upserts))

    def load_pinecone_project_id(self, project: str) -> str | None:
        """Return Pinecone's id of a project, `None` until an audit has recorded it."""
        with self._use_connection() as connection:
            statement = "SELECT pinecone_project_id FROM project WHERE name = ?"
            row = connection.execute(statement, (project,)).fetchone()
            return None if row is None else row[0]

    def find_last_attempt(self, project: str, key: str) -> ActionRecord | None:
        """Return the latest attempt at an action in any plan."""
        with self._use_connection() as connection:
            statement = f"{_SELECT} AND key = ? ORDER BY attempt DESC LIMIT 1"
            row = connection.execute(statement, (project, key)).fetchone()
            return None if row is None else ATTEMPTS.decode(project, row)

    def record_start(self, record: ActionRecord) -> bool:
        """Record an attempt before it starts. Return `False` if another process has recorded this attempt number."""
        with self._use_connection() as connection, transaction(connection):
            return connection.execute(f"INSERT OR IGNORE {_INTO_ACTION}", ATTEMPTS.encode(record)).rowcount == 1

    def record_result(self, record: ActionRecord) -> None:
        """Record the result of an attempt that was started."""
        with self._use_connection() as connection:
            # after a power failure, reading the project settles the attempt
            connection.execute("PRAGMA synchronous = NORMAL")
            try:
                with transaction(connection):
                    connection.execute(f"REPLACE {_INTO_ACTION}", ATTEMPTS.encode(record))
            finally:
                connection.execute("PRAGMA synchronous = FULL")

    def settle_attempt(self, record: ActionRecord) -> None:
        """Record the result that reading shows, unless the attempt's own process has recorded one."""
        with self._use_connection() as connection, transaction(connection):
            condition = "project = ? AND key = ? AND attempt = ? AND state IN (?, ?)"
            connection.execute(
                f"UPDATE action SET {', '.join(f'{it} = ?' for it in ATTEMPTS.columns)} WHERE {condition}",  # noqa: S608  our own words
                (*ATTEMPTS.encode(record), record.project, record.key, record.attempt, *UNSETTLED_STATES),
            )

    def list_unsettled(self, project: str) -> list[ActionRecord]:
        """Return every attempt with an unknown result, the oldest first."""
        return self._list_attempts(project, "AND state IN (?, ?)", *UNSETTLED_STATES)

    def list_attempts(self, project: str) -> list[ActionRecord]:
        """Return every attempt at any action, the oldest first."""
        return self._list_attempts(project)

    def list_plan_attempts(self, project: str, plan_id: str) -> list[ActionRecord]:
        """Return every attempt at the actions of a plan, the oldest first."""
        return self._list_attempts(project, "AND plan_id = ?", plan_id)

    def _list_attempts(self, project: str, condition: str = "", *values: str) -> list[ActionRecord]:
        statement = f"{_SELECT} {condition} ORDER BY began_at, key, attempt"
        with self._use_connection() as connection:
            return [ATTEMPTS.decode(project, it) for it in connection.execute(statement, (project, *values))]

    @contextmanager
    def _use_connection(self) -> Iterator[sqlite3.Connection]:
        with self._lock, translate_errors(self._path):
            yield self._connection


def _encode_plan_row(plan: RemediationPlan) -> StoredRow:
    return plan.project, plan.plan_id, to_ticks(plan.created_at), encode_plan(plan)


@contextmanager
def open_remediation_log(path: Path) -> Iterator[SqliteRemediationLog]:
    """Open a state for plans and attempts; create it if it is missing. Raises `StateError`."""
    with open_database(path, is_writable=True, is_shared=True) as connection:
        yield SqliteRemediationLog(path, connection)
