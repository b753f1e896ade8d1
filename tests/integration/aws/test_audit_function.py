"""The function `audit` over real boto3 and a real socket to Pinecone: an event is one audit, and leaves its traces."""

import hashlib
import importlib.util
import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.audit import LOG, Auditor, get_auditor
from backup_auditor.errors import BadKeyError, RegistryError, RequestError, SecretError
from backup_auditor.settings.functions import read_audit_settings
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.aws.single_project import SECRET, Context, deploy, names_for, project_at, secret_is, taken_events
from support.raw_server import answering
from support.simulator import add_healthy_index, empty_world, serving

ROOT = Path(__file__).parents[3]
PING = "backup-auditor/ping"
REQUESTED = json.loads((ROOT / "events/audit.requested.json").read_text(encoding="utf-8"))


@dataclass
class Stage:
    """One project on Pinecone, and one application on AWS."""

    pinecone: Server
    context: Context = field(default_factory=Context)

    @property
    def function(self) -> Auditor:
        """A process of the function that has just begun."""
        return Auditor(read_audit_settings(os.environ), LOG)

    def items(self) -> list[dict[str, Any]]:
        """Return all that stands in the table."""
        return list(boto3.client("dynamodb").scan(TableName=os.environ["STATE_TABLE"])["Items"])

    def kept(self) -> dict[str, bytes]:
        """Return all that stands in the bucket."""
        client, bucket = boto3.client("s3"), os.environ["EVIDENCE_BUCKET"]
        keys = [it["Key"] for it in client.list_objects_v2(Bucket=bucket).get("Contents", [])]
        return {f"s3://{bucket}/{key}": client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def reports(self) -> dict[str, bytes]:
        """Return the reports in the bucket."""
        return {location: it for location, it in self.kept().items() if location.endswith(".json")}

    def events(self) -> list[dict[str, Any]]:
        """Take what was put on the bus."""
        return taken_events()


@pytest.fixture
def stage(
    served: Mapping[str, str], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    """Build one project with one healthy index, and an application of its own for each test."""
    own = names_for(request.node.name)
    world = empty_world()
    add_healthy_index(world, "orders")
    with serving(world) as server:
        for key, value in {**served, **own, **project_at(server)}.items():
            monkeypatch.setenv(key, value)
        monkeypatch.setattr(runtime, "now", lambda: server.project.now)
        get_auditor.cache_clear()
        deploy(own)
        secret_is(server.viewer_key)
        yield Stage(server)
        get_auditor.cache_clear()


def handler() -> Any:
    """Load the function's handler as Lambda does."""
    spec = importlib.util.spec_from_file_location("app", ROOT / "functions/audit/app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.lambda_handler


def emitted(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """Return the metrics of the project that were emitted since this was asked last."""
    lines = [json.loads(it) for it in capsys.readouterr().out.splitlines() if '"_aws"' in it]
    whole = [it for it in lines if it["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["project"]]]
    return {name: it[0] for line in whole for name, it in line.items() if isinstance(it, list)}


@pytest.mark.parametrize("sample", sorted(it.name for it in (ROOT / "events").glob("audit.*.json")))
def test_every_sample_is_an_audit(stage: Stage, sample: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its report is in the bucket, its record in the table, its event on the bus, its figures on standard output."""
    event = json.loads((ROOT / "events" / sample).read_text(encoding="utf-8"))
    summary = json.loads(json.dumps(handler()(event, stage.context)))
    (page, location), (drawn, content) = zip(*sorted(stage.kept().items()), strict=True)
    hashes = [hashlib.sha256(it).hexdigest() for it in (content, drawn)]
    assert summary["report"] == {
        "location": location,
        "sha256": hashes[0],
        "page": {"location": page, "sha256": hashes[1]},
    }
    assert json.loads(content)["audit_id"] == summary["audit_id"]
    assert summary["complete"] is True
    assert any(it["SK"]["S"].startswith("audit#") for it in stage.items())
    told = stage.events()
    assert [it["detail-type"] for it in told] == ["Backup Audit Completed"]
    assert told[0]["detail"] == summary
    figures = emitted(capsys)
    assert (figures["AuditComplete"], figures["IndexesProtected"], figures["ApiThrottles"]) == (1, 1, 0)


def test_the_same_event_is_one_audit(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Also in another process, and whatever envelope it comes in: the answer is the one that was given."""
    first = stage.function.audit(REQUESTED, stage.context)
    emitted(capsys)
    sent = len(stage.pinecone.requests)
    again = stage.function.audit({**REQUESTED, "id": "another"}, stage.context)
    assert again == json.loads(json.dumps(first))
    assert len(stage.pinecone.requests) == sent
    assert emitted(capsys) == {}
    assert len(stage.events()) == 1


def test_an_event_whose_audit_failed_is_another_audit(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Lambda tries again; by then the secret holds a key."""
    secret_is(" ")
    with pytest.raises(SecretError, match=f"the secret {SECRET} is empty"):
        stage.function.audit(REQUESTED, stage.context)
    assert emitted(capsys) == {"AuditCompleted": 0}
    secret_is(stage.pinecone.viewer_key)
    assert stage.function.audit(REQUESTED, stage.context)["complete"] is True


def test_of_the_same_event_twice_at_once_one_is_an_audit(stage: Stage) -> None:
    """The other is tried again by Lambda, and hears then what came of it."""
    stage.pinecone.latency = 0.1
    with ThreadPoolExecutor(2) as pool:
        contexts = [Context(aws_request_id=it) for it in ("one", "another")]
        errors = [it.exception(30) for it in [pool.submit(stage.function.audit, REQUESTED, it) for it in contexts]]
    assert [type(it) for it in errors if it] == [RequestError]
    assert len(stage.reports()) == 1


def test_the_same_request_id_of_another_project_is_another_request(stage: Stage) -> None:
    """Whoever asks for several under one id is not given the answer of the first for all."""
    stage.function.audit(REQUESTED, stage.context)
    detail = {**REQUESTED["detail"], "project": "shop"}
    with pytest.raises(RegistryError, match="shop"):
        stage.function.audit({**REQUESTED, "detail": detail}, stage.context)


def test_a_direct_invocation_is_an_audit_each_time(stage: Stage) -> None:
    """Whoever wants to know how things stand now is told that."""
    function = stage.function
    for _ in range(2):
        function.audit({"project": "search"}, stage.context)
        stage.pinecone.project.advance_to(
            stage.pinecone.project.now.replace(minute=stage.pinecone.project.now.minute + 1)
        )
    assert len(stage.reports()) == 2


def test_a_key_that_was_rotated_is_picked_up_by_a_warm_process(stage: Stage) -> None:
    """The key that it remembers is refused, so it looks again."""
    secret_is("an-old-key")
    function = stage.function
    with pytest.raises(BadKeyError, match=f"put a key of the project into the secret {SECRET}"):
        function.audit({}, stage.context)
    secret_is(json.dumps({"PINECONE_API_KEY": stage.pinecone.viewer_key}))
    assert function.audit({}, stage.context)["complete"] is True


def test_an_audit_ends_before_its_function_is_stopped(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """A minute is kept for what follows the reading; what was not read by then is unread, and the report is kept."""
    stage.context.seconds = 61
    stage.pinecone.faults.append(Fault(kind="hang", path="/backups"))
    assert stage.function.audit({}, stage.context)["complete"] is False
    assert emitted(capsys)["AuditComplete"] == 0
    assert len(stage.reports()) == 1


def test_events_for_which_there_is_no_time_are_left_to_the_sweep(stage: Stage) -> None:
    """An audit that is stopped while it tells of itself would be made again; one message wants forty seconds."""
    stage.context.seconds = 44
    assert stage.function.audit(REQUESTED, stage.context)["report"]
    assert stage.events() == []
    stage.context.seconds = 900
    assert stage.function.audit(REQUESTED, stage.context)["report"]
    assert len(stage.reports()) == 1


def test_who_waits_for_it_is_called_after_a_complete_audit(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the address in a secret."""
    monkeypatch.setenv("PING_URL_SECRET", PING)
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (port, heard):
        secret_is(f"http://127.0.0.1:{port}/check", PING)
        stage.function.audit({}, stage.context)
    assert [it.split(b" HTTP")[0] for it in heard] == [b"GET /check"]


@pytest.mark.parametrize(
    "event, error",
    [
        pytest.param({"Records": []}, RequestError, id="shape"),
        pytest.param({"project": "other"}, RegistryError, id="unknown-project"),
    ],
)
def test_what_cannot_be_audited_is_logged_and_raised(
    stage: Stage, event: Any, error: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is measured of what anybody made up, and nothing is kept of it."""
    with pytest.raises(error):
        handler()(event, stage.context)
    assert emitted(capsys) == {}
    assert stage.kept() == {}
