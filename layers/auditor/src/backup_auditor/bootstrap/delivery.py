"""What delivering takes on AWS: the outbox, the kept reports, and a carrier for each kind of channel."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from backup_auditor.adapters.aws_session import AwsSession
from backup_auditor.adapters.dynamodb_state.outbox import DynamoOutbox
from backup_auditor.adapters.evidence_bucket import EvidenceBucket
from backup_auditor.bootstrap.clock import now
from backup_auditor.domain.alerting.channel import ChannelKind
from backup_auditor.ports.delivery import Log
from backup_auditor.service.delivery.carrying import EventCarrier, TopicCarrier, WebhookCarrier
from backup_auditor.service.delivery.means import Means
from backup_auditor.service.delivery.parcel import Carrier
from backup_auditor.service.delivery.persevering import Patience


@dataclass(frozen=True, slots=True)
class DeliveryPlaces:
    """Where things are, and how a webhook is found."""

    state_table: str
    evidence_bucket: str
    event_bus: str
    webhook_in: Callable[[str], str]
    """Returns the webhook that a secret holds. Raises `SecretError`."""


def delivery_means(aws: AwsSession, places: DeliveryPlaces, seconds_left: Callable[[], float], log: Log) -> Means:
    """Put together what delivers; a client is made when a channel of its kind has to be told something."""
    patience = Patience(seconds_left, time.sleep, random.uniform)

    def carrier_for(kind: ChannelKind) -> Carrier:
        match kind:
            case ChannelKind.EVENTS:
                from backup_auditor.adapters.event_bus import EventBus  # noqa: PLC0415  where it is needed

                return EventCarrier(EventBus(aws.events, places.event_bus), seconds_left)
            case ChannelKind.SNS:
                from backup_auditor.adapters.topic import SnsTopics  # noqa: PLC0415  where it is needed

                return TopicCarrier(SnsTopics(aws.sns), patience, aws.dynamodb.meta.region_name)
            case ChannelKind.SLACK:
                from backup_auditor.adapters.slack_webhook import SlackWebhooks  # noqa: PLC0415  where it is needed

                return WebhookCarrier(SlackWebhooks(places.webhook_in), patience, aws.dynamodb.meta.region_name)

    return Means(
        outbox=DynamoOutbox(aws.dynamodb, places.state_table),
        evidence=EvidenceBucket(aws.s3, places.evidence_bucket),
        carrier_for=carrier_for,
        now=now,
        patience=patience,
        log=log,
    )
