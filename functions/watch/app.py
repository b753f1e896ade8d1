"""`watch`: how many registered projects have gone too long without a complete audit."""

from backup_auditor.bootstrap.watch import LOG, handle


@LOG.inject_lambda_context(clear_state=True)
def lambda_handler(_event: object, _context: object) -> dict[str, object]:
    """Look at every registered project, whatever the event says; return who is overdue."""
    return handle()
