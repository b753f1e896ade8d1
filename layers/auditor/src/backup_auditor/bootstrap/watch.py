"""Wire the function `watch`. Clients live as long as its process."""

from functools import partial

from aws_lambda_powertools import Logger

from backup_auditor.adapters.aws.metrics import emit
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.application.fleet import check_overdue
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import LambdaContext, get_seconds_left, get_sources, log_errors
from backup_auditor.bootstrap.subscriptions import measure_subscriptions
from backup_auditor.domain.events import is_check_request

LOG = Logger(service="watch")


def handle(event: object, context: LambdaContext) -> dict[str, object]:
    """Count the overdue projects and return their names. Errors are logged and raised, so that Lambda retries."""
    with log_errors(LOG):
        if is_check_request(event):
            from backup_auditor.bootstrap.check import check_watch  # noqa: PLC0415  only for a check

            return check_watch(context)
        sources = get_sources("watch")
        audit_history = DynamoState(sources.aws.dynamodb, sources.settings.state_table)
        emit_metrics = partial(emit, stack=sources.settings.stack)
        registry = sources.load_registry()
        overdue = check_overdue(registry, audit_history, runtime.now(), emit_metrics, LOG)
        measure_subscriptions(sources, registry, partial(get_seconds_left, context), emit_metrics, LOG)
        return overdue
