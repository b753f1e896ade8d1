"""Wire the function `watch`. Clients live as long as its process."""

import os
from functools import cache

from aws_lambda_powertools import Logger

from backup_auditor.adapters.aws.metrics import emit
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.application.fleet import check_overdue
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import ConfigSources, log_errors
from backup_auditor.errors import BackupAuditorError
from backup_auditor.settings.functions import read_watch_settings

LOG = Logger(service="watch")


@cache
def get_watcher() -> tuple[ConfigSources, DynamoState]:
    """Return the sources and the state of this process. Raises `SettingsError`."""
    settings = read_watch_settings(os.environ)
    sources = ConfigSources(settings.registration)
    return sources, DynamoState(sources.aws.dynamodb, settings.state_table)


def handle() -> dict[str, object]:
    """Count the overdue projects and return their names. Errors are logged and raised, so that Lambda retries."""
    with log_errors(LOG, BackupAuditorError):
        sources, audit_history = get_watcher()
        return check_overdue(sources.load_registry(), audit_history, runtime.now(), emit, LOG)
