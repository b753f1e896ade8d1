"""What the function `watch` is made of. It lives as long as the function's process: clients are kept."""

import os
from functools import cache, partial

from aws_lambda_powertools import Logger

from backup_auditor.adapters import metrics
from backup_auditor.adapters.aws_session import AwsSession
from backup_auditor.adapters.documents import fetch_document
from backup_auditor.adapters.dynamodb_state.store import DynamoState
from backup_auditor.adapters.remembered import Remembered
from backup_auditor.bootstrap import clock
from backup_auditor.bootstrap.projects import projects_of
from backup_auditor.errors import BackupAuditorError
from backup_auditor.service.watching import WatchWorld, watch
from backup_auditor.settings.functions import watch_settings

LOG = Logger(service="watch")


@cache
def _world() -> WatchWorld:
    """Return what this process watches with. Raises `SettingsError`."""
    settings, aws = watch_settings(os.environ), AwsSession()
    documents = Remembered(partial(fetch_document, aws))
    return WatchWorld(
        registry=lambda: projects_of(settings.registration, documents),
        watched=DynamoState(aws.dynamodb, settings.state_table),
        emit=metrics.emit,
        log=LOG,
        now=clock.now,
    )


def handle() -> dict[str, object]:
    """Measure how many registered projects are overdue, and return who they are; what fails is logged, and raised."""
    try:
        return watch(_world())
    except BackupAuditorError as error:
        LOG.error(str(error), extra={"error": type(error).__name__})  # noqa: TRY400  Lambda adds the traceback
        raise
