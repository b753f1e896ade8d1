"""Test that the function `remediate` applies what the policy allows, with real boto3 and a real socket to Pinecone."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta

import boto3
import pytest

from backup_auditor.bootstrap.aws import get_sources
from backup_auditor.domain.events import QUEUE_ATTEMPTS
from backup_auditor.errors import BadKeyError, EntryMismatchError, RegistryError, RequestError, SecretError
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
    """Build a project with two indexes without a schedule and a new application for each test."""
    with open_remediation_harness(
        {**aws_variables, **make_resource_names(request.node.name)}, monkeypatch, capsys
    ) as open_harness:
        yield open_harness


def test_a_completed_audit_creates_schedules(harness: RemediationHarness) -> None:
    """Each index gets a schedule, and each creation is counted and published with its actor."""
    response = harness.run(COMPLETED_EVENT)
    assert harness.list_scheduled_indexes() == ["carts", "orders"]
    assert harness.take_metrics() == {"SchedulesCreated": 2, "ScheduleCreationFailures": 0, "DeliveryFailures": 0}
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
def test_a_repeated_event_applies_an_action_once(harness: RemediationHarness, changed_fields: dict[str, str]) -> None:
    """A repeated event returns the first response and sends no write; the next audit's event applies more actions."""
    harness.put_policy("apply", max_creations=1)
    first_response = harness.run(COMPLETED_EVENT)
    writes_before = harness.write_calls
    harness.take_events()
    assert harness.run(COMPLETED_EVENT | changed_fields) == first_response
    assert (len(writes_before), harness.write_calls, harness.take_events()) == (1, writes_before, [])
    harness.run(COMPLETED_EVENT | {"detail": {"project": "search", "audit_id": "the-next"}})
    assert harness.list_scheduled_indexes() == ["carts", "orders"]


def test_the_retry_of_a_failed_event_applies_the_actions(harness: RemediationHarness) -> None:
    """A retry succeeds after the cause of the failure is fixed."""
    put_secret("pcsk_" + "x" * 20, EDITOR_SECRET)
    with pytest.raises(BadKeyError):
        harness.run(COMPLETED_EVENT)
    put_secret(harness.pinecone.editor_key, EDITOR_SECRET)
    harness.run(COMPLETED_EVENT)
    assert harness.list_scheduled_indexes() == ["carts", "orders"]


def test_actions_use_the_key_of_their_audit(harness: RemediationHarness) -> None:
    """A secret that is changed during the audit has no effect on its actions: it could be of another project."""
    change = Fault(
        kind="shift", path="/backups", times=1, change=lambda _: put_secret("pcsk_" + "x" * 20, EDITOR_SECRET)
    )
    harness.pinecone.faults.append(change)
    harness.run(COMPLETED_EVENT)
    assert harness.list_scheduled_indexes() == ["carts", "orders"]


def test_a_repeated_plan_applies_an_action_once(harness: RemediationHarness) -> None:
    """An existing schedule is already satisfied, and an action for a deleted index is skipped."""
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


def test_proposals_are_published_and_not_applied(harness: RemediationHarness) -> None:
    """Every action is an event with the exact call, the plan is stored, and nothing is written."""
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
    assert harness.take_metrics() == {"DeliveryFailures": 0}
    second_response = harness.run({"project": "search", "plan": response["plan_id"]})
    assert (second_response["results"], harness.write_calls, harness.take_events()) == ([], [], [])


def test_the_mode_never_sends_no_request(harness: RemediationHarness) -> None:
    """With the mode `never`, the next invocation sends no request to Pinecone."""
    harness.put_policy("apply", max_creations=0)
    harness.run(COMPLETED_EVENT)
    harness.pinecone.requests.clear()
    harness.take_metrics()
    harness.put_policy("never")
    response = harness.run({"project": "search"})
    assert "allows no remediation" in response["refused"]
    assert (harness.pinecone.requests, harness.take_events(), harness.take_metrics()) == ([], [], {})


@pytest.mark.parametrize("settings", ["unknown", "stale", "another policy"])
def test_an_unknown_or_outdated_plan_is_refused(harness: RemediationHarness, settings: str) -> None:
    """The response has the reason, and no request is sent to Pinecone."""
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
    """A plan is refused if the key belongs to another Pinecone project than that of the plan."""
    project = harness.pinecone.project
    project.create_index("slow")
    project.create_schedule("slow", "theirs", "weekly", 60)
    harness.put_policy("apply", max_creations=0)
    plan = harness.run({"project": "search"})["plan_id"]
    project.project_id = "another"
    response = harness.run({"project": "search", "plan": plan})
    assert "the API key belongs to another" in response["refused"]
    assert harness.write_calls == []


def test_a_project_with_an_unknown_id_is_not_changed(harness: RemediationHarness) -> None:
    """An unknown project id is refused and counts as a failure, because no person reads the response."""
    harness.put_policy("apply", expected_id="ours")
    response = harness.run(COMPLETED_EVENT)
    assert "the policy expects project ours" in response["refused"]
    assert harness.write_calls == []
    assert harness.take_metrics() == {"SchedulesCreated": 0, "ScheduleCreationFailures": 1}


def test_a_project_with_a_recorded_id_is_changed(harness: RemediationHarness) -> None:
    """The recorded id of an earlier audit is used if no schedule has the id."""
    harness.pinecone.project.project_id = "ours"
    harness.put_policy("apply", expected_id="ours")
    harness.record_project_id("ours")
    harness.run(COMPLETED_EVENT)
    assert harness.list_scheduled_indexes() == ["carts", "orders"]


@pytest.mark.parametrize("expected_id", [None, "ours"])
def test_a_response_from_another_project_stops_the_run(harness: RemediationHarness, expected_id: str | None) -> None:
    """The run stops after one write, and the response has the call that undoes the write."""
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


def test_a_state_of_another_project_is_refused(harness: RemediationHarness) -> None:
    """An editor key of another project than that of the recorded audits is refused."""
    project = harness.pinecone.project
    project.project_id = "theirs"
    project.create_schedule("carts", "theirs", "daily", 9)
    harness.record_project_id("ours")
    response = harness.run(COMPLETED_EVENT)
    assert "belongs to Pinecone project ours, the API key to theirs" in response["refused"]
    assert harness.write_calls == []


def test_an_entry_of_another_project_is_refused(harness: RemediationHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of an editor key of another project than the entry names has both ids and the secret of the key."""
    entry = {"name": "search", "secret": "backup-auditor/keys/search", "editor_secret": EDITOR_SECRET}
    text = json.dumps({"version": 1, "projects": [entry | {"project_id": "ours"}]})
    boto3.client("ssm").put_parameter(Name=f"{harness.policy_name}-registry", Value=text, Type="String")
    monkeypatch.setenv("REGISTRY", f"ssm:{harness.policy_name}-registry")
    get_sources.cache_clear()
    harness.pinecone.project.project_id = "theirs"
    harness.pinecone.project.create_schedule("carts", "theirs", "daily", 9)
    with pytest.raises(EntryMismatchError, match=f"names Pinecone project ours, .*in secret {EDITOR_SECRET}"):
        harness.run(COMPLETED_EVENT)
    assert harness.write_calls == []


def test_a_viewer_key_cannot_write(harness: RemediationHarness) -> None:
    """Pinecone refuses the write of a viewer key, and the run stops and counts a failure."""
    put_secret(harness.pinecone.viewer_key, EDITOR_SECRET)
    response = harness.run(COMPLETED_EVENT)
    assert harness.list_scheduled_indexes() == []
    assert response["stopped_by"]
    figures = harness.take_metrics()
    assert figures["SchedulesCreated"] == 0
    assert figures["ScheduleCreationFailures"] >= 1


def test_a_refused_key_is_reported(harness: RemediationHarness) -> None:
    """A refused key counts as a failure, and is raised so that Lambda retries."""
    put_secret("pcsk_" + "x" * 20, EDITOR_SECRET)
    with pytest.raises(BadKeyError):
        harness.run(COMPLETED_EVENT)
    assert harness.take_metrics() == {"SchedulesCreated": 0, "ScheduleCreationFailures": 1}


def test_a_project_without_an_editor_key_is_reported(
    harness: RemediationHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the missing registry key, and the audit's key is not used instead."""
    text = json.dumps({"version": 1, "projects": [{"name": "search", "secret": "backup-auditor/keys/search"}]})
    boto3.client("ssm").put_parameter(Name=f"{harness.policy_name}-registry", Value=text, Type="String")
    monkeypatch.setenv("REGISTRY", f"ssm:{harness.policy_name}-registry")
    get_sources.cache_clear()
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
def test_an_invalid_request_is_refused(harness: RemediationHarness, payload: object) -> None:
    """Invalid payloads, and events without an id, are refused before any call."""
    with pytest.raises(RequestError):
        harness.run(payload)
    assert harness.pinecone.requests == []


def test_another_project_is_refused(harness: RemediationHarness) -> None:
    """An unknown project is refused without a request and a metric."""
    with pytest.raises(RegistryError):
        harness.run({"project": "other"})
    assert (harness.pinecone.requests, harness.take_metrics()) == ([], {})


def test_a_creation_with_a_lost_response_is_settled(harness: RemediationHarness) -> None:
    """A creation whose response was lost is found by reading, and not repeated."""
    path = "/indexes/orders/backup-schedules"
    harness.pinecone.faults.append(Fault(kind="reset_after_effect", method="POST", path=path, times=1))
    response = harness.run({"project": "search"})
    assert harness.list_scheduled_indexes() == ["carts", "orders"]
    assert {it["state"] for it in response["results"]} == {"done"}


def run_attempt(harness: RemediationHarness, attempt: int) -> bool:
    """Run the function with a record of its queue, and return whether it answers it."""
    attributes = {"ApproximateReceiveCount": str(attempt)}
    record = {"messageId": "message-1", "body": json.dumps(COMPLETED_EVENT), "attributes": attributes}
    failures = harness.run({"Records": [record]})["batchItemFailures"]
    assert failures in ([], [{"itemIdentifier": "message-1"}])
    return not failures


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(method="GET", path="*/orders/backup-schedules", status=503), id="read"),
        pytest.param(Fault(method="POST", path="*/orders/backup-schedules", status=503), id="write"),
    ],
)
def test_an_outage_is_no_failure_before_the_last_attempt(harness: RemediationHarness, fault: Fault) -> None:
    """A later attempt creates what is missing, and only the last one counts as a failure."""
    harness.pinecone.faults.append(fault)
    assert not run_attempt(harness, 1)
    assert harness.take_metrics().get("ScheduleCreationFailures", 0) == 0
    # the outcome of a write is unknown after a 503, so its request becomes a dead letter
    assert run_attempt(harness, QUEUE_ATTEMPTS) is (fault.method == "GET")
    assert harness.take_metrics()["ScheduleCreationFailures"] == 1


def test_an_outage_that_is_over_costs_no_schedule(harness: RemediationHarness) -> None:
    """The attempt after an outage creates the schedules, each once, under the id of the message."""
    harness.pinecone.faults.append(Fault(status=503, times=40))
    assert not run_attempt(harness, 1)
    harness.pinecone.faults.clear()
    assert run_attempt(harness, 2)
    assert harness.list_scheduled_indexes() == ["carts", "orders"]
    assert {it["detail"]["actor"] for it in harness.take_events()} == {"app-remediate message-1"}
