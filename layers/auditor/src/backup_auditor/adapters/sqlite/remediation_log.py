"""What is remembered of remediation: every plan that was shown, and every action from before it was begun."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from backup_auditor.adapters.records import certain_moment, moment, plan_in, plan_text, ticks
from backup_auditor.adapters.sqlite.database import opened, transaction, translating_errors
from backup_auditor.domain.remediation.plan import UNSETTLED_STATES, ActionRecord, ActionState, Plan

_COLUMNS = (
    *("project", "key", "attempt", "plan_id", "who", "began_at", "call", "before"),
    *("state", "detail", "made_id", "after", "ended_at"),
)
_ROW = f"INTO action ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM action WHERE project = ?"  # noqa: S608  columns are our own words


class SqliteRemediationLog:
    """A `RemediationLog` over a file that is open. One thread at a time uses the connection."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Take the connection; who opened it closes it."""
        self._path = path
        self._connection = connection
        self._lock = Lock()

    def keep(self, plan: Plan) -> None:
        """Remember a plan; one of the same id that was made before is replaced."""
        with self._using() as connection, transaction(connection):
            connection.execute(
                "INSERT OR REPLACE INTO plan (project, plan_id, made_at, text) VALUES (?, ?, ?, ?)",
                (plan.project, plan.plan_id, ticks(plan.made_at), plan_text(plan)),
            )

    def plan(self, project: str, plan_id: str) -> Plan | None:
        """Return a plan of a project, as it was last made; `None` where there is none of that id."""
        with self._using() as connection:
            wanted = "SELECT text FROM plan WHERE project = ? AND plan_id = ?"
            found = connection.execute(wanted, (project, plan_id)).fetchone()
            return None if found is None else plan_in(found[0])

    def pinecone_project_id(self, project: str) -> str | None:
        """Return Pinecone's id of a project, once an audit has recorded it."""
        with self._using() as connection:
            wanted = "SELECT pinecone_project_id FROM project WHERE name = ?"
            found = connection.execute(wanted, (project,)).fetchone()
            return None if found is None else found[0]

    def last(self, project: str, key: str) -> ActionRecord | None:
        """Return the latest attempt at an action, of whatever plan."""
        with self._using() as connection:
            wanted = f"{_SELECT} AND key = ? ORDER BY attempt DESC LIMIT 1"
            found = connection.execute(wanted, (project, key)).fetchone()
            return None if found is None else _record_of(found)

    def begin(self, record: ActionRecord) -> bool:
        """Record an attempt before it is made; `False`, and nothing recorded, where another has taken its number."""
        with self._using() as connection, transaction(connection):
            return connection.execute(f"INSERT OR IGNORE {_ROW}", _row_of(record)).rowcount == 1

    def conclude(self, record: ActionRecord) -> None:
        """Record what came of an attempt that was begun."""
        with self._using() as connection:
            connection.execute("PRAGMA synchronous = NORMAL")  # what power failure takes of it, reading settles
            try:
                with transaction(connection):
                    connection.execute(f"REPLACE {_ROW}", _row_of(record))
            finally:
                connection.execute("PRAGMA synchronous = FULL")

    def settle(self, record: ActionRecord) -> None:
        """Record what reading shows of an attempt, unless whoever made it has said by now what came of it."""
        with self._using() as connection, transaction(connection):
            still_open = "project = ? AND key = ? AND attempt = ? AND state IN (?, ?)"
            connection.execute(
                f"UPDATE action SET {', '.join(f'{it} = ?' for it in _COLUMNS)} WHERE {still_open}",  # noqa: S608  our own words
                (*_row_of(record), *_place_of(record), *UNSETTLED_STATES),
            )

    def unsettled(self, project: str) -> list[ActionRecord]:
        """Return every attempt of which nobody knows what came of it, the oldest first."""
        with self._using() as connection:
            wanted = f"{_SELECT} AND state IN (?, ?) ORDER BY began_at, key, attempt"
            return [_record_of(it) for it in connection.execute(wanted, (project, *UNSETTLED_STATES))]

    def attempts(self, project: str) -> list[ActionRecord]:
        """Return every attempt at any action, the oldest first."""
        with self._using() as connection:
            wanted = f"{_SELECT} ORDER BY began_at, key, attempt"
            return [_record_of(it) for it in connection.execute(wanted, (project,))]

    def actions(self, project: str, plan_id: str) -> list[ActionRecord]:
        """Return every attempt at the actions of a plan, the oldest first."""
        with self._using() as connection:
            wanted = f"{_SELECT} AND plan_id = ? ORDER BY began_at, key, attempt"
            return [_record_of(it) for it in connection.execute(wanted, (project, plan_id))]

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock, translating_errors(self._path):
            yield self._connection


@contextmanager
def open_remediation_log(path: Path) -> Iterator[SqliteRemediationLog]:
    """Open a state to record plans and actions in; it is made where there is none. Raises `StateError`."""
    with opened(path, is_written=True, is_shared=True) as connection:
        yield SqliteRemediationLog(path, connection)


def _place_of(it: ActionRecord) -> tuple[str, str, int]:
    return it.project, it.key, it.attempt


def _row_of(it: ActionRecord) -> tuple[Any, ...]:
    begun = it.project, it.key, it.attempt, it.plan_id, it.who, ticks(it.began_at), it.call, json.dumps(it.before)
    return *begun, it.state, it.detail, it.made_id, json.dumps(it.after), ticks(it.ended_at)


def _record_of(row: tuple[Any, ...]) -> ActionRecord:
    project, key, attempt, plan_id, who, began_at, call, before, state, detail, made_id, after, ended_at = row
    return ActionRecord(
        project=project,
        key=key,
        attempt=attempt,
        plan_id=plan_id,
        who=who,
        began_at=certain_moment(began_at),
        call=call,
        before=json.loads(before),
        state=ActionState(state),
        detail=detail,
        made_id=made_id,
        after=json.loads(after),
        ended_at=moment(ended_at),
    )
