"""What the function `notify` is made of. It lives as long as the function's process: sessions and clients are kept."""

import os
from collections.abc import Callable
from functools import cache, partial
from typing import Protocol

from aws_lambda_powertools import Logger

from backup_auditor.adapters.aws.config_sources import (
    SLACK_WEBHOOK,
    CachedSource,
    Source,
    fetch_document,
    fetch_secret,
    read_secret,
)
from backup_auditor.adapters.aws.metrics import emit
from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.application.notifications.dispatcher import deliver_pending
from backup_auditor.application.notifications.routing import ChannelRouter
from backup_auditor.bootstrap.aws import load_projects
from backup_auditor.domain.events import read_delivery_request
from backup_auditor.domain.registry import Registry
from backup_auditor.errors import BackupAuditorError
from backup_auditor.settings.functions import NotifySettings, read_notify_settings

LOG = Logger(service="notify")
_SECONDS_AFTER_DELIVERIES = 5.0
"""Seconds that are kept for what follows the last delivery."""


class Context(Protocol):
    """What Lambda says of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how much time is left."""


class Notifier:
    """Delivers what is due, one invocation after the other."""

    def __init__(self, settings: NotifySettings, log: Logger) -> None:
        """Make nothing that takes time."""
        self._settings = settings
        self._log = log
        self._aws = AwsSession()
        self._documents: Source[bytes] = CachedSource(partial(fetch_document, self._aws))
        self._secrets: Source[str | bytes] = CachedSource(partial(fetch_secret, self._aws))

    def notify(self, event: object, seconds_left: Callable[[], float]) -> dict[str, object]:
        """Deliver what an event asks for, and measure it. Raises `RequestError`, and `StateError` without an outbox."""
        from backup_auditor.bootstrap.aws import DeliveryResources, make_delivery_dependencies  # noqa: PLC0415  the first needs it

        project = read_delivery_request(event)
        settings = self._settings
        resources = DeliveryResources(
            settings.state_table, settings.evidence_bucket, settings.event_bus, self._fetch_webhook
        )
        deps = make_delivery_dependencies(self._aws, resources, seconds_left, self._log)
        deliveries = deliver_pending(deps, ChannelRouter(self._load_registry).find_route, project)
        for name, failures in deliveries.failures_by_project.items():
            emit(name, {"DeliveryFailures": failures})
        return {
            "sent": deliveries.sent_count,
            "dropped": deliveries.dropped_count,
            "failed": deliveries.failed_count,
            "waiting": deliveries.waiting_count,
        }

    def _load_registry(self, *, fresh: bool) -> Registry:
        return load_projects(self._settings.registration, self._documents, fresh=fresh)

    def _fetch_webhook(self, name: str) -> str:
        return read_secret(name, SLACK_WEBHOOK, self._secrets)


@cache
def get_notifier() -> Notifier:
    """Return what this process delivers with. Raises `SettingsError`."""
    return Notifier(read_notify_settings(os.environ), LOG)


def handle(event: object, context: Context) -> dict[str, object]:
    """Deliver what an event asks for, in the time that Lambda gives; what keeps it from that is logged, and raised."""
    try:
        return get_notifier().notify(
            event, lambda: context.get_remaining_time_in_millis() / 1000 - _SECONDS_AFTER_DELIVERIES
        )
    except BackupAuditorError as error:
        LOG.error(str(error), extra={"error": type(error).__name__})  # noqa: TRY400  Lambda adds the traceback
        raise
