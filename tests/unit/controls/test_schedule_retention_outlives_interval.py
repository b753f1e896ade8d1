"""Control `schedule-retention-outlives-interval`."""

import pytest

from backup_auditor.domain.finding import Compliance, Severity
from support.builders.facts import DAY, build_index, build_schedule, evaluate_compliance, evaluate_control

ID = "schedule-retention-outlives-interval"


@pytest.mark.parametrize(
    "frequency,retention_days,expected",
    [
        pytest.param("daily", 1, Compliance.NON_COMPLIANT, id="daily-at-interval"),
        pytest.param("daily", 2, Compliance.COMPLIANT, id="daily-one-day-past"),
        pytest.param("weekly", 7, Compliance.NON_COMPLIANT, id="weekly-at-interval"),
        pytest.param("weekly", 8, Compliance.COMPLIANT, id="weekly-one-day-past"),
        pytest.param("monthly", 30, Compliance.NON_COMPLIANT, id="monthly-below-longest-month"),
        pytest.param("monthly", 31, Compliance.NON_COMPLIANT, id="monthly-at-longest-month"),
        pytest.param("monthly", 32, Compliance.COMPLIANT, id="monthly-one-day-past"),
        pytest.param("hourly", 400, Compliance.INSUFFICIENT_DATA, id="unknown-frequency"),
    ],
)
def test_a_backup_lives_longer_than_the_interval(frequency: str, retention_days: int, expected: Compliance) -> None:
    """A retention of one interval leaves days without a backup."""
    schedules = [build_schedule(frequency=frequency, retention=retention_days * DAY)]
    assert evaluate_compliance(ID, build_index(schedules=schedules)) is expected


def test_a_retention_that_is_unknown_is_not_evaluated() -> None:
    """A null field decides here."""
    assert (
        evaluate_compliance(ID, build_index(schedules=[build_schedule(retention=None)])) is Compliance.INSUFFICIENT_DATA
    )


def test_it_is_critical() -> None:
    """Days on which nothing can be restored are the worst that a schedule can promise."""
    assert evaluate_control(ID, build_index(schedules=[build_schedule(retention=DAY)])).severity is Severity.CRITICAL
