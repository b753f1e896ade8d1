"""Wire the function `dispatch`. Clients live as long as its process."""

from functools import partial

from aws_lambda_powertools import Logger

from backup_auditor.adapters.aws.messaging import EventBus
from backup_auditor.application.requests import request_audits
from backup_auditor.bootstrap.aws import LambdaContext, answer_requests, get_seconds_left, get_sources
from backup_auditor.domain.events import QueueRecord, is_check_request, read_dispatch_request

LOG = Logger(service="dispatch")
_SECONDS_AFTER_EVENTS = 5.0
"""Seconds reserved for the steps after the last event."""


def handle(event: object, context: LambdaContext) -> dict[str, object]:
    """Request the audits of a payload and return their number, or those of queue records and return which failed."""
    LOG.clear_state()
    return answer_requests(event, partial(_answer, context), LOG)


def _answer(context: LambdaContext, payload: object, record: QueueRecord | None) -> dict[str, object]:
    if record is None and is_check_request(payload):
        from backup_auditor.bootstrap.check import check_dispatch  # noqa: PLC0415  only for a check

        return check_dispatch(context)
    sources = get_sources("dispatch")
    bus = EventBus(sources.aws.events, sources.settings.event_bus)
    request = read_dispatch_request(payload, context.aws_request_id if record is None else record.record_id)
    LOG.append_keys(request_id=request.request_id)
    registry = sources.load_registry(fresh=True)
    return request_audits(request, registry, bus, LOG, partial(get_seconds_left, context, _SECONDS_AFTER_EVENTS))
