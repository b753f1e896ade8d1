"""Test that two nights of the deployed stack apply and publish each allowed action once."""

import json
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from backup_auditor_simulator.web.faults import Fault as PineconeFault
from support.aws_local.application import (
    CONFIG_BUCKET,
    EDITOR_SECRET_PREFIX,
    ROOT,
    Application,
    make_editor_key,
    make_key,
)
from support.aws_local.cloudwatch import collect_metrics, parse_log_lines
from support.aws_local.iam import is_allowed
from support.aws_local.invocation import InvocationOutcome
from support.aws_local.nights import DAY, FIRST_NIGHT, NightlyRuns
from support.aws_local.recipients import list_topic_messages
from support.aws_local.remediation import (
    COMPLETED_DETAIL_TYPE,
    CREATED_DETAIL_TYPE,
    PROPOSED_DETAIL_TYPE,
    ProjectView,
    build_partly_scheduled_project,
    format_policy,
)
from support.aws_local.requests import Permission
from support.faults.aws_requests import AwsFault, AwsFaultKind

pytestmark = pytest.mark.writes
APPLY_ADDRESS, NEVER_ADDRESS = "ssm:/backup-auditor/policies/apply", "ssm:/backup-auditor/policies/never"
ONE_CREATION_ADDRESS = "ssm:/backup-auditor/policies/one"
PROPOSE_ADDRESS = f"s3://{CONFIG_BUCKET}/backup-auditor/propose.json"
POLICIES = {"shop": APPLY_ADDRESS, "search": PROPOSE_ADDRESS, "mail": NEVER_ADDRESS}
UNSCHEDULED_INDEXES = ("carts", "orders")
EXPECTED_ACTIONS = {(kind, index) for kind in ("create_schedule", "first_backup") for index in UNSCHEDULED_INDEXES}
CONTROL_IDS = {"index-has-schedule", "index-has-recovery-point", "recovery-points-meet-minimum-copies"}
COMPLETED_SAMPLE = json.loads((ROOT / "events/remediate.completed.json").read_text(encoding="utf-8"))
PLAN_SAMPLE = json.loads((ROOT / "events/remediate.plan.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NightlyRuns]:
    """Run two nights with one project for each mode of remediation."""
    projects = {name: build_partly_scheduled_project(FIRST_NIGHT, *UNSCHEDULED_INDEXES) for name in POLICIES}
    with Application(tmp_path_factory.mktemp("cloud"), projects, FIRST_NIGHT - timedelta(hours=1)) as app:
        app.put_document(APPLY_ADDRESS, format_policy("apply", first_backup=True))
        app.put_document(PROPOSE_ADDRESS, format_policy("propose", first_backup=True))
        app.put_document(NEVER_ADDRESS, format_policy("never", first_backup=True))
        app.put_registry([app.make_entry(name, policy=policy_address) for name, policy_address in POLICIES.items()])
        nightly_runs = NightlyRuns(app)
        nightly_runs.run_night(FIRST_NIGHT)
        nightly_runs.run_night(FIRST_NIGHT + DAY)
        yield nightly_runs


@pytest.fixture
def app(nights: NightlyRuns) -> Application:
    """Return the application that ran the nights."""
    return nights.app


def register_project(app: Application, name: str, policy_address: str = APPLY_ADDRESS) -> ProjectView:
    """Register one more project with unscheduled indexes, for one test."""
    project = build_partly_scheduled_project(app.clock.now(), *UNSCHEDULED_INDEXES)
    app.register(name, project)
    entries = [
        app.make_entry(it, policy=policy_address if it == name else POLICIES.get(it, APPLY_ADDRESS))
        for it in app.simulated_projects
    ]
    app.put_registry(entries)
    app.runner.end_processes()
    return ProjectView(app, name)


def test_allowed_actions_are_applied_in_the_first_night(app: Application) -> None:
    """Each index without a schedule gets one schedule and one backup, and paused schedules do not change."""
    shop_view = ProjectView(app, "shop")
    existing_schedules = {"catalog": [("theirs", True)], "paused": [("theirs", False)]}
    assert shop_view.schedules == existing_schedules | {name: [("auditor", True)] for name in UNSCHEDULED_INDEXES}
    paths = {"create_schedule": "backup-schedules", "first_backup": "backups"}
    assert sorted(shop_view.write_calls) == sorted(
        ("POST", f"/indexes/{index}/{paths[kind]}") for kind, index in EXPECTED_ACTIONS
    )


@pytest.mark.parametrize("name", ["search", "mail"])
def test_other_actions_are_not_applied(app: Application, name: str) -> None:
    """A policy without the mode `apply` causes no write and no record."""
    project = ProjectView(app, name)
    assert (project.write_calls, project.attempts_by_action) == ([], {})


def test_each_action_is_recorded_with_its_result(app: Application) -> None:
    """A record has the actor, the plan, the values before and after, and the times."""
    records = ProjectView(app, "shop").attempts_by_action
    assert records.keys() == {f"{kind}/{index}" for kind, index in EXPECTED_ACTIONS}
    for (record,) in records.values():
        assert record["state"]["S"] == "done"
        assert record["who"]["S"].startswith("backup-auditor-remediate ")
        assert json.loads(record["before"]["S"]) == {}
        assert json.loads(record["after"]["S"])
        assert record["began_at"]["S"] <= record["ended_at"]["S"]
        plans = {it["SK"]["S"] for it in app.list_items("remediation#shop")}
        assert f"plan#{record['plan_id']['S']}" in plans


def test_each_applied_action_is_one_event(nights: NightlyRuns, app: Application) -> None:
    """The event of an applied action has the call that undoes the action."""
    first_night, second_night = nights.results
    created_events = first_night.find_events(CREATED_DETAIL_TYPE, "shop")
    assert sorted((it["kind"], it["index"]) for it in created_events) == sorted(EXPECTED_ACTIONS)
    created_ids = {schedule for it in app.simulated_projects["shop"].indexes.values() for schedule in it.schedules}
    for event in created_events:
        assert event["state"] == "done"
        assert event["undo"]["method"] == "DELETE"
        assert event["id"] in created_ids or event["kind"] == "first_backup"
    assert second_night.find_events(CREATED_DETAIL_TYPE, "shop") == []
    assert not any(ProjectView(app, name).list_event_details(CREATED_DETAIL_TYPE) for name in ("search", "mail"))


def test_each_proposal_is_an_event_every_night(nights: NightlyRuns) -> None:
    """The event of a proposal has the exact call, as long as the action is needed."""
    for night in nights.results:
        proposed_events = night.find_events(PROPOSED_DETAIL_TYPE, "search")
        assert sorted((it["kind"], it["index"]) for it in proposed_events) == sorted(EXPECTED_ACTIONS)
        assert {it["call"]["method"] for it in proposed_events} == {"POST"}
        assert not night.find_events(PROPOSED_DETAIL_TYPE, "shop") + night.find_events(PROPOSED_DETAIL_TYPE, "mail")


def test_the_alert_lists_proposed_and_planned_actions(nights: NightlyRuns) -> None:
    """An alert lists the actions in text and JSON, unless the mode is `never`."""
    first_night, _ = nights.results
    documents = {it.project: it.document for it in first_night.topic_messages}
    for name, mode in (("shop", "apply"), ("search", "propose")):
        assert {(it["kind"], it["index"]) for it in documents[name]["proposals"]} == EXPECTED_ACTIONS
        assert {it["mode"] for it in documents[name]["proposals"]} == {mode}
    assert "proposals" not in documents["mail"]
    texts = {it.project: it.text for it in first_night.webhook_messages}
    assert {name for name, it in texts.items() if "Proposed (4)" in it} == {"shop", "search"}


def test_created_schedules_are_counted(nights: NightlyRuns) -> None:
    """The metric is emitted only for the mode `apply`, and only in runs with actions."""
    first_night, second_night = nights.results
    assert first_night.find_values("SchedulesCreated", "shop") == {2.0}
    assert first_night.find_values("ScheduleCreationFailures", "shop") == {0.0}
    assert not second_night.find_values("SchedulesCreated", "shop")
    assert not {it.dimensions["project"] for it in first_night.metrics if it.name == "SchedulesCreated"} - {"shop"}
    assert (first_night.alarms, second_night.alarms) == (set(), set())


def test_the_second_night_applies_no_action(nights: NightlyRuns) -> None:
    """The findings of the first project are resolved, and only the proposals of the second project are repeated."""
    first_night, second_night = nights.results
    for night, names in ((first_night, {"shop", "search"}), (second_night, {"search"})):
        remediation_invocations = [it for it in night.invocations if it.function == "backup-auditor-remediate"]
        lines = [line for it in remediation_invocations for line in parse_log_lines(it)]
        assert {it["remediation"]["project"] for it in lines if it.get("message") == "remediated"} == names
        assert len(remediation_invocations) == len(names)
    expected_findings = {(control, index) for control in CONTROL_IDS for index in UNSCHEDULED_INDEXES}
    resolved_findings = {
        name: {(it["control"], it["resource"]["name"]) for it in second_night.reports[name]["resolved"]}
        for name in POLICIES
    }
    assert resolved_findings == {"shop": expected_findings, "search": set(), "mail": set()}
    resolved_counts = {it.document["resolved"] for it in list_topic_messages(nights.app) if it.project == "shop"}
    assert resolved_counts == {0, len(expected_findings)}


def test_the_audit_key_cannot_write(app: Application) -> None:
    """Pinecone refuses writes with the viewer key, and the editor key is used only for remediation."""
    with httpx.Client(base_url=app.pinecone.url, headers={"X-Pinecone-Api-Version": "2026-07"}) as client:
        body = {"name": "x", "schedule": {"type": "time-based", "frequency": "daily"}}
        for name in UNSCHEDULED_INDEXES:
            response = client.post(
                f"/indexes/{name}/backup-schedules", json=body, headers={"Api-Key": make_key("mail")}
            )
            assert response.status_code == 403
    del app.pinecone.recorders["mail"].requests[-len(UNSCHEDULED_INDEXES) :]
    roles = {name: {(it.role, it.method) for it in ProjectView(app, name).requests} for name in POLICIES}
    assert roles == {
        "shop": {("viewer", "GET"), ("editor", "GET"), ("editor", "POST")},
        "search": {("viewer", "GET"), ("editor", "GET")},
        "mail": {("viewer", "GET")},
    }


def test_only_one_function_can_read_a_key_with_write_access(app: Application) -> None:
    """Only the role of `remediate` allows reading such a key, and only that function has read one."""
    arn = f"arn:aws:secretsmanager:eu-central-1:123456789012:secret:{EDITOR_SECRET_PREFIX}shop-a1B2c3"
    permission = Permission("secretsmanager:GetSecretValue", arn)
    assert [name for name, it in app.stack.statements.items() if is_allowed(permission, it)] == ["RemediateRole"]
    calling_functions = {
        it.function
        for it in app.aws.requests
        if EDITOR_SECRET_PREFIX.encode() in it.call.content and it.call.service != "events"
    }
    assert calling_functions == {"backup-auditor-remediate"}


@pytest.mark.parametrize("repeats", ["one after the other", "at once"])
def test_a_repeated_event_applies_an_action_once(app: Application, repeats: str) -> None:
    """A repeated or late event applies, records and publishes no second action."""
    app.put_document(ONE_CREATION_ADDRESS, format_policy("apply", max_creations=1))
    project = register_project(app, "twice" if repeats == "at once" else "again", ONE_CREATION_ADDRESS)
    app.flow.put_event("Backup Audit Requested", {"project": project.name})
    app.flow.repeat_probability, app.flow.late_repeat_probability = 1.0, float(repeats != "at once")
    first_invocation, dead_letter_count = len(app.runner.invocations), len(app.flow.dead_letters)
    app.flow.deliver_all()
    app.flow.repeat_probability = 0.0
    completed_events = (it for it in app.flow.events.values() if it["detail-type"] == COMPLETED_DETAIL_TYPE)
    event = next(it for it in completed_events if it["detail"]["project"] == project.name)
    app.flow.deliver("RemediateFunction", {**event, "id": "put-again"})
    app.flow.deliver_all()
    assert len(app.flow.dead_letters) == dead_letter_count
    assert [it.function for it in app.runner.invocations[first_invocation:]].count("backup-auditor-remediate") >= 3
    assert project.write_calls == [("POST", "/indexes/carts/backup-schedules")]
    assert [(it["kind"], it["index"]) for it in project.list_event_details(CREATED_DETAIL_TYPE)] == [
        ("create_schedule", "carts")
    ]
    assert [len(it) for it in project.attempts_by_action.values()] == [1]
    app.runner.invoke("RemediateFunction", json.dumps({"project": project.name}).encode())
    assert len(project.write_calls) == 2


def test_the_retry_reports_the_action_of_a_killed_run(app: Application) -> None:
    """The retry finds the new schedule, records it, counts it, and continues with the next action."""
    app.put_document(ONE_CREATION_ADDRESS, format_policy("apply", max_creations=1))
    project = register_project(app, "killed", ONE_CREATION_ADDRESS)
    path = "/indexes/carts/backup-schedules"
    killing_fault = PineconeFault(
        kind="shift", method="POST", path=path, times=1, change=lambda _: app.kill_processes("remediate")
    )
    app.pinecone.recorders["killed"].faults.append(killing_fault)
    first_invocation = len(app.runner.invocations)
    app.flow.deliver("RemediateFunction", COMPLETED_SAMPLE | {"detail": {"project": "killed"}})
    killed_invocation, second_invocation = app.flow.deliver_all()
    assert (killed_invocation.outcome, second_invocation.outcome) == (
        InvocationOutcome.EXIT,
        InvocationOutcome.RESPONSE,
    )
    assert project.write_calls.count(("POST", path)) == 1
    (record,) = project.attempts_by_action["create_schedule/carts"]
    assert (record["state"]["S"], record["detail"]["S"]) == ("done", "Checked by a later read: the call took effect.")
    assert sorted(it["index"] for it in project.list_event_details(CREATED_DETAIL_TYPE)) == ["carts", "orders"]
    schedule_counts = [
        it.value for it in collect_metrics(app.runner.invocations[first_invocation:]) if it.name == "SchedulesCreated"
    ]
    assert schedule_counts == [2.0]


def test_a_failed_action_raises_an_alarm_and_is_applied_on_demand(app: Application) -> None:
    """The response names the failed actions, and an invocation with the plan's id applies only those."""
    project = register_project(app, "partly")
    schedules = "/indexes/orders/backup-schedules"
    app.pinecone.recorders["partly"].faults.append(PineconeFault(method="POST", path=schedules, status=400, times=1))
    first_invocation = len(app.runner.invocations)
    first_response = json.loads(app.runner.invoke("RemediateFunction", b'{"project": "partly"}').content)
    failed_results = [it for it in first_response["results"] if it["state"] == "failed"]
    assert [(it["kind"], it["index"]) for it in failed_results] == [("create_schedule", "orders")]
    assert "ScheduleCreationFailuresAlarm" in app.find_alarms(first_invocation)
    writes_before = project.write_calls
    plan_event = PLAN_SAMPLE | {"project": "partly", "plan": first_response["plan_id"]}
    second_response = json.loads(app.runner.invoke("RemediateFunction", json.dumps(plan_event).encode()).content)
    assert {it["state"] for it in second_response["results"]} == {"done", "already_satisfied"}
    assert project.write_calls[len(writes_before) :] == [("POST", schedules)]
    third_response = json.loads(app.runner.invoke("RemediateFunction", json.dumps(plan_event).encode()).content)
    assert {it["state"] for it in third_response["results"]} == {"already_satisfied"}
    assert len(project.list_event_details(CREATED_DETAIL_TYPE)) == len(EXPECTED_ACTIONS)
    assert all(attempts[-1]["state"]["S"] == "done" for attempts in project.attempts_by_action.values())


@pytest.mark.parametrize("plan", ["0123456789abcdef", "of another project"])
def test_an_unknown_plan_is_refused(app: Application, plan: str) -> None:
    """A plan that does not exist or is of another project is refused without a call to Pinecone."""
    project = ProjectView(app, "shop")
    (other_plan, *_) = ProjectView(app, "search").list_event_details(PROPOSED_DETAIL_TYPE)
    plan_event = PLAN_SAMPLE | {"project": "shop", "plan": other_plan["plan_id"] if "another" in plan else plan}
    count_before = len(project.requests)
    response = json.loads(app.runner.invoke("RemediateFunction", json.dumps(plan_event).encode()).content)
    assert "has no plan" in response["refused"]
    assert len(project.requests) == count_before


@pytest.mark.parametrize("name,call", [("unrecorded", "dynamodb:Query"), ("unclaimed", "dynamodb:PutItem")])
def test_a_run_that_fails_after_all_retries_raises_an_alarm(app: Application, name: str, call: str) -> None:
    """The event becomes a dead letter, and no write is sent."""
    project = register_project(app, name)
    fault = AwsFault(kind=AwsFaultKind.UNAVAILABLE, call=call, function="backup-auditor-remediate", times=None)
    app.aws.faults.append(fault)
    first_invocation = len(app.runner.invocations)
    (detail, *_) = project.app.flow.list_details(COMPLETED_DETAIL_TYPE)
    event = next(it for it in app.flow.events.values() if it["detail"] is detail)
    app.flow.deliver("RemediateFunction", {**event, "detail": {**detail, "project": name}})
    app.flow.deliver_all()
    app.aws.faults.clear()
    assert (project.write_calls, project.attempts_by_action) == ([], {})
    assert {it.queue for it in app.flow.dead_letters} == {"RemediateQueue"}
    assert "DeadLettersAlarm" in app.find_alarms(first_invocation)
    failure_counts = [
        it.value
        for it in collect_metrics(app.runner.invocations[first_invocation:])
        if it.name == "ScheduleCreationFailures"
    ]
    assert failure_counts == ([1.0] if call == "dynamodb:Query" else [])
    assert ("ScheduleCreationFailuresAlarm" in app.find_alarms(first_invocation)) == bool(failure_counts)


def test_the_role_allows_what_was_called_and_nothing_else(app: Application) -> None:
    """The statements of the template allow every call that was made, and no action that was not used."""
    app.runner.invoke("RemediateFunction", json.dumps(PLAN_SAMPLE | {"project": "shop"}).encode())
    app.flow.deliver("RemediateFunction", COMPLETED_SAMPLE | {"detail": {"project": "unregistered"}})
    app.flow.deliver_all()
    assert app.aws.denied_permissions == []
    assert app.find_unused_actions("RemediateFunction") == set()


def test_no_output_has_a_key(app: Application) -> None:
    """No log, response, event, record or dead letter has a key."""
    exposed_places = [
        *(it.log + it.content.decode(errors="replace") for it in app.runner.invocations),
        *map(json.dumps, app.flow.events.values()),
        *map(repr, app.list_items()),
        *(json.dumps(it.event) for it in app.flow.dead_letters),
    ]
    keys = [make_key(name) for name in app.simulated_projects] + [
        make_editor_key(name) for name in app.simulated_projects
    ]
    assert not [key for key in keys for it in exposed_places if key in it]
