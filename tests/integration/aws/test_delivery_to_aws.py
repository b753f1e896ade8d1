"""Test that topics and buses receive messages with real boto3, and that errors state the outcome of a message."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from backup_auditor.adapters.aws.messaging import EventBus, SnsTopics
from backup_auditor.domain.notifications.digest import create_digest, create_messages
from backup_auditor.errors import AcceptanceUnknownError, ChannelRefusedError, DeliveryError
from backup_auditor.ports.messaging import Event
from backup_auditor.rendering.events import build_audit_events
from backup_auditor.rendering.sns import build_publication
from support.aws.moto import REGION, serve_moto
from support.builders.notifications import (
    SLACK_CHANNEL,
    SNS_CHANNEL,
    STORED_REPORT,
    build_alert_report,
    build_open_finding,
)
from support.raw_server import serve_answer

REPORT = build_alert_report(*(build_open_finding(f"index-{number}") for number in range(40)))


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """Serve AWS on loopback while the tests of this module run."""
    with serve_moto() as environ:
        yield environ["AWS_ENDPOINT_URL"]


def make_client(service: Any, url: str, *, timeout_seconds: float = 2) -> Any:
    """Create a client that sends each call once."""
    config = Config(
        connect_timeout=2, read_timeout=timeout_seconds, retries={"mode": "standard", "total_max_attempts": 1}
    )
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",  # noqa: S106  no secret
        config=config,
    )


def take_messages(aws: str, queue: str) -> list[Any]:
    """Take every message from a queue."""
    sqs, bodies = make_client("sqs", aws), []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        bodies += [json.loads(it["Body"]) for it in messages]
        for message in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def create_queue(aws: str, name: str) -> tuple[str, str]:
    """Create a queue, and return its URL and its ARN."""
    sqs = make_client("sqs", aws)
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    return queue, attributes["Attributes"]["QueueArn"]


def test_a_digest_reaches_every_subscriber(aws: str) -> None:
    """A subscribed queue receives JSON with the attributes for filter policies."""
    queue, arn = create_queue(aws, "subscribed")
    sns = make_client("sns", aws)
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    policy = {"severity": ["high", "critical"], "event": ["Backup Finding Opened"]}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"FilterPolicy": json.dumps(policy)})
    (message,) = create_messages(REPORT, STORED_REPORT, (SNS_CHANNEL,), None)
    publication = build_publication(create_digest(REPORT, message, SNS_CHANNEL, build_link=lambda _: None))
    SnsTopics(sns).publish(topic, publication.subject, publication.message, publication.attributes)
    (queue_message,) = take_messages(aws, queue)
    assert queue_message["Subject"] == publication.subject
    assert json.loads(queue_message["Message"])["audit_id"] == REPORT.audit_id
    assert queue_message["MessageAttributes"]["message_id"] == {"Type": "String", "Value": message.message_id}


def publish_and_fail(url: str, topic: str = SNS_CHANNEL.target) -> DeliveryError:
    """Publish a message that fails, and return the error."""
    with pytest.raises(DeliveryError) as error_info:
        SnsTopics(make_client("sns", url)).publish(topic, "subject", '{"default": "text"}', {"project": "search"})
    return error_info.value


def test_a_missing_topic_refuses(aws: str) -> None:
    """The error for a missing topic names the remedy."""
    error = publish_and_fail(aws)
    assert isinstance(error, ChannelRefusedError)
    assert "NotFound" in str(error)
    assert "check that the topic exists" in str(error)


def build_response(status: int, code: str) -> bytes:
    """Return an error response of SNS."""
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()


@pytest.mark.parametrize(
    "response,kind",
    [
        pytest.param(build_response(403, "AuthorizationError"), ChannelRefusedError, id="not-allowed"),
        pytest.param(build_response(400, "KMSDisabledException"), ChannelRefusedError, id="key-disabled"),
        pytest.param(build_response(400, "Throttling"), DeliveryError, id="throttled"),
        pytest.param(build_response(500, "InternalError"), DeliveryError, id="internal"),
        pytest.param(b"", AcceptanceUnknownError, id="lost"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n<Pu", AcceptanceUnknownError, id="truncated"),
    ],
)
def test_each_failed_call_has_its_error_type(response: bytes, kind: type[DeliveryError]) -> None:
    """Transient errors, refusals and unknown outcomes have their own error types."""
    with serve_answer(response) as (port, requests):
        assert type(publish_and_fail(f"http://127.0.0.1:{port}")) is kind
    assert sum(it.startswith(b"POST") for it in requests) == 1


def test_a_missing_response_leaves_the_outcome_unknown() -> None:
    """A message without a response may have been published."""
    with serve_answer(b"HTTP/1.1 200", byte_interval=60) as (port, _):
        assert isinstance(publish_and_fail(f"http://127.0.0.1:{port}"), AcceptanceUnknownError)


def test_an_unreachable_service_received_nothing() -> None:
    """The error for a refused connection states that the message was not sent."""
    with socket.create_server(("127.0.0.1", 0)) as blocking_socket:
        port = blocking_socket.getsockname()[1]
    assert type(publish_and_fail(f"http://127.0.0.1:{port}")) is DeliveryError


def test_the_events_of_an_audit_reach_each_rule(aws: str) -> None:
    """The rule of each event receives every event once."""
    queue, arn = create_queue(aws, "ruled")
    events = make_client("events", aws, timeout_seconds=60)  # slow machines need more time
    events.create_event_bus(Name="auditor")
    pattern = {"source": ["backup-auditor"], "detail-type": [{"prefix": "Backup Finding "}]}
    events.put_rule(Name="findings", EventBusName="auditor", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="findings", EventBusName="auditor", Targets=[{"Id": "queue", "Arn": arn}])
    events_to_put = [Event(*it) for it in build_audit_events(REPORT, STORED_REPORT)]
    put_result = EventBus(events, "auditor").put(events_to_put)
    assert put_result == ((), None)
    names = [it["detail"]["resource"]["name"] for it in take_messages(aws, queue)]
    assert sorted(names) == sorted(it.resource.name for it in REPORT.findings)


def test_an_unreachable_bus_accepts_nothing() -> None:
    """After three attempts all events are reported as unaccepted, with the error."""
    with socket.create_server(("127.0.0.1", 0)) as blocking_socket:
        port = blocking_socket.getsockname()[1]
    waited_seconds: list[float] = []
    bus = EventBus(make_client("events", f"http://127.0.0.1:{port}"), "auditor", sleep=waited_seconds.append)
    put_result = bus.put([Event("Backup Audit Completed", {"project": SLACK_CHANNEL.target})] * 2)
    assert put_result.unaccepted_positions == (0, 1)
    assert type(put_result.error) is DeliveryError
    assert len(waited_seconds) == 2
