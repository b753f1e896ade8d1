"""`dispatch`: asks for an audit of every registered project."""

from backup_auditor.bootstrap.dispatch import Context, handle


def lambda_handler(event: object, context: Context) -> dict[str, object]:
    """Put one `Backup Audit Requested` for each project on the bus, and say how many."""
    return handle(event, context)
