"""`audit`: one registered project, read, judged, recorded, measured and told of."""

from backup_auditor.bootstrap.audit import LOG, Context, handle


@LOG.inject_lambda_context(clear_state=True)
def lambda_handler(event: object, context: Context) -> dict[str, object]:
    """Audit the project that an event of the bus, or a payload, asks for; return the summary of its report."""
    return handle(event, context)
