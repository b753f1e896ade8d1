"""Control `recovery-point-is-recent`."""

from datetime import timedelta

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.model import Frequency
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE
from support.builders.facts import (
    DAY,
    GRACE,
    HOUR,
    SECOND,
    ago,
    backup,
    broken,
    compliance,
    finding,
    index,
    inventory,
    run,
    whole,
)

ID = "recovery-point-is-recent"


@pytest.mark.parametrize(
    "age,expected",
    [
        pytest.param(DAY + GRACE - SECOND, Compliance.COMPLIANT, id="one-second-before"),
        pytest.param(DAY + GRACE, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(DAY + GRACE + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_the_newest_may_be_as_old_as_an_interval_and_the_grace(age: timedelta, expected: Compliance) -> None:
    """That is the limit where the policy states none."""
    assert compliance(ID, index(runs=[run(age), run(age + DAY)])) is expected


def test_the_policy_may_state_the_limit() -> None:
    """A stated limit holds as it is, without the grace."""
    assert compliance(ID, index(runs=[run(HOUR)]), max_age=HOUR) is Compliance.COMPLIANT
    assert compliance(ID, index(runs=[run(HOUR)]), max_age=HOUR - SECOND) is Compliance.NON_COMPLIANT
    assert compliance(ID, index(runs=[run(6 * DAY)]), frequency=Frequency.WEEKLY) is Compliance.COMPLIANT


def test_age_counts_from_the_capture_not_from_the_planning() -> None:
    """A run was planned a period before it captured; a manual backup captured when it was made."""
    evidence = finding(ID, index(runs=[run(HOUR, created_at=ago(DAY + HOUR))])).evidence
    assert evidence["age_hours"] == 1.0
    assert finding(ID, index(runs=[], backups=[backup(2 * HOUR)])).evidence["age_hours"] == 2.0


@pytest.mark.parametrize("ahead", [SECOND, CLOCK_TOLERANCE], ids=["one-second", "at-limit"])
def test_the_age_of_a_recovery_point_is_never_negative(ahead: timedelta) -> None:
    """A recovery point whose capture time lies slightly ahead is 0 hours old."""
    found = finding(ID, index(runs=[run(-ahead)]))
    assert (found.evidence["age_hours"], found.evidence["newest"]) == (0.0, "2026-11-22T12:00:00Z")
    assert found.reason.startswith("Its newest recovery point is 0s old")


def test_the_name_of_a_run_tells_its_capture_where_no_field_does() -> None:
    """Rows of some versions carry no execution time."""
    assert finding(ID, index(runs=[run(HOUR, scheduled_for=None)])).evidence["age_hours"] == 1.0


def test_without_a_recovery_point_there_is_nothing_to_judge() -> None:
    """Provided that the listing was read to its end."""
    case = index(runs=[])
    assert compliance(ID, case) is Compliance.NOT_APPLICABLE
    assert compliance(ID, inventory(case, backups=broken())) is Compliance.INSUFFICIENT_DATA


def test_a_recent_one_passes_whatever_was_not_read() -> None:
    """A broken walk proves presence; what it did not show can only be newer."""
    case = index(runs=[])
    assert compliance(ID, inventory(case, backups=broken([backup(HOUR)]))) is Compliance.COMPLIANT
    assert compliance(ID, inventory(case, backups=broken([backup(9 * DAY)]))) is Compliance.INSUFFICIENT_DATA


def test_an_old_one_is_called_the_newest_only_after_two_walks() -> None:
    """A newer one might have gone unseen."""
    case = index(runs=[run(9 * DAY)], walks=1)
    assert compliance(ID, inventory(case, walks=1)) is Compliance.INSUFFICIENT_DATA
    assert compliance(ID, inventory(case, walks=2)) is Compliance.NON_COMPLIANT


@pytest.mark.parametrize(
    "age,expected",
    [
        pytest.param(HOUR, Compliance.COMPLIANT, id="beside-a-recent-one"),
        pytest.param(9 * DAY, Compliance.INSUFFICIENT_DATA, id="beside-an-old-one"),
        pytest.param(None, Compliance.INSUFFICIENT_DATA, id="alone"),
    ],
)
def test_a_ready_backup_without_any_time_matters_where_it_would_decide(
    age: timedelta | None, expected: Compliance
) -> None:
    """It may be the newest."""
    dated = [backup(age, backup_id="dated")] if age is not None else []
    assert compliance(ID, index(runs=[], backups=[*dated, backup(None)])) is expected


def test_whose_backups_they_are_has_to_be_known() -> None:
    """Without a schedule that tells the live id, the index's own listing does."""
    case = index(schedules=(), backups=[backup(HOUR)])
    assert compliance(ID, case) is Compliance.INSUFFICIENT_DATA
    told = index(schedules=(), backups=[backup(HOUR)], own=whole([backup(HOUR)]))
    assert compliance(ID, told) is Compliance.COMPLIANT
