"""Test the runs and the sweeps of restore drills on AWS."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_auditor.application.drills import project_drill
from backup_auditor.domain.drill_indexes import build_drill_tags
from backup_auditor.domain.drills.drill import DeletionState, RestoreState
from backup_auditor.domain.drills.state_machine import DrillCall, RequestRestore
from backup_auditor.domain.drills.verification import CheckState
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.project_state import DrillResult
from backup_auditor.domain.registry import Registry
from backup_auditor.errors import (
    BadKeyError,
    ChannelRefusedError,
    DeliveryError,
    DrillPlanError,
    EntryMismatchError,
    EvidenceError,
    ForbiddenError,
    PolicyError,
    ProjectMismatchError,
)
from support.builders.drills import build_drill
from support.builders.facts import HOUR, MINUTE, build_index
from support.fakes.project_drill import DRILLED_PROJECT, DrillHarness, KilledError

COMPLETED, FAILED = "Backup Restore Drill Completed", "Backup Restore Drill Failed"


@pytest.fixture
def harness() -> DrillHarness:
    """Return a project with one index that is due."""
    return DrillHarness()


def test_a_run_requests_one_restore(harness: DrillHarness) -> None:
    """A run records the drill of the index that is due and requests its restore, then ends."""
    answer = harness.run()
    (record,) = harness.records
    assert (record.index_name, record.restore, record.actor) == ("main", RestoreState.REQUESTED, "drill request-1")
    assert harness.pinecone.created_names == [record.target_name]
    assert [it["index"]["name"] for it in answer["plan"]["drills"]] == ["main"]
    assert [it["drill_id"] for it in answer["drills"]] == [record.drill_id]
    assert harness.bus.events == []


@pytest.mark.parametrize(
    "result, event, metrics",
    [
        (CheckState.PASSED, COMPLETED, (1, 0)),
        (CheckState.NOT_VERIFIED, COMPLETED, (0, 0)),
        (CheckState.FAILED, FAILED, (0, 1)),
    ],
)
def test_sweeps_finish_a_drill(harness: DrillHarness, result: CheckState, event: str, metrics: tuple[int, int]) -> None:
    """Sweeps verify and delete the index, store the document, and publish one event and its metrics once."""
    harness.pinecone.result = result
    harness.run()
    harness.sweep()
    assert harness.pinecone.deleted_names == []
    record = harness.finish()
    assert (record.deletion, record.is_in_progress) == (DeletionState.CONFIRMED, False)
    assert harness.pinecone.deleted_names == harness.pinecone.created_names == [record.target_name]
    assert [it.detail_type for it in harness.bus.events] == [event]
    (detail,) = [it.detail for it in harness.bus.events]
    assert (detail["drill_id"], detail["result"], detail["restore_seconds"]) == (record.drill_id, record.result, 600)
    assert record.evidence is not None
    assert detail["document"] == {"location": record.evidence.location, "sha256": record.evidence.sha256}
    succeeded, failed = metrics
    assert harness.metrics == [
        {"RestoreDrillsSucceeded": succeeded, "RestoreDrillsFailed": failed, "RestoreSeconds": 600.0}
    ]


def test_a_failed_restore_has_no_restore_time(harness: DrillHarness) -> None:
    """The restore time of a restore that did not complete is unknown, and an unknown is not emitted."""
    harness.run()
    harness.sweep(after=7 * HOUR)
    record = harness.finish()
    assert record.result is DrillResult.FAILED
    assert [it["RestoreSeconds"] for it in harness.metrics] == [None]


@pytest.mark.parametrize("mode", [Mode.NEVER, Mode.PROPOSE])
def test_other_modes_write_nothing(harness: DrillHarness, mode: Mode) -> None:
    """A policy that does not say `apply` causes no restore and no record; the plan is in the answer."""
    harness.mode = mode
    answer = harness.run(is_direct=True)
    assert (harness.pinecone.created_names, harness.records, harness.bus.events) == ([], [], [])
    assert ("plan" in answer, "refused" in answer) == (mode is Mode.PROPOSE, mode is Mode.NEVER)
    assert harness.opened_count == (0 if mode is Mode.NEVER else 2)


@pytest.mark.parametrize("mode", [Mode.NEVER, Mode.PROPOSE])
def test_other_modes_finish_what_was_requested(harness: DrillHarness, mode: Mode) -> None:
    """A drill whose restore was requested is verified and its index deleted, whatever the policy says by then."""
    harness.run()
    harness.mode = mode
    record = harness.finish()
    assert (record.result, harness.pinecone.indexes) == (DrillResult.PASSED, {})


@pytest.mark.parametrize("mode", [Mode.NEVER, Mode.PROPOSE])
def test_other_modes_request_no_recorded_restore(harness: DrillHarness, mode: Mode) -> None:
    """A restore that was recorded and not requested is not requested any more, and ends at its deadline."""
    harness.ledger.create_drill(build_drill(project="search"))
    harness.mode = mode
    harness.sweep()
    harness.run("request-2")
    assert harness.records[0].restore is RestoreState.NOT_REQUESTED
    harness.sweep(after=6 * HOUR)
    assert (harness.records[0].result, harness.pinecone.created_names) == (DrillResult.UNKNOWN, [])


def test_a_sweep_requests_a_recorded_restore(harness: DrillHarness) -> None:
    """A run that is killed between the record and the request is continued by the next sweep."""
    harness.pinecone.kill = kill_request
    with pytest.raises(KilledError):
        harness.run()
    harness.pinecone.kill = lambda _: None
    (record,) = harness.records
    harness.sweep()
    # whether the killed request took effect is unknown, so it is not sent again
    assert (record.restore, harness.pinecone.created_names) == (RestoreState.REQUESTED, [])
    harness.sweep(after=16 * MINUTE)
    assert harness.records[0].result is DrillResult.UNKNOWN


def kill_request(call: DrillCall) -> None:
    """Kill the invocation when it requests a restore."""
    if isinstance(call, RequestRestore):
        raise KilledError


def test_a_repeated_request_starts_no_second_drill(harness: DrillHarness) -> None:
    """A request that arrives twice starts its drill once, also after a result that leaves the index due."""
    harness.pinecone.result = CheckState.FAILED
    harness.run()
    harness.run()
    harness.finish()
    harness.run()
    assert len(harness.pinecone.created_names) == len(harness.records) == 1
    harness.run("request-2")
    assert len(harness.records) == 2


def test_a_second_run_starts_nothing_beside_a_drill(harness: DrillHarness) -> None:
    """A run of another request continues the drill in progress and plans no other."""
    harness.run()
    answer = harness.run("request-2")
    assert (answer["plan"]["drills"], len(harness.records)) == ([], 1)
    assert "is running" in answer["plan"]["skipped"][0]["reason"]


def test_a_partial_start_is_logged(harness: DrillHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A drill of the plan whose number another run has taken is not started, and the log says so."""
    monkeypatch.setattr(project_drill, "start_drills", lambda *_, **__: [])
    harness.run()
    assert harness.log.get_messages("warning") == [
        "another run has started a drill of project search: 1 of 1 drill was not started; run drill again later"
    ]


def test_a_sweep_without_drills_needs_nothing(harness: DrillHarness) -> None:
    """A sweep of a project without a drill in progress reads neither the registry nor Pinecone."""
    harness.registry = Registry(())
    assert harness.sweep() == {"project": "search", "drills": []}
    assert harness.opened_count == 0


@pytest.mark.parametrize("is_direct", [True, False])
def test_a_key_without_access_is_refused(harness: DrillHarness, *, is_direct: bool) -> None:
    """A key that cannot read records creates nothing; a queue repeats the request, a caller gets the reason."""
    harness.pinecone.access_error = ForbiddenError("403: Forbidden")
    if is_direct:
        answer = harness.run(is_direct=True)
        assert "DataPlaneViewer" in str(answer["refused"])
    else:
        with pytest.raises(DrillPlanError, match="DataPlaneViewer"):
            harness.run()
    assert (harness.pinecone.created_names, harness.records) == ([], [])


def test_a_refused_key_is_named_by_its_secret(harness: DrillHarness) -> None:
    """The error of a run says where to store another key, also if the key is of another project than the state."""
    harness.read_error = BadKeyError("401: Invalid API key")
    with pytest.raises(
        BadKeyError, match="401: Invalid API key; store a key for restore drills of the project in secret"
    ):
        harness.run()
    harness.read_error = None
    harness.state = replace(harness.state, pinecone_project_id="project-9")
    with pytest.raises(ProjectMismatchError) as it:
        harness.run()
    assert "Pinecone project project-9, but Pinecone project project-1 was read" in str(it.value)
    assert "store a key of project-9 in secret drill/search" in str(it.value)
    harness.registry = Registry((replace(DRILLED_PROJECT, project_id="project-9"),))
    with pytest.raises(EntryMismatchError, match="store a key of project-9 in secret drill/search, or correct"):
        harness.run()
    assert harness.records == []


def test_a_key_of_another_project_leaves_a_drill_in_progress(harness: DrillHarness) -> None:
    """Each sweep logs both projects, and counts as a failure once the drill should have ended."""
    harness.run()
    records = harness.records
    harness.pinecone.indexes, indexes = {}, harness.pinecone.indexes
    harness.pinecone.confirmation = ProjectMismatchError("search", "project-1", "project-2", "use a key of project-1")
    harness.sweep()
    assert "Pinecone project project-1, but Pinecone project project-2" in harness.log.get_messages("error")[-1]
    assert harness.metrics == []
    harness.sweep(after=8 * HOUR)
    assert (harness.records, harness.metrics) == (records, [{"RestoreDrillsFailed": 1}])
    harness.pinecone.indexes, harness.pinecone.confirmation = indexes, True
    assert harness.finish().is_finished
    assert harness.pinecone.indexes == {}


def test_an_unknown_index_is_refused(harness: DrillHarness) -> None:
    """The answer to a request for an index that the project does not have says so."""
    answer = harness.run(is_direct=True, index="missing")
    assert answer["refused"] == (
        "missing: The project has no such index; run drill without --index and --backup to see what can be drilled"
    )
    assert harness.records == []


def test_a_requested_index_is_drilled_although_it_is_not_due(harness: DrillHarness) -> None:
    """A request that names an index drills it again."""
    harness.run()
    harness.finish()
    assert harness.run("request-2")["plan"]["drills"] == []
    harness.run("request-3", is_direct=True, index="main")
    assert len(harness.records) == 2


def test_an_unaccepted_event_is_published_by_the_next_sweep(harness: DrillHarness) -> None:
    """The result stays unpublished, without metrics, until the bus accepts its event."""
    harness.run()
    harness.bus.error = DeliveryError("the bus is out")
    record = harness.finish()
    assert (record.is_in_progress, record.published_at, harness.bus.events) == (True, None, [])
    assert all("RestoreSeconds" not in it for it in harness.metrics)
    harness.bus.error = None
    harness.sweep()
    assert [it.detail_type for it in harness.bus.events] == [COMPLETED]
    assert not harness.records[0].is_in_progress


def test_a_refused_event_is_a_failed_delivery(harness: DrillHarness) -> None:
    """An event that the bus refuses until someone corrects it counts in each attempt."""
    harness.run()
    harness.bus.error = ChannelRefusedError("the role may not put events")
    harness.finish()
    assert {"DeliveryFailures": 1} in harness.metrics


def test_a_document_that_cannot_be_stored_is_stored_by_the_next_sweep(harness: DrillHarness) -> None:
    """Nothing is published before the document is stored."""
    harness.run()
    harness.archive.error = EvidenceError("the bucket is out")
    record = harness.finish()
    assert (record.evidence, harness.bus.events) == (None, [])
    harness.archive.error = None
    harness.sweep()
    assert len(harness.bus.events) == len(harness.archive.documents) == 1


def test_a_drill_that_cannot_be_continued_counts_as_failed(harness: DrillHarness) -> None:
    """Once it should have ended, a drill of a project without a registry entry is a failure in each sweep."""
    harness.run()
    harness.registry = Registry(())
    harness.sweep()
    assert harness.metrics == []
    for _ in range(2):
        harness.sweep(after=8 * HOUR)
    assert harness.metrics == [{"RestoreDrillsFailed": 1}] * 2
    assert "does not contain the project" in harness.log.get_messages("error")[-1]
    harness.registry = Registry((DRILLED_PROJECT,))
    harness.finish()
    assert harness.pinecone.indexes == {}


def test_an_invocation_with_little_time_leaves_the_rest_to_the_sweep(harness: DrillHarness) -> None:
    """A drill that is recorded late is not requested in the same invocation, but by the next sweep."""
    harness.seconds_left = 60
    harness.run()
    assert (harness.pinecone.created_names, harness.records[0].restore) == ([], RestoreState.NOT_REQUESTED)
    harness.seconds_left = 900
    harness.sweep()
    assert len(harness.pinecone.created_names) == 1


def test_an_index_that_appears_later_is_deleted_by_the_next_run(harness: DrillHarness) -> None:
    """A run deletes the index of an ended drill that exists again, as its own."""
    harness.run()
    record = harness.finish()
    harness.pinecone.restore(record)
    harness.case = build_index(
        record.target_name,
        schedules=(),
        tags=build_drill_tags(record.drill_id),
        source_backup_id=record.point.backup_id,
    )
    harness.run("request-2")
    assert harness.pinecone.indexes == {}
    harness.sweep()
    assert not harness.records[0].is_open
    assert len(harness.bus.events) == 1, "the result was published before"


def test_a_run_beside_another_one_is_repeated(harness: DrillHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two runs that start a drill at once, one records it; the request of the other is repeated."""
    monkeypatch.setattr(harness.ledger, "create_drill", lambda _: False)
    with pytest.raises(DrillPlanError, match="another run has started a drill"):
        harness.run()
    assert harness.pinecone.created_names == []


def test_an_invalid_policy_keeps_only_unrequested_drills_waiting(harness: DrillHarness) -> None:
    """A drill whose restore was requested is finished without the policy; the other is requested once it is valid."""
    harness.run()
    other = build_drill(project="search", number=2, target_name="drill-2", drill_id="2" * 16)
    harness.ledger.create_drill(other)
    harness.policy_error = PolicyError("the policy is invalid")
    harness.pinecone.is_restored = True
    for _ in range(3):
        harness.sweep()
    assert harness.records[0].is_finished
    assert harness.records[1] == other
    assert "the policy is invalid" in harness.log.get_messages("error")
    harness.policy_error = None
    harness.sweep()
    assert harness.pinecone.created_names[1:] == ["drill-2"]


def test_a_broken_drill_does_not_keep_others_waiting(harness: DrillHarness) -> None:
    """An error in one drill is logged, and the next drill advances."""
    first, second = (
        build_drill(project="search", number=number, target_name=f"drill-{number}", drill_id=f"{number}" * 16)
        for number in (1, 2)
    )
    harness.ledger.create_drill(first)
    harness.ledger.create_drill(second)

    def fail_first(_call: DrillCall) -> None:
        harness.pinecone.kill = lambda _: None
        raise RuntimeError("a defect")

    harness.pinecone.kill = fail_first
    harness.sweep(after=timedelta())
    assert harness.pinecone.created_names == ["drill-2"]
    assert "internal error" in harness.log.get_messages("error")[-1]
