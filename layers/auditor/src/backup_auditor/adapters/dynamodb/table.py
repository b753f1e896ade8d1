"""One table of DynamoDB: its calls, each tried again until it is done in full, and its failures in one line."""

import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import batched
from random import uniform
from typing import TYPE_CHECKING, Any, cast

from backup_auditor.adapters.aws.session import code_of, text_of
from backup_auditor.adapters.dynamodb.items import Item
from backup_auditor.errors import StateError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_READ_AT_ONCE = 50
_WRITTEN_AT_ONCE = 25
_TRIES = 8
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0
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

    def item(self, key: Item, names: Sequence[str] = ()) -> Item | None:
        """Read one item as it is now, or a few of its attributes."""
        return cast("Item | None", self.call("get_item", Key=key, ConsistentRead=True, **_only(names)).get("Item"))

    def items(self, keys: Iterable[Item]) -> Iterator[Item]:
        """Read many items as they are now, in any order; those that are not there are left out."""
        for some in batched(keys, _READ_AT_ONCE, strict=False):
            wanted: Any = {self.name: {"Keys": some, "ConsistentRead": True}}
            for number in self.tries():
                answer = self._client.batch_get_item(RequestItems=wanted)
                yield from answer["Responses"].get(self.name, ())
                wanted = answer.get("UnprocessedKeys")
                if not wanted:
                    break
                self.wait(number)
            else:
                raise StateError(f"the table {self.name} cannot be read: it is throttled to the end; try again later")

    def found(self, condition: str, values: Item, names: Sequence[str] = (), **more: object) -> Iterator[Item]:
        """Read the items that a condition on their keys finds, in the order of those."""
        request = {"KeyConditionExpression": condition, "ExpressionAttributeValues": values, **_only(names), **more}
        while True:
            answer = self.call("query", ConsistentRead=True, **request)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def write(self, requests: Iterable[Item]) -> None:
        """Put and delete items, each on its own."""
        for some in batched(requests, _WRITTEN_AT_ONCE, strict=False):
            wanted: Any = {self.name: some}
            for number in self.tries():
                wanted = self._client.batch_write_item(RequestItems=wanted).get("UnprocessedItems")
                if not wanted:
                    break
                self.wait(number)
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

    def tries(self) -> range:
        """Return the numbers of the tries that a call has."""
        return range(_TRIES)

    def wait(self, number: int) -> None:
        """Wait before the next try, longer each time."""
        self._pause(uniform(0.5, 1.0) * min(_FIRST_PAUSE * 2**number, _LONGEST_PAUSE))  # noqa: S311  no secret

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Say in one line what is wrong with a table, or with what is in it."""
        try:
            yield
        except (zlib.error, ValueError, KeyError, TypeError) as error:
            what = f"the state in the table {self.name} is damaged ({error}); it was left as it is"
            raise StateError(f"{what}; restore it to a point in time, or begin anew with another table") from None
        except Exception as error:
            from botocore import exceptions as told  # noqa: PLC0415  it is there once a call has failed

            if not isinstance(error, told.ClientError | told.BotoCoreError):
                raise
            remedy = _REMEDIES.get(code_of(error) or type(error).__name__, "try again later")
            why = text_of(error)
            raise StateError(f"the table {self.name} cannot be used: {why}; {remedy}") from None


def _only(names: Sequence[str]) -> dict[str, object]:
    """Return what asks for a few attributes."""
    if not names:
        return {}
    return {
        "ProjectionExpression": ", ".join(f"#{it}" for it in names),
        "ExpressionAttributeNames": {f"#{it}": it for it in names},
    }
