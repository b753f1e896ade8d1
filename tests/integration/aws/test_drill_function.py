"""Test that the function `drill` restores, verifies and deletes, with real boto3 and a real socket to Pinecone."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta

import boto3
import pytest

from backup_auditor.domain.drills.drill import DeletionState
from backup_auditor.domain.project_state import DrillResult
from backup_auditor_simulator.damages import Damage
from backup_auditor_simulator.project import SimulatedProject
from support.aws.drills import COMPLETED, DRILL_SECRET, FAILED, DrillFunction, open_drill_function
from support.aws.single_project import put_secret
from support.simulator import serve

pytestmark = pytest.mark.writes


@pytest.fixture
def function(
    aws_variables: Mapping[str, str],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[DrillFunction]:
    """Build a project with one backup and a new application for each test."""
    with open_drill_function(request.node.name, aws_variables, monkeypatch, capsys) as drill_function:
        yield drill_function


def test_a_drill_passes_by_sweeps(function: DrillFunction) -> None:
    """The weekly schedule requests one restore; sweeps verify it, delete its index, and publish the result once."""
    assert function.run() == []
    (record,) = function.records
    assert sorted(function.project.indexes) == sorted(["orders", record.target_name])
    record = function.finish()
    assert (record.result, record.deletion) == (DrillResult.PASSED, DeletionState.CONFIRMED)
    assert list(function.project.indexes) == ["orders"]
    assert [it.partition(" ")[0] for it in function.writes] == ["POST", "DELETE"]
    (event,) = function.events
    assert (event["detail-type"], event["detail"]["drill_id"]) == (COMPLETED, record.drill_id)
    assert event["detail"]["restore_seconds"] == 600
    assert function.take_metrics() == [{"RestoreDrillsSucceeded": 1, "RestoreDrillsFailed": 0, "RestoreSeconds": 600}]
    # the first two find the drill in progress, and after the last one there is none
    request_count = len(function.requests)
    function.sweep()
    assert len(function.requests) == request_count


def test_the_document_of_a_drill_is_evidence(function: DrillFunction) -> None:
    """The document is in the bucket, under its project and drill, with the hash that the event and the record have."""
    function.run()
    record = function.finish()
    assert record.evidence is not None
    bucket, _, name = record.evidence.location.removeprefix("s3://").partition("/")
    assert name == f"search/drills/{record.drill_id}/{record.revision - 2}.json"
    response = boto3.client("s3").get_object(Bucket=bucket, Key=name)
    content = response["Body"].read()
    assert hashlib.sha256(content).hexdigest() == record.evidence.sha256
    assert response["Metadata"]["result"] == json.loads(content)["result"] == "passed"
    assert function.events[0]["detail"]["document"] == {
        "location": record.evidence.location,
        "sha256": record.evidence.sha256,
    }


def test_damage_is_a_failure(function: DrillFunction) -> None:
    """A restored index that lacks records is a failed drill, an event and a metric."""
    function.project.damages.append(Damage(kind="missing_records"))
    function.run()
    record = function.finish()
    assert record.result is DrillResult.FAILED
    assert [it["detail-type"] for it in function.events] == [FAILED]
    assert function.take_metrics()[-1]["RestoreDrillsFailed"] == 1
    assert list(function.project.indexes) == ["orders"]


@pytest.mark.parametrize("mode", ["never", "propose"])
def test_other_modes_write_nothing(function: DrillFunction, mode: str) -> None:
    """Without the mode `apply` no request changes the project, and no drill is recorded."""
    function.put_policy(mode)
    assert function.run() == []
    answer = function.invoke({"project": "search", "index": "orders"})
    assert (function.writes, function.records, function.events) == ([], [], [])
    planned_drills = answer["plan"]["drills"] if mode == "propose" else []
    assert [it["index"]["name"] for it in planned_drills] == (["orders"] if mode == "propose" else [])
    assert ("refused" in answer) is (mode == "never")
    assert bool(function.pinecone.requests) is (mode == "propose")


def test_a_repeated_request_starts_no_second_drill(function: DrillFunction) -> None:
    """A schedule that fires twice, and a message that is delivered again, start one drill."""
    for attempt in (1, 2):
        function.process({"request_id": "2026-11-23T09:15:00Z"}, attempt)
    first_request, second_request = function.take_requests()
    for request in (first_request, second_request, first_request):
        assert function.process(request) == []
    assert len(function.records) == 1
    function.finish()
    assert function.process(first_request, attempt=2) == []
    assert (len(function.records), function.writes[1:]) == (1, [f"DELETE /indexes/{function.records[0].target_name}"])


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_other_keys_cannot_drill(function: DrillFunction, role: str) -> None:
    """The key of the audit, and one that may write and read no records, are refused before anything is created."""
    put_secret({"viewer": function.pinecone.viewer_key, "editor": function.pinecone.editor_key}[role], DRILL_SECRET)
    answer = function.invoke({"project": "search"})
    assert "use a key with the roles ControlPlaneEditor and DataPlaneViewer" in answer["refused"]
    assert (function.writes, function.records) == ([], [])
    assert function.run() == ["message"]  # the queue tries again


def test_a_requested_backup_is_drilled(function: DrillFunction) -> None:
    """A direct invocation can name a backup; an unknown one is refused."""
    (backup_id,) = function.project.backups
    answer = function.invoke({"project": "search", "backup": "unknown"})
    assert "The project has no such backup" in answer["refused"]
    answer = function.invoke({"project": "search", "backup": backup_id})
    assert [it["backup"]["id"] for it in answer["drills"]] == [backup_id]
    assert function.finish().result is DrillResult.PASSED


def test_a_key_that_is_refused_for_an_hour_is_no_failure(function: DrillFunction) -> None:
    """Sweeps with a refused key change nothing, and the drill passes once the key is corrected."""
    function.run()
    put_secret("pcsk_" + "x" * 20, DRILL_SECRET)
    for _ in range(3):
        function.sweep()
    assert function.events == []
    put_secret(function.pinecone.drill_key, DRILL_SECRET)
    record = function.finish()
    assert (record.result, list(function.project.indexes)) == (DrillResult.PASSED, ["orders"])


@pytest.mark.parametrize("has_schedules", [True, False])
def test_a_key_of_another_project_confirms_no_deletion(
    function: DrillFunction,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    has_schedules: bool,
) -> None:
    """There the temporary index is missing: the drill is left as it is, and deletes its index with the right key."""
    if has_schedules:
        function.project.create_schedule("orders", "daily")
    function.run()
    (record,) = function.records
    other_project = SimulatedProject(function.project.now, seed=1)
    other_project.create_index("orders")
    if has_schedules:
        other_project.create_schedule("orders", "daily")
    with serve(other_project) as other_server:
        monkeypatch.setenv("PINECONE_CONTROLLER_HOST", other_server.url)
        put_secret(other_server.drill_key, DRILL_SECRET)
        for _ in range(3):
            function.sweep()
        assert other_server.requests
        assert [it for it in other_server.requests if it.is_write] == []
    assert (function.records, function.events) == ([record], [])
    if has_schedules:
        ids = (
            f"Pinecone project {function.project.project_id}, but Pinecone project {other_project.project_id} was read"
        )
        assert ids in caplog.messages[-1]
    else:
        assert f"the Pinecone project of restore drill {record.drill_id} is unknown" in caplog.messages[-1]
    monkeypatch.setenv("PINECONE_CONTROLLER_HOST", function.pinecone.url)
    put_secret(function.pinecone.drill_key, DRILL_SECRET)
    assert (function.finish().result, list(function.project.indexes)) == (DrillResult.PASSED, ["orders"])


def test_a_project_without_a_key_has_no_drills(
    function: DrillFunction, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With a registry, the weekly schedule requests only projects that have a `drill_secret`."""
    entries = [
        {"name": "search", "secret": "backup-auditor/keys/search", "drill_secret": DRILL_SECRET},
        {"name": "shop", "secret": "backup-auditor/keys/shop"},
    ]
    text = json.dumps({"version": 1, "projects": entries})
    boto3.client("ssm").put_parameter(Name="/registry-of-drills", Value=text, Type="String")
    monkeypatch.setenv("REGISTRY", "ssm:/registry-of-drills")
    function.run()
    assert [it["detail"]["project"] for it in function.requests] == ["search"]
    assert function.process({**function.requests[0], "detail": {"project": "shop"}}) == ["message"]
    assert caplog.messages[-1].startswith("project shop has no drill_secret; add the secret")


def test_the_check_reads_records(function: DrillFunction) -> None:
    """The checks pass with the key for drills, and one fails with a key that reads no records."""
    assert [it for it in function.invoke({"check": True})["checks"] if it["status"] == "fail"] == []
    put_secret(function.pinecone.editor_key, DRILL_SECRET)
    (failed_check,) = [it for it in function.invoke({"check": True})["checks"] if it["status"] == "fail"]
    assert failed_check["name"] == "Pinecone"
    assert "ControlPlaneEditor and DataPlaneViewer" in failed_check["remedy"]
    assert function.writes == []


def test_a_restore_that_never_ends_is_a_failure(function: DrillFunction) -> None:
    """After `max_duration` the drill has failed, and its index is deleted."""
    function.put_policy(max_duration="2h")
    function.project.options.restore_duration = timedelta(days=2)
    function.run()
    record = function.finish()
    assert (record.result, list(function.project.indexes)) == (DrillResult.FAILED, ["orders"])
    assert function.take_metrics()[-1] == {"RestoreDrillsSucceeded": 0, "RestoreDrillsFailed": 1}
