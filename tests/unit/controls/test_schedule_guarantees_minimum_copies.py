"""Control `schedule-guarantees-minimum-copies`."""

import pytest

from backup_auditor.domain.finding import Compliance
from support.builders.facts import DAY, build_index, build_schedule, evaluate_compliance, evaluate_control

ID = "schedule-guarantees-minimum-copies"


@pytest.mark.parametrize(
    "frequency,retention_days,min_copies,expected",
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
    frequency: str, retention_days: int, min_copies: int | None, expected: Compliance
) -> None:
    """Only whole intervals, of the longest kind, count."""
    schedules = [build_schedule(frequency=frequency, retention=retention_days * DAY)]
    assert evaluate_compliance(ID, build_index(schedules=schedules), min_copies=min_copies) is expected


def test_a_retention_that_is_unknown_is_not_evaluated() -> None:
    """A null field decides here."""
    assert (
        evaluate_compliance(ID, build_index(schedules=[build_schedule(retention=None)])) is Compliance.INSUFFICIENT_DATA
    )


def test_the_reason_names_the_copies() -> None:
    """Both the sure ones and the required ones."""
    finding = evaluate_control(ID, build_index(schedules=[build_schedule(retention=DAY)]))
    assert finding.reason == "Schedule nightly keeps backups for 1d, which guarantees 1 copy (minimum: 2)."
