"""Run restore drills of registered projects, as far as their policies allow, one step at a time."""

from backup_auditor.bootstrap.aws import LambdaContext
from backup_auditor.bootstrap.drill_function import LOG, handle


@LOG.inject_lambda_context(clear_state=True)
def lambda_handler(event: object, context: LambdaContext) -> dict[str, object]:
    """Start and continue the drills of the project of an event or a payload, or request those of all projects."""
    return handle(event, context)
