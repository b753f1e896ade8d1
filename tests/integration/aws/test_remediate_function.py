"""The function `remediate` over real boto3 and a real socket to Pinecone: it does what the policy says, and tells."""

import importlib.util
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from backup_auditor.adapters.dynamodb_state.remediation import DynamoRemediationLog
from backup_auditor.bootstrap import clock
from backup_auditor.bootstrap.remediate import remediator
from backup_auditor.domain.remediation.record import ActionRecord
from backup_auditor.errors import BadKeyError, RegistryError, RequestError, SecretError, StateError
from backup_auditor_simulator import Fault, Server
from lone_project import Context, deploy, names_for, project_at, secret_is
from moto_served import moto_served
from simulated import empty_world, serving

pytestmark = pytest.mark.writes
ROOT = Path(__file__).parents[3]
EDITOR_SECRET = "backup-auditor-editor/search"  # noqa: S105  a name
COMPLETED = json.loads((ROOT / "events/remediate.completed.json").read_text(encoding="utf-8"))
WRITES = {"POST", "PATCH", "DELETE"}
PROPOSED, CREATED = "Backup Schedule Proposed", "Backup Schedule Created"


@dataclass
class Stage:
    """One project on Pinecone, and one application on AWS."""

    pinecone: Server
    capsys: pytest.CaptureFixture[str]
    context: Context = field(default_factory=lambda: Context(function_name="app-remediate"))

    def run(self, event: object) -> dict[str, Any]:
        """Invoke the function as Lambda does."""
        spec = importlib.util.spec_from_file_location("app", ROOT / "functions/remediate/app.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found: dict[str, Any] = json.loads(json.dumps(module.lambda_handler(event, self.context)))
        return found

    def policy(self, create: str, **more: object) -> None:
        """Write the policy of the project."""
        text = json.dumps({"version": 1, "remediation": {"create_schedules": create, **more}})
        boto3.client("ssm").put_parameter(Name=self.address, Value=text, Type="String", Overwrite=True)

    @property
    def address(self) -> str:
        """The name of the parameter that holds the policy."""
        return os.environ["POLICY"].removeprefix("ssm:")

    def events(self) -> list[dict[str, Any]]:
        """Take what was put on the bus."""
        sqs, found = boto3.client("sqs"), []
        queue = sqs.get_queue_url(QueueName=os.environ["EVENT_BUS"])["QueueUrl"]
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(it["Body"]) for it in messages]
            for it in messages:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=it["ReceiptHandle"])
        return found

    def metrics(self) -> dict[str, float]:
        """Return the metrics that were emitted since this was asked last."""
        lines = [json.loads(it) for it in self.capsys.readouterr().out.splitlines() if '"_aws"' in it]
        assert all(it["project"] == "search" for it in lines)
        return {name: it[0] for line in lines for name, it in line.items() if isinstance(it, list)}

    @property
    def writes(self) -> list[str]:
        """Every call that would change something."""
        return [f"{it.method} {it.path}" for it in self.pinecone.requests if it.method in WRITES]

    def schedules(self) -> list[str]:
        """Return the indexes that have a schedule."""
        indexes = self.pinecone.world.indexes.items()
        return sorted(name for name, it in indexes for schedule in it.schedules.values() if schedule.enabled)


@pytest.fixture(scope="module")
def served() -> Iterator[Mapping[str, str]]:
    """Serve AWS while the tests of this module run."""
    with moto_served() as environ:
        yield environ


@pytest.fixture
def stage(
    served: Mapping[str, str],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Stage]:
    """Build one project with two indexes without a schedule, and an application of its own for each test."""
    own = names_for(request.node.name)
    world = empty_world()
    for name in ("carts", "orders"):
        world.create_index(name)
    told = {"EDITOR_KEY_SECRET": EDITOR_SECRET, "POLICY": f"ssm:/backup-auditor/{own['STATE_TABLE']}"}
    with serving(world) as server:
        for key, value in {**served, **own, **project_at(server), **told}.items():
            monkeypatch.setenv(key, value)
        monkeypatch.delenv("API_KEY_SECRET")
        monkeypatch.setattr(clock, "now", lambda: server.world.now)
        deploy(own)
        secret_is(server.editor_key, EDITOR_SECRET)
        found = Stage(server, capsys)
        found.policy("apply")
        yield found
        remediator.cache_clear()


def test_a_completed_audit_has_schedules_made(stage: Stage) -> None:
    """Each index gets its own, each creation is an event that says who did it, and they are counted."""
    answer = stage.run(COMPLETED)
    assert stage.schedules() == ["carts", "orders"]
    assert stage.metrics() == {"SchedulesCreated": 2, "ScheduleCreationFailures": 0}
    told = stage.events()
    assert {it["detail-type"] for it in told} == {CREATED}
    details = {it["detail"]["index"]: it["detail"] for it in told}
    assert details.keys() == {"carts", "orders"}
    its = details["orders"]
    assert (its["who"], its["plan_id"], its["before"]) == ("app-remediate request", answer["plan_id"], {})
    assert its["after"]["enabled"] is True
    assert its["id"] in stage.pinecone.world.schedules
    assert its["undo"] == {"method": "DELETE", "path": f"/backup-schedules/{its['id']}", "body": {}}


@pytest.mark.parametrize("other", [{}, {"id": "put-again"}], ids=["delivered", "put"])
def test_the_same_event_twice_acts_once(stage: Stage, other: dict[str, str]) -> None:
    """Nothing more is done, though there is more to do, until the next audit."""
    stage.policy("apply", max_creations=1)
    first = stage.run(COMPLETED)
    written = stage.writes
    stage.events()
    assert stage.run(COMPLETED | other) == first
    assert (len(written), stage.writes, stage.events()) == (1, written, [])
    stage.run(COMPLETED | {"detail": {"project": "search", "audit_id": "the-next"}})
    assert stage.schedules() == ["carts", "orders"]


def test_an_event_that_failed_is_acted_on_when_it_comes_again(stage: Stage) -> None:
    """What kept it from that may be over by then."""
    secret_is("pcsk_" + "x" * 20, EDITOR_SECRET)
    with pytest.raises(BadKeyError):
        stage.run(COMPLETED)
    secret_is(stage.pinecone.editor_key, EDITOR_SECRET)
    stage.run(COMPLETED)
    assert stage.schedules() == ["carts", "orders"]


def test_what_was_done_is_told_although_its_records_cannot_be_read(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer, an event for each, and no second invocation that would find nothing left to tell."""

    def unreadable(*_: object) -> list[ActionRecord]:
        raise StateError("the table cannot be used: throttled; try again later")

    monkeypatch.setattr(DynamoRemediationLog, "actions", unreadable)
    answer = stage.run({"project": "search"})
    assert [(it["state"], it["undo"]["method"]) for it in answer["results"]] == [("done", "DELETE")] * 2
    assert [it["detail-type"] for it in stage.events()] == [CREATED, CREATED]


def test_a_plan_that_is_asked_for_again_acts_once(stage: Stage) -> None:
    """Even where what it did is gone since: somebody has taken it away."""
    first = stage.run({"project": "search"})
    for schedule in list(stage.pinecone.world.schedules):
        stage.pinecone.world.delete_schedule(schedule)
    written = stage.writes
    stage.events()
    again = stage.run({"project": "search", "plan": first["plan_id"]})
    assert {it["state"] for it in again["results"]} == {"already there"}
    assert (stage.writes, stage.events()) == (written, [])


def test_what_is_proposed_is_told_and_not_done(stage: Stage) -> None:
    """Every action is an event with the exact call, the plan is kept, and not one write is sent."""
    stage.policy("propose", first_backup=True)
    answer = stage.run(COMPLETED)
    assert (answer["proposed"], "results" in answer, stage.writes) == (4, False, [])
    told = stage.events()
    assert {it["detail-type"] for it in told} == {PROPOSED}
    calls = {f"{it['detail']['call']['method']} {it['detail']['call']['path']}" for it in told}
    assert calls == {
        f"POST /indexes/{name}/{what}" for name in ("carts", "orders") for what in ("backup-schedules", "backups")
    }
    assert stage.metrics() == {}
    again = stage.run({"project": "search", "plan": answer["plan_id"]})
    assert (again["results"], stage.writes, stage.events()) == ([], [], [])


def test_never_is_never(stage: Stage) -> None:
    """Without a wish of the policy Pinecone is not even asked, from the moment on that it is written down."""
    stage.policy("apply", max_creations=0)
    stage.run(COMPLETED)
    stage.pinecone.requests.clear()
    stage.metrics()
    stage.policy("never")
    answer = stage.run({"project": "search"})
    assert "wants no remediation" in answer["refused"]
    assert (stage.pinecone.requests, stage.events(), stage.metrics()) == ([], [], {})


@pytest.mark.parametrize("how", ["unknown", "stale", "another policy"])
def test_a_plan_that_may_not_be_carried_out_is_refused(stage: Stage, how: str) -> None:
    """The answer says why in one sentence, and nothing is written."""
    stage.policy("propose")
    plan = stage.run({"project": "search"})["plan_id"]
    asked = len(stage.pinecone.requests)
    if how == "unknown":
        plan = "0123456789abcdef"
    elif how == "stale":
        stage.pinecone.world.advance(timedelta(hours=25))
    else:
        stage.policy("apply")
    answer = stage.run({"project": "search", "plan": plan})
    assert answer.keys() == {"project", "plan_id", "refused"}
    assert plan in answer["refused"]
    assert len(stage.pinecone.requests) == asked


def test_a_plan_is_not_carried_out_with_the_key_of_another_project(stage: Stage) -> None:
    """Pinecone's own id tells, where a schedule does: the secret may hold another key by now."""
    world = stage.pinecone.world
    world.create_index("slow")
    world.create_schedule("slow", "theirs", "weekly", 60)
    stage.policy("apply", max_creations=0)
    plan = stage.run({"project": "search"})["plan_id"]
    world.project_id = "another"
    answer = stage.run({"project": "search", "plan": plan})
    assert "and the key is of another" in answer["refused"]
    assert stage.writes == []


def test_a_viewers_key_changes_nothing(stage: Stage) -> None:
    """Pinecone refuses the first write; it is counted, the rest is not begun, and the answer says so."""
    secret_is(stage.pinecone.viewer_key, EDITOR_SECRET)
    answer = stage.run(COMPLETED)
    assert stage.schedules() == []
    assert answer["stopped_by"]
    figures = stage.metrics()
    assert figures["SchedulesCreated"] == 0
    assert figures["ScheduleCreationFailures"] >= 1


def test_a_key_that_is_refused_is_told_of(stage: Stage) -> None:
    """It counts as a failure, and is raised so that Lambda tries again."""
    secret_is("pcsk_" + "x" * 20, EDITOR_SECRET)
    with pytest.raises(BadKeyError):
        stage.run(COMPLETED)
    assert stage.metrics() == {"SchedulesCreated": 0, "ScheduleCreationFailures": 1}


def test_a_project_without_an_editors_key_is_told_of(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry has to name it, and the error says so; the audit's key is nothing that is taken instead."""
    text = json.dumps({"version": 1, "projects": [{"name": "search", "secret": "backup-auditor/search"}]})
    boto3.client("ssm").put_parameter(Name=f"{stage.address}-registry", Value=text, Type="String")
    monkeypatch.setenv("REGISTRY", f"ssm:{stage.address}-registry")
    remediator.cache_clear()
    with pytest.raises(SecretError, match="has no editor_secret"):
        stage.run(COMPLETED)
    assert stage.pinecone.requests == []


NAMELESS = {"source": "backup-auditor", "detail-type": "Backup Audit Completed", "detail": {"project": "search"}}


@pytest.mark.parametrize("payload", [[], {}, {"plan": "1"}, {"project": ""}, {"project": "x", "plans": ""}, NAMELESS])
def test_what_asks_for_nothing_is_refused(stage: Stage, payload: object) -> None:
    """Before anything is asked of anybody; so is an event without any id, which could be acted on twice."""
    with pytest.raises(RequestError):
        stage.run(payload)
    assert stage.pinecone.requests == []


def test_another_project_is_refused(stage: Stage) -> None:
    """Nothing is measured under a name that somebody made up."""
    with pytest.raises(RegistryError):
        stage.run({"project": "other"})
    assert (stage.pinecone.requests, stage.metrics()) == ([], {})


def test_a_lost_answer_is_settled(stage: Stage) -> None:
    """A creation that took effect unheard is found by reading, and not made again."""
    path = "/indexes/orders/backup-schedules"
    stage.pinecone.faults.append(Fault(kind="reset_after_effect", method="POST", path=path, times=1))
    answer = stage.run({"project": "search"})
    assert stage.schedules() == ["carts", "orders"]
    assert {it["state"] for it in answer["results"]} == {"done"}
