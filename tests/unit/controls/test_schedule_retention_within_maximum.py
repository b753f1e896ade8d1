"""Control `schedule-retention-within-maximum`."""

from datetime import timedelta

import pytest

from backup_auditor.domain.finding import Compliance
from support.builders.facts import DAY, compliance, index, schedule

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
    assert compliance(ID, index(schedules=[schedule(retention=retention)])) is expected


def test_without_a_maximum_there_is_nothing_to_judge() -> None:
    """A limit that is null is none."""
    assert compliance(ID, index(), retention_max=None) is Compliance.NOT_APPLICABLE


def test_one_that_may_be_enabled_does_not_decide_when_it_would_pass() -> None:
    """Beside an enabled schedule that passes, a doubtful one matters only if it would fail."""
    passing, failing = schedule("schedule-2", enabled=None), schedule("schedule-2", enabled=None, retention=500 * DAY)
    assert compliance(ID, index(schedules=[schedule(), passing])) is Compliance.COMPLIANT
    assert compliance(ID, index(schedules=[schedule(), failing])) is Compliance.INSUFFICIENT_DATA
    assert compliance(ID, index(schedules=[passing])) is Compliance.INSUFFICIENT_DATA
