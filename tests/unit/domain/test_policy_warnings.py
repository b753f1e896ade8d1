"""What in a policy deserves a look but is no finding."""

from dataclasses import replace

import pytest

from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Policy, Requirements, Rule
from backup_auditor.domain.policy_warnings import find_policy_warnings, looks_like_pattern
from support.builders.facts import BROKEN, broken, index, inventory, renamed
from support.builders.reports import BUILT_IN, report

SHOP = inventory(
    index(tags={"env": "prod"}),
    renamed(index(tags={"env": "dev", "team": "search"}), "checkout-recs"),
    renamed(index(), "prod-orders"),
)


def rule(*names: str, name: str = "production", **tags: tuple[str, ...]) -> Rule:
    """Build a rule for these patterns and tags."""
    return Rule(name, names, tags, Requirements())


def ruled(*rules: Rule) -> Policy:
    """Build a policy of these rules."""
    return replace(BUILT_IN, rules=rules)


def warnings(*rules: Rule, facts: Inventory = SHOP) -> tuple[str, ...]:
    """Return what is warned of in these rules."""
    return find_policy_warnings(ruled(*rules), facts)


@pytest.mark.parametrize(
    "unfit,cause",
    [
        pytest.param(rule("prodd-*"), "no index has such a name", id="misspelt"),
        pytest.param(rule("Checkout-*"), 'the pattern "Checkout-*" has upper-case letters', id="upper-case"),
        pytest.param(rule("CHECKOUT-RECS"), 'the pattern "CHECKOUT-RECS" has upper-case letters', id="all-upper-case"),
        pytest.param(rule("“price-*”"), "the pattern “price-*” has quotation marks in it", id="typographic-quotes"),
        pytest.param(rule("'price-*'"), "the pattern 'price-*' has quotation marks in it", id="quotes-in-quotes"),
        pytest.param(rule("«price-*»"), "has quotation marks in it", id="guillemets"),
        pytest.param(rule("ad-[ct"), 'the pattern "ad-[ct" has a bracket that is not closed', id="unclosed-bracket"),
        pytest.param(rule("ad-[]"), "has a bracket that is not closed", id="empty-bracket"),
        pytest.param(rule(" main"), 'the pattern " main" begins or ends with a blank', id="blank"),
        pytest.param(rule("main.*"), "has characters that no name of an index has", id="regular-expression"),
        pytest.param(rule("main,prod-orders"), "has characters that no name of an index has", id="comma"),
        pytest.param(rule(Env=("prod",)), 'no index has the tag "Env", but there is "env"', id="case-of-a-tag"),
        pytest.param(rule(stage=("prod",)), 'no index has the tag "stage"', id="unknown-tag"),
        pytest.param(rule(env=("Prod",)), 'no index has one of the listed values of the tag "env"', id="value"),
        pytest.param(rule("prod-*", env=("dev",)), "no index fits both its names and its tags", id="never-both"),
        pytest.param(rule(env=("prod",), team=("search",)), "no index fits both", id="never-both-tags"),
    ],
)
def test_a_rule_that_fits_no_index_is_warned_of_with_its_cause(unfit: Rule, cause: str) -> None:
    """The warning names the rule, its place and the likeliest cause."""
    (sentence,) = warnings(rule("main"), unfit)
    assert sentence.startswith('Rule "production" (rules[1]) fits no index: ')
    assert cause in sentence
    assert sentence.endswith("; correct its match, or remove the rule.")


@pytest.mark.parametrize(
    "fit",
    [
        pytest.param(rule(), id="matches-everything"),
        pytest.param(rule("ad-[ct", "main"), id="one-of-its-patterns"),
        pytest.param(rule("[m]ain"), id="bracket"),
        pytest.param(rule(env=("prod", "production")), id="one-of-its-values"),
        pytest.param(rule("checkout-*", env=("dev",), team=("search",)), id="names-and-tags"),
    ],
)
def test_a_rule_that_fits_an_index_is_not_warned_of(fit: Rule) -> None:
    """One index is enough."""
    assert warnings(fit) == ()


def test_a_rule_whose_indexes_an_earlier_rule_took_is_not_warned_of() -> None:
    """It fits indexes, which the first rule that matches won."""
    assert warnings(rule("main"), rule("m*", name="later")) == ()


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(inventory(), id="no-index"),
        pytest.param(inventory(indexes_failure=BROKEN, backups=broken()), id="indexes-unread"),
    ],
)
def test_a_project_without_known_indexes_warns_of_no_rule(facts: Inventory) -> None:
    """What is not there, or not known, cannot show that a match is wrong."""
    assert warnings(rule("prodd-*"), facts=facts) == ()


@pytest.mark.parametrize("value", ["prod*", "*", "prod-?", "[ab]", "*prod"])
def test_a_tag_value_that_looks_like_a_pattern_is_warned_of(value: str) -> None:
    """Tag values are compared exactly as written, so that it fits nothing that its author meant."""
    (sentence,) = warnings(rule(env=("prod", value), name="by-prefix"))
    assert sentence == (
        f'Rule "by-prefix" (rules[0]): the value "{value}" of the tag "env" looks like a pattern, but tag values are'
        " compared exactly as written; list each value."
    )


def test_a_tag_value_is_warned_of_without_indexes_too() -> None:
    """It is a fact of the policy alone."""
    assert len(warnings(rule(env=("prod*",)), facts=inventory())) == 1


@pytest.mark.parametrize("value", ["prod", "a]b[", "[a", "a-b.c/d:e", ""])
def test_a_plain_tag_value_is_no_pattern(value: str) -> None:
    """Brackets that enclose nothing, and other punctuation, make no pattern."""
    assert not looks_like_pattern(value)


def test_warnings_are_sorted_and_each_rule_has_its_own() -> None:
    """Two rules of one name have a warning each, in an order that no order of indexes changes."""
    found = warnings(rule("nothing"), rule("nothing"), rule(env=("x*",), name="a"))
    assert len(found) == 4
    assert list(found) == sorted(found)
    assert warnings(rule("nothing"), facts=replace(SHOP, indexes=SHOP.indexes[::-1])) == warnings(rule("nothing"))


def test_a_rule_with_many_wrong_patterns_tells_of_three() -> None:
    """The sentence stays one that a person reads."""
    (sentence,) = warnings(rule("A", "B", "C", "D", "E"))
    assert "and 2 more such causes" in sentence
    assert '"D"' not in sentence


def test_a_report_has_the_warnings_of_its_policy_and_takes_more() -> None:
    """Whoever knows of something else adds its sentence; each stands there once, sorted."""
    shown = report(SHOP, ruled(rule("nothing")))
    (sentence,) = shown.warnings
    more = shown.with_warnings("Another.", sentence)
    assert more.warnings == ("Another.", sentence)
    assert replace(more, warnings=shown.warnings) == shown


def test_a_warning_changes_no_verdict() -> None:
    """Findings, compliance and counts are those of the same policy without the rule."""
    warned, plain = report(SHOP, ruled(rule("nothing"))), report(SHOP)
    assert (warned.findings, warned.compliance, warned.summary) == (plain.findings, plain.compliance, plain.summary)
