"""Request an audit of every registered project."""

from backup_auditor.bootstrap.aws import LambdaContext
from backup_auditor.bootstrap.dispatch import handle


def lambda_handler(event: object, context: LambdaContext) -> dict[str, object]:
    """Publish one `Backup Audit Requested` for each project, and return their number."""
    return handle(event, context)
