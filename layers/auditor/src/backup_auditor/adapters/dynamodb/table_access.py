"""Check that a role may use the table, by calls that change nothing."""

from typing import TYPE_CHECKING

from backup_auditor.adapters.dynamodb.items import (
    AUDIT_PREFIX,
    Partition,
    build_key,
    build_partition_key,
    decode_audit,
    encode_values,
)
from backup_auditor.adapters.dynamodb.table import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SORT_KEY = "check"
_NEVER = "attribute_exists(PK) AND attribute_not_exists(PK)"
"""A condition that no item meets: DynamoDB checks the permission and changes nothing."""


class TableAccess:
    """The table, as far as a role may use it. Its methods raise `StateError`."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        """Take the client and the table's name."""
        self._table = Table(client, name)

    def check_get(self, project: str) -> None:
        """Read an item that does not exist."""
        with self._table.translate_errors():
            self._table.get_item(build_key(project, _SORT_KEY))

    def check_put(self, project: str, partition: Partition = Partition.STATE) -> None:
        """Put an item on a condition that is never met."""
        with self._table.translate_errors():
            key = build_key(project, _SORT_KEY, partition)
            self._table.call_if("put_item", Item=key, ConditionExpression=_NEVER)

    def check_update(self, project: str, partition: Partition = Partition.STATE) -> None:
        """Update an item on a condition that is never met."""
        with self._table.translate_errors():
            self._table.call_if(
                "update_item",
                Key=build_key(project, _SORT_KEY, partition),
                UpdateExpression="SET checked = :true",
                ExpressionAttributeValues=encode_values({":true": True}),
                ConditionExpression=_NEVER,
            )

    def find_last_location(self, project: str) -> str | None:
        """Return the location of the last stored report of a project; `None` if there is none."""
        with self._table.translate_errors():
            values = encode_values({":project": build_partition_key(project), ":audit": AUDIT_PREFIX})
            condition = "PK = :project AND begins_with(SK, :audit)"
            item = next(self._table.query_items(condition, values, ScanIndexForward=False, Limit=1), None)
            report = None if item is None else decode_audit(item).report
            return None if report is None else report.location
