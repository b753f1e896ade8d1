"""Has the same request answered once: what comes again gets the answer that was given."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PARTITION = "idempotency#audit"
_KEPT = timedelta(days=1)


def once(
    request_id: str,
    answer: Callable[[], dict[str, object]],
    *,
    client: "DynamoDBClient",
    table: str,
    context: Any,  # noqa: ANN401  Lambda's context, which has no type of its own
) -> dict[str, object]:
    """Return the answer to a request, which is worked out once for a day; one that failed is worked out again.

    While it is being worked out elsewhere, `IdempotencyAlreadyInProgressError` is raised: whoever asked is to ask again
    later, for the other one may yet fail. It counts as failed once its function has run out of time.
    """
    from aws_lambda_powertools.utilities.idempotency import (  # noqa: PLC0415  it imports boto3
        DynamoDBPersistenceLayer,
        IdempotencyConfig,
        idempotent_function,
    )

    layer = DynamoDBPersistenceLayer(
        table_name=table,
        key_attr="PK",
        sort_key_attr="SK",
        static_pk_value=_PARTITION,
        expiry_attr="expires_at",
        boto3_client=client,
    )
    config = IdempotencyConfig(expires_after_seconds=int(_KEPT.total_seconds()), hash_function="sha256")
    config.register_lambda_context(context)

    def worked_out(*, request_id: str) -> dict[str, object]:  # noqa: ARG001  the key is read from it
        return answer()

    wrapped = idempotent_function(
        worked_out, data_keyword_argument="request_id", persistence_store=layer, config=config, key_prefix="audit"
    )
    return dict(wrapped(request_id=request_id))
