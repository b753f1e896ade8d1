"""A policy that contradicts itself or that applies to nothing is refused."""

from datetime import timedelta

import pytest

from backup_auditor.domain.evaluation.evaluator import ControlCatalog
from backup_auditor.domain.model import Frequency
from backup_auditor.domain.policy import Policy, RecoveryRequirement, Requirements, ScheduleRequirement
from backup_auditor.domain.policy_validation import find_contradictions
from support.builders.policies import find_problem, find_problems, parse_policy


def write_defaults(schedule: str = "", recovery: str = "") -> str:
    """Write a policy with one line for each section."""
    return f"defaults:\n  schedule: {{{schedule}}}\n  recovery: {{{recovery}}}\n"


@pytest.mark.parametrize(
    "frequency, interval_text, minutes",
    [("daily", "24h", 24 * 60), ("weekly", "7d", 7 * 24 * 60), ("monthly", "31d", 31 * 24 * 60)],
)
def test_max_age_is_no_shorter_than_the_interval(frequency: str, interval_text: str, minutes: int) -> None:
    """A `max_age` of the longest interval is valid; a minute less is refused."""
    parse_policy(write_defaults(f"frequency: {frequency}", f"max_age: {interval_text}"))
    problem = find_problem(write_defaults(f"frequency: {frequency}", f"max_age: {minutes - 1}m"))
    assert problem.startswith("3: defaults: max_age ")
    assert f"is below the interval of a {frequency} schedule" in problem


def test_the_error_of_max_age_names_both_durations() -> None:
    """The error names the stated duration, the required one, and what to do."""
    assert find_problem(write_defaults(recovery="max_age: 12h")) == (
        "3: defaults: max_age 12h is below the interval of a daily schedule, 1d; raise max_age to that, or make it null"
    )


@pytest.mark.parametrize(
    "frequency, max_days, copies",
    [
        pytest.param("daily", 10, 10, id="daily"),
        pytest.param("weekly", 20, 2, id="weekly-a-day-short-of-three"),
        pytest.param("weekly", 21, 3, id="weekly-three"),
        pytest.param("monthly", 61, 1, id="monthly-a-day-short-of-two"),
        pytest.param("monthly", 62, 2, id="monthly-two"),
    ],
)
def test_min_copies_fit_into_the_longest_retention(frequency: str, max_days: int, copies: int) -> None:
    """`min_copies` of floor(max / interval) is valid; one more is refused."""
    schedule = f"frequency: {frequency}, retention_days: {{min: 1, max: {max_days}}}"
    parse_policy(write_defaults(schedule, f"min_copies: {copies}"))
    problem = find_problem(write_defaults(schedule, f"min_copies: {copies + 1}"))
    assert problem.startswith(
        f"3: defaults: min_copies {copies + 1} is more than the {copies} that a {frequency} schedule"
    )


@pytest.mark.parametrize("restore_time", ["max_restore_time: 1h", "max_restore_time: 60m", "max_restore_time: null"])
def test_a_restore_time_within_the_duration_of_a_drill_is_valid(restore_time: str) -> None:
    """A `max_restore_time` of at most `max_duration` can be measured."""
    parse_policy(write_defaults(recovery=restore_time) + "restore_drills: {max_duration: 1h}\n")


def test_a_restore_time_that_no_drill_measures_is_refused() -> None:
    """A drill ends after `max_duration`, so no drill could violate a longer `max_restore_time`."""
    text = write_defaults(recovery="max_restore_time: 61m") + "restore_drills: {max_duration: 1h}\n"
    assert find_problem(text) == (
        "3: defaults: max_restore_time 1h 1m is above restore_drills.max_duration 1h, and no drill measures a longer"
        " restore; lower max_restore_time, or raise max_duration"
    )


def test_a_restore_time_of_a_rule_is_checked() -> None:
    """The contradiction of a rule is reported at its own line."""
    text = "rules:\n  - name: production\n    require:\n      recovery: {max_restore_time: 7h}\n"
    assert find_problem(text).startswith('4: require of rules[0] "production": max_restore_time 7h is above')


def test_without_a_longest_retention_any_number_of_copies_fits() -> None:
    """A `max` of null bounds no `min_copies`."""
    parse_policy(write_defaults("retention_days: {max: null}", "min_copies: 9000"))


def test_min_may_equal_max() -> None:
    """A `min` equal to `max` is valid."""
    parse_policy(write_defaults("retention_days: {min: 30, max: 30}"))


def test_min_may_not_pass_max() -> None:
    """`min` of a day more than `max` is refused."""
    assert find_problem(write_defaults("retention_days: {min: 31, max: 30}")) == (
        "2: defaults: retention_days.min 31 is above max 30; lower min or raise max"
    )


@pytest.mark.parametrize("limit", ["min: null, max: 3", "min: 9000, max: null", "min: null, max: null"])
def test_a_limit_that_is_null_contradicts_nothing(limit: str) -> None:
    """A `min` or `max` that is null leaves nothing to contradict."""
    parse_policy(write_defaults(f"retention_days: {{{limit}}}"))


def test_a_rule_is_merged_with_the_defaults_before_it_is_checked() -> None:
    """A rule may contradict what it inherits; the line is that of the key in the rule."""
    text = """\
defaults:
  recovery: {max_age: 30h}
rules:
  - name: fine
    match: {names: [fine]}
    require: {recovery: {min_copies: 3}}
  - name: archive
    require:
      schedule:
        frequency: monthly
"""
    assert find_problem(text) == (
        '10: require of rules[1] "archive": max_age 1d 6h is below the interval of a monthly schedule, 31d;'
        " raise max_age to that, or make it null"
    )


def test_a_contradiction_of_the_defaults_is_reported_once() -> None:
    """A contradiction that rules inherit from the defaults is reported for the defaults only."""
    rules = "rules: [{name: a, match: {names: [a]}}, {name: b, require: {runs: {grace: 1h}}}]"
    assert find_problem(f"defaults: {{recovery: {{max_age: 2h}}}}\n{rules}").startswith("1: defaults: max_age")


def test_a_rule_may_replace_both_values() -> None:
    """A rule that sets both values is checked with both."""
    parse_policy(
        "defaults: {recovery: {max_age: 30h}}\n"
        "rules: [{name: a, require: {schedule: {frequency: weekly}, recovery: {max_age: 8d}}}]"
    )


def write_exemption(*controls: str) -> str:
    """Write a policy with one exemption."""
    control_lines = "".join(f'\n      - "{it}"' for it in controls)
    end = "owner: o\n    reason: r\n    expires: 2027-03-31\n"
    return f"exemptions:\n  - names: [a]\n    controls:{control_lines}\n    {end}"


@pytest.mark.parametrize("pattern", ["*", "schedule-*", "index-has-schedule", "index-*", "recovery-point-is-not-empty"])
def test_a_pattern_that_matches_a_control_is_valid(pattern: str) -> None:
    """A pattern may match any control."""
    parse_policy(write_exemption(pattern))


def test_a_pattern_without_a_match_is_refused_with_the_nearest_control() -> None:
    """The error has the line of the pattern and the nearest control id."""
    assert find_problem(write_exemption("*", "index-has-schedul")) == (
        '5: exemptions[0]: the pattern "index-has-schedul" matches no control; did you mean "index-has-schedule"?'
    )


def test_a_pattern_like_no_control_says_where_they_are_listed() -> None:
    """A pattern that is near to nothing is refused with the command that lists the controls."""
    assert find_problem(write_exemption("zzz*")).endswith('matches no control; "backup-auditor controls" lists them')


def test_every_contradiction_is_reported() -> None:
    """All contradictions are reported at once, by line."""
    text = write_defaults("retention_days: {min: 9, max: 3}", "max_age: 2h, min_copies: 4") + write_exemption("zzz")
    assert [it.split(":")[0] for it in find_problems(text)] == ["2", "3", "3", "7"]


@pytest.mark.parametrize("frequency", list(Frequency))
@pytest.mark.parametrize(
    "shortfall, is_refused",
    [pytest.param(timedelta(), False, id="at-limit"), pytest.param(timedelta(seconds=1), True, id="one-second-below")],
)
def test_a_second_decides_about_max_age(frequency: Frequency, shortfall: timedelta, is_refused: bool) -> None:
    """A `max_age` of the interval is valid; a second less is refused."""
    requirements = Requirements(
        schedule=ScheduleRequirement(frequency=frequency, retention_max=None),
        recovery=RecoveryRequirement(max_age=frequency.interval - shortfall),
    )
    contradictions = find_contradictions(
        Policy(source="", sha256="", defaults=requirements), ControlCatalog().ids_by_type
    )
    assert [it.keys[0] for it in contradictions] == ([("recovery", "max_age")] if is_refused else [])


def write_rules(*matches: str) -> str:
    """Return a policy with one rule per line, each with its match; an empty match is omitted."""
    lines = [
        f"  - {{name: rule {it}, match: {{{match}}}}}" if match else f"  - {{name: rule {it}}}"
        for it, match in enumerate(matches)
    ]
    return "\n".join(["rules:", *lines])


@pytest.mark.parametrize(
    "match_all",
    [
        pytest.param("", id="no-match"),
        pytest.param('names: ["*"]', id="star"),
        pytest.param('names: ["**"]', id="two-stars"),
        pytest.param('names: ["?*"]', id="one-or-more"),
        pytest.param('names: ["*?"]', id="one-or-more-backwards"),
        pytest.param('names: [prod, "*"]', id="star-among-others"),
        pytest.param('names: ["?", "??*"]', id="one-and-more"),
        pytest.param('names: ["[a-m]*", "[!a-m]*"]', id="halves"),
        pytest.param('names: ["[a-z0-9-]*"]', id="every-character"),
        pytest.param('names: ["[!_]*"]', id="all-but-what-no-name-has"),
        pytest.param('names: ["*a*", "*[!a]*"]', id="with-and-without"),
        pytest.param('names: ["*"], tags: {}', id="empty-tags"),
    ],
)
def test_a_rule_after_a_catch_all_rule_is_refused(match_all: str) -> None:
    """The error has the line, both rules, and what to do; the rule in front is valid."""
    assert find_problem(write_rules("names: [a]", match_all, "names: [b]")) == (
        '4: rules[2] "rule 2": it never applies, because rules[1] "rule 1" matches every index, and the first'
        " rule that matches wins; move it before that rule, or remove it"
    )


@pytest.mark.parametrize(
    "match_some",
    [
        pytest.param('names: ["??*"]', id="all-but-the-shortest"),
        pytest.param(f'names: ["{"?" * 45}"]', id="the-longest-alone"),
        pytest.param('names: ["[!a]*"]', id="all-but-one-letter"),
        pytest.param('names: ["*"], tags: {env: [prod]}', id="a-tag"),
        pytest.param("tags: {env: [prod]}", id="a-tag-alone"),
        pytest.param('names: ["*-*", "[a-z]*"]', id="not-digits-alone"),
        pytest.param('names: ["[*]"]', id="a-star-that-is-none"),
    ],
)
def test_a_rule_after_a_partial_rule_is_valid(match_some: str) -> None:
    """A rule is reachable if the rules before it do not match every index."""
    assert len(parse_policy(write_rules(match_some, "names: [b]")).rules) == 2


def test_a_rule_that_repeats_an_earlier_rule_is_valid() -> None:
    """Only a rule that matches everything makes later rules unreachable."""
    parse_policy(write_rules("names: [a]", "names: [a]", 'names: ["*"]'))


def test_every_rule_that_cannot_be_reached_is_reported() -> None:
    """Each unreachable rule is reported with its line and the first rule that matches everything."""
    problems = find_problems(write_rules('names: ["*"]', "names: [b]", ""))
    assert [it[:1] for it in problems] == ["3", "4"]
    assert all('rules[0] "rule 0" matches every index' in it for it in problems)


def write_subject_exemption(subject: str, *controls: str) -> str:
    """Return a policy with an exemption of a subject, with the controls on line 3."""
    other_lines = "    owner: o\n    reason: r\n    expires: 2027-03-31\n"
    return f"exemptions:\n  - {subject}\n    controls: {list(controls)}\n{other_lines}"


@pytest.mark.parametrize(
    "subject, controls, reason",
    [
        pytest.param("names: [a]", ["plan-allows-schedules"], "use project: true instead of names", id="names"),
        pytest.param("names: ['*']", ["*-quota", "inventory-*"], "use project: true instead of names", id="all-names"),
        pytest.param("tags: {a: [b]}", ["project-is-expected"], "evaluates live indexes", id="tags"),
        pytest.param("tags: {a: [b]}", ["backups-have-live-source"], "only these have tags", id="tags-of-deleted"),
        pytest.param("project: true", ["index-has-schedule"], "evaluates the project", id="project"),
        pytest.param(
            "project: true", ["schedule-*", "backup-did-not-vanish"], "evaluates the project", id="project-many"
        ),
        pytest.param("backups: [x]", ["index-has-recovery-point"], "only backup-did-not-vanish is", id="backups"),
        pytest.param("backups: [x]", ["recovery-*", "plan-*"], "only backup-did-not-vanish is", id="backups-many"),
    ],
)
def test_an_exemption_without_effect_is_refused(subject: str, controls: list[str], reason: str) -> None:
    """An exemption is refused if none of its controls is evaluated for its subject."""
    problem = find_problem(write_subject_exemption(subject, *controls))
    assert problem.startswith("3: exemptions[0]: ")
    assert reason in problem


@pytest.mark.parametrize(
    "subject, controls",
    [
        pytest.param("names: [a]", ["plan-allows-schedules", "index-has-schedule"], id="one-of-its-controls"),
        pytest.param("names: [a]", ["backups-have-live-source"], id="deleted-indexes"),
        pytest.param("tags: {a: [b]}", ["backup-did-not-vanish"], id="live-and-deleted"),
        pytest.param("project: true", ["*"], id="every-control-of-the-project"),
        pytest.param("project: true", ["plan-allows-schedules"], id="project"),
        pytest.param("project: true", ["*-quota", "index-has-schedule"], id="one-of-the-project"),
        pytest.param("backups: [x]", ["backup-did-not-vanish"], id="backups"),
        pytest.param("backups: [x]", ["backup-*"], id="a-pattern-for-backups"),
    ],
)
def test_an_exemption_with_an_effect_is_valid(subject: str, controls: list[str]) -> None:
    """One control that is evaluated for the subject is enough."""
    assert parse_policy(write_subject_exemption(subject, *controls)).exemptions[0].controls == tuple(controls)


@pytest.mark.parametrize(
    "subject, expected_problem",
    [
        ("{names: [a], backups: [b]}", "has names and backups; write an exemption for each"),
        ("{names: [a], tags: {b: [c]}, project: true}", "has names and tags and project; write an exemption for each"),
        ("{project: true, backups: [b]}", "has backups and project; write an exemption for each"),
        (
            "{}",
            "has no names; add it: shell patterns of indexes and deleted indexes; or tags, backups, or project: true",
        ),
        ("{names: [a], project: false}", "project of exemptions[0] is false; write true, or leave it out"),
        ("{tags: {}}", "tags of exemptions[0] is a mapping; write at least one entry"),
        ("{backups: []}", "backups of exemptions[0] is a list; write at least one entry"),
    ],
)
def test_an_exemption_has_exactly_one_subject(subject: str, expected_problem: str) -> None:
    """The subject is indexes by names and tags, single backups, or the project."""
    exemption_text = (
        subject.removesuffix("}")
        + (", " if subject != "{}" else "")
        + "controls: ['*'], owner: o, reason: r, expires: 2027-03-31}"
    )
    problem = find_problem(f"exemptions:\n  - {exemption_text}")
    assert problem.startswith("2: ")
    assert expected_problem in problem
