"""Wire the function `dispatch`. Clients live as long as its process."""

from functools import partial

from aws_lambda_powertools import Logger

from backup_auditor.adapters.aws.messaging import EventBus
from backup_auditor.application.fleet import request_audits
from backup_auditor.bootstrap.aws import LambdaContext, get_seconds_left, get_sources, log_errors
from backup_auditor.domain.events import read_dispatch_request
from backup_auditor.errors import BackupAuditorError

LOG = Logger(service="dispatch")
_SECONDS_AFTER_EVENTS = 5.0
"""Seconds reserved for the steps after the last event."""


def handle(event: object, context: LambdaContext) -> dict[str, object]:
    """Request the audits of an event or a payload. Errors are logged and raised, so that Lambda retries the event."""
    LOG.clear_state()
    with log_errors(LOG, BackupAuditorError):
        sources = get_sources("dispatch")
        bus = EventBus(sources.aws.events, sources.settings.event_bus)
        request = read_dispatch_request(event, context.aws_request_id)
        LOG.append_keys(request_id=request.request_id)
        registry = sources.load_registry(fresh=True)
        return request_audits(request, registry, bus, LOG, partial(get_seconds_left, context, _SECONDS_AFTER_EVENTS))
