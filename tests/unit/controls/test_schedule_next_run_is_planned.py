"""Control `schedule-next-run-is-planned`."""

from datetime import datetime

import pytest

from backup_auditor.domain.finding import Compliance
from support.builders.facts import (
    DAY,
    GRACE,
    NOW,
    SECOND,
    ago,
    build_index,
    build_schedule,
    evaluate_compliance,
    evaluate_control,
)

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
    """A next run may be late by the grace period; a missing one fails."""
    assert evaluate_compliance(ID, build_index(schedules=[build_schedule(next_run=next_run)])) is expected


def test_a_next_run_that_cannot_be_read_is_not_known() -> None:
    """An invalid next run is unknown; paused schedules are not evaluated."""
    unreadable_schedule = build_schedule(next_run=None, next_run_unreadable=True)
    assert evaluate_compliance(ID, build_index(schedules=[unreadable_schedule])) is Compliance.INSUFFICIENT_DATA
    paused_schedule = build_schedule(enabled=False, next_run=None, next_run_unreadable=True)
    assert evaluate_compliance(ID, build_index(schedules=[paused_schedule])) is Compliance.NOT_APPLICABLE


def test_a_paused_schedule_needs_no_next_run() -> None:
    """The next run of a paused schedule is null or outdated, and does not count."""
    paused_schedule = build_schedule(enabled=False, next_run=None)
    assert evaluate_compliance(ID, build_index(schedules=[paused_schedule])) is Compliance.NOT_APPLICABLE


def test_two_that_fail_are_both_reported() -> None:
    """The reason names each, and the evidence holds each."""
    finding = evaluate_control(
        ID,
        build_index(schedules=[build_schedule(next_run=None), build_schedule("schedule-2", next_run=None, name="b")]),
    )
    assert "nightly" in finding.reason
    assert "Schedule b " in finding.reason
    assert finding.evidence["other_schedules"] == [
        {"schedule": "b", "schedule_id": "schedule-2", "next_run": None, "grace_hours": 6.0}
    ]
