"""Control `latest-run-succeeded`."""

import pytest

from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.model import Backup
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE
from support.builders.facts import (
    DAY,
    HOUR,
    SECOND,
    backup,
    broken,
    compliance,
    finding,
    index,
    inventory,
    planned_run,
    run,
    schedule,
)

ID = "latest-run-succeeded"
MINUTE = 60 * SECOND
AHEAD = CLOCK_TOLERANCE + SECOND
GOOD, OLD_GOOD = run(HOUR), run(HOUR + DAY)
BAD, OLD_BAD = run(HOUR, status="Failed"), run(HOUR + DAY, status="InitializationFailed")
UNDATED = {"scheduled_for": None, "created_at": None, "name": None}


@pytest.mark.parametrize(
    "runs,expected",
    [
        pytest.param([GOOD, OLD_BAD], Compliance.COMPLIANT, id="an-older-failure"),
        pytest.param([BAD, OLD_GOOD], Compliance.NON_COMPLIANT, id="the-newest-failed"),
        pytest.param([run(HOUR, status="failed")], Compliance.NON_COMPLIANT, id="in-lower-case"),
        pytest.param([run(SECOND, status="Pending"), BAD], Compliance.NON_COMPLIANT, id="under-way-is-not-finished"),
        pytest.param([planned_run(), GOOD], Compliance.COMPLIANT, id="planned-is-not-finished"),
        pytest.param([run(SECOND, status="Odd"), GOOD], Compliance.COMPLIANT, id="unknown-is-neither"),
        pytest.param([run(-CLOCK_TOLERANCE, status="Failed"), GOOD], Compliance.NON_COMPLIANT, id="ahead-at-limit"),
        pytest.param([run(-AHEAD, status="Failed"), GOOD], Compliance.COMPLIANT, id="ahead-one-second-past"),
        pytest.param([run(-MINUTE, status="Failed"), run(-2 * MINUTE)], Compliance.COMPLIANT, id="ahead-in-order"),
        pytest.param([run(-MINUTE), run(-2 * MINUTE, status="Failed")], Compliance.NON_COMPLIANT, id="ahead-failed"),
        pytest.param([run(0 * SECOND, status="Failed"), GOOD], Compliance.NON_COMPLIANT, id="captured-now"),
        pytest.param([run(HOUR, status="Pending")], Compliance.NOT_APPLICABLE, id="none-finished"),
        pytest.param([], Compliance.NOT_APPLICABLE, id="none-at-all"),
    ],
)
def test_the_newest_finished_backup_decides(runs: list[Backup], expected: Compliance) -> None:
    """Newest by capture time, among those that are Ready or failed."""
    assert compliance(ID, index(runs=runs)) is expected


@pytest.mark.parametrize(
    "runs,expected",
    [
        pytest.param([BAD, OLD_GOOD], Severity.HIGH, id="one-failure"),
        pytest.param([BAD, OLD_BAD], Severity.CRITICAL, id="two-failures"),
        pytest.param([BAD, OLD_BAD, run(9 * DAY, status="Failed")], Severity.CRITICAL, id="three-failures"),
        pytest.param([BAD], Severity.HIGH, id="the-only-one"),
    ],
)
def test_two_failures_in_a_row_are_critical(runs: list[Backup], expected: Severity) -> None:
    """One may be chance."""
    assert finding(ID, index(runs=runs)).severity is expected


def test_a_manual_backup_counts() -> None:
    """A newer one taken by hand ends the failure."""
    assert compliance(ID, index(runs=[BAD], backups=[backup(SECOND)])) is Compliance.COMPLIANT


def test_a_failure_that_only_a_history_shows_counts() -> None:
    """Failed runs need not stand in the backup listing."""
    assert compliance(ID, index(runs=[BAD, OLD_GOOD], listed=[OLD_GOOD])) is Compliance.NON_COMPLIANT


@pytest.mark.parametrize(
    "runs,expected",
    [
        pytest.param([GOOD, run(DAY, status="Failed", **UNDATED)], Compliance.INSUFFICIENT_DATA, id="failed-or-not"),
        pytest.param([BAD, run(DAY, **UNDATED)], Compliance.INSUFFICIENT_DATA, id="ready-or-not"),
        pytest.param([GOOD, run(DAY, **UNDATED)], Compliance.COMPLIANT, id="ready-either-way"),
        pytest.param([BAD, run(DAY, status="Failed", **UNDATED)], Compliance.NON_COMPLIANT, id="failed-either-way"),
        pytest.param([run(DAY, status="Failed", **UNDATED)], Compliance.NON_COMPLIANT, id="undated-alone"),
    ],
)
def test_a_finished_backup_without_any_time_matters_where_it_would_decide(
    runs: list[Backup], expected: Compliance
) -> None:
    """It may be the newest."""
    assert compliance(ID, index(runs=runs)) is expected


def test_success_needs_the_histories_too() -> None:
    """A newer failure may stand in a history that broke off, or of schedules that were not read."""
    assert compliance(ID, index(runs=broken([GOOD]))) is Compliance.INSUFFICIENT_DATA
    assert compliance(ID, index(schedules=broken([schedule()]), runs=[GOOD])) is Compliance.INSUFFICIENT_DATA


def test_failure_needs_that_no_newer_success_went_unseen() -> None:
    """Two walks over the backups and over the history say so."""
    case = index(runs=[BAD])
    assert compliance(ID, inventory(case, walks=1)) is Compliance.INSUFFICIENT_DATA
    assert compliance(ID, inventory(index(runs=[BAD], walks=1))) is Compliance.INSUFFICIENT_DATA
    assert compliance(ID, inventory(case, backups=broken([BAD]))) is Compliance.INSUFFICIENT_DATA
    assert compliance(ID, index(schedules=broken([schedule()]), runs=[BAD])) is Compliance.INSUFFICIENT_DATA
