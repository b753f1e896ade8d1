"""Control `latest-run-succeeded`."""

import pytest

from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.model import Backup
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE
from support.builders.facts import (
    DAY,
    HOUR,
    SECOND,
    build_backup,
    build_failed_listing,
    build_index,
    build_inventory,
    build_planned_run,
    build_run,
    build_schedule,
    evaluate_compliance,
    evaluate_control,
)

ID = "latest-run-succeeded"
MINUTE = 60 * SECOND
FUTURE_OFFSET = CLOCK_TOLERANCE + SECOND
READY_RUN, OLD_READY_RUN = build_run(HOUR), build_run(HOUR + DAY)
FAILED_RUN, OLD_FAILED_RUN = build_run(HOUR, status="Failed"), build_run(HOUR + DAY, status="InitializationFailed")
UNDATED_FIELDS = {"scheduled_for": None, "created_at": None, "name": None}


@pytest.mark.parametrize(
    "runs,expected",
    [
        pytest.param([READY_RUN, OLD_FAILED_RUN], Compliance.COMPLIANT, id="an-older-failure"),
        pytest.param([FAILED_RUN, OLD_READY_RUN], Compliance.NON_COMPLIANT, id="the-newest-failed"),
        pytest.param([build_run(HOUR, status="failed")], Compliance.NON_COMPLIANT, id="in-lower-case"),
        pytest.param(
            [build_run(SECOND, status="Pending"), FAILED_RUN], Compliance.NON_COMPLIANT, id="under-way-is-not-finished"
        ),
        pytest.param([build_planned_run(), READY_RUN], Compliance.COMPLIANT, id="planned-is-not-finished"),
        pytest.param([build_run(SECOND, status="Odd"), READY_RUN], Compliance.COMPLIANT, id="unknown-is-neither"),
        pytest.param(
            [build_run(-CLOCK_TOLERANCE, status="Failed"), READY_RUN], Compliance.NON_COMPLIANT, id="ahead-at-limit"
        ),
        pytest.param(
            [build_run(-FUTURE_OFFSET, status="Failed"), READY_RUN], Compliance.COMPLIANT, id="ahead-one-second-past"
        ),
        pytest.param(
            [build_run(-MINUTE, status="Failed"), build_run(-2 * MINUTE)], Compliance.COMPLIANT, id="ahead-in-order"
        ),
        pytest.param(
            [build_run(-MINUTE), build_run(-2 * MINUTE, status="Failed")], Compliance.NON_COMPLIANT, id="ahead-failed"
        ),
        pytest.param([build_run(0 * SECOND, status="Failed"), READY_RUN], Compliance.NON_COMPLIANT, id="captured-now"),
        pytest.param([build_run(HOUR, status="Pending")], Compliance.NOT_APPLICABLE, id="none-finished"),
        pytest.param([], Compliance.NOT_APPLICABLE, id="none-at-all"),
    ],
)
def test_the_newest_finished_backup_decides(runs: list[Backup], expected: Compliance) -> None:
    """Newest by capture time, among those that are Ready or failed."""
    assert evaluate_compliance(ID, build_index(runs=runs)) is expected


@pytest.mark.parametrize(
    "runs,expected",
    [
        pytest.param([FAILED_RUN, OLD_READY_RUN], Severity.HIGH, id="one-failure"),
        pytest.param([FAILED_RUN, OLD_FAILED_RUN], Severity.CRITICAL, id="two-failures"),
        pytest.param(
            [FAILED_RUN, OLD_FAILED_RUN, build_run(9 * DAY, status="Failed")], Severity.CRITICAL, id="three-failures"
        ),
        pytest.param([FAILED_RUN], Severity.HIGH, id="the-only-one"),
    ],
)
def test_two_failures_in_a_row_are_critical(runs: list[Backup], expected: Severity) -> None:
    """One may be chance."""
    assert evaluate_control(ID, build_index(runs=runs)).severity is expected


def test_a_manual_backup_counts() -> None:
    """A newer one taken by hand ends the failure."""
    assert (
        evaluate_compliance(ID, build_index(runs=[FAILED_RUN], backups=[build_backup(SECOND)])) is Compliance.COMPLIANT
    )


def test_a_failure_that_only_a_history_shows_counts() -> None:
    """A failed run counts even if the backup listing does not contain it."""
    assert (
        evaluate_compliance(ID, build_index(runs=[FAILED_RUN, OLD_READY_RUN], listed_backups=[OLD_READY_RUN]))
        is Compliance.NON_COMPLIANT
    )


@pytest.mark.parametrize(
    "runs,expected",
    [
        pytest.param(
            [READY_RUN, build_run(DAY, status="Failed", **UNDATED_FIELDS)],
            Compliance.INSUFFICIENT_DATA,
            id="failed-or-not",
        ),
        pytest.param([FAILED_RUN, build_run(DAY, **UNDATED_FIELDS)], Compliance.INSUFFICIENT_DATA, id="ready-or-not"),
        pytest.param([READY_RUN, build_run(DAY, **UNDATED_FIELDS)], Compliance.COMPLIANT, id="ready-either-way"),
        pytest.param(
            [FAILED_RUN, build_run(DAY, status="Failed", **UNDATED_FIELDS)],
            Compliance.NON_COMPLIANT,
            id="failed-either-way",
        ),
        pytest.param([build_run(DAY, status="Failed", **UNDATED_FIELDS)], Compliance.NON_COMPLIANT, id="undated-alone"),
    ],
)
def test_a_finished_backup_without_any_time_matters_where_it_would_decide(
    runs: list[Backup], expected: Compliance
) -> None:
    """A backup without a capture time may be the latest."""
    assert evaluate_compliance(ID, build_index(runs=runs)) is expected


def test_success_needs_the_histories_too() -> None:
    """A newer failure may be in a history that was read in part, or of schedules that were not read."""
    assert evaluate_compliance(ID, build_index(runs=build_failed_listing([READY_RUN]))) is Compliance.INSUFFICIENT_DATA
    assert (
        evaluate_compliance(ID, build_index(schedules=build_failed_listing([build_schedule()]), runs=[READY_RUN]))
        is Compliance.INSUFFICIENT_DATA
    )


def test_failure_needs_that_no_newer_success_went_unseen() -> None:
    """Two reads of the backups and of the history confirm the failure."""
    case = build_index(runs=[FAILED_RUN])
    assert evaluate_compliance(ID, build_inventory(case, reads=1)) is Compliance.INSUFFICIENT_DATA
    assert (
        evaluate_compliance(ID, build_inventory(build_index(runs=[FAILED_RUN], reads=1)))
        is Compliance.INSUFFICIENT_DATA
    )
    assert (
        evaluate_compliance(ID, build_inventory(case, backups=build_failed_listing([FAILED_RUN])))
        is Compliance.INSUFFICIENT_DATA
    )
    assert (
        evaluate_compliance(ID, build_index(schedules=build_failed_listing([build_schedule()]), runs=[FAILED_RUN]))
        is Compliance.INSUFFICIENT_DATA
    )
