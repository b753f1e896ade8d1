"""Two nights of the deployed application that puts projects right: what a policy lets be done is done once, and told.

In each project two indexes have no schedule, somebody has paused the one of another, and a fourth is well.
"""

import json
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from backup_auditor_simulator.web.faults import Fault as PineconeFault
from support.aws_local.application import CONFIG, EDITORS, ROOT, Application, editor_key_of, key_of
from support.aws_local.cloudwatch import metrics_of
from support.aws_local.iam import allowed
from support.aws_local.invocation import End
from support.aws_local.nights import DAY, FIRST, Nights
from support.aws_local.recipients import by_topic
from support.aws_local.remediation import COMPLETED, CREATED, PROPOSED, Righted, bare, policy
from support.aws_local.requests import Need
from support.faults.aws_requests import Fault, Kind

pytestmark = pytest.mark.writes
APPLY, NEVER = "ssm:/backup-auditor/apply", "ssm:/backup-auditor/never"
ONE = "ssm:/backup-auditor/one"
PROPOSE = f"s3://{CONFIG}/backup-auditor/propose.json"
POLICIES = {"shop": APPLY, "search": PROPOSE, "mail": NEVER}
BARE = ("carts", "orders")
DUE = {(kind, index) for kind in ("create_schedule", "first_backup") for index in BARE}
CONTROLS = {"index-has-schedule", "index-has-recovery-point", "recovery-points-meet-minimum-copies"}
COMPLETED_SAMPLE = json.loads((ROOT / "events/remediate.completed.json").read_text(encoding="utf-8"))
SAMPLE = json.loads((ROOT / "events/remediate.plan.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    """Let two nights come over a project under each mode of remediation."""
    worlds = {name: bare(FIRST, *BARE) for name in POLICIES}
    with Application(tmp_path_factory.mktemp("cloud"), worlds, FIRST - timedelta(hours=1)) as app:
        app.put_document(APPLY, policy("apply", first_backup=True))
        app.put_document(PROPOSE, policy("propose", first_backup=True))
        app.put_document(NEVER, policy("never", first_backup=True))
        app.put_registry([app.entry(name, policy=its) for name, its in POLICIES.items()])
        found = Nights(app)
        found.come(FIRST)
        found.come(FIRST + DAY)
        yield found


@pytest.fixture
def app(nights: Nights) -> Application:
    """Return what the nights came over."""
    return nights.app


def another(app: Application, name: str, its: str = APPLY) -> Righted:
    """Register one more project that is to be put right, for a test of its own."""
    world = bare(app.clock.now(), *BARE)
    app.register(name, world)
    entries = [app.entry(it, policy=its if it == name else POLICIES.get(it, APPLY)) for it in app.worlds]
    app.put_registry(entries)
    app.runner.end_processes()
    return Righted(app, name)


def test_what_the_policy_has_applied_is_made_in_the_first_night(app: Application) -> None:
    """One schedule and one backup for each index without any, and nothing beside what somebody has paused."""
    shop = Righted(app, "shop")
    theirs = {"catalog": [("theirs", True)], "paused": [("theirs", False)]}
    assert shop.schedules == theirs | {name: [("auditor", True)] for name in BARE}
    paths = {"create_schedule": "backup-schedules", "first_backup": "backups"}
    assert sorted(shop.writes) == sorted(("POST", f"/indexes/{index}/{paths[kind]}") for kind, index in DUE)


@pytest.mark.parametrize("name", ["search", "mail"])
def test_what_the_policy_has_only_proposed_or_not_even_that_is_not_made(app: Application, name: str) -> None:
    """Not one write is sent, nor recorded."""
    project = Righted(app, name)
    assert (project.writes, project.records) == ([], {})


def test_each_action_is_recorded_with_what_came_of_it(app: Application) -> None:
    """Who, under which plan, what was there before, what is there now, and when."""
    records = Righted(app, "shop").records
    assert records.keys() == {f"{kind}/{index}" for kind, index in DUE}
    for (record,) in records.values():
        assert record["state"]["S"] == "done"
        assert record["who"]["S"].startswith("backup-auditor-remediate ")
        assert json.loads(record["before"]["S"]) == {}
        assert json.loads(record["after"]["S"])
        assert record["began_at"]["S"] <= record["ended_at"]["S"]
        plans = {it["SK"]["S"] for it in app.items("project#shop")}
        assert f"plan#{record['plan_id']['S']}" in plans


def test_the_bus_hears_of_each_action_that_was_done(nights: Nights, app: Application) -> None:
    """Once, with the call that undoes it."""
    first, second = nights.all
    told = first.events_of(CREATED, "shop")
    assert sorted((it["kind"], it["index"]) for it in told) == sorted(DUE)
    made = {schedule for it in app.worlds["shop"].indexes.values() for schedule in it.schedules}
    for it in told:
        assert it["state"] == "done"
        assert it["undo"]["method"] == "DELETE"
        assert it["id"] in made or it["kind"] == "first_backup"
    assert second.events_of(CREATED, "shop") == []
    assert not any(Righted(app, name).told(CREATED) for name in ("search", "mail"))


def test_the_bus_hears_each_night_of_what_is_proposed(nights: Nights) -> None:
    """With the exact call, as long as it is due."""
    for night in nights.all:
        told = night.events_of(PROPOSED, "search")
        assert sorted((it["kind"], it["index"]) for it in told) == sorted(DUE)
        assert {it["call"]["method"] for it in told} == {"POST"}
        assert not night.events_of(PROPOSED, "shop") + night.events_of(PROPOSED, "mail")


def test_the_alert_tells_of_what_is_proposed_and_of_what_will_be_done(nights: Nights) -> None:
    """For people and for machines; where the policy wants none, nothing."""
    first, _ = nights.all
    documents = {it.project: it.document for it in first.topic}
    for name, mode in (("shop", "apply"), ("search", "propose")):
        assert {(it["kind"], it["index"]) for it in documents[name]["proposals"]} == DUE
        assert {it["mode"] for it in documents[name]["proposals"]} == {mode}
    assert "proposals" not in documents["mail"]
    texts = {it.project: it.text for it in first.webhook}
    assert {name for name, it in texts.items() if "Proposed (4)" in it} == {"shop", "search"}


def test_schedules_that_were_made_are_counted(nights: Nights) -> None:
    """Only under a policy that has them made, and only in runs that were needed."""
    first, second = nights.all
    assert first.value("SchedulesCreated", "shop") == {2.0}
    assert first.value("ScheduleCreationFailures", "shop") == {0.0}
    assert not second.value("SchedulesCreated", "shop")
    assert not {it.dimensions["project"] for it in first.metrics if it.name == "SchedulesCreated"} - {"shop"}
    assert (first.ringing, second.ringing) == (set(), set())


def test_in_the_second_night_nothing_is_left_to_do(nights: Nights) -> None:
    """The findings are resolved, the project is not put right again, and the other is still told what it lacks."""
    first, second = nights.all
    for night, names in ((first, {"shop", "search"}), (second, {"search"})):
        started = [it for it in night.done if it.function == "backup-auditor-remediate"]
        assert {json.loads(it.content)["project"] for it in started} == names
        assert len(started) == len(names)
    wanted = {(control, index) for control in CONTROLS for index in BARE}
    resolved = {
        name: {(it["control"], it["resource"]["name"]) for it in second.reports[name]["resolved"]} for name in POLICIES
    }
    assert resolved == {"shop": wanted, "search": set(), "mail": set()}
    told = {it.document["resolved"] for it in by_topic(nights.app) if it.project == "shop"}
    assert told == {0, len(wanted)}


def test_an_audit_has_a_key_that_cannot_write(app: Application) -> None:
    """Pinecone refuses it, every change came with the editor's, and where nothing is wanted that key is not used."""
    with httpx.Client(base_url=app.projects.url, headers={"X-Pinecone-Api-Version": "2026-07"}) as client:
        body = {"name": "x", "schedule": {"type": "time-based", "frequency": "daily"}}
        for name in BARE:
            refused = client.post(f"/indexes/{name}/backup-schedules", json=body, headers={"Api-Key": key_of("mail")})
            assert refused.status_code == 403
    del app.projects.desks["mail"].requests[-len(BARE) :]
    roles = {name: {(it.role, it.method) for it in Righted(app, name).requests} for name in POLICIES}
    assert roles == {
        "shop": {("viewer", "GET"), ("editor", "GET"), ("editor", "POST")},
        "search": {("viewer", "GET"), ("editor", "GET")},
        "mail": {("viewer", "GET")},
    }


def test_one_function_alone_may_read_a_key_that_can_write(app: Application) -> None:
    """By its role, and it alone has asked for one."""
    arn = f"arn:aws:secretsmanager:eu-central-1:123456789012:secret:{EDITORS}shop-a1B2c3"
    need = Need("secretsmanager:GetSecretValue", arn)
    assert [name for name, it in app.stack.statements.items() if allowed(need, it)] == ["RemediateRole"]
    asked = {it.function for it in app.aws.seen if EDITORS.encode() in it.call.content and it.call.service != "events"}
    assert asked == {"backup-auditor-remediate"}


@pytest.mark.parametrize("repeats", ["one after the other", "at once"])
def test_the_same_event_twice_acts_once(app: Application, repeats: str) -> None:
    """Nothing more is made, recorded or told, though there is more to do, and it comes late, or was put twice."""
    app.put_document(ONE, policy("apply", max_creations=1))
    project = another(app, "twice" if repeats == "at once" else "again", ONE)
    app.flow.put("Backup Audit Requested", {"project": project.name})
    app.flow.repeats, app.flow.lateness = 1.0, float(repeats != "at once")
    begun, given_up = len(app.runner.done), len(app.flow.dead)
    app.flow.run()
    app.flow.repeats = 0.0
    told = (it for it in app.flow.events.values() if it["detail-type"] == COMPLETED)
    event = next(it for it in told if it["detail"]["project"] == project.name)
    app.flow.deliver("RemediateFunction", {**event, "id": "put-again"})
    app.flow.run()
    assert len(app.flow.dead) == given_up
    assert [it.function for it in app.runner.done[begun:]].count("backup-auditor-remediate") >= 3
    assert project.writes == [("POST", "/indexes/carts/backup-schedules")]
    assert [(it["kind"], it["index"]) for it in project.told(CREATED)] == [("create_schedule", "carts")]
    assert [len(it) for it in project.records.values()] == [1]
    app.runner.invoke("RemediateFunction", json.dumps({"project": project.name}).encode())
    assert len(project.writes) == 2


def test_what_a_killed_run_has_done_is_told_by_the_next(app: Application) -> None:
    """Lambda tries again, finds the schedule that was just made, records it, counts it, and goes on with the next."""
    app.put_document(ONE, policy("apply", max_creations=1))
    project = another(app, "killed", ONE)
    path = "/indexes/carts/backup-schedules"
    killing = PineconeFault(kind="shift", method="POST", path=path, times=1, change=lambda _: app.kill("remediate"))
    app.projects.desks["killed"].faults.append(killing)
    begun = len(app.runner.done)
    app.flow.deliver("RemediateFunction", COMPLETED_SAMPLE | {"detail": {"project": "killed"}})
    killed, again = app.flow.run()
    assert (killed.end, again.end) == (End.EXIT, End.RESPONSE)
    assert project.writes.count(("POST", path)) == 1
    (record,) = project.records["create_schedule/carts"]
    assert (record["state"]["S"], record["detail"]["S"]) == ("done", "Settled by reading: it shows.")
    assert sorted(it["index"] for it in project.told(CREATED)) == ["carts", "orders"]
    counted = [it.value for it in metrics_of(app.runner.done[begun:]) if it.name == "SchedulesCreated"]
    assert counted == [2.0]


def test_what_could_not_be_done_rings_and_is_done_on_demand(app: Application) -> None:
    """The answer says what was not done; its plan, asked for by its id, does that and nothing else."""
    project = another(app, "partly")
    schedules = "/indexes/orders/backup-schedules"
    app.projects.desks["partly"].faults.append(PineconeFault(method="POST", path=schedules, status=400, times=1))
    begun = len(app.runner.done)
    first = json.loads(app.runner.invoke("RemediateFunction", b'{"project": "partly"}').content)
    failed = [it for it in first["results"] if it["state"] == "failed"]
    assert [(it["kind"], it["index"]) for it in failed] == [("create_schedule", "orders")]
    assert "ScheduleCreationFailuresAlarm" in app.ringing(begun)
    before = project.writes
    asked = SAMPLE | {"project": "partly", "plan": first["plan_id"]}
    again = json.loads(app.runner.invoke("RemediateFunction", json.dumps(asked).encode()).content)
    assert {it["state"] for it in again["results"]} == {"done", "already_satisfied"}
    assert project.writes[len(before) :] == [("POST", schedules)]
    third = json.loads(app.runner.invoke("RemediateFunction", json.dumps(asked).encode()).content)
    assert {it["state"] for it in third["results"]} == {"already_satisfied"}
    assert len(project.told(CREATED)) == len(DUE)
    assert all(attempts[-1]["state"]["S"] == "done" for attempts in project.records.values())


@pytest.mark.parametrize("plan", ["0123456789abcdef", "of another project"])
def test_a_plan_that_may_not_be_carried_out_is_refused(app: Application, plan: str) -> None:
    """One that is unknown, or another project's; Pinecone is not asked."""
    project = Righted(app, "shop")
    (other, *_) = Righted(app, "search").told(PROPOSED)
    asked = SAMPLE | {"project": "shop", "plan": other["plan_id"] if "another" in plan else plan}
    before = len(project.requests)
    answer = json.loads(app.runner.invoke("RemediateFunction", json.dumps(asked).encode()).content)
    assert "is known" in answer["refused"]
    assert len(project.requests) == before


@pytest.mark.parametrize("name,call", [("unrecorded", "dynamodb:Query"), ("untaken", "dynamodb:PutItem")])
def test_what_fails_to_the_end_is_kept_and_rings(app: Application, name: str, call: str) -> None:
    """The event becomes a dead letter, and nothing was written that is not recorded: nothing at all."""
    project = another(app, name)
    fault = Fault(kind=Kind.UNAVAILABLE, call=call, function="backup-auditor-remediate", times=None)
    app.aws.faults.append(fault)
    begun = len(app.runner.done)
    (detail, *_) = project.app.flow.told(COMPLETED)
    event = next(it for it in app.flow.events.values() if it["detail"] is detail)
    app.flow.deliver("RemediateFunction", {**event, "detail": {**detail, "project": name}})
    app.flow.run()
    app.aws.faults.clear()
    assert (project.writes, project.records) == ([], {})
    assert {it.function for it in app.flow.dead} == {"RemediateFunction"}
    assert {"RemediateErrorsAlarm", "DeadLettersAlarm"} <= app.ringing(begun)
    failures = [it.value for it in metrics_of(app.runner.done[begun:]) if it.name == "ScheduleCreationFailures"]
    assert failures == ([1.0] * 3 if call == "dynamodb:Query" else [])
    assert ("ScheduleCreationFailuresAlarm" in app.ringing(begun)) == bool(failures)


def test_the_role_allows_what_was_called_and_nothing_else(app: Application) -> None:
    """Every call was let in by the statements of the template; each action that they allow was made by now.

    A plan is looked for where one is asked for, and what failed to the end is not noted, and taken to the dead letters.
    """
    app.runner.invoke("RemediateFunction", json.dumps(SAMPLE | {"project": "shop"}).encode())
    app.flow.deliver("RemediateFunction", COMPLETED_SAMPLE | {"detail": {"project": "nobody"}})
    app.flow.run()
    assert app.aws.denied == []
    assert app.idle("RemediateFunction") == set()


def test_no_key_leaves(app: Application) -> None:
    """Neither that of a project nor its editor's: not in a log, an answer, an event, a record, or a dead letter."""
    left = [
        *(it.log + it.content.decode(errors="replace") for it in app.runner.done),
        *map(json.dumps, app.flow.events.values()),
        *map(repr, app.items()),
        *(json.dumps(it.event) for it in app.flow.dead),
    ]
    keys = [key_of(name) for name in app.worlds] + [editor_key_of(name) for name in app.worlds]
    assert not [key for key in keys for it in left if key in it]
