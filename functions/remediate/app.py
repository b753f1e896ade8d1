"""`remediate`: one registered project, put right as far as its policy lets it be."""

from backup_auditor.bootstrap.remediate import LOG, Context, handle


@LOG.inject_lambda_context(clear_state=True)
def lambda_handler(event: object, context: Context) -> dict[str, object]:
    """Plan, propose and act for the project that a completed audit, or a payload, names; return what was done."""
    return handle(event, context)
