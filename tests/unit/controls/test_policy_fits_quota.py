"""Control `policy-fits-quota`."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import ReadFailure
from backup_auditor.domain.model import Deployment, Frequency
from backup_auditor.domain.policy import DocumentIndexes, PineconePlan, Policy, Rule
from support.builders.facts import (
    DAY,
    build_failed_listing,
    build_index,
    build_inventory,
    build_policy,
    evaluate_control,
    evaluate_resources,
    rename_index,
)

ID = "policy-fits-quota"
TWO_INDEXES = build_inventory(build_index(), rename_index(build_index(schedules=[]), "bare"))


def evaluate_quota_fit(inventory: Inventory, quota: int | None, policy: Policy | None = None) -> Finding:
    """Evaluate the control with a quota."""
    policy = policy or build_policy()
    policy = replace(policy, project=replace(policy.project, backup_quota=quota))
    (finding,) = evaluate_resources(ID, inventory, policy).values()
    return finding


@pytest.mark.parametrize(
    "frequency,min_retention,slots",
    [
        pytest.param(Frequency.DAILY, 7 * DAY, 8, id="daily"),
        pytest.param(Frequency.WEEKLY, 35 * DAY, 6, id="weekly"),
        pytest.param(Frequency.MONTHLY, 40 * DAY, 2, id="monthly"),
        pytest.param(Frequency.DAILY, None, 2, id="no-minimum-is-one-day"),
    ],
)
def test_each_index_takes_what_is_required_at_the_least(
    frequency: Frequency, min_retention: timedelta | None, slots: int
) -> None:
    """An index counts with or without a schedule; a sum equal to the quota is compliant."""
    policy = build_policy(frequency=frequency, retention_min=min_retention)
    assert evaluate_quota_fit(TWO_INDEXES, 2 * slots, policy).compliance is Compliance.COMPLIANT
    assert evaluate_quota_fit(TWO_INDEXES, 2 * slots - 1, policy).compliance is Compliance.NON_COMPLIANT


def test_only_indexes_that_are_to_have_a_schedule_count() -> None:
    """Indexes that cannot be backed up, or that require no schedule, do not count."""
    pod = rename_index(build_index(schedules=None, deployment=Deployment.POD), "pod")
    assert evaluate_quota_fit(build_inventory(build_index(), pod), 8).compliance is Compliance.COMPLIANT
    lenient_requirements = replace(
        build_policy().defaults, schedule=replace(build_policy().defaults.schedule, required=False)
    )
    policy = replace(build_policy(), rules=(Rule("bare", ("bare",), {}, lenient_requirements),))
    assert evaluate_quota_fit(TWO_INDEXES, 8, policy).compliance is Compliance.COMPLIANT
    assert evaluate_quota_fit(TWO_INDEXES, 8, build_policy(required=False)).compliance is Compliance.NOT_APPLICABLE


def test_the_arithmetic_is_shown_per_index() -> None:
    """The evidence shows the share of each index, and what would fit."""
    finding = evaluate_quota_fit(TWO_INDEXES, 15)
    assert finding.evidence["per_index"] == {
        "most": [
            {"index": "bare", "frequency": "daily", "retention_days": 7, "slots": 8},
            {"index": "main", "frequency": "daily", "retention_days": 7, "slots": 8},
        ]
    }
    assert finding.reason == (
        "At minimum retention, schedules of 2 indexes need 16 backups (quota: 15);"
        " daily backups kept 6d would fit, for each of"
        " the 2 scheduled indexes."
    )
    assert evaluate_quota_fit(TWO_INDEXES, 3).evidence["fits"] is None


def test_indexes_that_were_not_read_may_be_too_many() -> None:
    """Unread indexes make the result unknown, unless the known ones need too much."""
    inventory = replace(TWO_INDEXES, indexes_failure=ReadFailure("GET /indexes", "503"))
    assert evaluate_quota_fit(inventory, 16).compliance is Compliance.INSUFFICIENT_DATA
    assert evaluate_quota_fit(inventory, 15).compliance is Compliance.NON_COMPLIANT


def test_without_a_quota_there_is_nothing_to_evaluate() -> None:
    """The plan has none."""
    assert (
        evaluate_control(ID, TWO_INDEXES, project={"plan": PineconePlan.STARTER}).compliance
        is Compliance.NOT_APPLICABLE
    )


@pytest.mark.parametrize(
    "quota, expected",
    [
        pytest.param(7, Compliance.NON_COMPLIANT, id="too-small-for-the-certain-index"),
        pytest.param(8, Compliance.INSUFFICIENT_DATA, id="large-enough-for-the-certain-index"),
        pytest.param(15, Compliance.INSUFFICIENT_DATA, id="one-backup-too-small-for-both"),
        pytest.param(16, Compliance.COMPLIANT, id="large-enough-for-both"),
    ],
)
def test_an_index_that_may_not_support_backups_may_need_none(quota: int, expected: Compliance) -> None:
    """An index with a customer key whose schedules are unread makes the result unknown if it decides."""
    unknown_index = rename_index(build_index(schedules=build_failed_listing(), cmek_id="key-1"), "locked")
    finding = evaluate_quota_fit(build_inventory(build_index(), unknown_index), quota)
    assert finding.compliance is expected
    assert (finding.evidence["slots"], finding.evidence["indexes"]) == (16, 2)


def test_the_unknown_support_is_the_reason() -> None:
    """The reason has the demand, the quota, and why it is unknown whether an index supports backups."""
    unknown_index = rename_index(build_index(schedules=build_failed_listing(), cmek_id="key-1"), "locked")
    assert evaluate_quota_fit(build_inventory(build_index(), unknown_index), 8).reason == (
        "At minimum retention, schedules of 2 indexes need 16 backups (quota: 8), but some indexes may not support"
        " backups: The index is encrypted with a customer key, and it is unknown whether it has a schedule or a"
        " backup: GET /somewhere: 503 to the end."
    )


def test_an_excluded_index_needs_nothing_of_the_quota() -> None:
    """A document index that the policy excludes does not count."""
    policy = build_policy()
    policy = replace(policy, project=replace(policy.project, document_indexes=DocumentIndexes.EXCLUDED))
    inventory = build_inventory(build_index(), rename_index(build_index(holds_documents=True), "documents"))
    assert evaluate_quota_fit(inventory, 8, policy).compliance is Compliance.COMPLIANT
    assert evaluate_quota_fit(inventory, 8).compliance is Compliance.NON_COMPLIANT
