"""The calls of one DynamoDB table, with retries and one-line errors, and the check that a role may make them."""

import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import batched
from random import uniform
from typing import TYPE_CHECKING, Any, cast

from backup_auditor.adapters.aws.session import describe_error, get_error_code, get_error_response
from backup_auditor.adapters.dynamodb.items import (
    AUDIT_PREFIX,
    Item,
    Partition,
    build_key,
    build_partition_key,
    decode_audit,
    encode_values,
)
from backup_auditor.adapters.http import is_transient
from backup_auditor.errors import StateError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_READ_BATCH_SIZE = 50
_WRITE_BATCH_SIZE = 25
_MAX_ATTEMPTS = 8
_FIRST_PAUSE = 0.05
_MAX_PAUSE = 2.0
_TRANSIENT_REASONS = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_REMEDIES = {
    "ResourceNotFoundException": "check its name, the account and the region",
    "AccessDeniedException": "allow the role to use it",
    "UnrecognizedClientException": "check the AWS credentials",
    "ExpiredTokenException": "renew the AWS credentials",
    "NoCredentialsError": "configure AWS credentials",
    "NoRegionError": "set AWS_REGION",
}


class Table:
    """A table. Safe to use from many threads. Raises `StateError` if a call fails after all retries."""

    def __init__(self, client: "DynamoDBClient", name: str, pause: Callable[[float], None] = time.sleep) -> None:
        """Take the client and the table's name."""
        self.name = name
        self._client: Any = client
        self._pause = pause

    def get_item(self, key: Item, names: Sequence[str] = ()) -> Item | None:
        """Return an item, or some of its attributes, with a consistent read."""
        return cast(
            "Item | None", self.call("get_item", Key=key, ConsistentRead=True, **_build_projection(names)).get("Item")
        )

    def get_items(self, keys: Iterable[Item], names: Sequence[str] = ()) -> Iterator[Item]:
        """Yield items, or some of their attributes, with consistent reads, in any order. Missing items are omitted."""
        for batch in batched(keys, _READ_BATCH_SIZE, strict=False):
            request = {"Keys": batch, "ConsistentRead": True, **_build_projection(names)}
            for response in self._call_batch("batch_get_item", request, "UnprocessedKeys", "read"):
                yield from response["Responses"].get(self.name, ())

    def query_items(self, condition: str, values: Item, names: Sequence[str] = (), **options: object) -> Iterator[Item]:
        """Yield the items whose keys meet a condition, in the order of their sort keys."""
        request = {
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            **_build_projection(names),
            **options,
        }
        while True:
            response = self.call("query", ConsistentRead=True, **request)
            yield from response["Items"]
            if "LastEvaluatedKey" not in response:
                return
            request["ExclusiveStartKey"] = response["LastEvaluatedKey"]

    def write_items(self, requests: Iterable[Item]) -> None:
        """Put and delete items, without a transaction."""
        for batch in batched(requests, _WRITE_BATCH_SIZE, strict=False):
            for _ in self._call_batch("batch_write_item", batch, "UnprocessedItems", "written"):
                pass

    def _call_batch(self, operation: str, request: object, unprocessed_key: str, verb: str) -> Iterator[Item]:
        """Yield the responses of a batch; what a response leaves unprocessed is requested again."""
        request_items: Any = {self.name: request}
        for attempt in range(_MAX_ATTEMPTS):
            response = getattr(self._client, operation)(RequestItems=request_items)
            yield response
            request_items = response.get(unprocessed_key)
            if not request_items:
                return
            self._wait(attempt)
        raise StateError(f"the table {self.name} cannot be {verb}: every attempt was throttled; try again later")

    def call(self, operation: str, **request: object) -> Item:
        """Call an operation of the client on this table."""
        return cast("Item", getattr(self._client, operation)(TableName=self.name, **request))

    def call_if(self, operation: str, **request: object) -> tuple[bool, Item]:
        """Change an item on a condition. Return whether it held, and the new item, or the one that does not meet it."""
        try:
            response = self.call(operation, ReturnValuesOnConditionCheckFailure="ALL_OLD", **request)
        except Exception as error:
            if get_error_code(error) != "ConditionalCheckFailedException":
                raise
            return False, get_error_response(error).get("Item", {})
        return True, response.get("Attributes", {})

    def transact(self, writes: Sequence[Item], token: str) -> Exception | None:
        """Do all writes or none, with retries. Return the last error, `None` after success.

        A repeat with the same token within ten minutes does nothing.
        """
        failure: Exception | None = None
        for attempt in range(_MAX_ATTEMPTS):
            try:
                self._client.transact_write_items(TransactItems=writes, ClientRequestToken=token)
            except Exception as error:  # noqa: BLE001  the code of any error decides
                failure = error
            else:
                return None
            if is_condition_failure(failure) or not _may_succeed_later(failure):
                break
            self._wait(attempt)
        return failure

    def _wait(self, attempt: int) -> None:
        """Wait before the next attempt, longer each time."""
        self._pause(uniform(0.5, 1.0) * min(_FIRST_PAUSE * 2**attempt, _MAX_PAUSE))  # noqa: S311  no secret

    @contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Translate errors of AWS and of stored values into `StateError`."""
        try:
            yield
        except (zlib.error, ValueError, KeyError, TypeError) as error:
            description = f"the state in the table {self.name} is damaged ({error}) and was not changed"
            raise StateError(
                f"{description}; restore the table to a point in time, or start with an empty table"
            ) from None
        except Exception as error:
            from botocore import exceptions  # noqa: PLC0415  imported once a call has failed

            if not isinstance(error, exceptions.ClientError | exceptions.BotoCoreError):
                raise
            remedy = _REMEDIES.get(get_error_code(error) or type(error).__name__, "try again later")
            reason = describe_error(error)
            raise StateError(f"the table {self.name} cannot be used: {reason}; {remedy}") from None


def _build_projection(names: Sequence[str]) -> dict[str, object]:
    """Return the arguments of a call that select some attributes."""
    if not names:
        return {}
    return {
        "ProjectionExpression": ", ".join(f"#{it}" for it in names),
        "ExpressionAttributeNames": {f"#{it}": it for it in names},
    }


def is_condition_failure(failure: Exception) -> bool:
    """Return whether a transaction failed because one of its conditions was false."""
    return "ConditionalCheckFailed" in _list_cancellation_reasons(failure)


def _list_cancellation_reasons(error: Exception) -> tuple[str, ...]:
    """Return why a transaction was cancelled; empty if it was not."""
    return tuple(str(it.get("Code", "")) for it in get_error_response(error).get("CancellationReasons", ()))


def _may_succeed_later(error: Exception) -> bool:
    """Return whether a retry of a transaction may succeed: it conflicted, is in progress, or its answer was lost."""
    from botocore import exceptions  # noqa: PLC0415  imported once a call has failed

    if not _TRANSIENT_REASONS.isdisjoint(_list_cancellation_reasons(error)):
        return True
    if isinstance(error, exceptions.ClientError):
        status = get_error_response(error).get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return get_error_code(error) == "TransactionInProgressException" or is_transient(status)
    return isinstance(error, exceptions.HTTPClientError)


_CHECK_SORT_KEY = "check"
_NEVER = "attribute_exists(PK) AND attribute_not_exists(PK)"
"""A condition that no item meets: DynamoDB checks the permission and changes nothing."""


class TableAccess:
    """Checks that a role may use the table, by calls that change nothing. Its methods raise `StateError`."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        """Take the client and the table's name."""
        self._table = Table(client, name)

    def check_get(self, project: str) -> None:
        """Read an item that does not exist."""
        with self._table.translate_errors():
            self._table.get_item(build_key(project, _CHECK_SORT_KEY))

    def check_put(self, project: str, partition: Partition = Partition.STATE) -> None:
        """Put an item on a condition that is never met."""
        with self._table.translate_errors():
            key = build_key(project, _CHECK_SORT_KEY, partition)
            self._table.call_if("put_item", Item=key, ConditionExpression=_NEVER)

    def check_update(self, project: str, partition: Partition = Partition.STATE) -> None:
        """Update an item on a condition that is never met."""
        with self._table.translate_errors():
            self._table.call_if(
                "update_item",
                Key=build_key(project, _CHECK_SORT_KEY, partition),
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
