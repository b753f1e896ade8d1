"""Control `restore-is-proven`."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.project_state import EMPTY_STATE, DrillResult, KnownIndex, ProjectState
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE
from support.builders.facts import (
    DAY,
    HOUR,
    NOW,
    SECOND,
    IndexCase,
    ago,
    build_backup,
    build_complete_listing,
    build_drill_state,
    build_failed_listing,
    build_index,
    build_inventory,
    build_known_drill,
    build_running_drill,
    evaluate_compliance,
    evaluate_control,
)

ID = "restore-is-proven"
LIMIT = 90 * DAY
INDEX = build_index()
OLD_INDEX = KnownIndex("main", "id-main", ago(100 * DAY), None)


def evaluate(state: ProjectState, index: IndexCase = INDEX) -> Compliance:
    """Evaluate an index of which a drill must have passed in the last 90 days."""
    return evaluate_compliance(ID, index, state, restore_drill_within=LIMIT)


@pytest.mark.parametrize(
    "age,expected",
    [
        pytest.param(LIMIT - SECOND, Compliance.COMPLIANT, id="one-second-before"),
        pytest.param(LIMIT, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(LIMIT + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_a_passed_drill_counts_for_the_time_in_the_policy(age: timedelta, expected: Compliance) -> None:
    """The age of the last proof decides, although newer drills may have failed."""
    failed_drill = build_known_drill(DAY, drill_id="failed", result=DrillResult.FAILED)
    drills = {"indexes": {"main": OLD_INDEX}}
    assert evaluate(build_drill_state(build_known_drill(age), **drills)) is expected
    assert evaluate(build_drill_state(build_known_drill(age), failed_drill, **drills)) is expected


@pytest.mark.parametrize("result", [it for it in DrillResult if it is not DrillResult.PASSED])
def test_only_a_passed_drill_is_a_proof(result: DrillResult) -> None:
    """A drill with another result proves nothing, and the reason names it."""
    state = build_drill_state(build_known_drill(result=result), indexes={"main": OLD_INDEX})
    finding = evaluate_control(ID, INDEX, state, restore_drill_within=LIMIT)
    assert finding.compliance is Compliance.NON_COMPLIANT
    assert finding.reason == (
        "No restore drill of the index has passed (limit: 90d); the result of the last drill is"
        f" {result.replace('_', ' ')}."
    )


def test_a_running_drill_is_no_proof() -> None:
    """A drill without a result neither proves anything nor is it the last one."""
    state = build_drill_state(build_running_drill(), indexes={"main": OLD_INDEX})
    finding = evaluate_control(ID, INDEX, state, restore_drill_within=LIMIT)
    assert (finding.compliance, finding.evidence["last_drill"]) == (Compliance.NON_COMPLIANT, None)


@pytest.mark.parametrize(
    "first_seen,expected",
    [
        pytest.param(ago(LIMIT - SECOND), Compliance.COMPLIANT, id="one-second-before"),
        pytest.param(ago(LIMIT), Compliance.NON_COMPLIANT, id="at-limit"),
    ],
)
def test_a_new_index_needs_no_drill_yet(first_seen: datetime, expected: Compliance) -> None:
    """The time since an audit first saw the index is the time in which a drill can pass."""
    known_index = KnownIndex("main", "id-main", first_seen, None)
    assert evaluate(build_drill_state(indexes={"main": known_index})) is expected


@pytest.mark.parametrize(
    "indexes",
    [
        pytest.param({}, id="unknown-name"),
        pytest.param({"main": replace(OLD_INDEX, index_id="id-earlier")}, id="recreated"),
    ],
)
def test_an_index_that_this_audit_sees_first_needs_no_drill_yet(indexes: dict[str, KnownIndex]) -> None:
    """A recreated index has another id, and is new."""
    assert evaluate(build_drill_state(indexes=indexes)) is Compliance.COMPLIANT


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(EMPTY_STATE, id="no-state"),
        pytest.param(build_drill_state(complete_at=None), id="no-complete-audit"),
        pytest.param(build_drill_state(observed_at=NOW, complete_at=NOW), id="the-same-audit"),
    ],
)
def test_without_an_earlier_audit_earlier_drills_are_unknown(state: ProjectState) -> None:
    """The first audit gives the same result when it is repeated."""
    assert evaluate(state) is Compliance.INSUFFICIENT_DATA


def test_a_recorded_proof_needs_no_earlier_audit() -> None:
    """A drill may run before the first audit."""
    assert evaluate(build_drill_state(build_known_drill(), complete_at=None)) is Compliance.COMPLIANT


@pytest.mark.parametrize(
    "future_offset,expected",
    [
        pytest.param(CLOCK_TOLERANCE, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(CLOCK_TOLERANCE + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_a_drill_that_ended_after_the_audit_does_not_count(future_offset: timedelta, expected: Compliance) -> None:
    """An older audit has the result that it had at its time; clocks may differ by 15 minutes."""
    state = build_drill_state(build_known_drill(-future_offset), indexes={"main": OLD_INDEX})
    assert evaluate(state) is expected


def test_the_drill_of_an_earlier_index_proves_nothing() -> None:
    """Drills belong to an index by its id, not by its name."""
    state = build_drill_state(build_known_drill(index_id="id-earlier"), indexes={"main": OLD_INDEX})
    assert evaluate(state) is Compliance.NON_COMPLIANT


def test_an_unknown_live_id_makes_the_drills_under_its_name_unknown() -> None:
    """A drill under the name may be one of an earlier index."""
    index = build_index(schedules=(), backups=[build_backup(HOUR)])
    assert evaluate(build_drill_state(build_known_drill()), index) is Compliance.INSUFFICIENT_DATA
    known_index = build_index(
        schedules=(), backups=[build_backup(HOUR)], own_backups=build_complete_listing([build_backup(HOUR)])
    )
    assert evaluate(build_drill_state(build_known_drill()), known_index) is Compliance.COMPLIANT


def test_without_a_recovery_point_there_is_nothing_to_drill() -> None:
    """Another control reports that; a listing that was not read to its end proves nothing."""
    state, index = build_drill_state(indexes={"main": OLD_INDEX}), build_index(runs=[])
    assert evaluate(state, index) is Compliance.NOT_APPLICABLE
    inventory = build_inventory(index, backups=build_failed_listing())
    assert evaluate_compliance(ID, inventory, state, restore_drill_within=LIMIT) is Compliance.INSUFFICIENT_DATA


def test_without_a_limit_nothing_is_evaluated() -> None:
    """The built-in policy requires no drill."""
    assert evaluate_compliance(ID, INDEX, EMPTY_STATE) is Compliance.NOT_APPLICABLE


def test_the_evidence_has_the_last_proof_and_the_last_drill() -> None:
    """The two can be different drills."""
    failed_drill = build_known_drill(HOUR, drill_id="failed", result=DrillResult.FAILED, restore_time=None)
    state = build_drill_state(build_known_drill(2 * DAY), failed_drill)
    finding = evaluate_control(ID, INDEX, state, restore_drill_within=LIMIT)
    assert finding.reason == "The last passed restore drill ended 2d ago (limit: 90d)."
    assert finding.evidence == {
        "proven_at": "2026-11-20T12:00:00Z",
        "age_hours": 48.0,
        "max_age_hours": 2160.0,
        "last_drill": {
            "drill_id": "failed",
            "backup_id": "run-1",
            "result": "failed",
            "ended_at": "2026-11-22T11:00:00Z",
            "restore_seconds": None,
        },
    }
