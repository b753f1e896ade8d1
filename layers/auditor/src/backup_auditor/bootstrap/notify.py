"""Wire the function `notify`. Clients and secrets live as long as its process."""

from functools import partial

from aws_lambda_powertools import Logger

from backup_auditor.adapters.aws.metrics import emit
from backup_auditor.application.notifications.dispatcher import deliver_pending
from backup_auditor.application.notifications.routing import ChannelRouter
from backup_auditor.bootstrap.aws import LambdaContext, get_seconds_left, get_sources, log_errors
from backup_auditor.bootstrap.delivery import AwsDelivery
from backup_auditor.domain.events import read_delivery_request
from backup_auditor.errors import BackupAuditorError

LOG = Logger(service="notify")
_SECONDS_AFTER_DELIVERIES = 5.0
"""Seconds reserved for the steps after the last delivery."""


def handle(event: object, context: LambdaContext) -> dict[str, object]:
    """Deliver the messages of an event or a payload. Errors are logged and raised, so that Lambda retries the event."""
    with log_errors(LOG, BackupAuditorError):
        sources = get_sources("notify")
        project = read_delivery_request(event)
        deps = AwsDelivery(sources, partial(get_seconds_left, context, _SECONDS_AFTER_DELIVERIES), LOG)
        deliveries = deliver_pending(deps, ChannelRouter(sources.load_registry).find_route, project)
        for name, failures in deliveries.failures_by_project.items():
            emit(name, {"DeliveryFailures": failures})
        return {
            "sent": deliveries.sent_count,
            "dropped": deliveries.dropped_count,
            "failed": deliveries.failed_count,
            "waiting": deliveries.waiting_count,
        }
