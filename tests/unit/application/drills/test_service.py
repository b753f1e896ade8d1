"""Test what is refused before a drill starts, how drills are recorded, and how a run finishes them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.application.audit import AuditResult, evaluate_inventory
from backup_auditor.application.drills.service import (
    describe_unstarted_drills,
    finish_drills,
    list_open_drills,
    plan_drills,
    start_drills,
)
from backup_auditor.domain.audit_record import StoredFile
from backup_auditor.domain.drills.drill import DeletionState, DrillRecord, RestoreState, ValidationState
from backup_auditor.domain.drills.selection import DrillPlan, DrillRequest
from backup_auditor.domain.drills.verification import ExpectedContent
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Mode, Policy, RestoreDrillPolicy
from backup_auditor.domain.project_state import EMPTY_STATE
from backup_auditor.errors import (
    BackupAuditorError,
    BadKeyError,
    DrillPlanError,
    ForbiddenError,
    NotFoundError,
    PineconeError,
    ProjectMismatchError,
    StateError,
    UnavailableError,
)
from support.builders.drills import EXPECTED, build_drill
from support.builders.facts import (
    DAY,
    MINUTE,
    NOW,
    READ_FAILURE,
    build_index,
    build_inventory,
    build_policy,
    rename_index,
)
from support.fakes.drills import FakeDrillProject
from support.fakes.stores import FakeDrillLedger

MAIN = build_index()


def build_drill_policy(**limits: Any) -> Policy:
    """Build a policy that requires drills and applies them, with these limits."""
    policy = build_policy(restore_drill_within=90 * DAY)
    return replace(policy, restore_drills=RestoreDrillPolicy(**{"mode": Mode.APPLY, **limits}))


def audit(inventory: Inventory, policy: Policy) -> AuditResult:
    """Evaluate an inventory."""
    return evaluate_inventory(inventory, policy)


def make_plan(
    inventory: Inventory | None = None, policy: Policy | None = None, request: DrillRequest | None = None
) -> DrillPlan:
    """Plan drills of a project with two indexes."""
    facts = inventory or build_inventory(MAIN, rename_index(MAIN, "other"))
    drill_policy = policy or build_drill_policy(max_per_run=2)
    return plan_drills(
        audit(facts, drill_policy), drill_policy, EMPTY_STATE, seed="seed", request=request or DrillRequest()
    )


@pytest.mark.parametrize(
    "request_,message",
    [
        pytest.param(DrillRequest(index="unknown"), "unknown: The project has no such index; run drill", id="index"),
        pytest.param(DrillRequest(backup_id="b-1"), "b-1: The project has no such backup; run drill", id="backup"),
    ],
)
def test_an_unknown_request_is_refused(request_: DrillRequest, message: str) -> None:
    """The error names what does not exist, and the way to see what does."""
    with pytest.raises(DrillPlanError, match=message):
        make_plan(request=request_)


def test_a_request_without_a_free_index_is_refused() -> None:
    """One index must be free beside that of the drill."""
    inventory = build_inventory(*(rename_index(MAIN, f"index-{number}") for number in range(19)))
    with pytest.raises(DrillPlanError, match="The project has 19 of 20 indexes; one must be free"):
        make_plan(inventory, request=DrillRequest(index="index-3"))


def test_what_is_due_and_does_not_fit_is_marked() -> None:
    """A command can refuse a plan in which nothing fits."""
    plan = make_plan(policy=build_drill_policy(max_per_run=1))
    assert [(it.index, it.is_due) for it in plan.skipped_drills] == [("other", True)]


def test_unknown_indexes_are_an_error() -> None:
    """Nothing is planned if the indexes could not be read."""
    inventory = replace(build_inventory(), indexes_failure=READ_FAILURE)
    with pytest.raises(UnavailableError, match="the list of indexes could not be read"):
        make_plan(inventory)


def test_another_project_than_that_of_the_policy_is_refused() -> None:
    """A schedule shows the id of the project."""
    policy = build_drill_policy()
    other_policy = replace(policy, project=replace(policy.project, expected_id="ours"))
    with pytest.raises(DrillPlanError, match="the policy is for another project"):
        make_plan(policy=other_policy)


def start(
    plan: DrillPlan, project: FakeDrillProject | None = None, ledger: FakeDrillLedger | None = None
) -> list[DrillRecord]:
    """Start the drills of a plan."""
    return start_drills(
        plan, project or FakeDrillProject(), ledger or FakeDrillLedger(), actor="me@here", now=lambda: NOW
    )


def test_each_drill_is_recorded_with_the_figures_of_its_backup() -> None:
    """The records continue the numbers of the project, and nothing is requested yet."""
    ledger = FakeDrillLedger()
    ledger.create_drill(end(build_drill()))
    records = start(make_plan(), ledger=ledger)
    assert ledger.list_drills("default")[1:] == records
    assert [it.number for it in records] == [2, 3]
    assert {it.index_name for it in records} == {"main", "other"}
    for record in records:
        assert (record.point.expected, record.actor) == (EXPECTED, "me@here")
        assert (record.restore, record.revision) == (RestoreState.NOT_REQUESTED, 0)


@pytest.mark.parametrize(
    "other_drill",
    [
        pytest.param({}, id="running"),
        pytest.param({"is_ended": True, "chosen_at": NOW + MINUTE}, id="started-since-the-plan"),
    ],
)
def test_a_plan_that_is_older_than_another_drill_is_refused(other_drill: dict[str, Any]) -> None:
    """A plan can wait for consent while another run starts a drill. Nothing is read or recorded."""
    facts = dict(other_drill)
    other_record = end(build_drill(), **facts) if facts.pop("is_ended", False) else build_drill(**facts)
    ledger, project = FakeDrillLedger(), FakeDrillProject(error=UnavailableError("503"))
    ledger.create_drill(other_record)
    with pytest.raises(DrillPlanError, match="another run has started a drill of project default; run drill again"):
        start(make_plan(), project, ledger)
    assert ledger.list_drills("default") == [other_record]


@pytest.mark.parametrize(
    "other_drill",
    [
        pytest.param({"deletion": DeletionState.FAILED}, id="leftover"),
        pytest.param({"chosen_at": NOW - DAY}, id="past-its-end"),
    ],
)
def test_a_drill_that_does_not_run_any_more_blocks_no_other(other_drill: dict[str, Any]) -> None:
    """What it left is a warning of every audit."""
    ledger = FakeDrillLedger()
    ledger.create_drill(build_drill(**other_drill))
    assert [it.number for it in start(make_plan(), ledger=ledger)] == [2, 3]


@pytest.mark.parametrize("mode", [Mode.NEVER, Mode.PROPOSE])
def test_a_mode_other_than_apply_starts_nothing(mode: Mode) -> None:
    """The error names the setting."""
    ledger = FakeDrillLedger()
    with pytest.raises(DrillPlanError, match=f"restore_drills.mode: {mode}; set it to apply"):
        start(make_plan(policy=build_drill_policy(mode=mode)), ledger=ledger)
    assert ledger.list_drills("default") == []


@pytest.mark.parametrize(
    "error,expected_type,message",
    [
        pytest.param(ForbiddenError("403"), DrillPlanError, "roles ControlPlaneEditor and DataPlaneViewer", id="403"),
        pytest.param(BadKeyError("401"), DrillPlanError, "may not read index", id="401"),
        pytest.param(NotFoundError("404"), DrillPlanError, "^index main was deleted: 404; run drill again", id="404"),
        pytest.param(UnavailableError("503"), UnavailableError, "503", id="503"),
    ],
)
def test_what_cannot_succeed_is_refused_before_the_first_record(
    error: PineconeError, expected_type: type[BackupAuditorError], message: str
) -> None:
    """A key that may not read records, or a backup that is gone, leaves no record."""
    ledger = FakeDrillLedger()
    with pytest.raises(expected_type, match=message):
        start(make_plan(), FakeDrillProject(error=error), ledger)
    assert ledger.list_drills("default") == []


@pytest.mark.parametrize(
    "error,message",
    [
        (NotFoundError("404"), "backup run-20261122T060000 of index main was deleted: 404; run drill again"),
        (
            ForbiddenError("403"),
            "the key may not read backup run-20261122T060000 of index main: 403; use a key with the roles",
        ),
    ],
)
def test_a_refusal_names_the_backup_that_could_not_be_read(error: PineconeError, message: str) -> None:
    """The index could be read."""

    class WithoutBackups(FakeDrillProject):
        def load_expected_content(self, backup_id: str) -> ExpectedContent:
            del backup_id
            raise error

    with pytest.raises(DrillPlanError, match=message):
        start(make_plan(), WithoutBackups())


def test_of_two_runs_that_start_at_once_one_starts() -> None:
    """The other finds its number taken."""
    ledger = FakeDrillLedger()

    class LateProject(FakeDrillProject):
        def load_expected_content(self, backup_id: str) -> Any:
            ledger.create_drill(build_drill())
            return super().load_expected_content(backup_id)

    with pytest.raises(DrillPlanError, match="another run has started a drill of project default"):
        start(make_plan(), LateProject(), ledger)
    assert [it.drill_id for it in ledger.list_drills("default")] == [build_drill().drill_id]


@pytest.mark.parametrize(
    "index_count,started_count,text",
    [
        pytest.param(2, 2, None, id="all"),
        pytest.param(
            2, 1, "another run has started a drill of project default: 1 of 2 drills was not started", id="one"
        ),
        pytest.param(
            3, 1, "another run has started a drill of project default: 2 of 3 drills were not started", id="some"
        ),
    ],
)
def test_a_partial_start_is_described(index_count: int, started_count: int, text: str | None) -> None:
    """The other run took a number after the first drills were recorded."""
    ledger = FakeDrillLedger()

    class LateLedger(FakeDrillLedger):
        def create_drill(self, record: DrillRecord) -> bool:
            return record.number <= started_count and ledger.create_drill(record)

    inventory = build_inventory(*(rename_index(MAIN, f"index-{number}") for number in range(index_count)))
    plan = make_plan(inventory, build_drill_policy(max_per_run=index_count))
    records = start(plan, ledger=LateLedger())
    assert ledger.list_drills("default") == records
    description = describe_unstarted_drills(plan, records)
    assert description == (text and f"{text}; run drill again later")


class Finisher:
    """Finishes drills with a function that advances them, on a clock that waits move."""

    def __init__(self, *records: DrillRecord) -> None:
        """Store the drills."""
        self.records = records
        self.now = NOW
        self.waits: list[timedelta] = []
        self.errors: list[str] = []
        self.ledger = FakeDrillLedger()
        for record in records:
            self.ledger.create_drill(record)

    def wait(self, length: timedelta) -> None:
        """Move the clock."""
        self.waits.append(length)
        self.now += length

    def finish(self, advance: Any) -> list[DrillRecord]:
        """Finish the drills."""

        def keep_error(_: DrillRecord, error: BackupAuditorError) -> None:
            self.errors.append(str(error))

        return finish_drills(
            self.records, advance, self.ledger, now=lambda: self.now, wait=self.wait, on_error=keep_error
        )


def end(record: DrillRecord, **facts: Any) -> DrillRecord:
    """Return a drill that passed and is settled."""
    ended_record = replace(record, validation=ValidationState.PASSED, deletion=DeletionState.CONFIRMED)
    return replace(ended_record, evidence=StoredFile("document", "hash"), published_at=NOW, **facts)


def test_drills_are_advanced_until_none_is_in_progress() -> None:
    """Between two passes the run waits for the drill that is due first."""
    first, second = build_drill(requested_at=NOW), build_drill(number=2, drill_id="second", requested_at=NOW - DAY)
    finisher = Finisher(first, second)
    passes: list[int] = []

    def advance(record: DrillRecord) -> DrillRecord:
        passes.append(record.number)
        return end(record) if record.number == 2 or len(passes) > 4 else record

    results = finisher.finish(advance)
    assert [it.is_in_progress for it in results] == [False, False]
    assert passes == [1, 2, 1, 1, 1]
    assert set(finisher.waits) == {timedelta(seconds=2)}


def test_what_could_not_be_deleted_is_tried_once() -> None:
    """A deletion that fails again is left to the next run."""
    record = end(build_drill(), deletion=DeletionState.FAILED)
    finisher = Finisher(record)
    passes: list[DrillRecord] = []

    def advance(failed_record: DrillRecord) -> DrillRecord:
        passes.append(failed_record)
        return failed_record

    assert finisher.finish(advance) == [record]
    assert (passes, finisher.waits) == ([record], [])


def test_a_drill_that_cannot_be_recorded_is_left_and_the_others_go_on() -> None:
    """The error is passed on, and the drill is returned as it is stored."""
    finisher = Finisher(build_drill(), build_drill(number=2, drill_id="second"))
    stored_record = replace(build_drill(), restore_detail="stored", revision=1)

    def advance(record: DrillRecord) -> DrillRecord:
        if record.number == 1:
            finisher.ledger.replace_drill(stored_record)
            raise StateError("the disk is full")
        return end(record)

    results = finisher.finish(advance)
    assert [it.is_in_progress for it in results] == [True, False]
    assert (results[0], finisher.errors) == (stored_record, ["the disk is full"])


def list_with_inventory(inventory: Inventory, **facts: Any) -> list[DrillRecord]:
    """Return the open drills of a ledger with one drill, for the project of an inventory."""
    ledger = FakeDrillLedger()
    ledger.create_drill(build_drill(**facts))
    return list_open_drills(ledger, "default", inventory)


def test_drills_of_another_pinecone_project_are_not_continued() -> None:
    """There the temporary index is missing, which would confirm its deletion."""
    assert len(list_with_inventory(build_inventory(MAIN), pinecone_project_id="project-1")) == 1
    with pytest.raises(ProjectMismatchError, match="belongs to Pinecone project project-9, but Pinecone project") as it:
        list_with_inventory(build_inventory(MAIN), pinecone_project_id="project-9")
    assert "use a key of Pinecone project project-9 to continue" in str(it.value)


def test_an_unknown_project_is_left_to_the_runner() -> None:
    """Without one of the two ids nothing is refused here, so that one such drill does not stop the others for ever."""
    inventory = build_inventory(MAIN)
    assert list_with_inventory(inventory, index_id="other") == [build_drill(index_id="other")]
    assert len(list_with_inventory(build_inventory(), pinecone_project_id="project-9")) == 1


def test_a_finished_drill_needs_no_pinecone_project() -> None:
    """Only its document or its result is left to store."""
    facts = {
        "pinecone_project_id": "project-9",
        "validation": ValidationState.PASSED,
        "deletion": DeletionState.CONFIRMED,
    }
    assert len(list_with_inventory(build_inventory(MAIN), **facts)) == 1


def test_open_drills_are_those_that_the_next_run_continues() -> None:
    """A drill with a result and a deleted index is not among them once it is settled."""
    ledger = FakeDrillLedger()
    ledger.create_drill(build_drill())
    ledger.create_drill(end(build_drill(number=2, drill_id="ended")))
    assert [it.number for it in list_open_drills(ledger, "default")] == [1]
