"""Test the schedule that a policy requires, and the shortcomings of a schedule."""

from collections.abc import Container
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.domain.model import Frequency, Index, Schedule, ScheduleSettings
from backup_auditor.domain.policy import Requirements, Rule
from backup_auditor.domain.target_schedule import (
    ENABLED_CONTROL,
    ERASURE_CONTROL,
    FREQUENCY_CONTROL,
    MAX_RETENTION_CONTROL,
    NAME_CONTROL,
    RETENTION_CONTROLS,
    SCHEDULE_CONTROLS,
    Shortcoming,
    find_accepted_controls,
    find_shortcomings,
    find_unsatisfiable_rules,
)
from support.builders.facts import DAY, NOW, build_policy, build_schedule
from support.builders.plans import FULL_EXEMPTION, build_remediation_policy

MIN_RETENTION_CONTROL, OUTLIVE_CONTROL, COPIES_CONTROL = RETENTION_CONTROLS


def build_requirements(**requirements: Any) -> Requirements:
    """Build the built-in requirements with some of them changed by name."""
    return build_policy(**requirements).defaults


def list_shortcomings(
    schedule: Schedule, accepted_ids: Container[str] = frozenset(), **requirements: Any
) -> list[Shortcoming]:
    """Return the shortcomings of a schedule under the built-in requirements, some of them changed."""
    return list(find_shortcomings(schedule, build_requirements(**requirements), accepted_ids))


@pytest.mark.parametrize(
    "settings, expected",
    [
        pytest.param(
            {"enabled": False},
            Shortcoming(ENABLED_CONTROL, "is paused", ScheduleSettings(enabled=True), "Pinecone does not say"),
            id="paused",
        ),
        pytest.param(
            {"enabled": None},
            Shortcoming(ENABLED_CONTROL, "may be paused", None, "Pinecone does not say"),
            id="unknown-state",
        ),
        pytest.param(
            {"name": None},
            Shortcoming(NAME_CONTROL, "has an unknown name", None, "Pinecone does not return it"),
            id="unknown-name",
        ),
        pytest.param(
            {"name": "n" * 29},
            Shortcoming(
                NAME_CONTROL,
                "has a name of more than 28 characters: every run fails",
                None,
                "a name cannot be changed",
            ),
            id="name-one-character-past-the-limit",
        ),
        pytest.param(
            {"frequency": "hourly"},
            Shortcoming(
                FREQUENCY_CONTROL, "has an unknown frequency or retention", None, "the required change is unknown"
            ),
            id="unknown-frequency",
        ),
        pytest.param(
            {"retention": None},
            Shortcoming(
                FREQUENCY_CONTROL, "has an unknown frequency or retention", None, "the required change is unknown"
            ),
            id="unknown-retention",
        ),
        pytest.param(
            {"frequency": "weekly", "retention": 30 * DAY},
            Shortcoming(
                FREQUENCY_CONTROL, "runs weekly (required: daily)", ScheduleSettings(frequency=Frequency.DAILY)
            ),
            id="too-slow",
        ),
        pytest.param(
            {"retention": 6 * DAY},
            Shortcoming(
                MIN_RETENTION_CONTROL,
                "has a retention of 6d (minimum: 7d)",
                ScheduleSettings(retention=7 * DAY),
                "the limit is 400d",
            ),
            id="retention-one-day-too-short",
        ),
        pytest.param(
            {"retention": 401 * DAY},
            Shortcoming(
                MAX_RETENTION_CONTROL, "has a retention of 401d (limit: 400d)", None, "a retention is never lowered"
            ),
            id="retention-one-day-too-long",
        ),
    ],
)
def test_a_shortcoming_has_its_control_and_its_correction(settings: dict[str, Any], expected: Shortcoming) -> None:
    """A shortcoming names the control that reports it, and its correction or why there is none."""
    assert list_shortcomings(build_schedule(**settings)) == [expected]


@pytest.mark.parametrize(
    "settings, requirements",
    [
        pytest.param({}, {}, id="built-in"),
        pytest.param({"name": "n" * 28}, {}, id="longest-name"),
        pytest.param({"retention": 400 * DAY}, {}, id="longest-retention"),
        pytest.param({"retention": 30 * DAY}, {"max_backup_age": 30 * DAY}, id="retention-at-the-erasure-limit"),
        pytest.param({"retention": 2 * DAY}, {"retention_min": None, "min_copies": None}, id="one-day-past-interval"),
        pytest.param({"frequency": "DAILY"}, {"frequency": Frequency.WEEKLY}, id="faster-than-required"),
    ],
)
def test_a_schedule_at_its_limits_has_no_shortcoming(settings: dict[str, Any], requirements: dict[str, Any]) -> None:
    """A schedule whose settings equal the limits satisfies the policy."""
    assert list_shortcomings(build_schedule(**{"retention": 14 * DAY, **settings}), **requirements) == []


@pytest.mark.parametrize(
    "retention, requirements, expected",
    [
        pytest.param(
            DAY,
            {"retention_min": None, "min_copies": None},
            (OUTLIVE_CONTROL, "has a retention of 1d (minimum: 2d)", 2 * DAY, "the limit is 400d"),
            id="equal-to-the-interval",
        ),
        pytest.param(
            7 * DAY,
            {"min_copies": 9},
            (COPIES_CONTROL, "has a retention of 7d (minimum: 9d)", 9 * DAY, "the limit is 400d"),
            id="too-few-copies",
        ),
        pytest.param(
            7 * DAY,
            {"retention_min": 30 * DAY, "retention_max": 30 * DAY},
            (MIN_RETENTION_CONTROL, "has a retention of 7d (minimum: 30d)", 30 * DAY, "the limit is 30d"),
            id="minimum-equal-to-the-maximum",
        ),
        pytest.param(
            7 * DAY,
            {"retention_min": 30 * DAY, "max_backup_age": 29 * DAY},
            (MIN_RETENTION_CONTROL, "has a retention of 7d (minimum: 30d)", None, "the limit is 29d"),
            id="minimum-above-the-maximum",
        ),
    ],
)
def test_the_longest_minimum_corrects_a_retention(
    retention: timedelta, requirements: dict[str, Any], expected: tuple[str, str, timedelta | None, str]
) -> None:
    """A retention is corrected to the longest minimum, unless this exceeds the limit."""
    control, text, new_retention, obstacle = expected
    correction = None if new_retention is None else ScheduleSettings(retention=new_retention)
    assert list_shortcomings(build_schedule(retention=retention), **requirements) == [
        Shortcoming(control, text, correction, obstacle)
    ]


def test_a_retention_above_two_limits_has_two_shortcomings() -> None:
    """A retention is compared with the maximum of the schedule and with the erasure limit."""
    shortcomings = list_shortcomings(
        build_schedule(retention=60 * DAY), retention_max=50 * DAY, max_backup_age=30 * DAY
    )
    assert [(it.control, it.text, it.obstacle) for it in shortcomings] == [
        (MAX_RETENTION_CONTROL, "has a retention of 60d (limit: 50d)", "a retention is never lowered"),
        (ERASURE_CONTROL, "has a retention of 60d (limit: 30d)", "a retention is never lowered"),
    ]


def test_a_slow_schedule_is_corrected_for_the_required_frequency() -> None:
    """The minimums of the retention follow from the frequency after the correction."""
    slow_schedule = build_schedule(frequency="weekly", retention=7 * DAY)
    assert [it.control for it in list_shortcomings(slow_schedule)] == [FREQUENCY_CONTROL]
    (shortcoming,) = list_shortcomings(slow_schedule, {FREQUENCY_CONTROL})
    assert (shortcoming.control, shortcoming.correction) == (COPIES_CONTROL, ScheduleSettings(retention=14 * DAY))


@pytest.mark.parametrize(
    "settings, accepted_ids",
    [
        pytest.param({"enabled": False}, {ENABLED_CONTROL}, id="paused"),
        pytest.param({"name": "n" * 29}, {NAME_CONTROL}, id="name"),
        pytest.param({"retention": DAY}, set(RETENTION_CONTROLS), id="every-minimum"),
        pytest.param({"retention": 401 * DAY}, {MAX_RETENTION_CONTROL}, id="maximum"),
    ],
)
def test_an_accepted_shortcoming_is_left_out(settings: dict[str, Any], accepted_ids: set[str]) -> None:
    """A deviation that an exemption accepts is no shortcoming."""
    schedule = build_schedule(**settings)
    assert list_shortcomings(schedule, accepted_ids) == []
    assert list_shortcomings(schedule) != []


def test_an_exemption_accepts_deviations_by_the_tags_of_an_index() -> None:
    """An exemption with tags accepts the deviations of the indexes that have them."""
    policy = replace(
        build_policy(), exemptions=(replace(FULL_EXEMPTION, controls=(NAME_CONTROL,), tags=(("env", ("dev",)),)),)
    )
    assert find_accepted_controls(policy, Index("orders", tags={"env": "dev"}), NOW) == {NAME_CONTROL}
    assert find_accepted_controls(policy, Index("orders", tags={"env": "prod"}), NOW) == frozenset()
    full_policy = replace(build_policy(), exemptions=(FULL_EXEMPTION,))
    assert find_accepted_controls(full_policy, Index("orders"), NOW) == set(SCHEDULE_CONTROLS)
    assert find_accepted_controls(full_policy, Index("orders"), NOW + 400 * DAY) == frozenset()


def test_every_rule_that_no_schedule_satisfies_is_found() -> None:
    """Rules without a schedule are passed over, and a minimum equal to the limit is satisfiable."""
    policy = build_remediation_policy(retention_min=30 * DAY, retention_max=30 * DAY)
    rules = (
        Rule("none", ("a-*",), {}, build_requirements(required=False, retention_min=60 * DAY, retention_max=DAY)),
        Rule("strict", ("b-*",), {}, build_requirements(retention_min=60 * DAY, retention_max=30 * DAY)),
    )
    ((number, text),) = find_unsatisfiable_rules(replace(policy, rules=rules))
    assert number == 1
    assert text.startswith("a daily schedule needs a retention of at least 60 days, above the limit of 30 days")
