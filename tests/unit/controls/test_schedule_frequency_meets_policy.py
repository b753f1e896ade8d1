"""Control `schedule-frequency-meets-policy`."""

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.model import Frequency
from support.builders.facts import (
    build_failed_listing,
    build_index,
    build_schedule,
    evaluate_compliance,
    evaluate_control,
)

ID = "schedule-frequency-meets-policy"


@pytest.mark.parametrize(
    "frequency,required_frequency,expected",
    [
        pytest.param("daily", Frequency.DAILY, Compliance.COMPLIANT, id="as-required"),
        pytest.param("DAILY", Frequency.DAILY, Compliance.COMPLIANT, id="in-capitals"),
        pytest.param("daily", Frequency.WEEKLY, Compliance.COMPLIANT, id="faster"),
        pytest.param("weekly", Frequency.DAILY, Compliance.NON_COMPLIANT, id="slower"),
        pytest.param("monthly", Frequency.WEEKLY, Compliance.NON_COMPLIANT, id="monthly-for-weekly"),
        pytest.param("monthly", Frequency.MONTHLY, Compliance.COMPLIANT, id="slowest-allowed"),
        pytest.param("hourly", Frequency.MONTHLY, Compliance.INSUFFICIENT_DATA, id="unknown"),
        pytest.param(None, Frequency.MONTHLY, Compliance.INSUFFICIENT_DATA, id="null"),
    ],
)
def test_a_schedule_may_not_be_slower_than_required(
    frequency: str | None, required_frequency: Frequency, expected: Compliance
) -> None:
    """A faster schedule passes; an unknown frequency gives no verdict."""
    assert (
        evaluate_compliance(
            ID, build_index(schedules=[build_schedule(frequency=frequency)]), frequency=required_frequency
        )
        is expected
    )


def test_with_two_enabled_schedules_each_must_pass() -> None:
    """The verdict is that of the one that fails, and names it."""
    finding = evaluate_control(
        ID, build_index(schedules=[build_schedule(), build_schedule("schedule-2", frequency="weekly")])
    )
    assert finding.compliance is Compliance.NON_COMPLIANT
    assert finding.evidence["schedule_id"] == "schedule-2"


def test_a_failure_wins_over_what_is_not_known() -> None:
    """Beside a schedule of unknown frequency, one that is too slow still fails."""
    schedules = [build_schedule(frequency="hourly"), build_schedule("schedule-2", frequency="weekly")]
    assert evaluate_compliance(ID, build_index(schedules=schedules)) is Compliance.NON_COMPLIANT


def test_paused_schedules_are_not_evaluated() -> None:
    """A slow paused schedule does not matter; without an enabled schedule the control is not applicable."""
    slow_schedule = build_schedule("schedule-2", frequency="monthly", enabled=False)
    assert evaluate_compliance(ID, build_index(schedules=[build_schedule(), slow_schedule])) is Compliance.COMPLIANT
    assert evaluate_compliance(ID, build_index(schedules=[slow_schedule])) is Compliance.NOT_APPLICABLE


def test_what_was_not_read_might_be_slower() -> None:
    """An incomplete read may hide an enabled schedule that fails; a known one that fails is enough."""
    assert (
        evaluate_compliance(ID, build_index(schedules=build_failed_listing([build_schedule()])))
        is Compliance.INSUFFICIENT_DATA
    )
    assert (
        evaluate_compliance(ID, build_index(schedules=build_failed_listing([build_schedule(frequency="weekly")])))
        is Compliance.NON_COMPLIANT
    )
