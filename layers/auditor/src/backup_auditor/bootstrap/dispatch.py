"""What the function `dispatch` is made of. It lives as long as the function's process, and so do its clients."""

import os
from functools import cache, partial
from typing import Protocol

from aws_lambda_powertools import Logger

from backup_auditor.adapters.aws.config_sources import CachedSource, fetch_document
from backup_auditor.adapters.aws.messaging import EventBus
from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.application.dispatch import request_audits
from backup_auditor.bootstrap.aws import load_projects
from backup_auditor.domain.events import read_dispatch_request
from backup_auditor.errors import BackupAuditorError
from backup_auditor.settings.functions import DispatchSettings, read_dispatch_settings

LOG = Logger(service="dispatch")
_SECONDS_AFTER_EVENTS = 5.0
"""Seconds that are kept for what follows the last event."""


class Context(Protocol):
    """What Lambda says of an invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how much time is left."""


class Dispatcher:
    """Asks for audits, one invocation after the other."""

    def __init__(self, settings: DispatchSettings, log: Logger) -> None:
        """Make nothing that takes time."""
        self._settings = settings
        self._log = log
        self._aws = AwsSession()
        self._documents = CachedSource(partial(fetch_document, self._aws))

    def dispatch(self, event: object, context: Context) -> dict[str, object]:
        """Ask for what an event asks for. Raises what keeps anybody from being asked for."""
        request = read_dispatch_request(event, context.aws_request_id)
        self._log.append_keys(request_id=request.request_id)
        registry = load_projects(self._settings.registration, self._documents, fresh=True)
        bus = EventBus(self._aws.events, self._settings.event_bus)
        return request_audits(request, registry, bus, self._log, partial(_seconds_left, context))


@cache
def get_dispatcher() -> Dispatcher:
    """Return what the process works with. Raises `SettingsError`."""
    return Dispatcher(read_dispatch_settings(os.environ), LOG)


def handle(event: object, context: Context) -> dict[str, object]:
    """Ask for what an event asks for; what keeps it from that is logged, and raised so that the event comes again."""
    LOG.clear_state()
    try:
        return get_dispatcher().dispatch(event, context)
    except BackupAuditorError as error:
        LOG.error(str(error))  # noqa: TRY400  Lambda adds the traceback
        raise


def _seconds_left(context: Context) -> float:
    return context.get_remaining_time_in_millis() / 1000 - _SECONDS_AFTER_EVENTS
