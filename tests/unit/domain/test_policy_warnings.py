"""Test the warnings about a policy."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Mode, Policy, RecoveryRequirement, Requirements, RestoreDrillPolicy, Rule
from backup_auditor.domain.warnings import find_policy_warnings, looks_like_pattern
from support.builders.facts import DAY, READ_FAILURE, build_failed_listing, build_index, build_inventory, rename_index
from support.builders.reports import BUILT_IN_POLICY, build_report

SHOP_INVENTORY = build_inventory(
    build_index(tags={"env": "prod"}),
    rename_index(build_index(tags={"env": "dev", "team": "search"}), "checkout-recs"),
    rename_index(build_index(), "prod-orders"),
)


def build_rule(*names: str, name: str = "production", **tags: tuple[str, ...]) -> Rule:
    """Build a rule with these patterns and tags."""
    return Rule(name, names, tags, Requirements())


def build_rule_policy(*rules: Rule) -> Policy:
    """Build a policy with these rules."""
    return replace(BUILT_IN_POLICY, rules=rules)


def find_warnings(*rules: Rule, facts: Inventory = SHOP_INVENTORY) -> tuple[str, ...]:
    """Return the warnings about these rules."""
    return find_policy_warnings(build_rule_policy(*rules), facts)


@pytest.mark.parametrize(
    "unmatched_rule,cause",
    [
        pytest.param(build_rule("prodd-*"), "no index has such a name", id="misspelt"),
        pytest.param(build_rule("Checkout-*"), 'the pattern "Checkout-*" has upper-case letters', id="upper-case"),
        pytest.param(
            build_rule("CHECKOUT-RECS"), 'the pattern "CHECKOUT-RECS" has upper-case letters', id="all-upper-case"
        ),
        pytest.param(
            build_rule("“price-*”"), "the pattern “price-*” contains quotation marks", id="typographic-quotes"
        ),
        pytest.param(build_rule("'price-*'"), "the pattern 'price-*' contains quotation marks", id="quotes-in-quotes"),
        pytest.param(build_rule("«price-*»"), "contains quotation marks", id="guillemets"),
        pytest.param(build_rule("ad-[ct"), 'the pattern "ad-[ct" has an unclosed bracket', id="unclosed-bracket"),
        pytest.param(build_rule("ad-[]"), "has an unclosed bracket", id="empty-bracket"),
        pytest.param(build_rule(" main"), 'the pattern " main" starts or ends with a space', id="blank"),
        pytest.param(build_rule("main.*"), "has characters that index names cannot have", id="regular-expression"),
        pytest.param(build_rule("main,prod-orders"), "has characters that index names cannot have", id="comma"),
        pytest.param(build_rule(Env=("prod",)), 'no index has the tag "Env", but there is "env"', id="case-of-a-tag"),
        pytest.param(build_rule(stage=("prod",)), 'no index has the tag "stage"', id="unknown-tag"),
        pytest.param(build_rule(env=("Prod",)), 'no index has one of the listed values of the tag "env"', id="value"),
        pytest.param(
            build_rule("prod-*", env=("dev",)), "no index matches both its names and its tags", id="never-both"
        ),
        pytest.param(build_rule(env=("prod",), team=("search",)), "no index matches both", id="never-both-tags"),
        pytest.param(build_rule("ad-[a]["), "no index has such a name", id="closed-and-unclosed-bracket"),
        pytest.param(build_rule("ad-[a]"), "no index has such a name", id="bracket-of-one-character"),
    ],
)
def test_a_rule_that_matches_no_index_gives_a_warning_with_the_cause(unmatched_rule: Rule, cause: str) -> None:
    """The warning names the rule, its position and the most likely cause."""
    (sentence,) = find_warnings(build_rule("main"), unmatched_rule)
    assert sentence.startswith('Rule "production" (rules[1]) matches no index: ')
    assert cause in sentence
    assert sentence.endswith("; correct its match, or remove the rule.")


@pytest.mark.parametrize(
    "matched_rule",
    [
        pytest.param(build_rule(), id="matches-everything"),
        pytest.param(build_rule("ad-[ct", "main"), id="one-of-its-patterns"),
        pytest.param(build_rule("[m]ain"), id="bracket"),
        pytest.param(build_rule(env=("prod", "production")), id="one-of-its-values"),
        pytest.param(build_rule("checkout-*", env=("dev",), team=("search",)), id="names-and-tags"),
    ],
)
def test_a_rule_that_matches_an_index_gives_no_warning(matched_rule: Rule) -> None:
    """A rule that matches one index gives no warning."""
    assert find_warnings(matched_rule) == ()


def test_a_rule_behind_an_earlier_match_gives_no_warning() -> None:
    """A rule that matches only indexes of an earlier rule gives no warning."""
    assert find_warnings(build_rule("main"), build_rule("m*", name="later")) == ()


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(build_inventory(), id="no-index"),
        pytest.param(
            build_inventory(indexes_failure=READ_FAILURE, backups=build_failed_listing()), id="indexes-unread"
        ),
    ],
)
def test_a_project_without_known_indexes_gives_no_warning(facts: Inventory) -> None:
    """Missing or unknown indexes do not show that a match is wrong."""
    assert find_warnings(build_rule("prodd-*"), facts=facts) == ()


@pytest.mark.parametrize(
    "unmatched_rule, sentence",
    [
        pytest.param(
            build_rule("prodd-*"),
            'Rule "production" (rules[0]) matches no index: no index has such a name; correct its match, or remove'
            " the rule.",
            id="name",
        ),
        pytest.param(
            build_rule("prodd-*", env=("dev",)),
            'Rule "production" (rules[0]) matches no index: no index has such a name; correct its match, or remove'
            " the rule.",
            id="name-with-a-tag-that-exists",
        ),
        pytest.param(
            build_rule("prod-*", env=("dev",)),
            'Rule "production" (rules[0]) matches no index: no index matches both its names and its tags; correct its'
            " match, or remove the rule.",
            id="name-and-tag",
        ),
        pytest.param(
            build_rule("A", stage=("prod",)),
            'Rule "production" (rules[0]) matches no index: the pattern "A" has upper-case letters, but index names'
            ' have none; no index has the tag "stage"; correct its match, or remove the rule.',
            id="two-causes",
        ),
    ],
)
def test_a_warning_about_a_rule_is_one_sentence(unmatched_rule: Rule, sentence: str) -> None:
    """The warning has the rule, each cause, and what to do, separated by semicolons."""
    assert find_warnings(unmatched_rule) == (sentence,)


@pytest.mark.parametrize("value", ["prod*", "*", "prod-?", "[ab]", "*prod", "[a]b["])
def test_a_tag_value_that_looks_like_a_pattern_gives_a_warning(value: str) -> None:
    """Tag values are compared exactly, so a pattern matches nothing that its author intended."""
    (sentence,) = find_warnings(build_rule(env=("prod", value), name="by-prefix"))
    assert sentence == (
        f'Rule "by-prefix" (rules[0]): the value "{value}" of the tag "env" looks like a pattern, but tag values are'
        " compared exactly as written; list each value."
    )


def test_a_tag_value_gives_a_warning_without_indexes_too() -> None:
    """The warning about a tag value depends on the policy alone."""
    assert len(find_warnings(build_rule(env=("prod*",)), facts=build_inventory())) == 1


@pytest.mark.parametrize("value", ["prod", "a]b[", "[a", "a-b.c/d:e", ""])
def test_a_plain_tag_value_is_no_pattern(value: str) -> None:
    """Empty brackets and other punctuation are no pattern."""
    assert not looks_like_pattern(value)


def test_warnings_are_sorted_and_each_rule_has_its_own() -> None:
    """Two rules of one name have two warnings, and the order of the indexes does not change their order."""
    found_warnings = find_warnings(build_rule("nothing"), build_rule("nothing"), build_rule(env=("x*",), name="a"))
    assert len(found_warnings) == 4
    assert list(found_warnings) == sorted(found_warnings)
    assert find_warnings(
        build_rule("nothing"), facts=replace(SHOP_INVENTORY, indexes=SHOP_INVENTORY.indexes[::-1])
    ) == find_warnings(build_rule("nothing"))


def test_a_rule_with_many_wrong_patterns_names_three() -> None:
    """The warning names three causes and the number of the others."""
    (sentence,) = find_warnings(build_rule("A", "B", "C", "D", "E"))
    assert "and 2 more such causes" in sentence
    assert '"D"' not in sentence


def test_a_report_has_the_warnings_of_its_policy_and_further_ones() -> None:
    """Further warnings are added without duplicates, sorted."""
    report = build_report(SHOP_INVENTORY, build_rule_policy(build_rule("nothing")))
    (sentence,) = report.warnings
    warned_report = report.with_warnings("Another.", sentence)
    assert warned_report.warnings == ("Another.", sentence)
    assert replace(warned_report, warnings=report.warnings) == report


def test_a_warning_changes_no_verdict() -> None:
    """Findings, compliance and counts are the same with and without the rule."""
    warned_report, plain_report = (
        build_report(SHOP_INVENTORY, build_rule_policy(build_rule("nothing"))),
        build_report(SHOP_INVENTORY),
    )
    assert (warned_report.findings, warned_report.compliance, warned_report.summary) == (
        plain_report.findings,
        plain_report.compliance,
        plain_report.summary,
    )


def build_drill_policy(mode: Mode, within: timedelta | None = 90 * DAY, *rules: Rule) -> Policy:
    """Build a policy with this mode of restore drills, which requires them by its defaults."""
    defaults = Requirements(recovery=RecoveryRequirement(restore_drill_within=within))
    return replace(BUILT_IN_POLICY, defaults=defaults, restore_drills=RestoreDrillPolicy(mode), rules=rules)


@pytest.mark.parametrize(
    "policy,is_warned_of",
    [
        pytest.param(build_drill_policy(Mode.NEVER), True, id="never"),
        pytest.param(build_drill_policy(Mode.PROPOSE), False, id="propose"),
        pytest.param(build_drill_policy(Mode.APPLY), False, id="apply"),
        pytest.param(build_drill_policy(Mode.NEVER, None), False, id="not-required"),
        pytest.param(
            build_drill_policy(Mode.NEVER, None, Rule("all", (), {}, build_drill_policy(Mode.NEVER).defaults)),
            True,
            id="required-by-a-rule",
        ),
    ],
)
def test_required_drills_that_may_never_run_are_warned_of(policy: Policy, is_warned_of: bool) -> None:
    """A policy can be met by drills of another policy, so it is valid; the warning says what to change."""
    warning = (
        "The policy requires restore drills (recovery.restore_drill_within), but restore_drills.mode is never;"
        " set it to propose or apply."
    )
    assert find_policy_warnings(policy, SHOP_INVENTORY) == ((warning,) if is_warned_of else ())
