"""Audit one registered project: read, evaluate, record, measure and publish."""

from backup_auditor.bootstrap.audit import LOG, handle
from backup_auditor.bootstrap.aws import LambdaContext


@LOG.inject_lambda_context(clear_state=True)
def lambda_handler(event: object, context: LambdaContext) -> dict[str, object]:
    """Audit the project of an event or a payload, and return the summary of its report."""
    return handle(event, context)
