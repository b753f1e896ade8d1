"""Control `planned-run-started-on-time`."""

from datetime import timedelta

import pytest

from backup_auditor.domain.finding import Compliance
from support.builders.facts import (
    DAY,
    GRACE,
    SECOND,
    build_failed_listing,
    build_index,
    build_planned_run,
    build_run,
    build_schedule,
    build_unnamed_run,
    evaluate_compliance,
    evaluate_control,
)

ID = "planned-run-started-on-time"


@pytest.mark.parametrize(
    "lateness,expected",
    [
        pytest.param(-DAY, Compliance.COMPLIANT, id="to-come"),
        pytest.param(GRACE - SECOND, Compliance.COMPLIANT, id="one-second-within-grace"),
        pytest.param(GRACE, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(GRACE + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_a_planned_run_may_be_late_by_the_grace(lateness: timedelta, expected: Compliance) -> None:
    """Beyond that, one that is still Scheduled did not start."""
    assert evaluate_compliance(ID, build_index(runs=[build_planned_run(-lateness)])) is expected


def test_a_run_that_started_is_not_late() -> None:
    """A run that started is not late, whatever its result."""
    runs = [build_run(9 * DAY, status=status) for status in ("Initializing", "Ready", "Failed", "Odd")]
    assert evaluate_compliance(ID, build_index(runs=runs)) is Compliance.COMPLIANT


@pytest.mark.parametrize(
    "age,expected",
    [
        pytest.param(DAY + GRACE, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(DAY + GRACE + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_a_run_that_names_no_moment_is_due_within_an_interval(age: timedelta, expected: Compliance) -> None:
    """Counted from when it was planned."""
    assert evaluate_compliance(ID, build_index(runs=[build_unnamed_run(age, status="Scheduled")])) is expected


def test_a_planned_run_without_any_time_leaves_it_open() -> None:
    """A planned run without a time makes the result unknown, unless another is late."""
    undated_run = build_unnamed_run(DAY, status="Scheduled", created_at=None)
    assert evaluate_compliance(ID, build_index(runs=[undated_run])) is Compliance.INSUFFICIENT_DATA
    assert (
        evaluate_compliance(ID, build_index(runs=[undated_run, build_planned_run(-2 * DAY)]))
        is Compliance.NON_COMPLIANT
    )


def test_an_unnamed_run_of_an_unknown_frequency_leaves_it_open() -> None:
    """The due time of an unnamed run is unknown without an interval; a named run needs no interval."""
    hourly_schedules = [build_schedule(frequency="hourly")]
    case = build_index(schedules=hourly_schedules, runs=[build_unnamed_run(DAY, status="Scheduled")])
    assert evaluate_compliance(ID, case) is Compliance.INSUFFICIENT_DATA
    assert (
        evaluate_compliance(ID, build_index(schedules=hourly_schedules, runs=[build_planned_run()]))
        is Compliance.COMPLIANT
    )


def test_what_a_paused_schedule_left_planned_is_not_evaluated() -> None:
    """A planned run of a paused schedule is not expected to start."""
    paused_schedules = [build_schedule(enabled=False)]
    assert (
        evaluate_compliance(ID, build_index(schedules=paused_schedules, runs=[build_planned_run(-9 * DAY)]))
        is Compliance.NOT_APPLICABLE
    )


def test_a_history_that_broke_off_may_hide_one() -> None:
    """One that was seen to be late is late."""
    assert (
        evaluate_compliance(ID, build_index(runs=build_failed_listing([build_planned_run()])))
        is Compliance.INSUFFICIENT_DATA
    )
    assert (
        evaluate_compliance(ID, build_index(runs=build_failed_listing([build_planned_run(-9 * DAY)])))
        is Compliance.NON_COMPLIANT
    )


def test_the_listing_may_show_that_it_started() -> None:
    """The row that is further along counts."""
    case = build_index(runs=[build_planned_run(-DAY)], listed_backups=[build_run(DAY, status="Initializing")])
    assert evaluate_compliance(ID, case) is Compliance.COMPLIANT


def test_the_reason_says_how_late() -> None:
    """The reason names the delay and the limit."""
    reason = evaluate_control(ID, build_index(runs=[build_planned_run(-DAY)])).reason
    assert reason == "A planned run of schedule nightly is 1d late (limit: 6h)."
