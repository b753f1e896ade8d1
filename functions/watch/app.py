"""Find the registered projects that are not audited, and notify their channels."""

from backup_auditor.bootstrap.aws import LambdaContext
from backup_auditor.bootstrap.watch import LOG, handle


@LOG.inject_lambda_context(clear_state=True)
def lambda_handler(event: object, context: LambdaContext) -> dict[str, object]:
    """Look at every registered project and return those that fail."""
    return handle(event, context)
