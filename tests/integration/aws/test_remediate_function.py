"""The function `remediate` over real boto3 and a real socket to Pinecone: it does what the policy says, and tells."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta

import boto3
import pytest

from backup_auditor.bootstrap.remediate import get_remediator
from backup_auditor.errors import BadKeyError, RegistryError, RequestError, SecretError
from backup_auditor_simulator.web.faults import Fault
from support.aws.remediation import (
    COMPLETED_EVENT,
    CREATED_DETAIL_TYPE,
    EDITOR_SECRET,
    PROPOSED_DETAIL_TYPE,
    RemediationHarness,
    open_remediation_harness,
)
from support.aws.single_project import make_resource_names, put_secret

pytestmark = pytest.mark.writes


@pytest.fixture
def harness(
    aws_variables: Mapping[str, str],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[RemediationHarness]:
    """Build one project with two indexes without a schedule, and an application of its own for each test."""
    with open_remediation_harness(
        {**aws_variables, **make_resource_names(request.node.name)}, monkeypatch, capsys
    ) as open_harness:
        yield open_harness


def test_a_completed_audit_has_schedules_made(harness: RemediationHarness) -> None:
    """Each index gets its own, each creation is an event that says who did it, and they are counted."""
    response = harness.run(COMPLETED_EVENT)
    assert harness.list_scheduled_indexes() == ["carts", "orders"]
    assert harness.take_metrics() == {"SchedulesCreated": 2, "ScheduleCreationFailures": 0}
    events = harness.take_events()
    assert {it["detail-type"] for it in events} == {CREATED_DETAIL_TYPE}
    details = {it["detail"]["index"]: it["detail"] for it in events}
    assert details.keys() == {"carts", "orders"}
    orders_detail = details["orders"]
    assert (orders_detail["actor"], orders_detail["plan_id"], orders_detail["before"]) == (
        "app-remediate request",
        response["plan_id"],
        {},
    )
    assert orders_detail["after"]["enabled"] is True
    assert orders_detail["id"] in harness.pinecone.project.schedules
    assert orders_detail["undo"] == {"method": "DELETE", "path": f"/backup-schedules/{orders_detail['id']}", "body": {}}


@pytest.mark.parametrize("changed_fields", [{}, {"id": "put-again"}], ids=["delivered", "put"])
def test_the_same_event_twice_acts_once(harness: RemediationHarness, changed_fields: dict[str, str]) -> None:
    """Nothing more is done, though there is more to do, until the next audit."""
    harness.put_policy("apply", max_creations=1)
    first_response = harness.run(COMPLETED_EVENT)
    writes_before = harness.write_calls
    harness.take_events()
    assert harness.run(COMPLETED_EVENT | changed_fields) == first_response
    assert (len(writes_before), harness.write_calls, harness.take_events()) == (1, writes_before, [])
    harness.run(COMPLETED_EVENT | {"detail": {"project": "search", "audit_id": "the-next"}})
    assert harness.list_scheduled_indexes() == ["carts", "orders"]


def test_an_event_that_failed_is_acted_on_when_it_comes_again(harness: RemediationHarness) -> None:
    """What kept it from that may be over by then."""
    put_secret("pcsk_" + "x" * 20, EDITOR_SECRET)
    with pytest.raises(BadKeyError):
        harness.run(COMPLETED_EVENT)
    put_secret(harness.pinecone.editor_key, EDITOR_SECRET)
    harness.run(COMPLETED_EVENT)
    assert harness.list_scheduled_indexes() == ["carts", "orders"]


def test_a_plan_that_is_asked_for_again_acts_once(harness: RemediationHarness) -> None:
    """What stands is already there; what somebody deleted since is skipped."""
    first_response = harness.run({"project": "search"})
    second_response = harness.run({"project": "search", "plan": first_response["plan_id"]})
    assert {it["state"] for it in second_response["results"]} == {"already_satisfied"}
    for schedule in list(harness.pinecone.project.schedules):
        harness.pinecone.project.delete_schedule(schedule)
    writes_before = harness.write_calls
    harness.take_events()
    second_response = harness.run({"project": "search", "plan": first_response["plan_id"]})
    assert {it["state"] for it in second_response["results"]} == {"skipped"}
    assert (harness.write_calls, harness.take_events()) == (writes_before, [])


def test_what_is_proposed_is_told_and_not_done(harness: RemediationHarness) -> None:
    """Every action is an event with the exact call, the plan is kept, and not one write is sent."""
    harness.put_policy("propose", first_backup=True)
    response = harness.run(COMPLETED_EVENT)
    assert (response["proposed"], "results" in response, harness.write_calls) == (4, False, [])
    events = harness.take_events()
    assert {it["detail-type"] for it in events} == {PROPOSED_DETAIL_TYPE}
    calls = {f"{it['detail']['call']['method']} {it['detail']['call']['path']}" for it in events}
    assert calls == {
        f"POST /indexes/{name}/{resource_kind}"
        for name in ("carts", "orders")
        for resource_kind in ("backup-schedules", "backups")
    }
    assert harness.take_metrics() == {}
    second_response = harness.run({"project": "search", "plan": response["plan_id"]})
    assert (second_response["results"], harness.write_calls, harness.take_events()) == ([], [], [])


def test_never_is_never(harness: RemediationHarness) -> None:
    """Without a wish of the policy Pinecone is not even asked, from the moment on that it is written down."""
    harness.put_policy("apply", max_creations=0)
    harness.run(COMPLETED_EVENT)
    harness.pinecone.requests.clear()
    harness.take_metrics()
    harness.put_policy("never")
    response = harness.run({"project": "search"})
    assert "allows no remediation" in response["refused"]
    assert (harness.pinecone.requests, harness.take_events(), harness.take_metrics()) == ([], [], {})


@pytest.mark.parametrize("settings", ["unknown", "stale", "another policy"])
def test_a_plan_that_may_not_be_executed_is_refused(harness: RemediationHarness, settings: str) -> None:
    """The answer says why in one sentence, and nothing is written."""
    harness.put_policy("propose")
    plan = harness.run({"project": "search"})["plan_id"]
    request_count = len(harness.pinecone.requests)
    if settings == "unknown":
        plan = "0123456789abcdef"
    elif settings == "stale":
        harness.pinecone.project.advance(timedelta(hours=25))
    else:
        harness.put_policy("apply")
    response = harness.run({"project": "search", "plan": plan})
    assert response.keys() == {"project", "plan_id", "refused"}
    assert plan in response["refused"]
    assert len(harness.pinecone.requests) == request_count


def test_a_plan_is_not_executed_with_the_key_of_another_project(harness: RemediationHarness) -> None:
    """Pinecone's own id tells, where a schedule does: the secret may hold another key by now."""
    project = harness.pinecone.project
    project.create_index("slow")
    project.create_schedule("slow", "theirs", "weekly", 60)
    harness.put_policy("apply", max_creations=0)
    plan = harness.run({"project": "search"})["plan_id"]
    project.project_id = "another"
    response = harness.run({"project": "search", "plan": plan})
    assert "the API key belongs to another" in response["refused"]
    assert harness.write_calls == []


def test_a_project_that_nothing_tells_to_be_the_expected_one_is_left_alone(harness: RemediationHarness) -> None:
    """Nothing is written, and it counts as a failure: nobody reads the answer to an event."""
    harness.put_policy("apply", expected_id="ours")
    response = harness.run(COMPLETED_EVENT)
    assert "the policy expects project ours" in response["refused"]
    assert harness.write_calls == []
    assert harness.take_metrics() == {"SchedulesCreated": 0, "ScheduleCreationFailures": 1}


def test_a_project_that_an_audit_recorded_is_written_to(harness: RemediationHarness) -> None:
    """The state tells the id, though no schedule does."""
    harness.pinecone.project.project_id = "ours"
    harness.put_policy("apply", expected_id="ours")
    harness.record_project_id("ours")
    harness.run(COMPLETED_EVENT)
    assert harness.list_scheduled_indexes() == ["carts", "orders"]


@pytest.mark.parametrize("expected_id", [None, "ours"])
def test_the_first_answer_that_names_another_project_stops_everything(
    harness: RemediationHarness, expected_id: str | None
) -> None:
    """One call is sent, and the answer has the call that undoes it."""
    harness.pinecone.project.project_id = "theirs"
    harness.put_policy("apply", expected_id=expected_id)
    harness.record_project_id("ours")
    response = harness.run({"project": "search"})
    assert len(harness.write_calls) == 1
    first_result, second_result = response["results"]
    assert (first_result["state"], first_result["undo"]["method"], second_result["state"]) == (
        "verification_failed",
        "DELETE",
        "not_started",
    )
    assert "Pinecone project theirs, not to ours" in response["stopped_by"]


def test_a_state_of_another_project_is_not_planned_by(harness: RemediationHarness) -> None:
    """The key that may write is of another project than the audits were."""
    project = harness.pinecone.project
    project.project_id = "theirs"
    project.create_schedule("carts", "theirs", "daily", 9)
    harness.record_project_id("ours")
    response = harness.run(COMPLETED_EVENT)
    assert "belongs to Pinecone project ours, the API key to theirs" in response["refused"]
    assert harness.write_calls == []


def test_a_viewers_key_changes_nothing(harness: RemediationHarness) -> None:
    """Pinecone refuses the first write; it is counted, the rest is not begun, and the answer says so."""
    put_secret(harness.pinecone.viewer_key, EDITOR_SECRET)
    response = harness.run(COMPLETED_EVENT)
    assert harness.list_scheduled_indexes() == []
    assert response["stopped_by"]
    figures = harness.take_metrics()
    assert figures["SchedulesCreated"] == 0
    assert figures["ScheduleCreationFailures"] >= 1


def test_a_key_that_is_refused_is_reported(harness: RemediationHarness) -> None:
    """It counts as a failure, and is raised so that Lambda tries again."""
    put_secret("pcsk_" + "x" * 20, EDITOR_SECRET)
    with pytest.raises(BadKeyError):
        harness.run(COMPLETED_EVENT)
    assert harness.take_metrics() == {"SchedulesCreated": 0, "ScheduleCreationFailures": 1}


def test_a_project_without_an_editors_key_is_reported(
    harness: RemediationHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry has to name it, and the error says so; the audit's key is nothing that is taken instead."""
    text = json.dumps({"version": 1, "projects": [{"name": "search", "secret": "backup-auditor/search"}]})
    boto3.client("ssm").put_parameter(Name=f"{harness.policy_name}-registry", Value=text, Type="String")
    monkeypatch.setenv("REGISTRY", f"ssm:{harness.policy_name}-registry")
    get_remediator.cache_clear()
    with pytest.raises(SecretError, match="has no editor_secret"):
        harness.run(COMPLETED_EVENT)
    assert harness.pinecone.requests == []


EVENT_WITHOUT_PROJECT = {
    "source": "backup-auditor",
    "detail-type": "Backup Audit Completed",
    "detail": {"project": "search"},
}


@pytest.mark.parametrize(
    "payload", [[], {}, {"plan": "1"}, {"project": ""}, {"project": "x", "plans": ""}, EVENT_WITHOUT_PROJECT]
)
def test_what_asks_for_nothing_is_refused(harness: RemediationHarness, payload: object) -> None:
    """Before anything is asked of anybody; so is an event without any id, which could be acted on twice."""
    with pytest.raises(RequestError):
        harness.run(payload)
    assert harness.pinecone.requests == []


def test_another_project_is_refused(harness: RemediationHarness) -> None:
    """Nothing is measured under a name that somebody made up."""
    with pytest.raises(RegistryError):
        harness.run({"project": "other"})
    assert (harness.pinecone.requests, harness.take_metrics()) == ([], {})


def test_a_lost_answer_is_settled(harness: RemediationHarness) -> None:
    """A creation that took effect unheard is found by reading, and not made again."""
    path = "/indexes/orders/backup-schedules"
    harness.pinecone.faults.append(Fault(kind="reset_after_effect", method="POST", path=path, times=1))
    response = harness.run({"project": "search"})
    assert harness.list_scheduled_indexes() == ["carts", "orders"]
    assert {it["state"] for it in response["results"]} == {"done"}
