"""Control `restore-time-meets-objective`."""

from datetime import timedelta

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.project_state import EMPTY_STATE, DrillResult, ProjectState
from support.builders.facts import (
    DAY,
    HOUR,
    SECOND,
    build_backup,
    build_drill_state,
    build_index,
    build_known_drill,
    build_running_drill,
    evaluate_compliance,
    evaluate_control,
)

ID = "restore-time-meets-objective"
INDEX = build_index()


def evaluate(state: ProjectState) -> Compliance:
    """Evaluate an index whose restores may take an hour."""
    return evaluate_compliance(ID, INDEX, state, max_restore_time=HOUR)


@pytest.mark.parametrize(
    "restore_time,expected",
    [
        pytest.param(HOUR - SECOND, Compliance.COMPLIANT, id="one-second-before"),
        pytest.param(HOUR, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(HOUR + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
@pytest.mark.parametrize("result", [DrillResult.PASSED, DrillResult.FAILED])
def test_the_last_restore_may_take_as_long_as_the_limit(
    restore_time: timedelta, expected: Compliance, result: DrillResult
) -> None:
    """The time of a completed restore counts, whatever its verification found."""
    assert evaluate(build_drill_state(build_known_drill(restore_time=restore_time, result=result))) is expected


def test_the_reason_names_the_time_and_the_limit() -> None:
    """Two lengths that look alike are exact to the second."""
    state = build_drill_state(build_known_drill(restore_time=25 * HOUR + SECOND))
    finding = evaluate_control(ID, INDEX, state, max_restore_time=25 * HOUR)
    assert finding.reason == "The restore of the last drill took 1d 1h 1s (limit: 1d 1h)."
    assert finding.evidence["max_restore_seconds"] == 90_000.0


def test_only_the_last_drill_counts() -> None:
    """A slow restore no longer counts after a fast one."""
    slow_drill = build_known_drill(2 * DAY, restore_time=2 * HOUR)
    assert evaluate(build_drill_state(slow_drill)) is Compliance.NON_COMPLIANT
    assert evaluate(build_drill_state(slow_drill, build_known_drill(DAY))) is Compliance.COMPLIANT
    assert evaluate(build_drill_state(slow_drill, build_running_drill())) is Compliance.NON_COMPLIANT


def test_a_restore_that_did_not_complete_has_an_unknown_time() -> None:
    """An earlier restore does not count for it."""
    failed_drill = build_known_drill(HOUR, drill_id="failed", result=DrillResult.FAILED, restore_time=None)
    assert evaluate(build_drill_state(build_known_drill(DAY), failed_drill)) is Compliance.INSUFFICIENT_DATA


@pytest.mark.parametrize(
    "state,expected",
    [
        pytest.param(EMPTY_STATE, Compliance.INSUFFICIENT_DATA, id="no-state"),
        pytest.param(build_drill_state(), Compliance.NOT_APPLICABLE, id="no-drill"),
        pytest.param(
            build_drill_state(build_known_drill(index_id="id-earlier")), Compliance.NOT_APPLICABLE, id="earlier-index"
        ),
    ],
)
def test_without_a_drill_there_is_no_time(state: ProjectState, expected: Compliance) -> None:
    """Without a state it is unknown whether there was a drill."""
    assert evaluate(state) is expected


def test_an_unknown_live_id_makes_the_last_drill_unknown() -> None:
    """A drill under the name may be one of an earlier index."""
    index = build_index(schedules=(), backups=[build_backup(HOUR)])
    state = build_drill_state(build_known_drill())
    assert evaluate_compliance(ID, index, state, max_restore_time=HOUR) is Compliance.INSUFFICIENT_DATA


def test_without_a_limit_nothing_is_evaluated() -> None:
    """The built-in policy has no maximum restore time."""
    assert evaluate_compliance(ID, INDEX, build_drill_state(build_known_drill())) is Compliance.NOT_APPLICABLE
