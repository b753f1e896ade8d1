"""Test that the function `notify` sends each message once and reports failures, with real boto3 and webhooks."""

import importlib.util
import io
import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest

from backup_auditor.adapters.aws.evidence_bucket import EvidenceBucket
from backup_auditor.adapters.dynamodb.items import build_message_key, encode_message
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import get_sources
from backup_auditor.domain.notifications.digest import create_messages
from backup_auditor.domain.outbox import Channel
from backup_auditor.errors import RequestError, SettingsError, StateError
from support.aws.dynamodb import make_table
from support.aws.single_project import FakeLambdaContext
from support.builders.facts import NOW
from support.builders.notifications import (
    EVENT_CHANNEL,
    SLACK_CHANNEL,
    SNS_CHANNEL,
    YESTERDAY,
    build_alert_report,
    build_open_finding,
)
from support.slack_server import LOST_ANSWER, NO_SERVICE_ANSWER, UNAVAILABLE_ANSWER, SlackReceiver, serve_slack

ROOT = Path(__file__).parents[3]
WEBHOOK = "T0CANARY/B0CANARY/" + "x" * 24
HOUR = timedelta(hours=1)
_NUMBERS = count()


@dataclass
class Cloud:
    """An application on AWS whose topic and bus reach a queue, and a receiver of webhooks."""

    slack: SlackReceiver
    patch: pytest.MonkeyPatch
    output: pytest.CaptureFixture[str]
    environ: dict[str, str]
    queue: str
    topic: Channel

    def record_audit(self, name: str = "orders", project: str = "search", **facts: Any) -> None:
        """Record the messages of an audit with an opened finding."""
        facts = {"observed_at": NOW, "audit_id": f"audit-of-{name}", **facts}
        report = build_alert_report(build_open_finding(name), project=project, **facts)
        evidence = EvidenceBucket(boto3.client("s3"), self.environ["EVIDENCE_BUCKET"])
        stored_report = evidence.store_report(report)
        stored_report = replace(stored_report, page=evidence.store_page(report, stored_report))
        for message in create_messages(report, stored_report, (EVENT_CHANNEL, self.topic, SLACK_CHANNEL), YESTERDAY):
            item = {**build_message_key(message), **encode_message(message)}
            boto3.client("dynamodb").put_item(TableName=self.environ["STATE_TABLE"], Item=item)

    def notify(self, event: object, delay: timedelta = timedelta()) -> dict[str, Any]:
        """Invoke the function after a delay from the audit."""
        self.patch.setattr(runtime, "now", lambda: NOW + delay)
        spec = importlib.util.spec_from_file_location("app", ROOT / "functions/notify/app.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        result: dict[str, Any] = module.lambda_handler(event, FakeLambdaContext(300.0, "notify"))
        return result

    def invoke_sample(self, case: str, delay: timedelta = timedelta()) -> dict[str, Any]:
        """Invoke the function with one of the samples."""
        return self.notify(json.loads((ROOT / f"events/notify.{case}.json").read_text(encoding="utf-8")), delay)

    def take_messages(self) -> list[Any]:
        """Take the messages of the topic and the bus from the queue, and return their kinds."""
        sqs, bodies = boto3.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            bodies += [json.loads(it["Body"]) for it in messages]
            for message in messages:
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return [it.get("detail-type") or json.loads(it["Message"])["event"] for it in bodies]

    def take_log_lines(self) -> list[dict[str, Any]]:
        """Return the new log lines, and check that they have no secret."""
        text = self.output.readouterr().out
        assert "CANARY" not in text
        return [json.loads(it) for it in text.splitlines() if it]

    def load_failures(self) -> dict[str, float]:
        """Return the metric of failures by project."""
        return {it["project"]: it["DeliveryFailures"][0] for it in self.take_log_lines() if "_aws" in it}


class CurrentStandardOutput(io.StringIO):
    """A stream that writes to the current standard output."""

    def write(self, text: str) -> int:
        """Write to the current standard output."""
        return sys.stdout.write(text)


@pytest.fixture
def cloud(
    aws_variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Cloud]:
    """Create a new application for each test."""
    name = f"notify-{next(_NUMBERS)}"
    variables = {
        "STATE_TABLE": name,
        "EVIDENCE_BUCKET": name,
        "EVENT_BUS": name,
        "STACK_NAME": "stack",
        "NAME_PREFIX": "backup-auditor/",
        "TOPIC_PREFIX": "arn:aws:sns:eu-central-1:123456789012:backup-auditor-",
        "PROJECT_NAME": "search",
        "SLACK_SECRET": SLACK_CHANNEL.target,
    }
    for key, value in {**aws_variables, **variables}.items():
        monkeypatch.setenv(key, value)
    sqs, sns, bus = boto3.client("sqs"), boto3.client("sns"), boto3.client("events")
    make_table(boto3.client("dynamodb"), name)
    location: Any = {"LocationConstraint": aws_variables["AWS_DEFAULT_REGION"]}
    boto3.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=location)
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    bus.create_event_bus(Name=name)
    bus.put_rule(Name="all", EventBusName=name, EventPattern='{"source": ["backup-auditor"]}')
    bus.put_targets(Rule="all", EventBusName=name, Targets=[{"Id": "queue", "Arn": arn}])
    monkeypatch.setenv("ALERT_TOPIC", topic)
    for handler in logging.getLogger("notify").handlers:  # it writes to the standard output of its creation
        monkeypatch.setattr(handler, "stream", CurrentStandardOutput())
    get_sources.cache_clear()
    with serve_slack() as slack:
        put_webhook(slack.make_webhook(WEBHOOK))
        yield Cloud(slack, monkeypatch, capsys, variables, queue, Channel(SNS_CHANNEL.kind, topic))
    get_sources.cache_clear()


def put_webhook(value: str) -> None:
    """Store a webhook in its secret."""
    secrets = boto3.client("secretsmanager")
    try:
        secrets.put_secret_value(SecretId=SLACK_CHANNEL.target, SecretString=value)
    except secrets.exceptions.ResourceNotFoundException:
        secrets.create_secret(Name=SLACK_CHANNEL.target, SecretString=value)


def test_the_event_of_an_audit_sends_each_message_once(cloud: Cloud) -> None:
    """A repeated event or a sweep sends no message again."""
    cloud.record_audit()
    assert cloud.invoke_sample("completed")["sent"] == 3
    assert sorted(cloud.take_messages()) == ["Backup Audit Completed", "Backup Finding Opened", "Backup Finding Opened"]
    assert [path for path, _ in cloud.slack.posted_messages] == [f"/services/{WEBHOOK}"]
    assert cloud.load_failures() == {"search": 0}
    for case in ("completed", "project", "sweep"):
        assert cloud.invoke_sample(case, HOUR)["sent"] == 0
    assert (cloud.take_messages(), len(cloud.slack.posted_messages)) == ([], 1)


def test_a_message_links_reports_under_the_base_url(cloud: Cloud) -> None:
    """With `REPORT_BASE_URL`, Slack and the topic link the page there, and Slack links the finding on it."""
    cloud.patch.setenv("REPORT_BASE_URL", "https://reports.example.com/audits")
    cloud.record_audit()
    assert cloud.invoke_sample("completed")["sent"] == 3
    ((_, payload),) = cloud.slack.posted_messages
    link_pattern = r'"url": "https://reports\.example\.com/audits/[^"#]+\.html#finding-[0-9a-f]{32}"'
    assert re.search(link_pattern, json.dumps(payload))
    assert "console.aws" not in json.dumps(payload)


def test_concurrent_invocations_send_each_message_once(cloud: Cloud) -> None:
    """Only the invocation that claimed a message sends it."""
    cloud.record_audit()
    with ThreadPoolExecutor(4) as pool:
        sent_counts = [it["sent"] for it in pool.map(lambda _: cloud.invoke_sample("sweep"), range(4))]
    assert sum(sent_counts) == 3
    assert len(cloud.take_messages()) == 3
    assert len(cloud.slack.posted_messages) == 1


def test_a_failed_message_is_sent_by_the_next_sweep(cloud: Cloud) -> None:
    """A failed message is retried by the next sweep, and counted if it is older than four hours."""
    cloud.record_audit()
    cloud.patch.setattr("time.sleep", lambda _: None)
    cloud.slack.answers = [UNAVAILABLE_ANSWER] * 6
    assert cloud.invoke_sample("completed")["failed"] == 1
    assert cloud.load_failures() == {"search": 0}
    assert cloud.invoke_sample("sweep", 5 * HOUR)["failed"] == 1
    assert cloud.load_failures() == {"search": 1}
    assert cloud.invoke_sample("sweep", 6 * HOUR)["sent"] == 1
    assert cloud.load_failures() == {"search": 0}
    assert len(cloud.slack.posted_messages) == 1


def test_a_removed_webhook_is_reported_immediately(cloud: Cloud) -> None:
    """The first failure is logged with the remedy and counted, and the next sweep sends the message."""
    cloud.record_audit()
    cloud.slack.answers = [NO_SERVICE_ANSWER]
    cloud.invoke_sample("completed")
    lines = cloud.take_log_lines()
    (line,) = (it for it in lines if it.get("level") == "ERROR")
    assert "create a new incoming webhook" in line["message"]
    assert line["audit_id"] == "audit-of-orders"
    assert [it["DeliveryFailures"] for it in lines if "_aws" in it] == [[1.0]]
    assert cloud.invoke_sample("sweep", HOUR)["sent"] == 1


def test_a_lost_response_causes_a_marked_duplicate(cloud: Cloud) -> None:
    """A message whose response is lost is sent again and marked as a possible duplicate."""
    cloud.record_audit()
    cloud.slack.answers = [LOST_ANSWER]
    assert cloud.invoke_sample("completed")["failed"] == 1
    assert cloud.invoke_sample("sweep", HOUR)["sent"] == 1
    first_text, second_text = (json.dumps(payload) for _, payload in cloud.slack.posted_messages)
    assert "Possible duplicate" in second_text
    assert "Possible duplicate" not in first_text


@pytest.mark.parametrize("value", ["https://example.com/services/T0CANARY", '{"SLACK_WEBHOOK_URL": "CANARY"}', " "])
def test_an_invalid_webhook_is_reported_immediately(cloud: Cloud, value: str) -> None:
    """The value of the secret is not shown, and other channels are not affected."""
    cloud.record_audit()
    put_webhook(value)
    assert cloud.invoke_sample("completed")["sent"] == 2
    assert cloud.load_failures() == {"search": 1}
    assert not cloud.slack.requested_paths


def test_the_registry_determines_the_channels(cloud: Cloud) -> None:
    """An invalid entry delays only the alerts of its project."""
    cloud.record_audit()
    cloud.record_audit(project="shop", name="users")
    entries = [
        "{name: search, secret: backup-auditor/keys/a, alerts: [{slack: %s, severity: low}]}",
        "{name: shop, secret: backup-auditor/keys/a, alerts: [{slack: %s, severity: sever}]}",
    ]
    ssm = boto3.client("ssm")
    text = "version: 1\nprojects:\n" + "".join(f"- {it % SLACK_CHANNEL.target}\n" for it in entries)
    ssm.put_parameter(Name="/registry", Value=text, Type="String", Overwrite=True)
    cloud.patch.setenv("REGISTRY", "ssm:/registry")
    deliveries = cloud.invoke_sample("sweep")
    assert (deliveries["sent"], deliveries["dropped"]) == (3, 1)
    assert cloud.load_failures() == {"search": 0, "shop": 2}
    ssm.put_parameter(Name="/registry", Value=text.replace("sever}", "high}"), Type="String", Overwrite=True)
    assert cloud.invoke_sample("sweep", HOUR)["sent"] == 1


def test_an_invalid_payload_is_raised(cloud: Cloud) -> None:
    """Each invalid payload is an error with one line in the log."""
    payloads: tuple[object, ...] = (None, [], {}, {"detail-type": "Backup Audit Requested"}, {"project": 1})
    for payload in payloads:
        with pytest.raises(RequestError):
            cloud.notify(payload)
    assert [it["level"] for it in cloud.take_log_lines()] == ["ERROR"] * len(payloads)


def test_a_missing_table_is_raised(cloud: Cloud) -> None:
    """A missing table is an error, so that Lambda retries the event."""
    cloud.patch.setenv("STATE_TABLE", "no-such-table")
    with pytest.raises(StateError, match="no-such-table"):
        cloud.invoke_sample("sweep")


def test_a_missing_setting_is_raised(cloud: Cloud) -> None:
    """The error and the log name the missing setting."""
    cloud.patch.delenv("EVENT_BUS")
    with pytest.raises(SettingsError, match="EVENT_BUS"):
        cloud.invoke_sample("sweep")
    assert "EVENT_BUS" in cloud.take_log_lines()[0]["message"]
