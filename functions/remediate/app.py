"""Remediate one registered project, as far as its policy allows."""

from backup_auditor.bootstrap.aws import LambdaContext
from backup_auditor.bootstrap.remediate import LOG, handle


@LOG.inject_lambda_context(clear_state=True)
def lambda_handler(event: object, context: LambdaContext) -> dict[str, object]:
    """Plan, propose and apply actions for the project of an event or a payload, and return the results."""
    return handle(event, context)
