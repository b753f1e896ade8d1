"""Topics and buses over real boto3: what arrives, and what a failure says of the message."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from backup_auditor.adapters.aws.messaging import EventBus, SnsTopics
from backup_auditor.domain.notifications.digest import create_digest
from backup_auditor.domain.notifications.triggers import create_messages
from backup_auditor.errors import AcceptanceUnknownError, ChannelRefusedError, DeliveryError
from backup_auditor.ports.messaging import Event
from backup_auditor.rendering.events import build_audit_events
from backup_auditor.rendering.sns import build_publication
from support.aws.moto import REGION, moto_served
from support.builders.notifications import KEPT, SLACK, TOPIC, found, told
from support.raw_server import answering

REPORT = told(*(found(f"index-{number}") for number in range(40)))


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """Serve AWS on loopback while the tests of this module run."""
    with moto_served() as environ:
        yield environ["AWS_ENDPOINT_URL"]


def client(service: Any, url: str, *, patience: float = 2) -> Any:
    """Make a client that sends each call once."""
    config = Config(connect_timeout=2, read_timeout=patience, retries={"mode": "standard", "total_max_attempts": 1})
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",  # noqa: S106  no secret
        config=config,
    )


def received(aws: str, queue: str) -> list[Any]:
    """Take every message from a queue."""
    sqs, found = client("sqs", aws), []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        found += [json.loads(it["Body"]) for it in messages]
        for it in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=it["ReceiptHandle"])
    return found


def new_queue(aws: str, name: str) -> tuple[str, str]:
    """Make a queue, and return its address and its ARN."""
    sqs = client("sqs", aws)
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    told_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    return queue, told_arn["Attributes"]["QueueArn"]


def test_a_digest_reaches_whoever_subscribed(aws: str) -> None:
    """A queue is told in JSON, with the attributes that filter policies know."""
    queue, arn = new_queue(aws, "subscribed")
    sns = client("sns", aws)
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    policy = {"severity": ["high", "critical"], "event": ["Backup Finding Opened"]}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"FilterPolicy": json.dumps(policy)})
    (message,) = create_messages(REPORT, KEPT, (TOPIC,), None)
    it = build_publication(create_digest(REPORT, message, TOPIC, build_link=lambda _: None))
    SnsTopics(sns).publish(topic, it.subject, it.message, it.attributes)
    (heard,) = received(aws, queue)
    assert heard["Subject"] == it.subject
    assert json.loads(heard["Message"])["audit_id"] == REPORT.audit_id
    assert heard["MessageAttributes"]["message_id"] == {"Type": "String", "Value": message.message_id}


def failure_of_publishing(url: str, topic: str = TOPIC.target) -> DeliveryError:
    """Publish in vain, and return why."""
    with pytest.raises(DeliveryError) as caught:
        SnsTopics(client("sns", url)).publish(topic, "subject", '{"default": "text"}', {"project": "search"})
    return caught.value


def test_a_topic_that_is_gone_refuses(aws: str) -> None:
    """The remedy stands beside it."""
    error = failure_of_publishing(aws)
    assert isinstance(error, ChannelRefusedError)
    assert "NotFound" in str(error)
    assert "check that the topic is there" in str(error)


def answer_of(status: int, code: str) -> bytes:
    """Write an answer of SNS."""
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()


@pytest.mark.parametrize(
    "answer,kind",
    [
        pytest.param(answer_of(403, "AuthorizationError"), ChannelRefusedError, id="not-allowed"),
        pytest.param(answer_of(400, "KMSDisabledException"), ChannelRefusedError, id="key-disabled"),
        pytest.param(answer_of(400, "Throttling"), DeliveryError, id="throttled"),
        pytest.param(answer_of(500, "InternalError"), DeliveryError, id="internal"),
        pytest.param(b"", AcceptanceUnknownError, id="lost"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n<Pu", AcceptanceUnknownError, id="broken-off"),
    ],
)
def test_what_a_failed_call_says_of_the_message(answer: bytes, kind: type[DeliveryError]) -> None:
    """What may pass is told from what will not, and from what nobody knows."""
    with answering(answer) as (port, heard):
        assert type(failure_of_publishing(f"http://127.0.0.1:{port}")) is kind
    assert sum(it.startswith(b"POST") for it in heard) == 1


def test_an_answer_that_does_not_come_leaves_the_outcome_open() -> None:
    """The message may have been published."""
    with answering(b"HTTP/1.1 200", drip=60) as (port, _):
        assert isinstance(failure_of_publishing(f"http://127.0.0.1:{port}"), AcceptanceUnknownError)


def test_aws_that_cannot_be_reached_was_sent_nothing() -> None:
    """It is safe to send it again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert type(failure_of_publishing(f"http://127.0.0.1:{port}")) is DeliveryError


def test_the_events_of_an_audit_reach_whoever_has_a_rule(aws: str) -> None:
    """Ten a call, each of them once."""
    queue, arn = new_queue(aws, "ruled")
    events = client("events", aws, patience=60)  # however slow this machine is
    events.create_event_bus(Name="auditor")
    pattern = {"source": ["backup-auditor"], "detail-type": [{"prefix": "Backup Finding "}]}
    events.put_rule(Name="findings", EventBusName="auditor", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="findings", EventBusName="auditor", Targets=[{"Id": "queue", "Arn": arn}])
    told_events = [Event(*it) for it in build_audit_events(REPORT, KEPT)]
    put = EventBus(events, "auditor").put(told_events)
    assert put == ((), None)
    names = [it["detail"]["resource"]["name"] for it in received(aws, queue)]
    assert sorted(names) == sorted(it.resource.name for it in REPORT.findings)


def test_a_bus_that_cannot_be_reached_leaves_everything() -> None:
    """It was asked three times, and says why."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    waits: list[float] = []
    bus = EventBus(client("events", f"http://127.0.0.1:{port}"), "auditor", sleep=waits.append)
    put = bus.put([Event("Backup Audit Completed", {"project": SLACK.target})] * 2)
    assert put.unaccepted_positions == (0, 1)
    assert type(put.error) is DeliveryError
    assert len(waits) == 2
