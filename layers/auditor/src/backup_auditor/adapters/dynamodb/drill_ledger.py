"""The ledger of restore drills in DynamoDB. One more item of all projects shows which drills are in progress."""

import zlib
from collections.abc import Mapping
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from backup_auditor.adapters.drill_records import decode_drill, encode_drill, encode_known_drill
from backup_auditor.adapters.dynamodb.items import (
    DRILL_PREFIX,
    DRILLS_IN_PROGRESS_PARTITION,
    Item,
    Partition,
    build_drill_key,
    build_partition_key,
    build_progress_key,
    decode_values,
    encode_values,
)
from backup_auditor.adapters.dynamodb.table import Table, is_condition_failure
from backup_auditor.adapters.records import DRILLS
from backup_auditor.domain.drills.drill import DrillRecord
from backup_auditor.domain.exported_state import RecordChanges
from backup_auditor.errors import ConflictingRecordError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_RECORD_ATTRIBUTES = ("SK", "revision", "record")


class DynamoDrillLedger:
    """A `DrillLedger` in one table. Safe to use from many threads."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Take the client and the table's name."""
        self._table = Table(client, table)

    def list_drills(self, project: str) -> list[DrillRecord]:
        """Return all drills of a project, by number."""
        values = encode_values({":project": build_partition_key(project, Partition.DRILLS)})
        with self._table.translate_errors():
            return [
                _decode_item(project, it) for it in self._table.query_items("PK = :project", values, _RECORD_ATTRIBUTES)
            ]

    def load_drill(self, project: str, number: int) -> DrillRecord | None:
        """Return one drill as it is stored now."""
        with self._table.translate_errors():
            item = self._table.get_item(build_drill_key(project, number), _RECORD_ATTRIBUTES)
            return None if item is None else _decode_item(project, item)

    def create_drill(self, record: DrillRecord) -> bool:
        """Store a new drill. Return `False` and store nothing if its project has a drill of this number."""
        return self._put(record, None)

    def replace_drill(self, record: DrillRecord) -> bool:
        """Replace a stored drill. Return `False` and change nothing unless its stored revision is the one before."""
        return self._put(record, record.revision - 1)

    def list_projects_in_progress(self) -> list[str]:
        """Return the projects with a drill in progress, by name."""
        values = encode_values({":drills": DRILLS_IN_PROGRESS_PARTITION})
        with self._table.translate_errors():
            items = self._table.query_items("PK = :drills", values, ("project",))
            return sorted({it["project"]["S"] for it in items})

    def import_drills(self, changes: RecordChanges[DrillRecord]) -> None:
        """Write and delete drills, each by itself. Raises `ConflictingRecordError` if one has changed meanwhile."""
        previous_revisions = {it.number: it.revision for it in changes.replaced}
        is_complete = all(self._put(it, previous_revisions.get(it.number)) for it in changes.upserts)
        if not is_complete or not all(map(self._delete, changes.deletes)):
            raise ConflictingRecordError("a restore drill has changed during the import; import the state again")

    def _put(self, record: DrillRecord, previous_revision: int | None) -> bool:
        """Store a drill if the stored revision is this one, or if there is none. Return whether it is stored."""
        key = build_drill_key(record.project, record.number)
        values = {
            **dict(zip(DRILLS.columns, encode_known_drill(record), strict=True)),
            "revision": record.revision,
            "record": zlib.compress(encode_drill(record)),
            "writer": token_hex(8),
        }
        item = key | encode_values(values)
        put = {"Item": item, **_require_revision(previous_revision)}
        return self._write(record, {"Put": put}, item)

    def _delete(self, record: DrillRecord) -> bool:
        """Delete a drill if its stored revision is the same. Return whether it is deleted."""
        delete = {"Key": build_drill_key(record.project, record.number), **_require_revision(record.revision)}
        return self._write(record, {"Delete": delete}, None)

    def _write(self, record: DrillRecord, write: dict[str, Item], expected_item: Item | None) -> bool:
        """Write a drill on a condition, and whether it is in progress. Return `False` if the condition does not hold.

        After a lost answer, the retry fails on its own item, which shows the result: its writer is random.
        """
        key, progress_key = (build(record.project, record.number) for build in (build_drill_key, build_progress_key))
        progress_write: dict[str, Item] = {"Delete": {"Key": progress_key}}
        if expected_item is not None and record.is_in_progress:
            progress_write = {"Put": {"Item": progress_key | encode_values({"project": record.project})}}
        writes = [
            {kind: {"TableName": self._table.name, **request} for kind, request in it.items()}
            for it in (write, progress_write)
        ]
        with self._table.translate_errors():
            failure = self._table.transact(writes, token_hex(8))
            if failure is None or self._table.get_item(key) == expected_item:
                return True
            if is_condition_failure(failure):
                return False
            raise failure


def _require_revision(revision: int | None) -> Item:
    """Return the condition that a drill is stored with a revision, or that none is stored."""
    if revision is None:
        return {"ConditionExpression": "attribute_not_exists(PK)"}
    values = encode_values({":revision": revision})
    return {"ConditionExpression": "revision = :revision", "ExpressionAttributeValues": values}


def _decode_item(project: str, item: Mapping[str, Any]) -> DrillRecord:
    values = decode_values(item)
    number = int(values["SK"].removeprefix(DRILL_PREFIX))
    return decode_drill(zlib.decompress(values["record"]), project, number, values["revision"])
