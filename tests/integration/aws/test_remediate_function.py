"""The function `remediate` over real boto3 and a real socket to Pinecone: it does what the policy says, and tells."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta

import boto3
import pytest

from backup_auditor.bootstrap.remediate import get_remediator
from backup_auditor.errors import BadKeyError, RegistryError, RequestError, SecretError
from backup_auditor_simulator.web.faults import Fault
from support.aws.remediation import COMPLETED, CREATED, EDITOR_SECRET, PROPOSED, Stage, staged
from support.aws.single_project import names_for, secret_is

pytestmark = pytest.mark.writes


@pytest.fixture
def stage(
    served: Mapping[str, str],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Stage]:
    """Build one project with two indexes without a schedule, and an application of its own for each test."""
    with staged({**served, **names_for(request.node.name)}, monkeypatch, capsys) as found:
        yield found


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
    assert (its["actor"], its["plan_id"], its["before"]) == ("app-remediate request", answer["plan_id"], {})
    assert its["after"]["enabled"] is True
    assert its["id"] in stage.pinecone.project.schedules
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


def test_a_plan_that_is_asked_for_again_acts_once(stage: Stage) -> None:
    """What stands is already there; what somebody deleted since is skipped."""
    first = stage.run({"project": "search"})
    again = stage.run({"project": "search", "plan": first["plan_id"]})
    assert {it["state"] for it in again["results"]} == {"already_satisfied"}
    for schedule in list(stage.pinecone.project.schedules):
        stage.pinecone.project.delete_schedule(schedule)
    written = stage.writes
    stage.events()
    again = stage.run({"project": "search", "plan": first["plan_id"]})
    assert {it["state"] for it in again["results"]} == {"skipped"}
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
        stage.pinecone.project.advance(timedelta(hours=25))
    else:
        stage.policy("apply")
    answer = stage.run({"project": "search", "plan": plan})
    assert answer.keys() == {"project", "plan_id", "refused"}
    assert plan in answer["refused"]
    assert len(stage.pinecone.requests) == asked


def test_a_plan_is_not_carried_out_with_the_key_of_another_project(stage: Stage) -> None:
    """Pinecone's own id tells, where a schedule does: the secret may hold another key by now."""
    world = stage.pinecone.project
    world.create_index("slow")
    world.create_schedule("slow", "theirs", "weekly", 60)
    stage.policy("apply", max_creations=0)
    plan = stage.run({"project": "search"})["plan_id"]
    world.project_id = "another"
    answer = stage.run({"project": "search", "plan": plan})
    assert "and the key is of another" in answer["refused"]
    assert stage.writes == []


def test_a_project_that_nothing_tells_to_be_the_expected_one_is_left_alone(stage: Stage) -> None:
    """Nothing is written, and it counts as a failure: nobody reads the answer to an event."""
    stage.policy("apply", expected_id="ours")
    answer = stage.run(COMPLETED)
    assert "the policy expects project ours" in answer["refused"]
    assert stage.writes == []
    assert stage.metrics() == {"SchedulesCreated": 0, "ScheduleCreationFailures": 1}


def test_a_project_that_an_audit_recorded_is_written_to(stage: Stage) -> None:
    """The state tells the id, though no schedule does."""
    stage.pinecone.project.project_id = "ours"
    stage.policy("apply", expected_id="ours")
    stage.record_project("ours")
    stage.run(COMPLETED)
    assert stage.schedules() == ["carts", "orders"]


@pytest.mark.parametrize("expected_id", [None, "ours"])
def test_the_first_answer_that_names_another_project_stops_everything(stage: Stage, expected_id: str | None) -> None:
    """One call is sent, and the answer has the call that undoes it."""
    stage.pinecone.project.project_id = "theirs"
    stage.policy("apply", expected_id=expected_id)
    stage.record_project("ours")
    answer = stage.run({"project": "search"})
    assert len(stage.writes) == 1
    first, second = answer["results"]
    assert (first["state"], first["undo"]["method"], second["state"]) == (
        "verification_failed",
        "DELETE",
        "not_started",
    )
    assert "Pinecone project theirs instead of ours" in answer["stopped_by"]


def test_a_state_of_another_project_is_not_planned_by(stage: Stage) -> None:
    """The key that may write is of another project than the audits were."""
    world = stage.pinecone.project
    world.project_id = "theirs"
    world.create_schedule("carts", "theirs", "daily", 9)
    stage.record_project("ours")
    answer = stage.run(COMPLETED)
    assert "is of Pinecone project ours, and the key opens theirs" in answer["refused"]
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
    get_remediator.cache_clear()
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
