"""Wire the function `notify`. Clients and secrets live as long as its process."""

import os
from functools import cache, partial

from aws_lambda_powertools import Logger

from backup_auditor.adapters.aws.metrics import emit
from backup_auditor.application.notifications.dispatcher import ChannelRouter, deliver_pending
from backup_auditor.bootstrap.aws import ConfigSources, LambdaContext, get_seconds_left, log_errors
from backup_auditor.bootstrap.delivery import AwsDelivery, DeliveryResources
from backup_auditor.domain.events import read_delivery_request
from backup_auditor.errors import BackupAuditorError
from backup_auditor.settings.functions import read_notify_settings

LOG = Logger(service="notify")
_SECONDS_AFTER_DELIVERIES = 5.0
"""Seconds reserved for the steps after the last delivery."""


@cache
def get_notifier() -> tuple[ConfigSources, DeliveryResources]:
    """Return the sources and resources of this process. Raises `SettingsError`."""
    settings = read_notify_settings(os.environ)
    resources = DeliveryResources(settings.state_table, settings.evidence_bucket, settings.event_bus)
    return ConfigSources(settings.registration), resources


def handle(event: object, context: LambdaContext) -> dict[str, object]:
    """Deliver the messages of an event or a payload. Errors are logged and raised, so that Lambda retries the event."""
    with log_errors(LOG, BackupAuditorError):
        sources, resources = get_notifier()
        project = read_delivery_request(event)
        deps = AwsDelivery(resources, sources, partial(get_seconds_left, context, _SECONDS_AFTER_DELIVERIES), LOG)
        deliveries = deliver_pending(deps, ChannelRouter(sources.load_registry).find_route, project)
        for name, failures in deliveries.failures_by_project.items():
            emit(name, {"DeliveryFailures": failures})
        return {
            "sent": deliveries.sent_count,
            "dropped": deliveries.dropped_count,
            "failed": deliveries.failed_count,
            "waiting": deliveries.waiting_count,
        }
