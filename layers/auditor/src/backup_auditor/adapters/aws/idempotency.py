"""Answer each request once: a repeated request gets the stored answer. Imported on first use."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyItemAlreadyExistsError,
    IdempotencyPersistenceLayerError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord

from backup_auditor.adapters.aws.session import describe_error, get_error_code, get_error_response
from backup_auditor.domain.events import REQUEST_RETENTION
from backup_auditor.errors import RequestError
from backup_auditor.ports.messaging import Log

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PARTITION = "idempotency"
"""The prefix of the partitions; the verb of the function follows."""
_RETENTION_SECONDS = int(REQUEST_RETENTION.total_seconds())
_IS_FREE = "attribute_not_exists(PK) OR expires_at < :now"
_IS_ABANDONED = "#status = :inprogress AND (in_progress_expiration < :now_in_millis OR invocation = :invocation)"


def answer_once(  # noqa: PLR0913  keyword arguments
    request_id: str,
    compute: Callable[[], dict[str, object]],
    *,
    verb: str,
    client: "DynamoDBClient",
    table: str,
    context: Any,  # noqa: ANN401  Lambda's context, which has no type of its own
    log: Log,
) -> dict[str, object]:
    """Return the answer to a request. It is computed once and stored for a day; a failed computation is repeated.

    `verb` names the function: each function has its own requests. Raises `RequestError` while another invocation
    computes the answer: the caller must retry later, because that invocation may still fail. It counts as failed when
    its time is over, or when Lambda retries the same invocation.
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
        reason = "is being answered by another invocation; retry when that has ended"
        raise RequestError(f"the request {request_id} {reason}") from None
    except IdempotencyPersistenceLayerError as error:
        reason = describe_error(error.__cause__ or error)
        if answers:  # an error here would repeat a computation that succeeded
            message = "a request was answered, but the answer could not be stored; a repeated request is computed again"
            log.error(message, extra={"request": request_id, "error": reason})  # noqa: TRY400  the reason is in the message
            return answers[-1]
        raise RequestError(
            f"the request {request_id}: unknown whether it was answered: {reason}; check the table {table}"
        ) from None


class _Requests(DynamoDBPersistenceLayer):
    """The requests in a table, each with the invocation that computes its answer.

    A queue sends the record of a killed invocation again when the time of that invocation is over. A client of Lambda
    that repeats a call after a lost answer does so earlier, under the same invocation id.
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
        """Claim a request that is new or was abandoned."""
        expires_at = int(data_record.expiry_timestamp or 0)
        now = expires_at - _RETENTION_SECONDS  # whole seconds: an expiry within this second counts as over
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
