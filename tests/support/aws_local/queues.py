"""Standard queues of SQS on loopback, with visibility on the moved clock, and the functions that they feed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from support.aws_local.environment import REGION


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue of the template."""

    arn: str
    visibility: timedelta
    """How long a received message is invisible: the wait before it is received again."""
    max_receives: int = 0
    """After so many receives a message is moved to the dead-letter queue; 0 without one."""
    dead_letter_queue: str | None = None
    """The logical name of the dead-letter queue."""


@dataclass(frozen=True, slots=True)
class QueueTrigger:
    """A queue that starts a function."""

    queue: str
    function: str
    max_concurrency: int | None
    """How many messages are processed at once; `None` for no limit of the queue."""


@dataclass(slots=True)
class QueueMessage:
    """One message in a queue. A duplicate of it has the same id."""

    body: str
    visible_at: datetime
    queue: str
    """The logical name of the queue that it was sent to."""
    message_id: str = field(default_factory=lambda: str(uuid4()))
    receive_count: int = 0

    @property
    def event(self) -> Any:
        """The request in the message."""
        return json.loads(self.body)

    def build_event(self, queue: Queue) -> Mapping[str, Any]:
        """Return the event with which Lambda passes the message to a function."""
        milliseconds = str(int(self.visible_at.timestamp() * 1000))
        attributes = {
            "ApproximateReceiveCount": str(self.receive_count),
            "SentTimestamp": milliseconds,
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": milliseconds,
        }
        record = {
            "messageId": self.message_id,
            "receiptHandle": uuid4().hex,
            "body": self.body,
            "attributes": attributes,
            "messageAttributes": {},
            "md5OfBody": "",
            "eventSource": "aws:sqs",
            "eventSourceARN": queue.arn,
            "awsRegion": REGION,
        }
        return {"Records": [record]}


class SimulatedQueues:
    """The messages of all queues of a stack. Not safe to use from many threads."""

    def __init__(self, queues: Mapping[str, Queue]) -> None:
        """Start with empty queues."""
        self._queues = queues
        self.messages: dict[str, list[QueueMessage]] = {name: [] for name in queues}
        """The messages by the logical name of their queue."""

    def send(self, queue: str, body: str, now: datetime, copies_at: tuple[datetime, ...] = ()) -> None:
        """Add a message, and duplicates of it that become visible at given times."""
        message = QueueMessage(body, now, queue)
        self.messages[queue] += [message, *(replace(message, visible_at=it) for it in copies_at)]

    def receive(self, queue: str, now: datetime) -> QueueMessage | None:
        """Return a visible message and hide it. Move one that was received too often to the dead-letter queue."""
        properties = self._queues[queue]
        for message in [it for it in self.messages[queue] if it.visible_at <= now]:
            if properties.dead_letter_queue is not None and message.receive_count >= properties.max_receives:
                self.messages[queue].remove(message)
                self.messages[properties.dead_letter_queue].append(message)
                continue
            message.receive_count += 1
            message.visible_at = now + properties.visibility
            return message
        return None

    def delete(self, queue: str, message: QueueMessage) -> None:
        """Delete a received message."""
        self.messages[queue] = [it for it in self.messages[queue] if it is not message]

    def redrive(self, dead_letter_queue: str, now: datetime) -> None:
        """Send all dead letters to their queues again, as new messages."""
        dead_letters, self.messages[dead_letter_queue] = self.messages[dead_letter_queue], []
        for message in dead_letters:
            self.send(message.queue, message.body, now)
