"""Test the comparison of two policies: the slots that they need, and the warnings of the new one."""

from dataclasses import replace

import pytest

from backup_auditor.domain.model import Deployment, Frequency
from backup_auditor.domain.policy import DocumentIndexes, Policy, Rule
from backup_auditor.domain.reporting.policy_diff import PolicyDiff, QuotaDemand, diff_policies
from support.builders.facts import IndexCase, build_index, build_inventory, build_policy, evaluate_facts, rename_index
from support.builders.plans import build_unscheduled_index

ORDERS = rename_index(build_index(), "orders")
DOCUMENT_POLICY = replace(
    build_policy(), project=replace(build_policy().project, document_indexes=DocumentIndexes.EXCLUDED)
)


def compare(old_policy: Policy, new_policy: Policy, *cases: IndexCase) -> PolicyDiff:
    """Compare two policies on some indexes."""
    inventory = build_inventory(*cases)
    evaluations = evaluate_facts(inventory, old_policy), evaluate_facts(inventory, new_policy)
    return diff_policies(inventory, (old_policy, new_policy), evaluations)


@pytest.mark.parametrize(
    "case, policy, slots",
    [
        pytest.param(rename_index(build_index(), "carts"), build_policy(), [8, 8], id="scheduled"),
        pytest.param(build_unscheduled_index("carts"), build_policy(), [8, 8], id="unscheduled"),
        pytest.param(build_unscheduled_index("carts", deployment=Deployment.POD), build_policy(), [8], id="pod"),
        pytest.param(build_unscheduled_index("carts", holds_documents=True), DOCUMENT_POLICY, [8], id="excluded"),
        pytest.param(build_unscheduled_index("carts", holds_documents=True), build_policy(), [8, 8], id="included"),
    ],
)
def test_indexes_that_need_a_schedule_need_slots(case: IndexCase, policy: Policy, slots: list[int]) -> None:
    """An index that cannot be backed up or is excluded needs no schedule."""
    demand = compare(policy, policy, ORDERS, case).after
    assert demand == QuotaDemand("built-in", len(slots), sum(slots), 500)


def test_the_rule_of_an_index_decides_about_its_slots() -> None:
    """Both demands are computed by the rules, and an index without a required schedule needs no slots."""
    rules = (
        Rule("none", ("carts",), {}, build_policy(required=False).defaults),
        Rule("weekly", ("orders",), {}, build_policy(frequency=Frequency.WEEKLY).defaults),
    )
    diff = compare(build_policy(), replace(build_policy(), rules=rules), ORDERS, build_unscheduled_index("carts"))
    assert (diff.before.schedule_count, diff.before.slots) == (2, 16)
    assert (diff.after.schedule_count, diff.after.slots) == (1, 2)


def test_the_warnings_of_the_new_policy_are_part_of_the_comparison() -> None:
    """The old policy gives no warnings."""
    policy = replace(build_policy(), rules=(Rule("typo", ("order",), {}, build_policy().defaults),))
    (warning,) = compare(build_policy(), policy, ORDERS).warnings
    assert warning.startswith('Rule "typo" (rules[0]) matches no index')
    assert compare(policy, build_policy(), ORDERS).warnings == ()


def test_findings_open_and_close_with_a_policy() -> None:
    """Findings that are open under one policy alone are opened or closed; the others are counted."""
    strict_policy = build_policy(required_tags=("team",))
    diff = compare(build_policy(), strict_policy, ORDERS, build_unscheduled_index("carts"))
    assert {it.control for it in diff.opened_findings} == {"index-has-required-tags"}
    assert diff.closed_findings == ()
    assert diff.unchanged_count > 0
    reverse_diff = compare(strict_policy, build_policy(), ORDERS, build_unscheduled_index("carts"))
    assert {it.control for it in reverse_diff.closed_findings} == {"index-has-required-tags"}
    assert reverse_diff.opened_findings == ()
