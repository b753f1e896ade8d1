"""Control `policy-fits-quota`."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import ReadFailure
from backup_auditor.domain.model import Deployment, Frequency
from backup_auditor.domain.policy import PineconePlan, Policy, Rule
from support.builders.facts import DAY, finding, findings, index, inventory, policy, renamed

ID = "policy-fits-quota"
TWO = inventory(index(), renamed(index(schedules=[]), "bare"))


def judge(told: Inventory, quota: int | None, required: Policy | None = None) -> Finding:
    """Judge it against a quota."""
    required = required or policy()
    required = replace(required, project=replace(required.project, backup_quota=quota))
    (found,) = findings(ID, told, required).values()
    return found


@pytest.mark.parametrize(
    "frequency,shortest,slots",
    [
        pytest.param(Frequency.DAILY, 7 * DAY, 8, id="daily"),
        pytest.param(Frequency.WEEKLY, 35 * DAY, 6, id="weekly"),
        pytest.param(Frequency.MONTHLY, 40 * DAY, 2, id="monthly"),
        pytest.param(Frequency.DAILY, None, 2, id="no-minimum-is-one-day"),
    ],
)
def test_each_index_takes_what_is_required_at_the_least(
    frequency: Frequency, shortest: timedelta | None, slots: int
) -> None:
    """Whether it has a schedule or not; the quota itself is allowed."""
    required = policy(frequency=frequency, retention_min=shortest)
    assert judge(TWO, 2 * slots, required).compliance is Compliance.COMPLIANT
    assert judge(TWO, 2 * slots - 1, required).compliance is Compliance.NON_COMPLIANT


def test_only_indexes_that_are_to_have_a_schedule_count() -> None:
    """Neither those that cannot be backed up, nor those of which none is required."""
    pod = renamed(index(schedules=None, deployment=Deployment.POD), "pod")
    assert judge(inventory(index(), pod), 8).compliance is Compliance.COMPLIANT
    lenient = replace(policy().defaults, schedule=replace(policy().defaults.schedule, required=False))
    excepted = replace(policy(), rules=(Rule("bare", ("bare",), {}, lenient),))
    assert judge(TWO, 8, excepted).compliance is Compliance.COMPLIANT
    assert judge(TWO, 8, policy(required=False)).compliance is Compliance.NOT_APPLICABLE


def test_the_arithmetic_is_shown_per_index() -> None:
    """And what would fit."""
    found = judge(TWO, 15)
    assert found.evidence["per_index"] == {
        "most": [
            {"index": "bare", "frequency": "daily", "retention_days": 7, "slots": 8},
            {"index": "main", "frequency": "daily", "retention_days": 7, "slots": 8},
        ]
    }
    assert found.reason == (
        "What the policy requires of 2 schedules takes 16 of 15 backups; daily backups kept 6d would fit, for each of"
        " the 2 scheduled indexes."
    )
    assert judge(TWO, 3).evidence["fits"] is None


def test_indexes_that_were_not_read_may_be_too_many() -> None:
    """Unless those that were are."""
    told = replace(TWO, indexes_failure=ReadFailure("GET /indexes", "503"))
    assert judge(told, 16).compliance is Compliance.INSUFFICIENT_DATA
    assert judge(told, 15).compliance is Compliance.NON_COMPLIANT


def test_without_a_quota_there_is_nothing_to_judge() -> None:
    """The plan has none."""
    assert finding(ID, TWO, project={"plan": PineconePlan.STARTER}).compliance is Compliance.NOT_APPLICABLE
