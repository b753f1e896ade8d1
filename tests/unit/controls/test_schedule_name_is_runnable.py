"""Control `schedule-name-is-runnable`."""

import pytest

from backup_auditor.domain.finding import Compliance
from support.builders.facts import build_index, build_schedule, evaluate_compliance

ID = "schedule-name-is-runnable"


@pytest.mark.parametrize(
    "name,expected",
    [
        pytest.param("a" * 28, Compliance.COMPLIANT, id="at-limit"),
        pytest.param("a" * 29, Compliance.NON_COMPLIANT, id="one-character-past"),
        pytest.param("é" * 28, Compliance.COMPLIANT, id="characters-not-bytes"),
        pytest.param(None, Compliance.INSUFFICIENT_DATA, id="null"),
    ],
)
def test_a_name_leaves_room_for_that_of_its_runs(name: str | None, expected: Compliance) -> None:
    """A name of 28 characters is compliant; with a longer name, every run fails."""
    assert evaluate_compliance(ID, build_index(schedules=[build_schedule(name=name)])) is expected


def test_the_name_of_a_paused_schedule_does_not_matter() -> None:
    """A paused schedule has no runs that could fail."""
    assert (
        evaluate_compliance(ID, build_index(schedules=[build_schedule(name="a" * 29, enabled=False)]))
        is Compliance.NOT_APPLICABLE
    )
