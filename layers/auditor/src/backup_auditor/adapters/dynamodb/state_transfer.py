"""Export a project's state from a DynamoDB table, and import one: until its end the earlier state can be read."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from backup_auditor.adapters.dynamodb.drill_ledger import DynamoDrillLedger
from backup_auditor.adapters.dynamodb.items import (
    Item,
    build_attempt_key,
    encode_attempt,
    encode_audit,
    encode_values,
)
from backup_auditor.adapters.dynamodb.remediation_log import DynamoRemediationLog, build_plan_item, build_plan_key
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.adapters.dynamodb.table import Table
from backup_auditor.domain.exported_state import ExportedState, StateImport
from backup_auditor.domain.remediation.plan import APPLIED_STATES, ActionRecord
from backup_auditor.errors import StateError
from backup_auditor.ports.stores import EARLIEST_OBSERVED_AT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MAX_READS = 5
"""How often an export restarts because an audit was recorded meanwhile."""


class DynamoTransfer:
    """A `StateTransfer` in one table."""

    def __init__(self, client: "DynamoDBClient", table: str, *, retention: timedelta | None = None) -> None:
        """Take the client, the table's name, and the retention of imported audit records; `None` keeps them forever."""
        self._table = Table(client, table)
        self._retention = retention
        self._state = DynamoState(client, table)
        self._log = DynamoRemediationLog(client, table)
        self._ledger = DynamoDrillLedger(client, table)

    def export_state(self, project: str) -> ExportedState:
        """Return everything that is stored about a project and can be moved: no messages and no locks."""
        for _ in range(_MAX_READS):
            last_audits = self._state.find_last_audits(project)
            exported = ExportedState(
                project,
                self._state.load(project),
                tuple(self._state.list_audits(project, EARLIEST_OBSERVED_AT)),
                tuple(self._log.list_plans(project)),
                tuple(self._log.list_attempts(project)),
                tuple(self._ledger.list_drills(project)),
            )
            if self._state.find_last_audits(project) == last_audits:
                return exported
        raise StateError(f"{project}: an audit was recorded on every attempt to export the state; export it later")

    def import_state(self, state_import: StateImport) -> None:
        """Write chunks and new records, then the head, then drills, then delete what the exported state does not have.

        An import that is killed before the head is written leaves the earlier state. Its records stay, and so do the
        new ones: repeat the import.
        """
        items = _build_items(state_import, self._retention)
        self._state.record(state_import.project, state_import.state_change, items)
        self._ledger.import_drills(state_import.drills)
        keys = (
            *map(build_plan_key, state_import.plans.deletes),
            *map(build_attempt_key, state_import.attempts.deletes),
        )
        with self._table.translate_errors():
            self._table.write_items({"DeleteRequest": {"Key": it}} for it in keys)


def _build_items(state_import: StateImport, retention: timedelta | None) -> Iterator[Item]:
    for audit in state_import.audits.upserts:
        yield encode_audit(state_import.project, audit, retention)
    yield from map(build_plan_item, state_import.plans.upserts)
    yield from map(_build_attempt_item, state_import.attempts.upserts)


def _build_attempt_item(record: ActionRecord) -> Item:
    """Return the item of an attempt. Its event counts as published: the store that it comes from has published it."""
    published_at = record.ended_at if record.state in APPLIED_STATES else None
    return encode_attempt(record) | encode_values({"told_at": published_at})
