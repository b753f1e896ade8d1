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

from backup_auditor.adapters.aws.session import describe_error, get_error_code, get_error_response
from backup_auditor.errors import RequestError
from backup_auditor.ports.messaging import Log

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PARTITION = "idempotency"
"""How the partitions begin; the verb follows."""
_RETENTION_SECONDS = int(timedelta(days=1).total_seconds())
_IS_FREE = "attribute_not_exists(PK) OR expires_at < :now"
_IS_ABANDONED = "#status = :inprogress AND (in_progress_expiration < :now_in_millis OR invocation = :invocation)"


def answer_once(  # noqa: PLR0913  each is one thing that it takes, named by its caller
    request_id: str,
    compute: Callable[[], dict[str, object]],
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
    config = IdempotencyConfig(expires_after_seconds=_RETENTION_SECONDS, hash_function="sha256")
    config.register_lambda_context(context)

    answers: list[dict[str, object]] = []

    def compute_once(*, request_id: str) -> dict[str, object]:  # noqa: ARG001  the key is read from it
        answers.append(compute())
        return answers[-1]

    idempotent_compute = idempotent_function(
        compute_once,
        data_keyword_argument="request_id",
        persistence_store=_Requests(client, table, verb, context.aws_request_id),
        config=config,
        key_prefix=verb,
    )
    try:
        return dict(idempotent_compute(request_id=request_id))
    except IdempotencyAlreadyInProgressError:
        reason = "is being answered by another invocation; ask again once that has ended"
        raise RequestError(f"the request {request_id} {reason}") from None
    except IdempotencyPersistenceLayerError as error:
        reason = describe_error(error.__cause__ or error)
        if answers:  # to fail by now would have it worked out again
            message = "a request is answered, and that could not be noted: should it come again, it is answered anew"
            log.error(message, extra={"request": request_id, "error": reason})  # noqa: TRY400  it says all there is
            return answers[-1]
        raise RequestError(
            f"the request {request_id}: whether it is answered cannot be told: {reason}; look at the table {table}"
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
        now = expires_at - _RETENTION_SECONDS  # to the second, so whose time is over within it has left
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
                ConditionExpression=f"{_IS_FREE} OR ({_IS_ABANDONED})",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues=values,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except Exception as error:
            if get_error_code(error) != "ConditionalCheckFailedException":
                raise
            existing_item = get_error_response(error).get("Item")
            record = self._item_to_data_record(dict(existing_item)) if existing_item else None
            raise IdempotencyItemAlreadyExistsError(old_data_record=record) from None
