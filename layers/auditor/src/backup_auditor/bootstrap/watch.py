"""What the function `watch` is made of. It lives as long as the function's process: clients are kept."""

import os
from functools import cache, partial

from aws_lambda_powertools import Logger

from backup_auditor.adapters.aws import metrics
from backup_auditor.adapters.aws.config_sources import CachedSource, fetch_document
from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.application.overdue import OverdueDependencies, check_overdue
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import load_projects
from backup_auditor.errors import BackupAuditorError
from backup_auditor.settings.functions import read_watch_settings

LOG = Logger(service="watch")


@cache
def _get_dependencies() -> OverdueDependencies:
    """Return what this process watches with. Raises `SettingsError`."""
    settings, aws = read_watch_settings(os.environ), AwsSession()
    documents = CachedSource(partial(fetch_document, aws))
    return OverdueDependencies(
        load_registry=lambda: load_projects(settings.registration, documents),
        audit_history=DynamoState(aws.dynamodb, settings.state_table),
        emit=metrics.emit,
        log=LOG,
        now=runtime.now,
    )


def handle() -> dict[str, object]:
    """Measure how many registered projects are overdue, and return who they are; what fails is logged, and raised."""
    try:
        return check_overdue(_get_dependencies())
    except BackupAuditorError as error:
        LOG.error(str(error), extra={"error": type(error).__name__})  # noqa: TRY400  Lambda adds the traceback
        raise
