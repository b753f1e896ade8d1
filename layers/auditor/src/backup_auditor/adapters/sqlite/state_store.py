"""The state store that holds the state of every project in one SQLite file."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from backup_auditor.adapters.records import (
    AUDITS,
    BACKUPS,
    DRILLS,
    FINDINGS,
    INDEXES,
    SCHEDULES,
    RecordTable,
    StoredRow,
    decode_action_state,
    decode_drift,
    decode_history,
    encode_drift,
    encode_history,
    from_ticks,
    to_ticks,
)
from backup_auditor.adapters.sqlite.database import (
    AUDITS_VERSION,
    DRILLS_VERSION,
    open_database,
    read_version,
    transaction,
    translate_errors,
)
from backup_auditor.domain.audit_record import AuditRecord
from backup_auditor.domain.lifecycle.state_change import Changes, StateChange
from backup_auditor.domain.project_state import EMPTY_STATE, KnownDrill, ProjectState
from backup_auditor.domain.remediation.plan import APPLIED_STATES
from backup_auditor.errors import ConflictingRecordError

# without a last audit, the columns that must not be null hold '' and 0
_HEAD_COLUMNS = (
    *("id", "revision", "audit_id", "observed_at", "complete_at", "policy_sha256", "drift", "history"),
    "pinecone_project_id",
)


class SqliteState:
    """A `StateStore` and `AuditLog` in an open SQLite file. It has no outbox: a local audit sends no notifications."""

    def __init__(self, path: Path, connection: sqlite3.Connection, *, is_writable: bool) -> None:
        """Take the connection. The caller closes it. If it is not writable, recording a change does nothing."""
        self._path = path
        self._connection = connection
        self._is_writable = is_writable

    def load(self, project: str) -> ProjectState:
        """Return the state of a project."""
        with translate_errors(self._path), transaction(self._connection, "BEGIN"):
            version = read_version(self._connection)
            if version == 0:
                return EMPTY_STATE  # an empty file, opened read-only
            derived_facts: dict[str, Any] = {
                "drills": self._load_drills(project) if version >= DRILLS_VERSION else {},
                "first_backup_ids": self._load_first_backups(project) if version >= AUDITS_VERSION else frozenset(),
            }
            head = next(self._select("project", _HEAD_COLUMNS, "name", project), None)
            if head is None:
                return ProjectState(**derived_facts)
            key, revision, audit_id, observed_at, complete_at, policy_sha256, drift, history, project_id = head
            return ProjectState(
                revision=revision,
                audit_id=audit_id or None,
                observed_at=from_ticks(observed_at or None),
                complete_at=from_ticks(complete_at),
                policy_sha256=policy_sha256,
                pinecone_project_id=project_id,
                findings=self._load_rows(FINDINGS, key, project),
                backups=self._load_rows(BACKUPS, key, project),
                schedules=self._load_rows(SCHEDULES, key, project),
                indexes=self._load_rows(INDEXES, key, project),
                drift=decode_drift(drift),
                history=decode_history(history or "[]"),
                **derived_facts,
            )

    def _load_rows[Known](self, table: RecordTable[Known], key: int, project: str) -> dict[str, Known]:
        rows = self._select(table.name, table.columns, "project", key)
        return {row[0]: table.decode(project, row) for row in rows}

    def _select(self, table: str, columns: Iterable[str], key_column: str, key: object) -> Iterator[StoredRow]:
        """Return rows; a column that was added later is null in a state of an older version, opened read-only."""
        existing_rows = self._connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
        existing_columns = {name for (name,) in existing_rows}
        selection = ", ".join(it if it in existing_columns else f"NULL AS {it}" for it in columns)
        statement = f"SELECT {selection} FROM {table} WHERE {key_column} = ?"  # noqa: S608  our own words
        return self._connection.execute(statement, (key,))

    def _load_drills(self, project: str) -> dict[str, KnownDrill]:
        """Return what audits read of each restore drill, by its id."""
        drills = (DRILLS.decode(project, row) for row in self._select(DRILLS.name, DRILLS.columns, "project", project))
        return {it.drill_id: it for it in drills}

    def _load_first_backups(self, project: str) -> frozenset[str]:
        """Return the ids of the backups that remediation created as first backups."""
        rows = self._connection.execute(  # a state that is opened read-only may have the kinds and states of version 4
            "SELECT made_id, state FROM action"
            " WHERE project = ? AND key GLOB 'first[_ ]backup/*' AND made_id IS NOT NULL",
            (project,),
        )
        return frozenset(made_id for made_id, state in rows if decode_action_state(state) in APPLIED_STATES)

    def list_audits(self, project: str, since: datetime) -> list[AuditRecord]:
        """Return the audit records of a project since a time, the oldest first."""
        with translate_errors(self._path):
            if read_version(self._connection) < AUDITS_VERSION:
                return []  # opened read-only: an empty file, or a version without audit records
            head = next(self._select("project", ("id",), "name", project), None)
            if head is None:
                return []
            rows = self._select(AUDITS.name, AUDITS.columns, "project", head[0])
            audits = [it for it in (AUDITS.decode(project, row) for row in rows) if it.observed_at >= since]
            return sorted(audits, key=lambda it: (it.observed_at, it.audit_id))

    def record(self, project: str, change: StateChange, imported_audits: Sequence[AuditRecord] = ()) -> None:
        """Write a change in one transaction. Raises `ConflictingRecordError` unless its revision is the latest."""
        if not self._is_writable:
            return
        with translate_errors(self._path), transaction(self._connection):
            key = self._write_head(project, change)
            self._write(FINDINGS, key, change.findings)
            self._write(BACKUPS, key, change.backups)
            self._write(SCHEDULES, key, change.schedules)
            self._write(INDEXES, key, change.indexes)
            audits = (*((change.audit,) if change.audit else ()), *imported_audits)
            self._write(AUDITS, key, Changes(audits, tuple(it.audit_id for it in change.discarded_audits)))

    def _write_head(self, project: str, change: StateChange) -> int:
        row = self._connection.execute("SELECT id, revision FROM project WHERE name = ?", (project,)).fetchone()
        key, revision = row or (None, 0)
        if revision != change.expected_revision:
            raise ConflictingRecordError(
                f"another audit of {project} was recorded at the same time; run the audit again"
            )
        head = (
            change.revision,
            change.audit_id or "",
            to_ticks(change.observed_at) or 0,
            to_ticks(change.complete_at),
            change.policy_sha256,
            encode_drift(change.drift),
            encode_history(change.history),
            change.pinecone_project_id,
        )
        (row_id,) = self._connection.execute(
            f"INSERT OR REPLACE INTO project (name, {', '.join(_HEAD_COLUMNS)})"  # noqa: S608  our own words
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (project, key, *head),
        ).fetchone()
        return int(row_id)

    def _write[Known](self, table: RecordTable[Known], key: int, changes: Changes[Known]) -> None:
        self._connection.executemany(
            f"DELETE FROM {table.name} WHERE project = ? AND {table.columns[0]} = ?",  # noqa: S608  our own words
            ((key, it) for it in changes.deletes),
        )
        placeholders = ", ".join("?" * (len(table.columns) + 1))
        self._connection.executemany(
            f"INSERT OR REPLACE INTO {table.name} (project, {', '.join(table.columns)}) VALUES ({placeholders})",  # noqa: S608  our own words
            ((key, *table.encode(it)) for it in changes.upserts),
        )


@contextmanager
def open_state(path: Path) -> Iterator[SqliteState]:
    """Open a state for reading and recording; create it if it is missing. Raises `StateError`."""
    with open_database(path, is_writable=True) as connection:
        yield SqliteState(path, connection, is_writable=True)


@contextmanager
def open_state_read_only(path: Path) -> Iterator[SqliteState]:
    """Open an existing state without changing it. Raises `StateError` if it cannot be read."""
    with open_database(path, is_writable=False) as connection:
        yield SqliteState(path, connection, is_writable=False)
