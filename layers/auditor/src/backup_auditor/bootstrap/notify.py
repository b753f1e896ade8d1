"""Wire the function `notify`, and the delivery of messages that `audit` uses too."""

import random
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

from aws_lambda_powertools import Logger

from backup_auditor.adapters.aws.config_sources import SLACK_WEBHOOK
from backup_auditor.adapters.aws.evidence_bucket import EvidenceBucket
from backup_auditor.adapters.aws.metrics import emit
from backup_auditor.adapters.dynamodb.outbox import DynamoOutbox
from backup_auditor.application.notifications.dispatcher import (
    ChannelRouter,
    DeliveryDependencies,
    Sender,
    deliver_pending,
)
from backup_auditor.application.notifications.senders import EventSender, TopicSender, WebhookSender
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import ConfigSources, LambdaContext, get_seconds_left, get_sources, log_errors
from backup_auditor.domain.events import read_delivery_request
from backup_auditor.domain.outbox import ChannelKind
from backup_auditor.ports.messaging import Log
from backup_auditor.retry import Retrier

LOG = Logger(service="notify")
_SECONDS_AFTER_DELIVERIES = 5.0
"""Seconds reserved for the steps after the last delivery."""


class AwsDelivery(DeliveryDependencies):
    """The dependencies of deliveries on AWS. A client is created for the first message to a channel of its kind."""

    def __init__(self, sources: ConfigSources, seconds_left: Callable[[], float], log: Log) -> None:
        """Create the outbox and the evidence store."""
        self._sources = sources
        self.outbox = DynamoOutbox(sources.aws.dynamodb, sources.settings.state_table)
        self.evidence = EvidenceBucket(sources.aws.s3, sources.settings.evidence_bucket)
        self.retrier = Retrier(seconds_left, time.sleep, random.uniform)
        self.log = log

    def find_sender(self, kind: ChannelKind) -> Sender:
        """Return the sender for channels of a kind."""
        aws = self._sources.aws
        match kind:
            case ChannelKind.EVENTS:
                from backup_auditor.adapters.aws.messaging import EventBus  # noqa: PLC0415  on first use

                return EventSender(EventBus(aws.events, self._sources.settings.event_bus), self.retrier.seconds_left)
            case ChannelKind.SNS:
                from backup_auditor.adapters.aws.messaging import SnsTopics  # noqa: PLC0415  on first use

                return TopicSender(SnsTopics(aws.sns), self.retrier, aws.dynamodb.meta.region_name)
            case ChannelKind.SLACK:
                from backup_auditor.adapters.webhooks import SlackWebhooks  # noqa: PLC0415  on first use

                webhooks = SlackWebhooks(lambda name: self._sources.load_secret(name, SLACK_WEBHOOK))
                return WebhookSender(webhooks, self.retrier, aws.dynamodb.meta.region_name)

    def now(self) -> datetime:
        """Return the present time."""
        return runtime.now()


def handle(event: object, context: LambdaContext) -> dict[str, object]:
    """Deliver the messages of an event or a payload. Errors are logged and raised, so that Lambda retries the event."""
    with log_errors(LOG):
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
