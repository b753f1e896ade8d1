"""Wire the function `watch`. Clients live as long as its process."""

from functools import partial

from aws_lambda_powertools import Logger

from backup_auditor.adapters.aws.metrics import emit
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.application.fleet import check_overdue
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import get_sources, log_errors

LOG = Logger(service="watch")


def handle() -> dict[str, object]:
    """Count the overdue projects and return their names. Errors are logged and raised, so that Lambda retries."""
    with log_errors(LOG):
        sources = get_sources("watch")
        audit_history = DynamoState(sources.aws.dynamodb, sources.settings.state_table)
        emit_metrics = partial(emit, stack=sources.settings.stack)
        return check_overdue(sources.load_registry(), audit_history, runtime.now(), emit_metrics, LOG)
