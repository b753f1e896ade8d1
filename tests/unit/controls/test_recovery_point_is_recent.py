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
    build_backup,
    build_complete_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    build_run,
    evaluate_compliance,
    evaluate_control,
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
    """The limit is one interval plus the grace period if the policy sets none."""
    assert evaluate_compliance(ID, build_index(runs=[build_run(age), build_run(age + DAY)])) is expected


def test_the_policy_may_state_the_limit() -> None:
    """A stated limit holds as it is, without the grace."""
    assert evaluate_compliance(ID, build_index(runs=[build_run(HOUR)]), max_age=HOUR) is Compliance.COMPLIANT
    assert (
        evaluate_compliance(ID, build_index(runs=[build_run(HOUR)]), max_age=HOUR - SECOND) is Compliance.NON_COMPLIANT
    )
    assert (
        evaluate_compliance(ID, build_index(runs=[build_run(6 * DAY)]), frequency=Frequency.WEEKLY)
        is Compliance.COMPLIANT
    )


def test_age_counts_from_the_capture_not_from_the_planning() -> None:
    """A run was planned a period before it captured; a manual backup captured when it was made."""
    evidence = evaluate_control(ID, build_index(runs=[build_run(HOUR, created_at=ago(DAY + HOUR))])).evidence
    assert evidence["age_hours"] == 1.0
    assert evaluate_control(ID, build_index(runs=[], backups=[build_backup(2 * HOUR)])).evidence["age_hours"] == 2.0


@pytest.mark.parametrize("future_offset", [SECOND, CLOCK_TOLERANCE], ids=["one-second", "at-limit"])
def test_the_age_of_a_recovery_point_is_never_negative(future_offset: timedelta) -> None:
    """A recovery point whose capture time is slightly in the future is 0 hours old."""
    finding = evaluate_control(ID, build_index(runs=[build_run(-future_offset)]))
    assert (finding.evidence["age_hours"], finding.evidence["newest"]) == (0.0, "2026-11-22T12:00:00Z")
    assert finding.reason.startswith("Newest recovery point is 0s old")


def test_the_name_of_a_run_tells_its_capture_where_no_field_does() -> None:
    """Rows of some versions carry no execution time."""
    assert evaluate_control(ID, build_index(runs=[build_run(HOUR, scheduled_for=None)])).evidence["age_hours"] == 1.0


def test_without_a_recovery_point_there_is_nothing_to_evaluate() -> None:
    """Provided that the listing was read to its end."""
    case = build_index(runs=[])
    assert evaluate_compliance(ID, case) is Compliance.NOT_APPLICABLE
    assert (
        evaluate_compliance(ID, build_inventory(case, backups=build_failed_listing())) is Compliance.INSUFFICIENT_DATA
    )


def test_a_recent_one_passes_whatever_was_not_read() -> None:
    """An incomplete read proves presence; rows that were not read can only be newer."""
    case = build_index(runs=[])
    assert (
        evaluate_compliance(ID, build_inventory(case, backups=build_failed_listing([build_backup(HOUR)])))
        is Compliance.COMPLIANT
    )
    assert (
        evaluate_compliance(ID, build_inventory(case, backups=build_failed_listing([build_backup(9 * DAY)])))
        is Compliance.INSUFFICIENT_DATA
    )


def test_an_old_one_is_called_the_newest_only_after_two_reads() -> None:
    """A newer one might have gone unseen."""
    case = build_index(runs=[build_run(9 * DAY)], reads=1)
    assert evaluate_compliance(ID, build_inventory(case, reads=1)) is Compliance.INSUFFICIENT_DATA
    assert evaluate_compliance(ID, build_inventory(case, reads=2)) is Compliance.NON_COMPLIANT


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
    """A backup without a capture time may be the newest."""
    dated_backups = [build_backup(age, backup_id="dated")] if age is not None else []
    assert evaluate_compliance(ID, build_index(runs=[], backups=[*dated_backups, build_backup(None)])) is expected


def test_whose_backups_they_are_has_to_be_known() -> None:
    """The index's own listing shows the live id if no schedule does."""
    case = build_index(schedules=(), backups=[build_backup(HOUR)])
    assert evaluate_compliance(ID, case) is Compliance.INSUFFICIENT_DATA
    index = build_index(
        schedules=(), backups=[build_backup(HOUR)], own_backups=build_complete_listing([build_backup(HOUR)])
    )
    assert evaluate_compliance(ID, index) is Compliance.COMPLIANT
