"""One project by the parameters of the stack, invoked with every sample under `events/`, as anybody may."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backup_auditor_simulator.scenarios import build_scenario
from support.aws_local.application import ROOT, Application, key_of
from support.raw_server import answering

NOW = datetime(2026, 11, 22, 2, 15, tzinfo=UTC)
SAMPLES = sorted((ROOT / "events").glob("*.json"))
PARAMETERS = {
    "ProjectName": "search",
    "ApiKeySecret": "backup-auditor/search",
    "PingUrlSecret": "backup-auditor/ping",
    "EnableRemediation": "true",
}
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Application, list[bytes]]]:
    """Deploy the application for one project; hand out what was heard where it pings."""
    worlds = {"search": build_scenario("fleet:3x3", now=NOW)}
    folder = tmp_path_factory.mktemp("cloud")
    with answering(OK) as (port, heard), Application(folder, worlds, NOW, parameters=PARAMETERS) as app:
        app.put_secret("backup-auditor/ping", f"http://127.0.0.1:{port}/check/search")
        yield app, heard


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda it: it.name)
def test_a_sample_works(deployed: tuple[Application, list[bytes]], sample: Path) -> None:
    """It is answered, and nothing it leads to fails."""
    app, _ = deployed
    function = f"{sample.name.partition('.')[0].capitalize()}Function"
    begun = len(app.runner.done)
    assert app.runner.invoke(function, sample.read_bytes()).succeeded
    assert all(it.succeeded for it in app.flow.run())
    assert len(app.runner.done) > begun
    assert app.aws.denied == []


def test_an_audit_on_demand_answers_with_its_summary(deployed: tuple[Application, list[bytes]]) -> None:
    """The only project need not be named; the events follow, and whoever waits for a ping hears it."""
    app, heard = deployed
    app.clock.advance(timedelta(hours=1))
    pings = len(heard)
    done = app.runner.invoke("AuditFunction", b"{}")
    app.flow.run()
    summary = json.loads(done.content)
    assert (summary["project"], summary["complete"]) == ("search", True)
    assert summary["report"]["location"].startswith(f"s3://{app.stack.physical['EvidenceBucket']}/search/2026-11-22/")
    assert summary["audit_id"] in {it["audit_id"] for it in app.flow.told("Backup Audit Completed")}
    assert [it.split(b"\r\n")[0] for it in heard[pings:]] == [b"GET /check/search HTTP/1.1"]


def test_everybody_may_ask_for_an_audit_of_all(deployed: tuple[Application, list[bytes]]) -> None:
    """By an event that names no project, or null."""
    app, _ = deployed
    for detail in ({}, {"project": None}, {"project": "search"}):
        app.clock.advance(timedelta(hours=1))
        before = len(app.reports())
        app.flow.put("Backup Audit Requested", detail)
        assert all(it.succeeded for it in app.flow.run())
        assert len(app.reports()) == before + 1


@pytest.mark.parametrize("project", ["nobody", "", 7, True], ids=repr)
def test_a_project_that_is_none_is_refused_and_kept(deployed: tuple[Application, list[bytes]], project: object) -> None:
    """The event becomes a dead letter, and the log says why; no metric is made of a name that somebody made up."""
    app, _ = deployed
    app.forget_dead_letters()
    begun = len(app.runner.done)
    app.flow.put("Backup Audit Requested", {"project": project})
    done = app.flow.run()
    assert [it.succeeded for it in done] == [False] * 3
    assert [it.event["detail"] for it in app.flow.dead] == [{"project": project}]
    assert {it.namespace for it in app.metrics(begun)} == {"AWS/Lambda", "AWS/SQS"}
    assert {"AuditErrorsAlarm", "DeadLettersAlarm"} <= app.ringing(begun)


def test_a_key_that_is_refused_is_not_repeated(deployed: tuple[Application, list[bytes]]) -> None:
    """The log names its secret."""
    app, _ = deployed
    wrong = key_of("wrong")
    app.put_secret("backup-auditor/search", wrong)
    app.runner.end_processes()
    done = app.runner.invoke("AuditFunction", b"{}")
    app.put_secret("backup-auditor/search", key_of("search"))
    app.runner.end_processes()
    assert not done.succeeded
    assert "backup-auditor/search" in done.log
    assert wrong not in done.log + done.content.decode()
