"""Has the same request answered once: what comes again gets the answer that was given. Imported where it is needed."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyItemAlreadyExistsError,
    IdempotencyPersistenceLayerError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord

from backup_auditor.adapters.aws.session import answer_of, code_of, text_of
from backup_auditor.errors import RequestError
from backup_auditor.ports.messaging import Log

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PARTITION = "idempotency"
"""How the partitions begin; the verb follows."""
_KEPT = int(timedelta(days=1).total_seconds())
_FREE = "attribute_not_exists(PK) OR expires_at < :now"
_LEFT = "#status = :inprogress AND (in_progress_expiration < :now_in_millis OR invocation = :invocation)"


def once(  # noqa: PLR0913  each is one thing that it takes, named by its caller
    request_id: str,
    answer: Callable[[], dict[str, object]],
    *,
    verb: str,
    client: "DynamoDBClient",
    table: str,
    context: Any,  # noqa: ANN401  Lambda's context, which has no type of its own
    log: Log,
) -> dict[str, object]:
    """Return the answer to a request, which is worked out once for a day; one that failed is worked out again.

    The verb is what the function does: each has its own requests. Raises `RequestError` while it is being worked out
    elsewhere: whoever asked is to ask again later, for the other one may yet fail. It counts as failed once its
    function has run out of time, or when the same invocation comes again.
    """
    config = IdempotencyConfig(expires_after_seconds=_KEPT, hash_function="sha256")
    config.register_lambda_context(context)

    answers: list[dict[str, object]] = []

    def worked_out(*, request_id: str) -> dict[str, object]:  # noqa: ARG001  the key is read from it
        answers.append(answer())
        return answers[-1]

    wrapped = idempotent_function(
        worked_out,
        data_keyword_argument="request_id",
        persistence_store=_Requests(client, table, verb, context.aws_request_id),
        config=config,
        key_prefix=verb,
    )
    try:
        return dict(wrapped(request_id=request_id))
    except IdempotencyAlreadyInProgressError:
        why = "is being answered by another invocation; ask again once that has ended"
        raise RequestError(f"the request {request_id} {why}") from None
    except IdempotencyPersistenceLayerError as error:
        why = text_of(error.__cause__ or error)
        if answers:  # to fail by now would have it worked out again
            told = "a request is answered, and that could not be noted: should it come again, it is answered anew"
            log.error(told, extra={"request": request_id, "error": why})  # noqa: TRY400  it says all there is
            return answers[-1]
        raise RequestError(
            f"the request {request_id}: whether it is answered cannot be told: {why}; look at the table {table}"
        ) from None


class _Requests(DynamoDBPersistenceLayer):
    """The requests of a table, each with the invocation that is at work on it.

    Lambda tries again under the same id, one and three minutes after an invocation that was killed: by the time alone,
    both would be told that it is still under way. So would a client that sends a call again whose answer was lost.
    """

    def __init__(self, client: "DynamoDBClient", table: str, verb: str, invocation: str) -> None:
        super().__init__(
            table_name=table,
            key_attr="PK",
            sort_key_attr="SK",
            static_pk_value=f"{PARTITION}#{verb}",
            expiry_attr="expires_at",
            boto3_client=client,
        )
        self._invocation = invocation

    def _put_record(self, data_record: DataRecord) -> None:
        """Take a request that is new, or was left by whoever had it."""
        expires_at = int(data_record.expiry_timestamp or 0)
        now = expires_at - _KEPT  # to the second, so whose time is over within it has left
        item: Any = {
            **self._get_key(data_record.idempotency_key),
            "expires_at": {"N": str(expires_at)},
            "status": {"S": data_record.status},
            "in_progress_expiration": {"N": str(data_record.in_progress_expiry_timestamp)},
            "invocation": {"S": self._invocation},
        }
        values: Any = {
            ":now": {"N": str(now)},
            ":now_in_millis": {"N": str((now + 1) * 1000)},
            ":inprogress": {"S": "INPROGRESS"},
            ":invocation": {"S": self._invocation},
        }
        try:
            self.client.put_item(
                TableName=self.table_name,
                Item=item,
                ConditionExpression=f"{_FREE} OR ({_LEFT})",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues=values,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except Exception as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            there = answer_of(error).get("Item")
            record = self._item_to_data_record(dict(there)) if there else None
            raise IdempotencyItemAlreadyExistsError(old_data_record=record) from None
