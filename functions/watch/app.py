"""Count the registered projects that have had no complete audit for too long."""

from backup_auditor.bootstrap.aws import LambdaContext
from backup_auditor.bootstrap.watch import LOG, handle


@LOG.inject_lambda_context(clear_state=True)
def lambda_handler(event: object, context: LambdaContext) -> dict[str, object]:
    """Check every registered project and return the overdue projects."""
    return handle(event, context)
