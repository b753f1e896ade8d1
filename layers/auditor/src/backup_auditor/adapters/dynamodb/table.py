"""One table of DynamoDB: its calls, each tried again until it is done in full, and its failures in one line."""

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
    "ResourceNotFoundException": "look at its name, at the account and at the region",
    "AccessDeniedException": "let the role use it",
    "UnrecognizedClientException": "look at the AWS credentials",
    "ExpiredTokenException": "renew the AWS credentials",
    "NoCredentialsError": "give it AWS credentials",
    "NoRegionError": "name the region in AWS_REGION",
}


class Table:
    """A table. Safe to use from many threads, as its client is. Raises `StateError` where a call fails to the end."""

    def __init__(self, client: "DynamoDBClient", name: str, pause: Callable[[float], None] = time.sleep) -> None:
        """Take the client and the table's name."""
        self.name = name
        self._client: Any = client
        self._pause = pause

    def get_item(self, key: Item, names: Sequence[str] = ()) -> Item | None:
        """Read one item as it is now, or a few of its attributes."""
        return cast(
            "Item | None", self.call("get_item", Key=key, ConsistentRead=True, **_build_projection(names)).get("Item")
        )

    def get_items(self, keys: Iterable[Item]) -> Iterator[Item]:
        """Read many items as they are now, in any order; those that are not there are left out."""
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
                raise StateError(f"the table {self.name} cannot be read: it is throttled to the end; try again later")

    def query(self, condition: str, values: Item, names: Sequence[str] = (), **options: object) -> Iterator[Item]:
        """Read the items that a condition on their keys finds, in the order of those."""
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
        """Put and delete items, each on its own."""
        for batch in batched(requests, _WRITE_BATCH_SIZE, strict=False):
            request_items: Any = {self.name: batch}
            for attempt in self.list_attempts():
                request_items = self._client.batch_write_item(RequestItems=request_items).get("UnprocessedItems")
                if not request_items:
                    break
                self.wait(attempt)
            else:
                raise StateError(
                    f"the table {self.name} cannot be written: it is throttled to the end; try again later"
                )

    def call(self, operation: str, **request: object) -> Item:
        """Make one call of the client's on this table."""
        return cast("Item", getattr(self._client, operation)(TableName=self.name, **request))

    def transact(self, writes: Sequence[Item], token: str) -> None:
        """Do all writes or none, once: the same token within ten minutes is the same transaction."""
        self._client.transact_write_items(TransactItems=writes, ClientRequestToken=token)

    def list_attempts(self) -> range:
        """Return the numbers of the tries that a call has."""
        return range(_MAX_ATTEMPTS)

    def wait(self, attempt: int) -> None:
        """Wait before the next try, longer each time."""
        self._pause(uniform(0.5, 1.0) * min(_FIRST_PAUSE * 2**attempt, _MAX_PAUSE))  # noqa: S311  no secret

    @contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Say in one line what is wrong with a table, or with what is in it."""
        try:
            yield
        except (zlib.error, ValueError, KeyError, TypeError) as error:
            description = f"the state in the table {self.name} is damaged ({error}); it was left as it is"
            raise StateError(
                f"{description}; restore it to a point in time, or begin anew with another table"
            ) from None
        except Exception as error:
            from botocore import exceptions as told  # noqa: PLC0415  it is there once a call has failed

            if not isinstance(error, told.ClientError | told.BotoCoreError):
                raise
            remedy = _REMEDIES.get(get_error_code(error) or type(error).__name__, "try again later")
            reason = describe_error(error)
            raise StateError(f"the table {self.name} cannot be used: {reason}; {remedy}") from None


def _build_projection(names: Sequence[str]) -> dict[str, object]:
    """Return what asks for a few attributes."""
    if not names:
        return {}
    return {
        "ProjectionExpression": ", ".join(f"#{it}" for it in names),
        "ExpressionAttributeNames": {f"#{it}": it for it in names},
    }
