"""Export a project's state from a SQLite file, and import one in one transaction."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backup_auditor.adapters.sqlite.database import (
    AUDITS_VERSION,
    open_database,
    read_version,
    transaction,
    translate_errors,
)
from backup_auditor.adapters.sqlite.drill_ledger import SqliteDrillLedger
from backup_auditor.adapters.sqlite.remediation_log import SqliteRemediationLog
from backup_auditor.adapters.sqlite.state_store import SqliteState
from backup_auditor.domain.exported_state import ExportedState, StateImport
from backup_auditor.ports.stores import EARLIEST_OBSERVED_AT


class SqliteTransfer:
    """A `StateTransfer` in an open SQLite file."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Take the connection. The caller closes it."""
        self._path = path
        self._connection = connection
        self._state = SqliteState(path, connection, is_writable=True)
        self._log = SqliteRemediationLog(path, connection)
        self._ledger = SqliteDrillLedger(path, connection)

    def export_state(self, project: str) -> ExportedState:
        """Return everything that is stored about a project, as of one time."""
        with translate_errors(self._path), transaction(self._connection, "BEGIN"):
            state = self._state.load(project)
            if read_version(self._connection) < AUDITS_VERSION:
                return ExportedState(project, state)
            return ExportedState(
                project,
                state,
                tuple(self._state.list_audits(project, EARLIEST_OBSERVED_AT)),
                tuple(self._log.list_plans(project)),
                tuple(self._log.list_attempts(project)),
                tuple(self._ledger.list_drills(project)),
            )

    def import_state(self, state_import: StateImport) -> None:
        """Write everything in one transaction."""
        with translate_errors(self._path), transaction(self._connection):
            self._state.record(state_import.project, state_import.state_change, state_import.audits.upserts)
            self._log.import_records(state_import.plans, state_import.attempts)
            self._ledger.import_drills(state_import.drills)


@contextmanager
def open_transfer(path: Path, *, is_writable: bool) -> Iterator[SqliteTransfer]:
    """Open a state; create it if it is missing and to be written. Raises `StateError`."""
    with open_database(path, is_writable=is_writable) as connection:
        yield SqliteTransfer(path, connection)
