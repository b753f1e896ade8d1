"""Control `schedule-guarantees-minimum-copies`."""

import pytest

from backup_auditor.domain.finding import Compliance
from support.builders.facts import DAY, compliance, finding, index, schedule

ID = "schedule-guarantees-minimum-copies"


@pytest.mark.parametrize(
    "frequency,retention_days,required,expected",
    [
        pytest.param("daily", 2, 2, Compliance.COMPLIANT, id="at-limit"),
        pytest.param("daily", 2, 3, Compliance.NON_COMPLIANT, id="one-copy-short"),
        pytest.param("weekly", 13, 2, Compliance.NON_COMPLIANT, id="part-of-an-interval-counts-for-nothing"),
        pytest.param("weekly", 14, 2, Compliance.COMPLIANT, id="two-weeks"),
        pytest.param("monthly", 61, 2, Compliance.NON_COMPLIANT, id="two-short-months"),
        pytest.param("monthly", 62, 2, Compliance.COMPLIANT, id="two-longest-months"),
        pytest.param("hourly", 400, 1, Compliance.INSUFFICIENT_DATA, id="unknown-frequency"),
        pytest.param("daily", 1, None, Compliance.NOT_APPLICABLE, id="no-minimum"),
    ],
)
def test_the_retention_holds_enough_intervals(
    frequency: str, retention_days: int, required: int | None, expected: Compliance
) -> None:
    """Only whole intervals, of the longest kind, count."""
    schedules = [schedule(frequency=frequency, retention=retention_days * DAY)]
    assert compliance(ID, index(schedules=schedules), min_copies=required) is expected


def test_a_retention_that_is_not_told_is_not_judged() -> None:
    """A null field decides here."""
    assert compliance(ID, index(schedules=[schedule(retention=None)])) is Compliance.INSUFFICIENT_DATA


def test_the_reason_names_the_copies() -> None:
    """Both the sure ones and the required ones."""
    found = finding(ID, index(schedules=[schedule(retention=DAY)]))
    assert found.reason == "Its schedule nightly keeps backups 1d, so that 1 copy is sure and 2 required."
