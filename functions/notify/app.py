"""`notify`: delivers what audits have recorded to be told, and again what could not be delivered."""

from backup_auditor.bootstrap.notify import LOG, Context, handle


@LOG.inject_lambda_context(clear_state=True)
def lambda_handler(event: object, context: Context) -> dict[str, object]:
    """Deliver the messages of a project, or of all; return what became of them."""
    return handle(event, context)
