"""Wire the delivery of recorded events to the bus. `audit` needs no other delivery; `notify` adds its channels."""

import random
import time
from collections.abc import Callable
from datetime import datetime

from backup_auditor.adapters.aws.evidence_bucket import EvidenceBucket
from backup_auditor.adapters.aws.messaging import EventBus
from backup_auditor.adapters.dynamodb.outbox import DynamoOutbox
from backup_auditor.application.notifications.dispatcher import DeliveryDependencies, Sender
from backup_auditor.application.notifications.senders import EventSender
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import ConfigSources
from backup_auditor.domain.outbox import ChannelKind
from backup_auditor.ports.messaging import Log
from backup_auditor.retry import Retrier


class EventDelivery(DeliveryDependencies):
    """The dependencies of deliveries to the bus."""

    def __init__(self, sources: ConfigSources, seconds_left: Callable[[], float], log: Log) -> None:
        """Create the outbox and the evidence store."""
        self._sources = sources
        self.outbox = DynamoOutbox(sources.aws.dynamodb, sources.settings.state_table)
        self.evidence = EvidenceBucket(sources.aws.s3, sources.settings.evidence_bucket)
        self.retrier = Retrier(seconds_left, time.sleep, random.uniform)
        self.log = log

    def find_sender(self, _kind: ChannelKind) -> Sender:
        """Return the sender of events."""
        bus = EventBus(self._sources.aws.events, self._sources.settings.event_bus)
        return EventSender(bus, self.retrier.seconds_left)

    def now(self) -> datetime:
        """Return the present time."""
        return runtime.now()
