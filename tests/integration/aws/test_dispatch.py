"""Test that the function `dispatch` publishes one request for each registered project, with real boto3."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from io import StringIO
from logging import StreamHandler
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectionClosedError

from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.bootstrap import aws, dispatch
from backup_auditor.errors import DeliveryError, DocumentError, RegistryError, RequestError, SettingsError
from support.aws.moto import serve_moto
from support.aws.single_project import FakeLambdaContext

ROOT = Path(__file__).parents[3]
BUS = "auditor"
BUS_WITHOUT_RULES = "without-rules"
BUCKET = "config"
SCHEDULED_EVENT = json.loads((ROOT / "events" / "dispatch.scheduled.json").read_text())


@dataclass
class Cloud:
    """A bus whose requests reach a queue, and a bucket for the registry."""

    queue: str

    def write_registry(self, *entries: str) -> None:
        """Write the registry."""
        text = "version: 1\nprojects:\n" + "".join(f"- {it}\n" for it in entries)
        boto3.client("s3").put_object(Bucket=BUCKET, Key="registry.yaml", Body=text.encode())

    def take_events(self) -> list[dict[str, Any]]:
        """Take every event from the queue."""
        sqs, events = boto3.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            events += [json.loads(it["Body"]) for it in messages]
            handles = [{"Id": str(n), "ReceiptHandle": it["ReceiptHandle"]} for n, it in enumerate(messages)]
            sqs.delete_message_batch(QueueUrl=self.queue, Entries=handles)
        return events


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """Serve AWS while the tests of this module run."""
    with serve_moto() as environ, pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        events, sqs = boto3.client("events"), boto3.client("sqs")
        for name in (BUS, BUS_WITHOUT_RULES):
            events.create_event_bus(Name=name)
        queue = sqs.create_queue(QueueName="requests")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        pattern = {"source": ["backup-auditor"], "detail": {"project": [{"prefix": ""}]}}
        events.put_rule(Name="requested", EventBusName=BUS, EventPattern=json.dumps(pattern))
        events.put_targets(Rule="requested", EventBusName=BUS, Targets=[{"Id": "queue", "Arn": arn}])
        boto3.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        yield Cloud(queue)


@pytest.fixture(autouse=True)
def _reset_process(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Start each test like a new process with a registry in S3."""
    for name, value in {
        "EVENT_BUS": BUS,
        "REGISTRY": f"s3://{BUCKET}/registry.yaml",
        "STACK_NAME": "stack",
        "NAME_PREFIX": "s/",
        "PROJECT_NAME": "default",
    }.items():
        monkeypatch.setenv(name, value)
    aws.get_sources.cache_clear()
    yield
    aws.get_sources.cache_clear()
    cloud.take_events()


def invoke(event: object, context: FakeLambdaContext | None = None) -> dict[str, Any]:
    """Invoke the handler as Lambda does."""
    spec = spec_from_file_location("dispatch_app", ROOT / "functions" / "dispatch" / "app.py")
    assert spec is not None
    assert spec.loader is not None
    app = module_from_spec(spec)
    spec.loader.exec_module(app)
    return dict(app.lambda_handler(event, context or FakeLambdaContext(120.0, "dispatch")))


@pytest.fixture
def log_stream() -> Iterator[StringIO]:
    """Record the log in a stream."""
    stream = StringIO()
    handler = dispatch.LOG.registered_handler
    assert isinstance(handler, StreamHandler)
    previous_stream = handler.setStream(stream)
    yield stream
    handler.setStream(previous_stream)


def parse_log_lines(log_stream: StringIO) -> list[dict[str, Any]]:
    """Return the recorded log lines."""
    return [json.loads(it) for it in log_stream.getvalue().splitlines()]


def test_each_project_is_requested_by_an_event(cloud: Cloud) -> None:
    """The request of each project has an id with the scheduled time and the project's name."""
    cloud.write_registry("{name: a, secret: s/keys/a}", "{name: b, secret: s/keys/b}")
    assert invoke(SCHEDULED_EVENT) == {"requested": 2, "registry_errors": []}
    events_by_project = {it["detail"]["project"]: it for it in cloud.take_events()}
    assert set(events_by_project) == {"a", "b"}
    assert (events_by_project["a"]["source"], events_by_project["a"]["detail-type"]) == (
        "backup-auditor",
        "Backup Audit Requested",
    )
    assert events_by_project["a"]["detail"] == {
        "project": "a",
        "reason": "scheduled",
        "request_id": "2026-11-22T02:00:00Z/a",
    }


def test_invalid_entries_are_requested_too(cloud: Cloud, log_stream: StringIO) -> None:
    """Each registry error is logged with the request id, and its entry is requested like the others."""
    cloud.write_registry("{name: a, secret: s/keys/a}", "{name: b, sceret: s}", "{name: 7}", "{name: d, key_env: D}")
    response = invoke(SCHEDULED_EVENT)
    assert response["requested"] == 4
    assert {it["detail"]["project"] for it in cloud.take_events()} == {"a", "b", "entry 3", "d"}
    error_lines = [it for it in parse_log_lines(log_stream) if it["level"] == "ERROR"]
    assert [it["message"] for it in error_lines] == response["registry_errors"]
    assert len(error_lines) == 5
    assert {it["request_id"] for it in error_lines} == {"2026-11-22T02:00:00Z"}


def test_a_thousand_projects_are_requested_once_each(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry of 1,000 projects causes one request for each project."""
    names = [f"project-{it}" for it in range(1000)]
    cloud.write_registry(*(f"{{name: {it}, secret: s/keys/{it}}}" for it in names))
    session, put_entries = AwsSession(), list[dict[str, Any]]()

    def record_entries(params: dict[str, Any], **_: object) -> None:
        put_entries.extend(params["Entries"])

    session.events.meta.events.register("before-parameter-build.eventbridge.PutEvents", record_entries)
    monkeypatch.setattr(aws, "AwsSession", lambda: session)
    monkeypatch.setenv("EVENT_BUS", BUS_WITHOUT_RULES)
    assert invoke(SCHEDULED_EVENT)["requested"] == 1000
    assert Counter(json.loads(it["Detail"])["project"] for it in put_entries) == Counter(names)


def test_one_project_needs_no_registry(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a registry the only project is requested, and a direct invocation has its own request id."""
    monkeypatch.setenv("REGISTRY", "")
    assert invoke({"reason": "after an incident"}, FakeLambdaContext(120.0, "dispatch", aws_request_id="r7")) == {
        "requested": 1,
        "registry_errors": [],
    }
    (event,) = cloud.take_events()
    assert event["detail"] == {"project": "default", "reason": "after an incident", "request_id": "r7/default"}


def test_a_new_entry_is_requested_at_once(cloud: Cloud) -> None:
    """A warm process reads the registry again."""
    cloud.write_registry("{name: a, secret: s/keys/a}")
    assert invoke({})["requested"] == 1
    cloud.write_registry("{name: a, secret: s/keys/a}", "{name: b, secret: s/keys/b}")
    assert invoke({})["requested"] == 2


def test_a_lost_response_loses_no_event(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event is published again with the same request id, so that the project is audited once."""
    cloud.write_registry("{name: a, secret: s/keys/a}")
    session = AwsSession()
    calls: list[object] = []

    def lose_first_response(**_: object) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise ConnectionClosedError(endpoint_url="https://events.example")

    session.events.meta.events.register("after-call.eventbridge.PutEvents", lose_first_response)
    monkeypatch.setattr(aws, "AwsSession", lambda: session)
    assert invoke(SCHEDULED_EVENT)["requested"] == 1
    assert [it["detail"]["request_id"] for it in cloud.take_events()] == ["2026-11-22T02:00:00Z/a"] * 2


def test_a_missing_bus_is_raised(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing bus is an error, so that Lambda retries the event."""
    cloud.write_registry("{name: a, secret: s/keys/a}")
    monkeypatch.setenv("EVENT_BUS", "missing")
    with pytest.raises(DeliveryError, match="the bus missing did not accept 1 event"):
        invoke(SCHEDULED_EVENT)


def test_invalid_input_is_raised_and_logged(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, log_stream: StringIO
) -> None:
    """An invalid payload, registry or setting is raised and logged in one line."""
    with pytest.raises(RequestError, match="the payload has unknown fields 'project'"):
        invoke({"project": "a"})
    cloud.write_registry()
    with pytest.raises(RegistryError, match="lists no projects"):
        invoke(SCHEDULED_EVENT)
    monkeypatch.setenv("REGISTRY", f"s3://{BUCKET}/missing.yaml")
    aws.get_sources.cache_clear()
    with pytest.raises(DocumentError, match=r"missing\.yaml: there is no such object"):
        invoke(SCHEDULED_EVENT)
    monkeypatch.setenv("EVENT_BUS", "")
    aws.get_sources.cache_clear()
    with pytest.raises(SettingsError, match="EVENT_BUS is not set"):
        invoke(SCHEDULED_EVENT)
    assert [it["level"] for it in parse_log_lines(log_stream)] == ["ERROR"] * 4
    assert cloud.take_events() == []
