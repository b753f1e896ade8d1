"""Wire the delivery of messages on AWS. Imported by the functions that deliver, before the first delivery."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from backup_auditor.adapters.aws.config_sources import SLACK_WEBHOOK
from backup_auditor.adapters.aws.evidence_bucket import EvidenceBucket
from backup_auditor.adapters.dynamodb.outbox import DynamoOutbox
from backup_auditor.application.notifications.dispatcher import DeliveryDependencies, Sender
from backup_auditor.application.notifications.senders import EventSender, TopicSender, WebhookSender
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import ConfigSources
from backup_auditor.domain.outbox import ChannelKind
from backup_auditor.ports.messaging import Log
from backup_auditor.retry import Retrier


@dataclass(frozen=True, slots=True)
class DeliveryResources:
    """The names of the table, the bucket and the bus that a delivery uses."""

    state_table: str
    evidence_bucket: str
    event_bus: str


class AwsDelivery(DeliveryDependencies):
    """The dependencies of deliveries on AWS. A client is created for the first message to a channel of its kind."""

    def __init__(
        self, resources: DeliveryResources, sources: ConfigSources, seconds_left: Callable[[], float], log: Log
    ) -> None:
        """Create the outbox and the evidence store."""
        self._resources = resources
        self._sources = sources
        self.outbox = DynamoOutbox(sources.aws.dynamodb, resources.state_table)
        self.evidence = EvidenceBucket(sources.aws.s3, resources.evidence_bucket)
        self.retrier = Retrier(seconds_left, time.sleep, random.uniform)
        self.log = log

    def find_sender(self, kind: ChannelKind) -> Sender:
        """Return the sender for channels of a kind."""
        aws = self._sources.aws
        match kind:
            case ChannelKind.EVENTS:
                from backup_auditor.adapters.aws.messaging import EventBus  # noqa: PLC0415  on first use

                return EventSender(EventBus(aws.events, self._resources.event_bus), self.retrier.seconds_left)
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
