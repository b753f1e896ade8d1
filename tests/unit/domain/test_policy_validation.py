"""Test the contradictions of a policy: where each one is, and its complete message."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from backup_auditor.domain.finding import Exemption, ResourceType
from backup_auditor.domain.model import Frequency
from backup_auditor.domain.policy import Policy, Rule
from backup_auditor.domain.policy_validation import (
    Contradiction,
    find_contradictions,
    find_distant_exemptions,
)
from support.builders.facts import DAY, build_policy
from support.builders.plans import build_remediation_policy

CONTROL_IDS = {
    ResourceType.PROJECT: ["plan-allows-schedules"],
    ResourceType.INDEX: ["index-has-schedule", "index-has-schedules", "backup-did-not-vanish"],
    ResourceType.DELETED_INDEX: ["backups-have-live-source"],
}
MAX_RETENTION, MIN_RETENTION = ("schedule", "retention_days", "max"), ("schedule", "retention_days", "min")
FREQUENCY, MIN_COPIES = ("schedule", "frequency"), ("recovery", "min_copies")
REMEDIATION_KEYS = (MAX_RETENTION, FREQUENCY, MIN_COPIES, MIN_RETENTION)
UNSATISFIABLE: dict[str, Any] = {"frequency": Frequency.WEEKLY, "min_copies": 1, "retention_max": 7 * DAY}


def build_exemption(*controls: str, names: tuple[str, ...] = ("scratch-*",), **facts: Any) -> Exemption:
    """Build an exemption from these controls."""
    return Exemption(names, controls, "search-team", "rebuilt nightly", date(2027, 3, 31), **facts)


def build_rule(name: str, *names: str, **requirements: Any) -> Rule:
    """Build a rule with the built-in requirements, some of them changed."""
    return Rule(name, names, {}, build_policy(**requirements).defaults)


def find_problems(policy: Policy) -> list[Contradiction]:
    """Return the contradictions of a policy, for a small catalog."""
    return find_contradictions(policy, CONTROL_IDS)


@pytest.mark.parametrize(
    "exemption, keys, text",
    [
        pytest.param(
            build_exemption("index-has-schedul"),
            (("controls", 0),),
            'the pattern "index-has-schedul" matches no control; did you mean "index-has-schedule"?',
            id="misspelt-control",
        ),
        pytest.param(
            build_exemption("index-*", "zzz"),
            (("controls", 1),),
            'the pattern "zzz" matches no control; "backup-auditor controls" lists them',
            id="unknown-control",
        ),
        pytest.param(
            build_exemption("*", names=("*",)),
            (("names",), ("controls",)),
            "it exempts every index from every control; name the indexes or the controls that it is for",
            id="everything",
        ),
        pytest.param(
            build_exemption("index-has-schedule", names=(), is_for_project=True),
            (("controls",),),
            "none of its controls evaluates the project; use names or tags instead of project",
            id="control-of-indexes-for-the-project",
        ),
        pytest.param(
            build_exemption("index-has-schedule", names=(), backups=("backup-1",)),
            (("controls",),),
            "none of its controls is about single backups (only backup-did-not-vanish is); use names or tags instead of"
            " backups",
            id="control-of-indexes-for-a-backup",
        ),
        pytest.param(
            build_exemption("backups-have-live-source", names=(), tags=(("env", ("dev",)),)),
            (("controls",),),
            "none of its controls evaluates live indexes, and only these have tags; use names for deleted indexes, or"
            " project: true for a control of the project",
            id="control-of-deleted-indexes-for-tags",
        ),
        pytest.param(
            build_exemption("plan-allows-schedules"),
            (("controls",),),
            "its controls evaluate the project, not indexes; use project: true instead of names",
            id="control-of-the-project-for-names",
        ),
    ],
)
def test_an_exemption_without_sense_is_a_contradiction(
    exemption: Exemption, keys: tuple[tuple[str | int, ...], ...], text: str
) -> None:
    """A contradiction of an exemption names its keys, and says what is wrong and what to do."""
    policy = replace(build_policy(), exemptions=(exemption,))
    assert find_problems(policy) == [Contradiction(("exemptions", 0), keys, text)]


def test_the_second_exemption_is_named() -> None:
    """A valid exemption before an invalid one has no contradiction."""
    policy = replace(build_policy(), exemptions=(build_exemption("index-*"), build_exemption("plan-allows-schedules")))
    assert [it.path for it in find_problems(policy)] == [("exemptions", 1)]


def test_an_unreachable_rule_is_a_contradiction() -> None:
    """A rule after one that matches every index never applies, and its match is the most likely mistake."""
    policy = replace(build_policy(), rules=(build_rule("all", "*"), build_rule("late", "a-*")))
    assert find_problems(policy) == [
        Contradiction(
            ("rules", 1),
            (("match",), ("name",)),
            'it never applies, because rules[0] "all" matches every index, and the first rule that matches wins; move'
            " it before that rule, or remove it",
        )
    ]


@pytest.mark.parametrize(
    "min_copies, max_days, remedy",
    [
        pytest.param(2, 14, None, id="at-limit"),
        pytest.param(2, 13, "; lower min_copies, or raise max to 14", id="one-day-too-short"),
        pytest.param(2, 20, None, id="almost-three-intervals"),
        pytest.param(3, 20, "; lower min_copies, or raise max to 21", id="one-copy-past-the-limit"),
    ],
)
def test_the_remedy_of_too_many_copies_is_a_retention(min_copies: int, max_days: int, remedy: str | None) -> None:
    """The message about copies that no weekly schedule holds names the retention that holds them."""
    policy = build_policy(frequency=Frequency.WEEKLY, min_copies=min_copies, retention_max=max_days * DAY)
    problems = find_problems(policy)
    assert [it.keys for it in problems] == ([] if remedy is None else [(MIN_COPIES, MAX_RETENTION, FREQUENCY)])
    assert all(it.text.endswith(remedy or "") for it in problems)


def test_a_policy_that_no_schedule_satisfies_is_a_contradiction_once() -> None:
    """Rules that inherit an unsatisfiable requirement from the defaults are not named, others are."""
    policy = build_remediation_policy(**UNSATISFIABLE)
    rules = (
        build_rule("same", "a-*", **UNSATISFIABLE),
        build_rule("stricter", "b-*", retention_min=60 * DAY, max_backup_age=30 * DAY),
    )
    problems = find_problems(replace(policy, rules=rules))
    assert [(it.path, it.keys) for it in problems] == [
        (("defaults",), REMEDIATION_KEYS),
        (("rules", 1, "require"), REMEDIATION_KEYS),
    ]
    assert find_problems(build_policy(**UNSATISFIABLE)) == []


def test_two_rules_that_no_schedule_satisfies_are_both_named() -> None:
    """Each rule with an unsatisfiable requirement of its own is a contradiction."""
    rules = (build_rule("one", "a-*", **UNSATISFIABLE), build_rule("two", "b-*", **UNSATISFIABLE))
    problems = find_problems(replace(build_remediation_policy(), rules=rules))
    assert [it.path for it in problems] == [("rules", 0, "require"), ("rules", 1, "require")]


def test_a_section_with_another_contradiction_has_no_second_one() -> None:
    """A requirement that contradicts itself is not also reported as unsatisfiable."""
    problems = find_problems(build_remediation_policy(retention_min=60 * DAY, retention_max=30 * DAY))
    assert [(it.path, it.keys) for it in problems] == [(("defaults",), (MIN_RETENTION, MAX_RETENTION))]


@pytest.mark.parametrize(
    "day, expires, is_distant",
    [
        pytest.param(date(2026, 11, 22), date(2031, 11, 22), False, id="at-limit"),
        pytest.param(date(2026, 11, 22), date(2031, 11, 23), True, id="one-day-past"),
        pytest.param(date(2028, 2, 29), date(2033, 3, 1), False, id="leap-day-at-limit"),
        pytest.param(date(2028, 2, 29), date(2033, 3, 2), True, id="leap-day-one-day-past"),
        pytest.param(date(9996, 1, 1), date(9999, 12, 31), False, id="end-of-the-calendar"),
    ],
)
def test_an_exemption_lasts_at_most_five_years(day: date, expires: date, is_distant: bool) -> None:
    """The limit is the same day 5 years later; after 29 February it is 1 March."""
    policy = replace(build_policy(), exemptions=(replace(build_exemption("*"), expires=expires),))
    assert bool(find_distant_exemptions(policy, day)) is is_distant


@pytest.mark.parametrize(
    "exemption",
    [
        pytest.param(build_exemption("*", names=("*",), tags=(("env", ("dev",)),)), id="tags"),
        pytest.param(build_exemption("index-*", names=("*",)), id="some-controls"),
        pytest.param(build_exemption("*"), id="some-names"),
    ],
)
def test_an_exemption_of_a_part_is_valid(exemption: Exemption) -> None:
    """An exemption of some indexes or from some controls does not exempt everything."""
    assert find_problems(replace(build_policy(), exemptions=(exemption,))) == []
