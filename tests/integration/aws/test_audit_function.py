"""Test that the function `audit` makes one audit per event, with real boto3 and a real socket to Pinecone."""

import hashlib
import importlib.util
import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from backup_auditor.adapters.dynamodb.watch_store import DynamoWatchStore
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.audit import handle
from backup_auditor.bootstrap.aws import get_sources
from backup_auditor.domain.events import QUEUE_ATTEMPTS
from backup_auditor.errors import BadKeyError, RegistryError, RequestError, SecretError
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.aws.single_project import (
    KEY_SECRET,
    FakeLambdaContext,
    create_resources,
    make_project_variables,
    make_resource_names,
    put_secret,
    take_events,
)
from support.simulator import add_healthy_index, build_empty_project, serve

ROOT = Path(__file__).parents[3]
REQUESTED_EVENT = json.loads((ROOT / "events/audit.requested.json").read_text(encoding="utf-8"))


@dataclass
class AuditFunctionHarness:
    """One project in Pinecone and one application on AWS."""

    pinecone: Server
    context: FakeLambdaContext = field(default_factory=FakeLambdaContext)

    def audit_in_new_process(self, event: object, context: FakeLambdaContext | None = None) -> dict[str, object]:
        """Audit in a new process of the function."""
        """Return a new process of the function."""
        return handle(event, context or self.context)

    def list_items(self) -> list[dict[str, Any]]:
        """Return all items of the table."""
        return list(boto3.client("dynamodb").scan(TableName=os.environ["STATE_TABLE"])["Items"])

    def load_objects(self) -> dict[str, bytes]:
        """Return all objects of the bucket by location."""
        client, bucket = boto3.client("s3"), os.environ["EVIDENCE_BUCKET"]
        keys = [it["Key"] for it in client.list_objects_v2(Bucket=bucket).get("Contents", [])]
        return {f"s3://{bucket}/{key}": client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def load_reports(self) -> dict[str, bytes]:
        """Return the reports in the bucket."""
        return {location: it for location, it in self.load_objects().items() if location.endswith(".json")}

    def take_events(self) -> list[dict[str, Any]]:
        """Take the published events from the bus."""
        return take_events()


@pytest.fixture
def harness(
    aws_variables: Mapping[str, str], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AuditFunctionHarness]:
    """Build a project with one healthy index and a new application for each test."""
    names = make_resource_names(request.node.name)
    project = build_empty_project()
    add_healthy_index(project, "orders")
    with serve(project) as server:
        for key, value in {**aws_variables, **names, **make_project_variables(server)}.items():
            monkeypatch.setenv(key, value)
        monkeypatch.setattr(runtime, "now", lambda: server.project.now)
        get_sources.cache_clear()
        create_resources(names)
        put_secret(server.viewer_key)
        yield AuditFunctionHarness(server)
        get_sources.cache_clear()


def load_handler() -> Any:
    """Load the function's handler as Lambda does."""
    spec = importlib.util.spec_from_file_location("app", ROOT / "functions/audit/app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.lambda_handler


def take_metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """Return the metrics of the project that were emitted since the last call."""
    lines = [json.loads(it) for it in capsys.readouterr().out.splitlines() if '"_aws"' in it]
    project_lines = [it for it in lines if it["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["stack", "project"]]]
    return {name: it[0] for line in project_lines for name, it in line.items() if isinstance(it, list)}


@pytest.mark.parametrize("sample", sorted(it.name for it in (ROOT / "events").glob("audit.[dor]*.json")))
def test_every_sample_is_an_audit(
    harness: AuditFunctionHarness, sample: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each sample stores a report, a record, an event and metrics."""
    event = json.loads((ROOT / "events" / sample).read_text(encoding="utf-8"))
    summary = json.loads(json.dumps(load_handler()(event, harness.context)))
    (page, location), (page_content, report_content) = zip(*sorted(harness.load_objects().items()), strict=True)
    hashes = [hashlib.sha256(it).hexdigest() for it in (report_content, page_content)]
    assert summary["report"] == {
        "location": location,
        "sha256": hashes[0],
        "page": {"location": page, "sha256": hashes[1]},
    }
    assert json.loads(report_content)["audit_id"] == summary["audit_id"]
    assert summary["complete"] is True
    assert any(it["SK"]["S"].startswith("audit#") for it in harness.list_items())
    events = harness.take_events()
    assert [it["detail-type"] for it in events] == ["Backup Audit Completed"]
    assert events[0]["detail"] == summary
    figures = take_metrics(capsys)
    assert (figures["AuditComplete"], figures["IndexesProtected"], figures["ApiThrottles"]) == (1, 1, 0)


def test_the_same_event_is_one_audit(harness: AuditFunctionHarness, capsys: pytest.CaptureFixture[str]) -> None:
    """A repeated event returns the first response, also in another process and with another event id."""
    first_response = harness.audit_in_new_process(REQUESTED_EVENT)
    take_metrics(capsys)
    request_count = len(harness.pinecone.requests)
    second_response = harness.audit_in_new_process({**REQUESTED_EVENT, "id": "another"})
    assert second_response == json.loads(json.dumps(first_response))
    assert len(harness.pinecone.requests) == request_count
    assert take_metrics(capsys) == {}
    assert len(harness.take_events()) == 1


def test_an_audit_that_was_recorded_before_its_process_was_killed_is_not_repeated(
    harness: AuditFunctionHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    """The next attempt gets the summary of the recorded audit, and publishes its events."""
    client = boto3.client("dynamodb")
    first_response = json.loads(json.dumps(harness.audit_in_new_process(REQUESTED_EVENT)))
    take_metrics(capsys)
    harness.take_events()
    for item in [it for it in harness.list_items() if it["PK"]["S"] == "idempotency#audit"]:
        client.delete_item(TableName=os.environ["STATE_TABLE"], Key={name: item[name] for name in ("PK", "SK")})
    harness.pinecone.project.advance_to(harness.pinecone.project.now + timedelta(minutes=16))
    request_count = len(harness.pinecone.requests)
    assert harness.audit_in_new_process(REQUESTED_EVENT) == first_response
    assert len(harness.pinecone.requests) == request_count
    assert len(harness.load_reports()) == 1
    assert take_metrics(capsys) == {"AuditCompleted": 1, "AuditComplete": 1}


def queue_event(attempt: int, *bodies: str) -> dict[str, Any]:
    """Return an event of the queue with these bodies."""
    attributes = {"ApproximateReceiveCount": str(attempt)}
    return {
        "Records": [
            {"messageId": f"message-{number}", "body": it, "attributes": attributes} for number, it in enumerate(bodies)
        ]
    }


def test_only_the_records_that_failed_are_reported(harness: AuditFunctionHarness) -> None:
    """A record that is audited is done, and an invalid one is named for the queue."""
    event = queue_event(1, json.dumps(REQUESTED_EVENT), "not JSON", json.dumps({"project": "other"}))
    response = load_handler()(event, harness.context)
    assert response == {"batchItemFailures": [{"itemIdentifier": "message-1"}, {"itemIdentifier": "message-2"}]}
    assert len(harness.load_reports()) == 1


@pytest.mark.parametrize(
    "attempt, report_count", [pytest.param(QUEUE_ATTEMPTS - 1, 0, id="last-but-one"), (QUEUE_ATTEMPTS, 1)]
)
def test_an_incomplete_audit_is_recorded_at_the_last_attempt(
    harness: AuditFunctionHarness,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    attempt: int,
    report_count: int,
) -> None:
    """Before the last attempt it is logged in one line, reported to the queue, and neither recorded nor measured."""
    harness.pinecone.faults.append(Fault(path="*/history", status=403))
    event = queue_event(attempt, json.dumps(REQUESTED_EVENT))
    response = load_handler()(event, harness.context)
    assert bool(response["batchItemFailures"]) == (report_count == 0)
    assert len(harness.load_reports()) == report_count
    assert [it.__dict__["error"] for it in caplog.records if it.levelname == "ERROR"] == (
        ["IncompleteAuditError"] if report_count == 0 else []
    )
    assert ("AuditCompleted" in take_metrics(capsys)) == bool(report_count)


def test_an_event_whose_audit_failed_is_another_audit(
    harness: AuditFunctionHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    """A retry of a failed audit succeeds after the secret has a key."""
    put_secret(" ")
    with pytest.raises(SecretError, match=f"the secret {KEY_SECRET} is empty"):
        harness.audit_in_new_process(REQUESTED_EVENT)
    assert take_metrics(capsys) == {"AuditCompleted": 0}
    put_secret(harness.pinecone.viewer_key)
    assert harness.audit_in_new_process(REQUESTED_EVENT)["complete"] is True


def test_two_concurrent_events_are_one_audit(harness: AuditFunctionHarness) -> None:
    """The second concurrent event fails, and only one report is stored."""
    harness.pinecone.latency = 0.1
    with ThreadPoolExecutor(2) as pool:
        contexts = [FakeLambdaContext(aws_request_id=it) for it in ("one", "another")]
        errors = [
            it.exception(30)
            for it in [pool.submit(harness.audit_in_new_process, REQUESTED_EVENT, it) for it in contexts]
        ]
    assert [type(it) for it in errors if it] == [RequestError]
    assert len(harness.load_reports()) == 1


def test_the_same_request_id_of_another_project_is_another_request(harness: AuditFunctionHarness) -> None:
    """Requests for several projects can share one request id."""
    harness.audit_in_new_process(REQUESTED_EVENT)
    detail = {**REQUESTED_EVENT["detail"], "project": "shop"}
    with pytest.raises(RegistryError, match="shop"):
        harness.audit_in_new_process({**REQUESTED_EVENT, "detail": detail})


def test_each_direct_invocation_is_an_audit(harness: AuditFunctionHarness) -> None:
    """A direct invocation has no request id and always audits."""
    for _ in range(2):
        handle({"project": "search"}, harness.context)
        harness.pinecone.project.advance_to(
            harness.pinecone.project.now.replace(minute=harness.pinecone.project.now.minute + 1)
        )
    assert len(harness.load_reports()) == 2


def test_a_warm_process_uses_a_rotated_key(harness: AuditFunctionHarness) -> None:
    """A warm process reads the secret again after Pinecone refuses the cached key."""
    put_secret("an-old-key")
    with pytest.raises(BadKeyError, match=f"store a key of the project in secret {KEY_SECRET}"):
        handle({}, harness.context)
    put_secret(json.dumps({"PINECONE_API_KEY": harness.pinecone.viewer_key}))
    assert handle({}, harness.context)["complete"] is True


def test_an_audit_ends_before_its_function_is_stopped(
    harness: AuditFunctionHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reading stops one minute before the timeout, and the remaining calls are read errors."""
    harness.context.remaining_seconds = 61
    harness.pinecone.faults.append(Fault(kind="hang", path="/backups"))
    assert harness.audit_in_new_process({})["complete"] is False
    assert take_metrics(capsys)["AuditComplete"] == 0
    assert len(harness.load_reports()) == 1


def test_an_audit_without_enough_time_publishes_no_events(harness: AuditFunctionHarness) -> None:
    """An audit with less than 40 seconds left publishes no events, so that Lambda does not stop and retry it."""
    harness.context.remaining_seconds = 44
    assert harness.audit_in_new_process(REQUESTED_EVENT)["report"]
    assert harness.take_events() == []
    harness.context.remaining_seconds = 900
    assert harness.audit_in_new_process(REQUESTED_EVENT)["report"]
    assert len(harness.load_reports()) == 1


@pytest.mark.parametrize("is_queued", [pytest.param(True, id="queue"), pytest.param(False, id="invocation")])
def test_a_failed_audit_is_recorded_for_the_watch(harness: AuditFunctionHarness, *, is_queued: bool) -> None:
    """The last attempt of the queue stores when and why an audit failed; who invokes the function gets the error."""
    put_secret("pcsk" + "_refused_" + "x" * 20)
    if is_queued:
        harness.audit_in_new_process(queue_event(QUEUE_ATTEMPTS, json.dumps(REQUESTED_EVENT)))
    else:
        with pytest.raises(BadKeyError):
            harness.audit_in_new_process({})
    store = DynamoWatchStore(boto3.client("dynamodb"), os.environ["STATE_TABLE"])
    failed_audit = store.load_projects(["search"])["search"].failed_audit
    if is_queued:
        assert failed_audit is not None
        assert failed_audit.reason.endswith("; store a key of the project in secret backup-auditor/keys/search")
    else:
        assert failed_audit is None


@pytest.mark.parametrize(
    "event, error",
    [
        pytest.param({"Records": []}, RequestError, id="shape"),
        pytest.param({"project": "other"}, RegistryError, id="unknown-project"),
    ],
)
def test_a_request_that_cannot_be_audited_is_logged_and_raised(
    harness: AuditFunctionHarness, event: Any, error: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    """An invalid request or an unknown project emits no metric and stores nothing."""
    with pytest.raises(error):
        load_handler()(event, harness.context)
    assert take_metrics(capsys) == {}
    assert harness.load_objects() == {}
