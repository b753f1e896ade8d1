"""Test the settings of a schedule over time: pauses, frequencies, and what is stored of them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from backup_auditor.domain.project_state import EarlierSettings, KnownSchedule
from backup_auditor.domain.settings_history import (
    SETTINGS_RETENTION,
    SettingsHistory,
    find_settings_at,
    observe_schedule,
    prune_settings,
)
from backup_auditor.domain.timefmt import EARLIEST_MOMENT, Period
from support.builders.facts import DAY, HOUR, NOW, SECOND, ago, build_schedule

WEEK = 7 * DAY


def build_settings(since_age: timedelta, until_age: timedelta, **facts: Any) -> EarlierSettings:
    """Build settings that audits of these ages saw first and last: daily, enabled, 7 days of retention."""
    settings: dict[str, Any] = {"frequency": "daily", "retention": WEEK, "enabled": True} | facts
    return EarlierSettings(ago(since_age), ago(until_age), **settings)


def build_known_schedule(*earlier_settings: EarlierSettings, age: timedelta = DAY, **facts: Any) -> KnownSchedule:
    """Build a known schedule whose present settings an audit of this age saw first."""
    settings: dict[str, Any] = {"frequency": "daily", "retention": WEEK, "enabled": True, "since": ago(age)} | facts
    return KnownSchedule("schedule-1", "orders", "nightly", earlier_settings=earlier_settings, **settings)


def build_history(*earlier_settings: EarlierSettings, age: timedelta = DAY, **facts: Any) -> SettingsHistory:
    """Build the history of a known schedule at `NOW`."""
    return SettingsHistory(build_known_schedule(*earlier_settings, age=age, **facts), NOW)


@pytest.mark.parametrize(
    "history, pauses",
    [
        pytest.param(build_history(), [], id="always-enabled"),
        pytest.param(build_history(enabled=None), [], id="unknown"),
        pytest.param(build_history(enabled=False), [Period(EARLIEST_MOMENT, NOW)], id="always-paused"),
        pytest.param(
            build_history(build_settings(9 * DAY, 2 * DAY), enabled=False), [Period(ago(DAY), NOW)], id="paused-now"
        ),
        pytest.param(
            build_history(build_settings(9 * DAY, 4 * DAY), build_settings(3 * DAY, 2 * DAY, enabled=False)),
            [Period(ago(3 * DAY), ago(DAY))],
            id="paused-and-resumed",
        ),
        pytest.param(
            build_history(
                build_settings(9 * DAY, 6 * DAY),
                build_settings(5 * DAY, 4 * DAY, enabled=False),
                build_settings(3 * DAY, 2 * DAY, enabled=False, frequency="weekly"),
            ),
            [Period(ago(5 * DAY), ago(DAY))],
            id="changed-while-paused",
        ),
        pytest.param(
            build_history(
                build_settings(9 * DAY, 8 * DAY),
                build_settings(7 * DAY, 6 * DAY, enabled=False),
                build_settings(5 * DAY, 4 * DAY),
                build_settings(3 * DAY, 2 * DAY, enabled=False),
            ),
            [Period(ago(7 * DAY), ago(5 * DAY)), Period(ago(3 * DAY), ago(DAY))],
            id="paused-twice",
        ),
        pytest.param(
            build_history(
                build_settings(9 * DAY, 8 * DAY, enabled=False),
                build_settings(7 * DAY, 6 * DAY),
                build_settings(5 * DAY, 4 * DAY, enabled=False),
                build_settings(3 * DAY, 2 * DAY, enabled=False, retention=DAY),
            ),
            [Period(EARLIEST_MOMENT, ago(7 * DAY)), Period(ago(5 * DAY), ago(DAY))],
            id="second-pause-was-changed",
        ),
    ],
)
def test_a_pause_lasts_from_audit_to_audit(history: SettingsHistory, pauses: list[Period]) -> None:
    """A pause begins with the audit that saw it, and ends with the audit that saw the schedule enabled again."""
    assert history.pauses == pauses


@pytest.mark.parametrize(
    "start_age, end_age, expected_age",
    [
        pytest.param(5 * DAY, 4 * DAY, 5 * DAY, id="before-the-pause"),
        pytest.param(5 * DAY, 3 * DAY, 5 * DAY, id="ends-with-the-start-of-the-pause"),
        pytest.param(5 * DAY, 3 * DAY - SECOND, DAY, id="one-second-within-the-pause"),
        pytest.param(DAY, HOUR, DAY, id="starts-with-the-end-of-the-pause"),
        pytest.param(2 * DAY, HOUR, DAY, id="starts-within-the-pause"),
    ],
)
def test_a_period_begins_after_the_pauses_that_overlap_it(
    start_age: timedelta, end_age: timedelta, expected_age: timedelta
) -> None:
    """A period without a run begins at the end of the last pause that overlaps it."""
    history = build_history(build_settings(9 * DAY, 4 * DAY), build_settings(3 * DAY, 2 * DAY, enabled=False))
    assert history.skip_pauses(ago(start_age), ago(end_age)) == ago(expected_age)


@pytest.mark.parametrize(
    "moment, expected_count",
    [
        pytest.param(ago(4 * DAY), 3, id="during-the-first"),
        pytest.param(ago(3 * DAY), 3, id="at-the-end-of-the-first"),
        pytest.param(ago(3 * DAY) + SECOND, 2, id="one-second-past-the-first"),
        pytest.param(NOW, 1, id="at-the-audit"),
    ],
)
def test_settings_apply_until_the_next_ones_are_seen(moment: datetime, expected_count: int) -> None:
    """Settings apply up to and including the time of the audit that saw the next ones."""
    history = build_history(build_settings(5 * DAY, 4 * DAY, frequency="weekly"), build_settings(3 * DAY, 2 * DAY))
    assert history.find_settings_since(moment) == list(history.settings[-expected_count:])


@pytest.mark.parametrize(
    "earlier_settings, frequency, expected",
    [
        pytest.param(
            build_settings(5 * DAY, 3 * DAY, frequency="weekly"),
            "daily",
            [(Period(ago(9 * DAY), ago(DAY)), "weekly"), (Period(ago(DAY), NOW), "daily")],
            id="faster-from-the-audit-after-the-change",
        ),
        pytest.param(
            build_settings(5 * DAY, 3 * DAY),
            "weekly",
            [
                (Period(ago(9 * DAY), ago(3 * DAY)), "daily"),
                (Period(ago(3 * DAY), NOW), "weekly"),
            ],
            id="slower-from-the-audit-before-the-change",
        ),
        pytest.param(
            build_settings(5 * DAY, 3 * DAY, frequency="monthly"),
            None,
            [(Period(ago(9 * DAY), ago(DAY)), "monthly"), (Period(ago(DAY), NOW), None)],
            id="unknown-is-as-slow-as-monthly",
        ),
    ],
)
def test_the_slower_frequency_applies_between_two_audits(
    earlier_settings: EarlierSettings, frequency: str | None, expected: list[tuple[Period, str | None]]
) -> None:
    """A change of the frequency happened between two audits, and the slower frequency applies between them."""
    history = build_history(earlier_settings, frequency=frequency)
    assert list(history.split_by_frequency(ago(9 * DAY), NOW)) == expected


def test_a_period_of_no_length_is_left_out() -> None:
    """A period that begins or ends with a change has one frequency."""
    history = build_history(build_settings(5 * DAY, 3 * DAY, frequency="weekly"))
    assert [frequency for _, frequency in history.split_by_frequency(ago(DAY), NOW)] == ["daily"]
    assert [frequency for _, frequency in history.split_by_frequency(ago(9 * DAY), ago(DAY))] == ["weekly"]


def test_earlier_settings_are_the_settings_at_their_time() -> None:
    """At an earlier time, a schedule has the settings of the last audit up to then, and those before them."""
    oldest = build_settings(9 * DAY, 6 * DAY, frequency="monthly")
    older = build_settings(5 * DAY, 3 * DAY, frequency="weekly", retention=30 * DAY, enabled=False)
    schedule = build_known_schedule(oldest, older)
    expected = replace(
        schedule,
        frequency="weekly",
        retention=30 * DAY,
        enabled=False,
        since=ago(5 * DAY),
        seen_at=ago(3 * DAY),
        earlier_settings=(oldest,),
    )
    assert find_settings_at(schedule, ago(DAY) - SECOND) == expected
    assert find_settings_at(schedule, ago(4 * DAY)) == replace(expected, seen_at=ago(4 * DAY))
    assert find_settings_at(schedule, ago(5 * DAY)) == replace(expected, seen_at=ago(5 * DAY))


@pytest.mark.parametrize(
    "schedule, moment",
    [
        pytest.param(build_known_schedule(), ago(DAY), id="present-settings"),
        pytest.param(build_known_schedule(since=None), ago(9 * DAY), id="state-without-a-history"),
    ],
)
def test_present_settings_are_returned_unchanged(schedule: KnownSchedule, moment: datetime) -> None:
    """A time at or after the first audit that saw the present settings has these."""
    assert find_settings_at(schedule, moment) is schedule


def test_no_settings_are_known_before_the_first_audit() -> None:
    """A schedule that no audit had seen at a time has no settings then."""
    assert find_settings_at(build_known_schedule(build_settings(5 * DAY, 3 * DAY)), ago(5 * DAY) - SECOND) is None


@pytest.mark.parametrize(
    "end_age, expected_count",
    [
        pytest.param(SETTINGS_RETENTION - SECOND, 1, id="one-second-before-the-limit"),
        pytest.param(SETTINGS_RETENTION, 0, id="at-limit"),
    ],
)
def test_settings_that_ended_long_ago_are_removed(end_age: timedelta, expected_count: int) -> None:
    """Earlier settings are stored for 15 of the longest intervals after the next ones were seen."""
    schedule = build_known_schedule(build_settings(600 * DAY, 590 * DAY), age=end_age)
    assert len(prune_settings(schedule, NOW).earlier_settings) == expected_count


@pytest.mark.parametrize(
    "facts, expected",
    [
        pytest.param({}, build_known_schedule(), id="unchanged"),
        pytest.param(
            {"frequency": "weekly"},
            build_known_schedule(build_settings(DAY, HOUR), frequency="weekly", since=NOW),
            id="changed",
        ),
        pytest.param({"retention": None}, build_known_schedule(seen_at=ago(HOUR)), id="setting-missing"),
        pytest.param({"name": "renamed"}, replace(build_known_schedule(), name="renamed"), id="renamed"),
    ],
)
def test_an_audit_adds_what_it_saw_of_a_schedule(facts: dict[str, Any], expected: KnownSchedule) -> None:
    """A change ends the earlier settings, and a missing setting stays as it was."""
    schedule = build_schedule(**facts)
    assert observe_schedule(schedule, "orders", build_known_schedule(), ago(HOUR), NOW) == expected
