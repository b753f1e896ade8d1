"""Test that the deployed stack drills projects by its schedules, each function with its own role."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from backup_auditor_simulator.damages import Damage
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from support.aws_local.application import DRILL_SECRET_PREFIX, FLEET_PARAMETERS, Application
from support.aws_local.stack import STACK_NAME

pytestmark = pytest.mark.writes
NOW = datetime(2026, 11, 23, 9, 15, tzinfo=UTC)
TEAMS = [f"team-{number}" for number in range(8)]
MODES = {"shop": "apply", "search": "apply", "mail": "propose", "maps": "never", **dict.fromkeys(TEAMS, "apply")}
MAX_MEMORY_MIB = 256
FIELDS = {"_values": {"type": "dense_vector", "dimension": 8, "metric": "cosine"}}
COMPLETED, FAILED = "Backup Restore Drill Completed", "Backup Restore Drill Failed"


def build_project() -> SimulatedProject:
    """Build a project with one index and one backup of it."""
    project = SimulatedProject(NOW - timedelta(days=2))
    project.create_index("orders", fields=FIELDS, records=300, namespaces=3)
    project.create_backup("orders")
    project.advance_to(NOW - timedelta(hours=1))
    return project


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """Run the weekly schedule and the sweeps of an hour: ten projects are drilled at once, one with damage."""
    projects = {name: build_project() for name in (*MODES, "without-key")}
    projects["search"].damages.append(Damage(kind="nan_values"))
    parameters = {**FLEET_PARAMETERS, "EnableRestoreDrills": "true"}
    folder = tmp_path_factory.mktemp("cloud")
    with Application(folder, projects, NOW - timedelta(minutes=1), parameters=parameters) as deployed:
        for name, mode in MODES.items():
            deployed.add_drill_key(name)
            policy = {"version": 1, "defaults": {"recovery": {"restore_drill_within": "30d"}}}
            policy["restore_drills"] = {"mode": mode}
            deployed.put_document(f"ssm:/backup-auditor/policies/{name}", json.dumps(policy))
        entries = [
            deployed.make_entry(
                name, policy=f"ssm:/backup-auditor/policies/{name}", drill_secret=f"{DRILL_SECRET_PREFIX}{name}"
            )
            for name in MODES
        ]
        deployed.put_registry([*entries, deployed.make_entry("without-key")])
        lost_answer = Fault(kind="reset_after_effect", path="*/create-index", times=1)
        deployed.pinecone.recorders["shop"].faults.append(lost_answer)
        deployed.clock.set(NOW)
        deployed.flow.fire_schedule("DrillSchedule", NOW)
        deployed.flow.run_until(NOW + timedelta(hours=1))
        yield deployed


def test_drills_of_the_mode_apply_end(app: Application) -> None:
    """A backup that is restored as it was has passed, and a damaged one has failed; each is one event."""
    completed = sorted((it["project"], it["result"]) for it in app.flow.list_details(COMPLETED))
    assert completed == [(name, "passed") for name in ("shop", *TEAMS)]
    (failed_detail,) = app.flow.list_details(FAILED)
    assert (failed_detail["project"], failed_detail["result"]) == ("search", "failed")


def test_one_index_is_created_and_none_is_left(app: Application) -> None:
    """A lost answer causes no second restore, and each project has its own index only."""
    for name, project in app.simulated_projects.items():
        assert list(project.indexes) == ["orders"]
        writes = [it.method for it in app.pinecone.recorders[name].requests if it.is_write]
        assert writes == (["POST", "DELETE"] if MODES.get(name) == "apply" else [])


def test_a_mode_without_drills_records_none(app: Application) -> None:
    """Without `apply` there is no record, and nothing is in progress."""
    drilled_projects = {name for name in app.simulated_projects if app.list_items(f"drills#{name}")}
    assert drilled_projects == {name for name, mode in MODES.items() if mode == "apply"}
    assert app.list_items("drills-in-progress") == []


def test_only_the_function_for_drills_uses_its_role_and_key(app: Application) -> None:
    """Nothing was denied, and no other function was started."""
    assert app.aws.denied_permissions == []
    functions = {it.function for it in app.runner.invocations}
    assert functions <= {f"{STACK_NAME}-{verb}" for verb in ("drill", "notify", "watch")}
    reading_functions = {
        it.function
        for it in app.aws.requests
        if DRILL_SECRET_PREFIX.encode() in it.call.content and it.call.service == "secretsmanager" and it.function
    }
    assert reading_functions == {f"{STACK_NAME}-drill"}


def test_ten_drills_at_once_fit_the_memory(app: Application) -> None:
    """Each invocation of the function needs less than its memory size."""
    peaks = [it.peak_memory / 2**20 for it in app.runner.invocations if it.function == f"{STACK_NAME}-drill"]
    assert len(peaks) > len(MODES)
    assert max(peaks) < MAX_MEMORY_MIB


def test_a_failed_drill_is_one_message(app: Application) -> None:
    """The alarm on failed drills sends a message for the project, and no other alarm is on."""
    messages = [(it.alarm, it.contributor) for it in app.find_alarm_messages(0)]
    assert messages == [("RestoreDrillFailuresAlarm", "search")]
    values = {it.name: it.value for it in app.collect_metrics(0) if it.dimensions.get("project") == "shop"}
    assert values == {
        "RestoreDrillsSucceeded": 1,
        "RestoreDrillsFailed": 0,
        "RestoreSeconds": pytest.approx(600, abs=30),
    }


def test_documents_are_in_the_bucket(app: Application) -> None:
    """The document that an event names is stored under its project."""
    (detail,) = [it for it in app.flow.list_details(COMPLETED) if it["project"] == "shop"]
    bucket, _, name = detail["document"]["location"].removeprefix("s3://").partition("/")
    assert name.startswith(f"shop/drills/{detail['drill_id']}/")
    document = json.loads(app.open_client("s3").get_object(Bucket=bucket, Key=name)["Body"].read())
    assert (document["project"], document["result"]) == ("shop", "passed")
