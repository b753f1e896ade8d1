"""Test that a stack with one project handles every sample under `events/`."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backup_auditor.domain.events import QUEUE_ATTEMPTS
from backup_auditor_simulator.scenarios import build_scenario
from support.aws_local.application import EDITOR_SECRET_PREFIX, ROOT, Application, make_editor_key, make_key
from support.raw_server import serve_answer

NOW = datetime(2026, 11, 22, 2, 15, tzinfo=UTC)
CHECK = ROOT / "events/check.json"
SAMPLES = sorted(it for it in (ROOT / "events").glob("*.json") if it not in {CHECK, ROOT / "events/env.sample.json"})
PARAMETERS = {
    "ProjectName": "search",
    "ApiKeySecret": "backup-auditor/keys/search",
    "PingUrlSecret": "backup-auditor/pings/all",
    "EnableRemediation": "true",
    "EnableRestoreDrills": "true",
}
OK_RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Application, list[bytes]]]:
    """Deploy the application for one project, and return it with the pings that it sent."""
    projects = {"search": build_scenario("fleet:3x3", now=NOW)}
    folder = tmp_path_factory.mktemp("cloud")
    with serve_answer(OK_RESPONSE) as (port, pings), Application(folder, projects, NOW, parameters=PARAMETERS) as app:
        app.put_secret(f"{EDITOR_SECRET_PREFIX}pinecone", make_editor_key("search"))
        app.add_drill_key("search", "pinecone")
        app.put_secret("backup-auditor/pings/all", f"http://127.0.0.1:{port}/check/search")
        yield app, pings


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda it: it.name)
def test_a_sample_succeeds(deployment: tuple[Application, list[bytes]], sample: Path) -> None:
    """A sample succeeds, and so does every invocation that it starts."""
    app, _ = deployment
    function = f"{sample.name.partition('.')[0].capitalize()}Function"
    first_invocation = len(app.runner.invocations)
    invocation = app.runner.invoke(function, sample.read_bytes())
    assert invocation.succeeded
    assert json.loads(invocation.content).get("batchItemFailures", []) == []
    assert all(it.succeeded for it in app.flow.deliver_all())
    assert len(app.runner.invocations) > first_invocation
    assert app.aws.denied_permissions == []


def test_each_function_answers_the_check(deployment: tuple[Application, list[bytes]]) -> None:
    """The sample is for every function; each answers with checks, and none fails."""
    app, _ = deployment
    for function in app.stack.functions:
        invocation = app.runner.invoke(function, CHECK.read_bytes())
        assert invocation.succeeded
        checks = json.loads(invocation.content)["checks"]
        assert [it for it in checks if it["status"] == "fail"] == []
        assert "pass" in {it["status"] for it in checks}
    assert app.aws.denied_permissions == []


def test_an_audit_on_demand_returns_its_summary(deployment: tuple[Application, list[bytes]]) -> None:
    """An event for the only project needs no name, and the audit publishes events."""
    app, _ = deployment
    app.clock.advance(timedelta(hours=1))
    invocation = app.runner.invoke("AuditFunction", b"{}")
    app.flow.deliver_all()
    summary = json.loads(invocation.content)
    assert (summary["project"], summary["complete"]) == ("search", True)
    assert summary["report"]["location"].startswith(
        f"s3://{app.stack.physical_ids['EvidenceBucket']}/search/2026-11-22/"
    )
    assert summary["audit_id"] in {it["audit_id"] for it in app.flow.list_details("Backup Audit Completed")}


def test_a_look_calls_the_ping_url(deployment: tuple[Application, list[bytes]]) -> None:
    """The URL is called once in each look, because no project fails."""
    app, pings = deployment
    ping_count = len(pings)
    assert app.runner.invoke("WatchFunction", b"{}").succeeded
    assert [it.split(b"\r\n")[0] for it in pings[ping_count:]] == [b"GET /check/search HTTP/1.1"]


def test_an_event_without_a_project_audits_all_projects(deployment: tuple[Application, list[bytes]]) -> None:
    """An event whose project is missing or null audits the registered project."""
    app, _ = deployment
    for detail in ({}, {"project": None}, {"project": "search"}):
        app.clock.advance(timedelta(hours=1))
        report_count = len(app.load_reports())
        app.flow.put_event("Backup Audit Requested", detail)
        assert all(it.succeeded for it in app.flow.deliver_all())
        assert len(app.load_reports()) == report_count + 1


@pytest.mark.parametrize("project", ["unregistered", "", 7, True], ids=repr)
def test_an_event_with_an_invalid_project_becomes_a_dead_letter(
    deployment: tuple[Application, list[bytes]], project: object
) -> None:
    """The event is stored as a dead letter, one alarm sends a message, and no metric has the name."""
    app, _ = deployment
    app.flow.clear_dead_letters()
    first_invocation = len(app.runner.invocations)
    app.flow.put_event("Backup Audit Requested", {"project": project})
    invocations = app.flow.deliver_all()
    assert len(invocations) == QUEUE_ATTEMPTS
    assert {json.loads(it.content)["batchItemFailures"] == [] for it in invocations} == {False}
    assert [it.event["detail"] for it in app.flow.dead_letters] == [{"project": project}]
    assert {it.namespace for it in app.collect_metrics(first_invocation)} == {"AWS/Lambda", "AWS/SQS"}
    # an earlier event of these tests can be new for some hours, so there can be two messages
    assert {it.alarm for it in app.find_alarm_messages(first_invocation)} == {"NewFailureAlarm"}


def test_a_refused_key_is_not_shown(deployment: tuple[Application, list[bytes]]) -> None:
    """The log names the secret of the key, and not the key."""
    app, _ = deployment
    wrong_key = make_key("wrong")
    app.put_secret("backup-auditor/keys/search", wrong_key)
    app.runner.end_processes()
    invocation = app.runner.invoke("AuditFunction", b"{}")
    app.put_secret("backup-auditor/keys/search", make_key("search"))
    app.runner.end_processes()
    assert not invocation.succeeded
    assert "backup-auditor/keys/search" in invocation.log
    assert wrong_key not in invocation.log + invocation.content.decode()
