"""Test that the function `watch` counts failing projects, stores notices and calls URLs, with real boto3."""

import importlib.util
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.adapters.dynamodb.outbox import DynamoOutbox
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.adapters.dynamodb.watch_store import DynamoWatchStore
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import get_sources
from backup_auditor.domain.audit_record import AuditRecord, StoredFile, StoredReport
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.lifecycle.state_change import diff_states
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.errors import DocumentError, StateError
from backup_auditor.rendering.fleet_json import render_project_row
from docs.metrics import METRICS_OF_STACK
from support.aws.moto import serve_moto
from support.aws.single_project import FakeLambdaContext, create_resources, make_resource_names, put_secret
from support.builders.facts import HOUR, NOW, ago
from support.builders.fleets import build_project
from support.fakes.stores import record_change
from support.raw_server import serve_answer

ROOT = Path(__file__).parents[3]
TOPIC_ARN = "arn:aws:sns:eu-central-1:123456789012:alerts"
WATCH_EVENT = json.loads((ROOT / "events/watch.scheduled.json").read_text(encoding="utf-8"))
REGISTRY_PARAMETER = "/backup-auditor/watched-registry"
PING_SECRET = "backup-auditor/pings/all"  # noqa: S105  the name of a secret
REGISTRY = "version: 1\nprojects:\n" + "".join(
    f"  - {{name: {it}, secret: backup-auditor/keys/{it}, ping_secret: {PING_SECRET}-{it}}}\n"
    for it in ("fresh", "late", "new")
)


@pytest.fixture(autouse=True)
def application(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Build an application with a registry of three projects, two of them with an audit."""
    names = make_resource_names(request.node.name)
    with serve_moto() as environ:
        for name, value in {
            **environ,
            **names,
            "REGISTRY": f"ssm:{REGISTRY_PARAMETER}",
            "NAME_PREFIX": "backup-auditor/",
            "TOPIC_PREFIX": "arn:aws:sns:eu-central-1:123456789012:backup-auditor-",
            "ALERT_TOPIC": TOPIC_ARN,
            "STACK_NAME": "stack",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(runtime, "now", lambda: NOW)
        create_resources(names)
        boto3.client("ssm").put_parameter(Name=REGISTRY_PARAMETER, Value=REGISTRY, Type="String", Overwrite=True)
        state = DynamoState(AwsSession().dynamodb, names["STATE_TABLE"])
        for project, age, complete_age in (("fresh", HOUR, HOUR), ("late", HOUR, 31 * HOUR)):
            audit = ProjectState(revision=1, audit_id="audit", observed_at=ago(age), complete_at=ago(complete_age))
            record_change(state, EMPTY_STATE, audit, project)
        get_sources.cache_clear()
        yield
        get_sources.cache_clear()


def invoke_watch() -> Any:
    """Invoke the handler as Lambda does."""
    spec = importlib.util.spec_from_file_location("app", ROOT / "functions/watch/app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.lambda_handler(WATCH_EVENT, FakeLambdaContext())


def list_metric_lines(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    """Return the lines with metrics since the last call."""
    return [json.loads(it) for it in capsys.readouterr().out.splitlines() if '"_aws"' in it]


def test_a_project_without_a_recent_complete_audit_is_overdue(capsys: pytest.CaptureFixture[str]) -> None:
    """A project is overdue 30 hours after its last complete audit; a new project is not overdue yet."""
    assert invoke_watch() == {
        "registered": 3,
        "overdue": 1,
        "projects": ["late"],
        "failing": ["late"],
        "incomplete": ["late"],
    }
    lines = list_metric_lines(capsys)
    values = {name: line[name] for line in lines for name in METRICS_OF_STACK if name in line}
    assert values == {"ProjectsOverdue": [1.0], "ProjectsIncomplete": [1.0], "ProjectsNewlyFailed": [1.0]}
    assert all(it["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["stack"]] for it in lines)


def test_a_new_project_is_overdue_30_hours_after_its_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table stores the time of registration for every process."""
    invoke_watch()
    get_sources.cache_clear()
    monkeypatch.setattr(runtime, "now", lambda: NOW + timedelta(hours=30, seconds=1))
    assert invoke_watch()["projects"] == ["fresh", "late", "new"]


def test_a_failure_is_in_the_outbox_once() -> None:
    """The channels of the failing project have a message after any number of looks."""
    for _ in range(2):
        invoke_watch()
    messages = DynamoOutbox(AwsSession().dynamodb, os.environ["STATE_TABLE"]).list_pending(None, NOW)
    assert sorted((it.project, it.channel_id) for it in messages) == [("late", "events"), ("late", f"sns:{TOPIC_ARN}")]


def test_the_urls_of_audited_projects_are_called(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A URL is read from its secret; one without a secret is a warning, and one of a failing project is not called."""
    monkeypatch.setenv("PING_URL_SECRET", PING_SECRET)
    get_sources.cache_clear()
    with serve_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (port, requests):
        for name in ("fresh", "late"):
            put_secret(f"http://127.0.0.1:{port}/{name}", f"{PING_SECRET}-{name}")
        put_secret(f"http://127.0.0.1:{port}/stack", PING_SECRET)
        invoke_watch()
    assert [it.split(b" HTTP")[0] for it in requests] == [b"GET /fresh"]
    (message,) = [it for it in caplog.messages if "ping URL" in it]
    assert message.startswith(f"a ping URL could not be called: the secret {PING_SECRET}-new: there is no such secret")


def count_unsubscribed(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    """Invoke the function, and return the values of the metric of topics."""
    get_sources.cache_clear()
    capsys.readouterr()
    invoke_watch()
    lines = list_metric_lines(capsys)
    return [it["TopicsWithoutSubscription"] for it in lines if "TopicsWithoutSubscription" in it]


def test_a_topic_without_a_subscription_is_counted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A subscription counts when it is confirmed; a topic that cannot be examined makes the metric unknown."""
    sns = boto3.client("sns")
    topic = sns.create_topic(Name="backup-auditor-alerts")["TopicArn"]
    monkeypatch.setenv("ALERT_TOPIC", topic)
    registry = "version: 1\nprojects:\n  - {name: fresh, secret: backup-auditor/keys/fresh}\n"
    boto3.client("ssm").put_parameter(Name=REGISTRY_PARAMETER, Value=registry, Type="String", Overwrite=True)
    assert count_unsubscribed(capsys) == [[1.0]]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="team@example.com")
    assert count_unsubscribed(capsys) == [[1.0]]
    sns.subscribe(TopicArn=topic, Protocol="https", Endpoint="https://example.com")
    assert count_unsubscribed(capsys) == [[0.0]]
    invoke_watch()
    names = {
        metric["Name"]
        for line in list_metric_lines(capsys)
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }
    assert names == set(METRICS_OF_STACK), "the bill counts what the function emits"
    sns.delete_topic(TopicArn=topic)
    assert count_unsubscribed(capsys) == []


def test_a_notice_that_cannot_be_recorded_stops_nothing_else(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look fails at last, and counts projects and topics before."""
    topic = boto3.client("sns").create_topic(Name="backup-auditor-alerts")["TopicArn"]
    monkeypatch.setenv("ALERT_TOPIC", topic)
    get_sources.cache_clear()

    def refuse(*_given: object) -> None:
        raise StateError("the table cannot be written")

    monkeypatch.setattr(DynamoWatchStore, "record_notice", refuse)
    with pytest.raises(StateError, match="the table cannot be written"):
        invoke_watch()
    values = {name: line[name] for line in list_metric_lines(capsys) for name in METRICS_OF_STACK if name in line}
    assert (values["ProjectsOverdue"], values["ProjectsNewlyFailed"]) == ([1.0], [0.0])
    assert values["TopicsWithoutSubscription"] == [1.0]


def test_a_missing_registry_is_an_error_without_a_metric(capsys: pytest.CaptureFixture[str]) -> None:
    """A missing registry is an error, and counts nothing."""
    boto3.client("ssm").delete_parameter(Name=REGISTRY_PARAMETER)
    with pytest.raises(DocumentError, match="there is no such parameter"):
        invoke_watch()
    assert '"_aws"' not in capsys.readouterr().out


def record_audit_of_night(project: str) -> None:
    """Record an audit for the scheduled request of half an hour ago, with its row."""
    audit = AuditRecord("audit", NOW, is_complete=True, compliance=Compliance.COMPLIANT, report=None)
    before = DynamoState(AwsSession().dynamodb, os.environ["STATE_TABLE"]).load(project)
    change = diff_states(before, replace(before, revision=before.revision + 1, observed_at=NOW, complete_at=NOW))
    assert change is not None
    request_id = f"{format_moment(ago(HOUR / 2))}/{project}"
    store = DynamoState(AwsSession().dynamodb, os.environ["STATE_TABLE"], request_id=request_id)
    page = StoredFile(f"s3://evidence/{project}/report.html", "7c" * 32)
    row = replace(build_project(project), report=StoredReport(f"s3://evidence/{project}/report.json", "5f" * 32, page))
    store.record(project, replace(change, audit=audit, fleet_row=render_project_row(row)))


def list_stored_pages() -> dict[str, str]:
    """Return the pages in the bucket, by name."""
    s3, bucket = boto3.client("s3"), os.environ["EVIDENCE_BUCKET"]
    names = [it["Key"] for it in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {it: s3.get_object(Bucket=bucket, Key=it)["Body"].read().decode() for it in names}


def test_the_page_of_the_night_is_stored_once_with_the_links_of_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that is new since the night began appears with its first audit; links lead to the reports."""
    monkeypatch.setenv("REPORT_BASE_URL", "https://reports.example.com")
    get_sources.cache_clear()
    record_audit_of_night("fresh")
    invoke_watch()
    assert list_stored_pages() == {}, "the audit of the late project can still come"
    record_audit_of_night("late")
    invoke_watch()
    assert list_stored_pages() == {}, "the first audit of the new project can still come"
    monkeypatch.setattr(runtime, "now", lambda: NOW + HOUR / 2)
    for revision, project in enumerate(("late", "new"), 1):
        record_audit_of_night(project)
        for _ in range(2):
            invoke_watch()
        pages = list_stored_pages()
        assert len(pages) == 2 * revision
        html = pages[f".fleet/2026-11-22/113000Z/fleet.{revision}.html"]
        links = [
            it for it in ("fresh", "late", "new") if f'<a href="https://reports.example.com/{it}/report.html">' in html
        ]
        assert links == ["fresh", "late", "new"][: revision + 1]


def test_a_single_project_has_no_page_of_a_fleet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a registry nothing is stored: the project has a page of its own."""
    record_audit_of_night("fresh")
    monkeypatch.setenv("REGISTRY", "")
    monkeypatch.setenv("PROJECT_NAME", "fresh")
    get_sources.cache_clear()
    assert invoke_watch()["registered"] == 1
    assert list_stored_pages() == {}
