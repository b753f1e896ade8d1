"""Deliver the messages in the outbox, including those whose delivery failed before."""

from backup_auditor.bootstrap.aws import LambdaContext
from backup_auditor.bootstrap.notify import LOG, handle


@LOG.inject_lambda_context(clear_state=True)
def lambda_handler(event: object, context: LambdaContext) -> dict[str, object]:
    """Deliver the messages of one project or of all, and return how many had which result."""
    return handle(event, context)
