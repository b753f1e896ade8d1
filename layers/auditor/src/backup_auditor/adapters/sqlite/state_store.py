"""The store that keeps every project's memory in one SQLite file."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from backup_auditor.adapters.records import (
    AUDITS,
    BACKUPS,
    FINDINGS,
    INDEXES,
    SCHEDULES,
    Table,
    drift_of,
    drift_text,
    history_of,
    history_text,
    moment,
    ticks,
)
from backup_auditor.adapters.sqlite.database import opened, transaction, translating_errors
from backup_auditor.domain.audit_record import AuditRecord
from backup_auditor.domain.lifecycle.state_change import Changes, StateChange
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.domain.remediation.actions import first_backup_keys
from backup_auditor.domain.remediation.plan import APPLIED_STATES
from backup_auditor.errors import ConflictingRecordError

# where no audit is the last one, the columns that may not be null hold '' and 0
_HEAD = "id, revision, audit_id, observed_at, complete_at, policy_sha256, drift"
_WITH_AUDITS, _WITH_HISTORY, _WITH_PINECONE_PROJECT_ID = 2, 3, 4
"""The versions of the tables that added the audits, what they found, and the id of the Pinecone project."""


class SqliteState:
    """A `StateStore` and `AuditLog` over a file that is open. It has no outbox: on a laptop the report itself tells."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Take the connection; who opened it closes it."""
        self._path = path
        self._connection = connection

    def load(self, project: str) -> ProjectState:
        """Return what is remembered of a project."""
        with translating_errors(self._path), transaction(self._connection, "BEGIN"):
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                return EMPTY_STATE  # an empty file, that is only looked at
            history = "history" if version >= _WITH_HISTORY else "'[]'"  # only looked at: of a version that kept none
            project_id = "pinecone_project_id" if version >= _WITH_PINECONE_PROJECT_ID else "NULL"
            wanted = f"SELECT {_HEAD}, {history}, {project_id} FROM project WHERE name = ?"  # noqa: S608  columns are our own words
            head = self._connection.execute(wanted, (project,)).fetchone()
            if head is None:
                return EMPTY_STATE
            key, revision, audit_id, observed_at, complete_at, policy_sha256, drift, history, project_id = head
            return ProjectState(
                revision=revision,
                audit_id=audit_id or None,
                observed_at=moment(observed_at or None),
                complete_at=moment(complete_at),
                policy_sha256=policy_sha256,
                pinecone_project_id=project_id,
                findings=self._rows(FINDINGS, key, project),
                backups=self._rows(BACKUPS, key, project),
                schedules=self._rows(SCHEDULES, key, project),
                indexes=self._rows(INDEXES, key, project),
                drift=drift_of(drift),
                history=history_of(history),
                first_backups=self._first_backups(project) if version >= _WITH_AUDITS else frozenset(),
            )

    def _rows[Known](self, table: Table[Known], key: int, project: str) -> dict[str, Known]:
        there = {name for (name,) in self._connection.execute("SELECT name FROM pragma_table_info(?)", (table.name,))}
        # only looked at: a state of an older version has no columns for what it did not keep
        columns = ", ".join(it if it in there else f"NULL AS {it}" for it in table.columns)
        found = self._connection.execute(f"SELECT {columns} FROM {table.name} WHERE project = ?", (key,))  # noqa: S608  our own words
        return {row[0]: table.known_of(project, row) for row in found}

    def _first_backups(self, project: str) -> frozenset[str]:
        """Return the ids of the backups that remediation took as first backups."""
        first, after = first_backup_keys()
        written = ", ".join("?" * len(APPLIED_STATES))
        found = self._connection.execute(
            f"SELECT made_id FROM action WHERE project = ? AND key >= ? AND key < ? AND state IN ({written})"  # noqa: S608  our own words
            " AND made_id IS NOT NULL",
            (project, first, after, *sorted(APPLIED_STATES)),
        )
        return frozenset(made_id for (made_id,) in found)

    def audits(self, project: str, since: datetime) -> list[AuditRecord]:
        """Return what is kept of a project's audits since a moment, the oldest first."""
        with translating_errors(self._path):
            if self._connection.execute("PRAGMA user_version").fetchone() < (_WITH_AUDITS,):
                return []  # only looked at: empty, or of the version that kept none
            found = self._connection.execute(
                f"SELECT {', '.join(f'audit.{it}' for it in AUDITS.columns)}"  # noqa: S608  columns are our own words
                " FROM audit JOIN project ON project.id = audit.project"
                " WHERE name = ? AND audit.observed_at >= ? ORDER BY audit.observed_at, audit.audit_id",
                (project, ticks(since)),
            )
            return [AUDITS.known_of(project, row) for row in found]

    def record(self, project: str, recording: StateChange) -> None:
        """Write the differences in one transaction, if the revision they were made from is still the latest."""
        with translating_errors(self._path), transaction(self._connection):
            key = self._write_head(project, recording)
            self._write(FINDINGS, key, recording.findings)
            self._write(BACKUPS, key, recording.backups)
            self._write(SCHEDULES, key, recording.schedules)
            self._write(INDEXES, key, recording.indexes)
            recorded = () if recording.audit is None else (recording.audit,)
            self._write(AUDITS, key, Changes(recorded, tuple(it.audit_id for it in recording.discarded)))

    def _write_head(self, project: str, recording: StateChange) -> int:
        known = self._connection.execute("SELECT id, revision FROM project WHERE name = ?", (project,)).fetchone()
        key, revision = known or (None, 0)
        if revision != recording.expects:
            raise ConflictingRecordError(f"another audit of {project} was recorded meanwhile; audit again")
        head = (
            recording.revision,
            recording.audit_id or "",
            ticks(recording.observed_at) or 0,
            ticks(recording.complete_at),
            recording.policy_sha256,
            drift_text(recording.drift),
            history_text(recording.history),
            recording.pinecone_project_id,
        )
        (written,) = self._connection.execute(
            f"INSERT OR REPLACE INTO project (name, {_HEAD}, history, pinecone_project_id)"  # noqa: S608  our own words
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (project, key, *head),
        ).fetchone()
        return int(written)

    def _write[Known](self, table: Table[Known], key: int, changes: Changes[Known]) -> None:
        self._connection.executemany(
            f"DELETE FROM {table.name} WHERE project = ? AND {table.columns[0]} = ?",  # noqa: S608  our own words
            ((key, it) for it in changes.deletes),
        )
        places = ", ".join("?" * (len(table.columns) + 1))
        self._connection.executemany(
            f"INSERT OR REPLACE INTO {table.name} (project, {', '.join(table.columns)}) VALUES ({places})",  # noqa: S608  our own words
            ((key, *table.row_of(it)) for it in changes.upserts),
        )


class ReadOnlyState:
    """A `StateStore` that is looked at: audits are judged by it, and none is recorded."""

    def __init__(self, store: SqliteState) -> None:
        """Look at a store."""
        self.load = store.load
        self.audits = store.audits

    def record(self, project: str, recording: StateChange) -> None:
        """Leave everything as it is."""


@contextmanager
def open_state(path: Path) -> Iterator[SqliteState]:
    """Open a state to record in; it is made where there is none. Raises `StateError` where that cannot be."""
    with opened(path, is_written=True) as connection:
        yield SqliteState(path, connection)


@contextmanager
def open_state_read_only(path: Path) -> Iterator[ReadOnlyState]:
    """Open a state that is there, and leave it as it is. Raises `StateError` where it cannot be read."""
    with opened(path, is_written=False) as connection:
        yield ReadOnlyState(SqliteState(path, connection))
