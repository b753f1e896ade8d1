"""Control `schedule-next-run-is-planned`."""

from datetime import datetime

import pytest

from backup_auditor.domain.finding import Compliance
from support.builders.facts import DAY, GRACE, NOW, SECOND, ago, compliance, finding, index, schedule

ID = "schedule-next-run-is-planned"


@pytest.mark.parametrize(
    "next_run,expected",
    [
        pytest.param(NOW + DAY, Compliance.COMPLIANT, id="to-come"),
        pytest.param(ago(GRACE - SECOND), Compliance.COMPLIANT, id="one-second-within-grace"),
        pytest.param(ago(GRACE), Compliance.COMPLIANT, id="at-limit"),
        pytest.param(ago(GRACE + SECOND), Compliance.NON_COMPLIANT, id="one-second-past"),
        pytest.param(None, Compliance.NON_COMPLIANT, id="null"),
    ],
)
def test_an_enabled_schedule_has_a_next_run(next_run: datetime | None, expected: Compliance) -> None:
    """It may be late by the grace; none at all is a failure, not an unknown."""
    assert compliance(ID, index(schedules=[schedule(next_run=next_run)])) is expected


def test_a_next_run_that_cannot_be_read_is_not_known() -> None:
    """It may well be planned; of a paused schedule nobody asks."""
    strange = schedule(next_run=None, next_run_unreadable=True)
    assert compliance(ID, index(schedules=[strange])) is Compliance.INSUFFICIENT_DATA
    paused = schedule(enabled=False, next_run=None, next_run_unreadable=True)
    assert compliance(ID, index(schedules=[paused])) is Compliance.NOT_APPLICABLE


def test_a_paused_schedule_needs_no_next_run() -> None:
    """What a paused schedule says of its next run is null or stale."""
    paused = schedule(enabled=False, next_run=None)
    assert compliance(ID, index(schedules=[paused])) is Compliance.NOT_APPLICABLE


def test_two_that_fail_are_both_told() -> None:
    """The reason names each, and the evidence holds each."""
    found = finding(ID, index(schedules=[schedule(next_run=None), schedule("schedule-2", next_run=None, name="b")]))
    assert "nightly" in found.reason
    assert "schedule b " in found.reason
    assert found.evidence["other_schedules"] == [
        {"schedule": "b", "schedule_id": "schedule-2", "next_run": None, "grace_hours": 6.0}
    ]
