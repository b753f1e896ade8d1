"""Control `schedule-retention-within-maximum`."""

from datetime import timedelta

import pytest

from backup_auditor.domain.finding import Compliance
from support.builders.facts import DAY, build_index, build_schedule, evaluate_compliance

ID = "schedule-retention-within-maximum"


@pytest.mark.parametrize(
    "retention,expected",
    [
        pytest.param(399 * DAY, Compliance.COMPLIANT, id="shorter"),
        pytest.param(400 * DAY, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(401 * DAY, Compliance.NON_COMPLIANT, id="one-day-past"),
        pytest.param(None, Compliance.INSUFFICIENT_DATA, id="null"),
    ],
)
def test_backups_are_kept_at_most_so_long(retention: timedelta | None, expected: Compliance) -> None:
    """The maximum itself is allowed."""
    assert evaluate_compliance(ID, build_index(schedules=[build_schedule(retention=retention)])) is expected


def test_without_a_maximum_there_is_nothing_to_evaluate() -> None:
    """A limit that is null is none."""
    assert evaluate_compliance(ID, build_index(), retention_max=None) is Compliance.NOT_APPLICABLE


def test_one_that_may_be_enabled_does_not_decide_when_it_would_pass() -> None:
    """If an enabled schedule passes, one of unknown state matters only if it would fail."""
    passing_schedule, failing_schedule = (
        build_schedule("schedule-2", enabled=None),
        build_schedule("schedule-2", enabled=None, retention=500 * DAY),
    )
    assert evaluate_compliance(ID, build_index(schedules=[build_schedule(), passing_schedule])) is Compliance.COMPLIANT
    assert (
        evaluate_compliance(ID, build_index(schedules=[build_schedule(), failing_schedule]))
        is Compliance.INSUFFICIENT_DATA
    )
    assert evaluate_compliance(ID, build_index(schedules=[passing_schedule])) is Compliance.INSUFFICIENT_DATA
