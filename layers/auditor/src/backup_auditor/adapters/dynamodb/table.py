"""The calls of one DynamoDB table, with retries and one-line errors."""

import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import batched
from random import uniform
from typing import TYPE_CHECKING, Any, cast

from backup_auditor.adapters.aws.session import describe_error, get_error_code
from backup_auditor.adapters.dynamodb.items import Item
from backup_auditor.errors import StateError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_READ_BATCH_SIZE = 50
_WRITE_BATCH_SIZE = 25
_MAX_ATTEMPTS = 8
_FIRST_PAUSE = 0.05
_MAX_PAUSE = 2.0
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

    def get_items(self, keys: Iterable[Item]) -> Iterator[Item]:
        """Yield the items of keys with consistent reads, in any order. Missing items are omitted."""
        for batch in batched(keys, _READ_BATCH_SIZE, strict=False):
            request_items: Any = {self.name: {"Keys": batch, "ConsistentRead": True}}
            for attempt in self.list_attempts():
                response = self._client.batch_get_item(RequestItems=request_items)
                yield from response["Responses"].get(self.name, ())
                request_items = response.get("UnprocessedKeys")
                if not request_items:
                    break
                self.wait(attempt)
            else:
                raise StateError(f"the table {self.name} cannot be read: every attempt was throttled; try again later")

    def query(self, condition: str, values: Item, names: Sequence[str] = (), **options: object) -> Iterator[Item]:
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

    def write(self, requests: Iterable[Item]) -> None:
        """Put and delete items, without a transaction."""
        for batch in batched(requests, _WRITE_BATCH_SIZE, strict=False):
            request_items: Any = {self.name: batch}
            for attempt in self.list_attempts():
                request_items = self._client.batch_write_item(RequestItems=request_items).get("UnprocessedItems")
                if not request_items:
                    break
                self.wait(attempt)
            else:
                raise StateError(
                    f"the table {self.name} cannot be written: every attempt was throttled; try again later"
                )

    def call(self, operation: str, **request: object) -> Item:
        """Call an operation of the client on this table."""
        return cast("Item", getattr(self._client, operation)(TableName=self.name, **request))

    def transact(self, writes: Sequence[Item], token: str) -> None:
        """Do all writes or none. A repeat with the same token within ten minutes does nothing."""
        self._client.transact_write_items(TransactItems=writes, ClientRequestToken=token)

    def list_attempts(self) -> range:
        """Return the numbers of the attempts of a call."""
        return range(_MAX_ATTEMPTS)

    def wait(self, attempt: int) -> None:
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
