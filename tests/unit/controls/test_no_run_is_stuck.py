"""Control `no-run-is-stuck`."""

from datetime import timedelta

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.model import Backup
from support.builders.facts import (
    DAY,
    GRACE,
    HOUR,
    SECOND,
    build_backup,
    build_failed_listing,
    build_index,
    build_inventory,
    build_planned_run,
    build_run,
    build_schedule,
    build_unnamed_run,
    evaluate_compliance,
    evaluate_control,
)

ID = "no-run-is-stuck"
STUCK_LIMIT = 12 * HOUR
UNDATED_RUN = build_run(DAY, status="Pending", name=None, scheduled_for=None, created_at=None)


@pytest.mark.parametrize("status", ["Initializing", "Pending", "pending"])
@pytest.mark.parametrize(
    "age,expected",
    [
        pytest.param(STUCK_LIMIT - SECOND, Compliance.COMPLIANT, id="one-second-before"),
        pytest.param(STUCK_LIMIT, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(STUCK_LIMIT + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_a_backup_may_be_under_way_so_long(age: timedelta, status: str, expected: Compliance) -> None:
    """Counted from its capture, for a run as for a backup taken by hand."""
    assert evaluate_compliance(ID, build_index(runs=[build_run(age, status=status)])) is expected
    assert evaluate_compliance(ID, build_index(runs=[], backups=[build_backup(age, status=status)])) is expected


@pytest.mark.parametrize(
    "row,expected",
    [
        pytest.param(build_planned_run(), Compliance.COMPLIANT, id="planned"),
        pytest.param(build_planned_run(-9 * DAY), Compliance.COMPLIANT, id="overdue-but-still-scheduled"),
        pytest.param(
            build_planned_run(SECOND, status="Initializing"), Compliance.COMPLIANT, id="initializing-before-time"
        ),
        pytest.param(build_run(9 * DAY, status="Failed"), Compliance.COMPLIANT, id="failed"),
        pytest.param(build_run(9 * DAY, status="Odd"), Compliance.COMPLIANT, id="unknown-status"),
        pytest.param(
            build_run(9 * DAY, status="Initializing", scheduled_for=None),
            Compliance.NON_COMPLIANT,
            id="named-after-its-time",
        ),
    ],
)
def test_a_planned_run_is_not_under_way(row: Backup, expected: Compliance) -> None:
    """The name of a run gives its time if no field does."""
    assert evaluate_compliance(ID, build_index(runs=[row])) is expected


@pytest.mark.parametrize(
    "age,expected",
    [
        pytest.param(DAY + GRACE - SECOND, Compliance.COMPLIANT, id="one-second-younger"),
        pytest.param(DAY + GRACE, Compliance.NON_COMPLIANT, id="interval-and-grace"),
    ],
)
def test_an_unnamed_undated_run_counts_as_planned_for_an_interval_and_the_grace(
    age: timedelta, expected: Compliance
) -> None:
    """Only when it was planned is known, up to a whole interval before it starts."""
    assert evaluate_compliance(ID, build_index(runs=[build_unnamed_run(age)])) is expected


def test_an_unnamed_run_of_an_unknown_frequency_may_be_planned() -> None:
    """An unnamed run of an unknown frequency that is older than the limit is unknown."""
    hourly_schedules = [build_schedule(frequency="hourly")]
    assert (
        evaluate_compliance(ID, build_index(schedules=hourly_schedules, runs=[build_unnamed_run(STUCK_LIMIT)]))
        is Compliance.COMPLIANT
    )
    assert (
        evaluate_compliance(ID, build_index(schedules=hourly_schedules, runs=[build_unnamed_run(STUCK_LIMIT + SECOND)]))
        is Compliance.INSUFFICIENT_DATA
    )


def test_an_unnamed_backup_may_be_the_planned_run_of_a_history_that_was_not_read() -> None:
    """An unnamed backup is unknown if the history that would identify it was not read."""
    row = build_backup(DAY, status="Initializing")
    assert (
        evaluate_compliance(ID, build_index(runs=build_failed_listing(), backups=[row])) is Compliance.INSUFFICIENT_DATA
    )
    assert evaluate_compliance(ID, build_index(runs=[], backups=[row])) is Compliance.NON_COMPLIANT


def test_a_run_that_tells_its_moment_is_not_planned_whatever_is_not_known() -> None:
    """A run with a known time is not planned, whatever else is unknown."""
    row = build_run(DAY, status="Initializing", scheduled_for=None)
    assert evaluate_compliance(ID, build_index(runs=build_failed_listing(), backups=[row])) is Compliance.NON_COMPLIANT
    assert (
        evaluate_compliance(ID, build_index(schedules=[build_schedule(frequency="hourly")], runs=[row]))
        is Compliance.NON_COMPLIANT
    )


def test_a_backup_under_way_without_any_time_leaves_it_open() -> None:
    """A backup in progress without a time makes the result unknown, unless another is stuck."""
    assert evaluate_compliance(ID, build_index(runs=[UNDATED_RUN])) is Compliance.INSUFFICIENT_DATA
    assert (
        evaluate_compliance(ID, build_index(runs=[UNDATED_RUN, build_run(2 * DAY, status="Pending")]))
        is Compliance.NON_COMPLIANT
    )


def test_one_that_is_stuck_is_so_whatever_was_not_read() -> None:
    """One stuck backup is enough; a compliant verdict requires that all backups were read."""
    stuck_run = build_run(DAY, status="Pending")
    case = build_index(runs=build_failed_listing([stuck_run]), listed_backups=())
    assert evaluate_compliance(ID, build_inventory(case, backups=build_failed_listing())) is Compliance.NON_COMPLIANT
    assert evaluate_compliance(ID, build_index(runs=build_failed_listing())) is Compliance.INSUFFICIENT_DATA
    assert (
        evaluate_compliance(ID, build_inventory(build_index(), backups=build_failed_listing()))
        is Compliance.INSUFFICIENT_DATA
    )


def test_the_row_that_is_further_along_counts() -> None:
    """A history that was read earlier may show a backup in progress that the listing shows as Ready."""
    case = build_index(runs=[build_run(DAY, status="Initializing")], listed_backups=[build_run(DAY)])
    assert evaluate_compliance(ID, case) is Compliance.COMPLIANT


def test_without_a_backup_or_a_limit_there_is_nothing_to_evaluate() -> None:
    """The control is not applicable without a backup or a limit."""
    assert evaluate_compliance(ID, build_index(runs=[])) is Compliance.NOT_APPLICABLE
    assert (
        evaluate_compliance(ID, build_index(runs=[build_run(DAY, status="Pending")]), stuck_after=None)
        is Compliance.NOT_APPLICABLE
    )


def test_the_evidence_names_the_backup() -> None:
    """The evidence names the backup, its status and capture time, and the reason has the figures."""
    finding = evaluate_control(ID, build_index(runs=[build_run(DAY, status="Pending")]))
    assert finding.reason == "1 backup in progress for up to 1d (limit: 12h)."
    assert finding.evidence["stuck"] == [
        {"backup_id": "run-20261121T120000", "status": "Pending", "captured_at": "2026-11-21T12:00:00Z"}
    ]
