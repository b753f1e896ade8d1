"""The first matching rule applies to an index, merged over the defaults."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_auditor.domain.model import Frequency
from backup_auditor.domain.policy import Policy, Requirements
from support.builders.policies import parse_policy

_POLICY_WITH_RULES = parse_policy("""\
rules:
  - {name: exact, match: {names: [prod-main]}}
  - {name: both, match: {names: ["prod-*", "live-?"], tags: {env: [prod, production], team: [search]}}}
  - {name: tagged, match: {tags: {env: [no]}}}
  - {name: pattern, match: {names: ["prod-*", "[ab]-*"]}}
""")


@pytest.mark.parametrize(
    "name, tags, rule",
    [
        pytest.param("prod-main", {}, "exact", id="the-first-that-matches-wins"),
        pytest.param("prod-x", {"env": "production", "team": "search"}, "both", id="name-and-tags"),
        pytest.param("live-1", {"env": "prod", "team": "search"}, "both", id="any-of-the-names"),
        pytest.param("live-12", {"env": "prod", "team": "search"}, None, id="a-question-mark-is-one-character"),
        pytest.param("prod-x", {"env": "prod"}, "pattern", id="one-tag-is-missing"),
        pytest.param("prod-x", {"env": "dev", "team": "search"}, "pattern", id="one-value-differs"),
        pytest.param("x", {"env": "no"}, "tagged", id="no-names-fit-every-name"),
        pytest.param("a-1", {}, "pattern", id="a-set-of-characters"),
        pytest.param("Prod-main", {}, None, id="names-are-compared-with-case"),
        pytest.param("my-prod-main", {}, None, id="a-pattern-fits-the-whole-name"),
        pytest.param("x", {}, None, id="nothing-fits"),
    ],
)
def test_the_first_rule_whose_names_and_tags_match_wins(name: str, tags: dict[str, str], rule: str | None) -> None:
    """A rule applies if one of its names and one value of each tag match, and the first such rule wins."""
    matching_rule = _POLICY_WITH_RULES.find_rule(name, tags)
    assert (matching_rule.name if matching_rule else None) == rule


def test_a_rule_without_match_is_for_every_index() -> None:
    """A rule without a match applies to every index."""
    matching_rule = parse_policy("rules: [{name: all}]").find_rule("x", {})
    assert matching_rule is not None
    assert matching_rule.requirements == Requirements()


def parse_requirements(requirements_text: str) -> Requirements:
    """Return the requirements of a rule over defaults that differ from the built-in ones."""
    text = f"""\
defaults:
  schedule: {{frequency: weekly, retention_days: {{min: 14}}}}
  recovery: {{max_age: 9d}}
  protection: {{locations: ["aws/*", "gcp/*"]}}
rules:
  - name: it
    require: {requirements_text}
"""
    return parse_policy(text).rules[0].requirements


def test_a_rule_inherits_the_defaults() -> None:
    """A rule without requirements has the defaults of its own file."""
    requirements = parse_requirements("{}")
    assert requirements.schedule.frequency is Frequency.WEEKLY
    assert requirements.schedule.retention_min == timedelta(days=14)
    assert requirements.recovery.max_age == timedelta(days=9)


def test_a_rule_changes_only_the_keys_that_it_writes_at_any_depth() -> None:
    """A nested key of a rule does not change its neighbours."""
    requirements, default_requirements = (
        parse_requirements("{schedule: {retention_days: {max: 90}}}"),
        parse_requirements("{}"),
    )
    assert requirements == replace(
        default_requirements, schedule=replace(default_requirements.schedule, retention_max=timedelta(days=90))
    )


def test_a_rule_may_write_null_over_a_default() -> None:
    """A null in a rule replaces the default."""
    assert parse_requirements("{recovery: {max_age: null}}").recovery.max_age is None


def test_a_rule_may_write_the_built_in_default_over_another() -> None:
    """A value that equals the built-in default still replaces the default of the file."""
    assert parse_requirements("{schedule: {retention_days: {min: 7}}}").schedule.retention_min == timedelta(days=7)


def test_a_list_of_a_rule_replaces_the_default_list() -> None:
    """Lists are not merged."""
    assert parse_requirements('{protection: {locations: ["azure/*"]}}').protection.locations == ("azure/*",)


@pytest.mark.parametrize(
    "text, hours",
    [
        pytest.param("", 30, id="daily-and-grace"),
        pytest.param("schedule: {frequency: monthly}, runs: {grace: 90m}", 31 * 24 + 1.5, id="monthly-and-grace"),
        pytest.param("recovery: {max_age: 25h}", 25, id="stated"),
    ],
)
def test_max_age_is_as_stated_or_the_interval_and_the_grace(text: str, hours: float) -> None:
    """A `max_age` of null is the longest interval of the required frequency plus the grace."""
    assert parse_policy(f"defaults: {{{text}}}").defaults.max_age == timedelta(hours=hours)


@pytest.mark.parametrize(
    "project, quota",
    [
        ("{}", 500),
        ("{plan: enterprise}", 1000),
        ("{plan: starter}", None),
        ("{plan: builder}", None),
        ("{plan: starter, backup_quota: 20}", 20),
        ("{backup_quota: 750}", 750),
    ],
)
def test_the_quota_is_as_stated_or_that_of_the_plan(project: str, quota: int | None) -> None:
    """A quota in the policy wins over that of the plan."""
    assert parse_policy(f"project: {project}").project.quota == quota


def test_every_limit_may_be_null() -> None:
    """A limit that is null is not checked."""
    policy: Policy = parse_policy("""\
defaults:
  schedule: {retention_days: {min: null, max: null}}
  recovery: {min_copies: null, horizon: null}
  runs: {stuck_after: null}
  content: {max_record_drop_percent: null, max_namespace_drop_percent: null, max_size_factor: null}
  orphaned_backups: {max_age_days: null}
project: {quota_warn_percent: null}
""")
    requirements = policy.defaults
    limits = {
        requirements.schedule.retention_min,
        requirements.schedule.retention_max,
        requirements.recovery.min_copies,
        requirements.recovery.horizon,
        requirements.runs.stuck_after,
        requirements.content.max_record_drop_percent,
        requirements.content.max_namespace_drop_percent,
        requirements.content.max_size_factor,
        requirements.orphaned_backups.max_age,
        policy.project.quota_warn_percent,
    }
    assert limits == {None}
