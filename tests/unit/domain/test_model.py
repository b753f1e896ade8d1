"""Test the states of indexes and the settings of schedules."""

from typing import Any

import pytest

from backup_auditor.domain.model import Frequency, Index, ScheduleSettings
from support.builders.facts import DAY, build_schedule

SETTINGS = {"enabled": False, "frequency": Frequency.WEEKLY, "retention": 30 * DAY}


@pytest.mark.parametrize(
    "state, is_initializing, is_terminating",
    [
        pytest.param("Initializing", True, False, id="initializing"),
        pytest.param("TERMINATING", False, True, id="terminating-in-capitals"),
        pytest.param("Ready", False, False, id="ready"),
        pytest.param(None, False, False, id="unknown"),
    ],
)
def test_the_state_of_an_index_is_compared_in_any_case(
    state: str | None, is_initializing: bool, is_terminating: bool
) -> None:
    """Capitals in the state of an index do not matter."""
    index = Index("orders", state=state)
    assert (index.is_initializing, index.is_terminating) == (is_initializing, is_terminating)


@pytest.mark.parametrize("name", SETTINGS)
def test_one_setting_is_applied(name: str) -> None:
    """A setting changes a schedule, and settings of `None` leave it as it is."""
    settings: dict[str, Any] = {name: SETTINGS[name]}
    assert ScheduleSettings(**settings).apply_to(build_schedule()) == build_schedule(**settings)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_other_settings_complete_one(name: str) -> None:
    """Merged settings keep what they set and take the rest from the other ones."""
    other: dict[str, Any] = {"enabled": True, "frequency": Frequency.DAILY, "retention": 7 * DAY}
    settings: dict[str, Any] = {name: SETTINGS[name]}
    assert ScheduleSettings(**settings).merge(ScheduleSettings(**other)) == ScheduleSettings(**(other | settings))
    assert ScheduleSettings(**settings).merge(ScheduleSettings()) == ScheduleSettings(**settings)
    assert ScheduleSettings(**other).restrict_to(ScheduleSettings(**settings)) == ScheduleSettings(
        **{name: other[name]}
    )
