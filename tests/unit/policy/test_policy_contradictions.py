"""A policy that can never be met, or that speaks of nothing, is refused when it is written."""

from datetime import timedelta

import pytest

from backup_auditor.domain.cadence import Frequency
from backup_auditor.domain.contradictions import contradictions
from backup_auditor.domain.evaluation import Catalogue
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.requirements import RecoveryRequirement, Requirements, ScheduleRequirement
from policies import policy, problem, problems


def defaults(schedule: str = "", recovery: str = "") -> str:
    """Write a policy with one line for each section."""
    return f"defaults:\n  schedule: {{{schedule}}}\n  recovery: {{{recovery}}}\n"


@pytest.mark.parametrize(
    "frequency, at_interval, minutes",
    [("daily", "24h", 24 * 60), ("weekly", "7d", 7 * 24 * 60), ("monthly", "31d", 31 * 24 * 60)],
)
def test_max_age_is_no_shorter_than_the_interval(frequency: str, at_interval: str, minutes: int) -> None:
    """A `max_age` of exactly the longest interval stands; a minute less is refused."""
    policy(defaults(f"frequency: {frequency}", f"max_age: {at_interval}"))
    said = problem(defaults(f"frequency: {frequency}", f"max_age: {minutes - 1}m"))
    assert said.startswith("3: defaults: max_age ")
    assert f"is below the interval of a {frequency} schedule" in said


def test_the_message_about_max_age_names_both_lengths() -> None:
    """The message names what is stated, what is needed, and what to do."""
    assert problem(defaults(recovery="max_age: 12h")) == (
        "3: defaults: max_age 12 h is below the interval of a daily schedule, 1 d;"
        " raise max_age to that, or make it null"
    )


@pytest.mark.parametrize(
    "frequency, most_days, copies",
    [
        pytest.param("daily", 10, 10, id="daily"),
        pytest.param("weekly", 20, 2, id="weekly-a-day-short-of-three"),
        pytest.param("weekly", 21, 3, id="weekly-three"),
        pytest.param("monthly", 61, 1, id="monthly-a-day-short-of-two"),
        pytest.param("monthly", 62, 2, id="monthly-two"),
    ],
)
def test_min_copies_fit_into_the_longest_retention(frequency: str, most_days: int, copies: int) -> None:
    """`min_copies` of exactly floor(max / interval) stands; one more is refused."""
    schedule = f"frequency: {frequency}, retention_days: {{min: 1, max: {most_days}}}"
    policy(defaults(schedule, f"min_copies: {copies}"))
    said = problem(defaults(schedule, f"min_copies: {copies + 1}"))
    assert said.startswith(
        f"3: defaults: min_copies {copies + 1} is more than the {copies} that a {frequency} schedule"
    )


def test_without_a_longest_retention_any_number_of_copies_fits() -> None:
    """A `max` of null bounds no `min_copies`."""
    policy(defaults("retention_days: {max: null}", "min_copies: 9000"))


def test_min_may_equal_max() -> None:
    """`min` of exactly `max` stands."""
    policy(defaults("retention_days: {min: 30, max: 30}"))


def test_min_may_not_pass_max() -> None:
    """`min` of a day more than `max` is refused."""
    assert problem(defaults("retention_days: {min: 31, max: 30}")) == (
        "2: defaults: retention_days.min 31 is above max 30; lower min or raise max"
    )


@pytest.mark.parametrize("limit", ["min: null, max: 3", "min: 9000, max: null", "min: null, max: null"])
def test_a_limit_that_is_null_contradicts_nothing(limit: str) -> None:
    """A `min` or `max` that is null leaves nothing to contradict."""
    policy(defaults(f"retention_days: {{{limit}}}"))


def test_a_rule_is_laid_over_the_defaults_before_it_is_judged() -> None:
    """A rule contradicts itself by what it inherits; the line is that of the key it writes."""
    text = """\
defaults:
  recovery: {max_age: 30h}
rules:
  - name: fine
    require: {recovery: {min_copies: 3}}
  - name: archive
    require:
      schedule:
        frequency: monthly
"""
    assert problem(text) == (
        '9: require of rules[1] "archive": max_age 1 d 6 h is below the interval of a monthly schedule, 31 d;'
        " raise max_age to that, or make it null"
    )


def test_a_contradiction_of_the_defaults_is_said_once() -> None:
    """What rules only inherit from the defaults is said of the defaults alone."""
    text = "defaults: {recovery: {max_age: 2h}}\nrules: [{name: a}, {name: b, require: {runs: {grace: 1h}}}]"
    assert problem(text).startswith("1: defaults: max_age")


def test_a_rule_may_mend_what_would_contradict_its_own_frequency() -> None:
    """A rule that states both figures is judged by both."""
    policy(
        "defaults: {recovery: {max_age: 30h}}\n"
        "rules: [{name: a, require: {schedule: {frequency: weekly}, recovery: {max_age: 8d}}}]"
    )


def exemption(*controls: str) -> str:
    """Write a policy with one exemption."""
    listed = "".join(f'\n      - "{it}"' for it in controls)
    return f"exemptions:\n  - names: [a]\n    controls:{listed}\n    owner: o\n    reason: r\n    expires: 2027-03-31\n"


@pytest.mark.parametrize("pattern", ["*", "schedule-*", "index-has-schedule", "*-quota", "recovery-point-is-not-empty"])
def test_a_pattern_that_fits_a_control_stands(pattern: str) -> None:
    """A pattern may fit any control that is built or announced."""
    policy(exemption(pattern))


def test_a_pattern_that_fits_no_control_is_refused_with_the_nearest() -> None:
    """A pattern that fits nothing is refused with its line and the control that was meant."""
    assert problem(exemption("*", "index-has-schedul")) == (
        '5: exemptions[0]: the pattern "index-has-schedul" fits no control; did you mean "index-has-schedule"?'
    )


def test_a_pattern_like_no_control_says_where_they_are_listed() -> None:
    """A pattern that is near to nothing is refused with the command that lists the controls."""
    assert problem(exemption("zzz*")).endswith('fits no control; "backup-auditor controls" lists them')


def test_every_contradiction_is_told() -> None:
    """All contradictions are told at once, by line."""
    text = defaults("retention_days: {min: 9, max: 3}", "max_age: 2h, min_copies: 4") + exemption("zzz")
    assert [it.split(":")[0] for it in problems(text)] == ["2", "3", "3", "7"]


@pytest.mark.parametrize("frequency", list(Frequency))
@pytest.mark.parametrize(
    "short_by, is_refused",
    [pytest.param(timedelta(), False, id="at-limit"), pytest.param(timedelta(seconds=1), True, id="one-second-below")],
)
def test_a_second_decides_about_max_age(frequency: Frequency, short_by: timedelta, is_refused: bool) -> None:
    """A `max_age` of the interval stands, one of a second less contradicts it."""
    required = Requirements(
        schedule=ScheduleRequirement(frequency=frequency, retention_max=None),
        recovery=RecoveryRequirement(max_age=frequency.interval - short_by),
    )
    found = contradictions(Policy(source="", sha256="", defaults=required), Catalogue())
    assert [it.keys[0] for it in found] == ([("recovery", "max_age")] if is_refused else [])
