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
    secret,
)
from backup_auditor.adapters.aws.metrics import emit
from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.application.notifications.dispatcher import deliver_pending
from backup_auditor.application.notifications.routing import ChannelRouter
from backup_auditor.bootstrap.aws import projects_of
from backup_auditor.domain.events import read_delivery_request
from backup_auditor.domain.registry import Registry
from backup_auditor.errors import BackupAuditorError
from backup_auditor.settings.functions import NotifySettings, notify_settings

LOG = Logger(service="notify")
_FOR_THE_END = 5.0
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
        from backup_auditor.bootstrap.aws import DeliveryPlaces, delivery_means  # noqa: PLC0415  the first needs it

        project = read_delivery_request(event)
        settings = self._settings
        places = DeliveryPlaces(settings.state_table, settings.evidence_bucket, settings.event_bus, self._webhook_in)
        means = delivery_means(self._aws, places, seconds_left, self._log)
        deliveries = deliver_pending(means, ChannelRouter(self._registry).address_of, project)
        for name, failures in deliveries.failures.items():
            emit(name, {"DeliveryFailures": failures})
        return {
            "sent": deliveries.sent,
            "dropped": deliveries.dropped,
            "failed": deliveries.failed,
            "waiting": deliveries.waiting,
        }

    def _registry(self, *, fresh: bool) -> Registry:
        return projects_of(self._settings.registration, self._documents, fresh=fresh)

    def _webhook_in(self, name: str) -> str:
        return secret(name, SLACK_WEBHOOK, self._secrets)


@cache
def notifier() -> Notifier:
    """Return what this process delivers with. Raises `SettingsError`."""
    return Notifier(notify_settings(os.environ), LOG)


def handle(event: object, context: Context) -> dict[str, object]:
    """Deliver what an event asks for, in the time that Lambda gives; what keeps it from that is logged, and raised."""
    try:
        return notifier().notify(event, lambda: context.get_remaining_time_in_millis() / 1000 - _FOR_THE_END)
    except BackupAuditorError as error:
        LOG.error(str(error), extra={"error": type(error).__name__})  # noqa: TRY400  Lambda adds the traceback
        raise
