"""Control `schedule-retention-meets-minimum`."""

from datetime import timedelta

import pytest

from backup_auditor.domain.finding import Compliance
from support.builders.facts import (
    DAY,
    build_failed_listing,
    build_index,
    build_schedule,
    evaluate_compliance,
    evaluate_control,
)

ID = "schedule-retention-meets-minimum"


@pytest.mark.parametrize(
    "retention,expected",
    [
        pytest.param(8 * DAY, Compliance.COMPLIANT, id="longer"),
        pytest.param(7 * DAY, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(6 * DAY, Compliance.NON_COMPLIANT, id="one-day-short"),
        pytest.param(None, Compliance.INSUFFICIENT_DATA, id="null"),
    ],
)
def test_backups_are_kept_at_least_so_long(retention: timedelta | None, expected: Compliance) -> None:
    """The minimum itself is enough."""
    assert evaluate_compliance(ID, build_index(schedules=[build_schedule(retention=retention)])) is expected


def test_without_a_minimum_there_is_nothing_to_evaluate() -> None:
    """The control is not applicable without a minimum, even if the schedules could not be read."""
    assert evaluate_compliance(ID, build_index(), retention_min=None) is Compliance.NOT_APPLICABLE
    assert (
        evaluate_compliance(ID, build_index(schedules=build_failed_listing()), retention_min=None)
        is Compliance.NOT_APPLICABLE
    )


def test_without_an_enabled_schedule_there_is_nothing_to_evaluate() -> None:
    """The settings of a paused schedule are not evaluated."""
    paused_schedule = build_schedule(retention=DAY, enabled=False)
    assert evaluate_compliance(ID, build_index(schedules=[paused_schedule])) is Compliance.NOT_APPLICABLE


def test_a_frequency_that_is_not_known_does_not_matter_here() -> None:
    """Only what needs the interval waits for it."""
    assert evaluate_compliance(ID, build_index(schedules=[build_schedule(frequency="hourly")])) is Compliance.COMPLIANT


def test_the_evidence_holds_both_figures() -> None:
    """The evidence has both figures in days, as in the policy."""
    evidence = evaluate_control(ID, build_index(schedules=[build_schedule(retention=6 * DAY)])).evidence
    assert (evidence["retention_days"], evidence["min_days"]) == (6, 7)
