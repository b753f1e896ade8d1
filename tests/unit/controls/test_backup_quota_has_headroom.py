"""Control `backup-quota-has-headroom`."""

from dataclasses import replace
from typing import Any

import pytest

from backup_auditor.domain.finding import Compliance, Finding, Severity
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.model import Backup
from backup_auditor.domain.policy import PineconePlan, Requirements, Rule, RunRequirement
from support.builders.facts import (
    DAY,
    HOUR,
    IndexCase,
    backup,
    broken,
    daily_runs,
    finding,
    findings,
    index,
    inventory,
    planned_run,
    policy,
    renamed,
    run,
    schedule,
    unnamed_run,
)

ID = "backup-quota-has-headroom"


def full(count: int, *more: Backup) -> Inventory:
    """Build a project that lists so many backups, all of an index that is gone."""
    rows = [backup(DAY, backup_id=f"b-{number}", index_id="id-gone", index_name="gone") for number in range(count)]
    return inventory(index(schedules=[]), more=[*rows, *more])


def judge(told: Inventory, **project: Any) -> Finding:
    """Judge it against a quota of 100."""
    return finding(ID, told, project={"backup_quota": 100, **project})


@pytest.mark.parametrize(
    "count,expected,severity",
    [
        pytest.param(79, Compliance.COMPLIANT, Severity.MEDIUM, id="one-below"),
        pytest.param(80, Compliance.NON_COMPLIANT, Severity.MEDIUM, id="at-limit"),
        pytest.param(94, Compliance.NON_COMPLIANT, Severity.MEDIUM, id="one-below-high"),
        pytest.param(95, Compliance.NON_COMPLIANT, Severity.HIGH, id="high"),
        pytest.param(101, Compliance.NON_COMPLIANT, Severity.HIGH, id="over"),
    ],
)
def test_there_is_room(count: int, expected: Compliance, severity: Severity) -> None:
    """Backups of deleted indexes take it like any other."""
    found = judge(full(count))
    assert (found.compliance, found.severity) == (expected, severity)


def test_one_of_many_makes_the_difference() -> None:
    """Whatever the quota is: nothing is rounded."""
    assert judge(full(399), backup_quota=500).compliance is Compliance.COMPLIANT
    assert judge(full(474), backup_quota=500).severity is Severity.MEDIUM


@pytest.mark.parametrize(
    "row,counts",
    [
        pytest.param(backup(DAY, status="Failed"), True, id="failed"),
        pytest.param(backup(DAY, status="Odd"), True, id="unknown-status"),
        pytest.param(backup(DAY, status="Initializing"), True, id="under-way"),
        pytest.param(planned_run(), False, id="scheduled"),
        pytest.param(run(-DAY, status="Initializing"), False, id="initializing-before-its-time"),
    ],
)
def test_whatever_is_listed_counts_but_for_planned_runs(row: Backup, counts: bool) -> None:
    """In whatever state it is."""
    assert judge(full(79, row)).compliance is (Compliance.NON_COMPLIANT if counts else Compliance.COMPLIANT)


def test_an_unnamed_row_of_a_history_is_the_planned_run_while_it_is_young() -> None:
    """Listed as it may be."""
    rows = [unnamed_run(DAY), unnamed_run(3 * DAY)]
    told = inventory(index(runs=rows))
    assert judge(told).evidence["backups"] == 1


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(index(schedules=[schedule(frequency=None)], runs=[unnamed_run(DAY)]), id="frequency"),
        pytest.param(index(runs=broken(), listed=[unnamed_run(DAY)]), id="history"),
    ],
)
@pytest.mark.parametrize(
    "others,expected",
    [
        pytest.param(78, Compliance.COMPLIANT, id="room-either-way"),
        pytest.param(79, Compliance.INSUFFICIENT_DATA, id="it-decides"),
        pytest.param(80, Compliance.NON_COMPLIANT, id="none-either-way"),
    ],
)
def test_a_run_that_may_be_planned_counts_where_it_decides(case: IndexCase, others: int, expected: Compliance) -> None:
    """How often its schedule runs would tell, or the history that was not read. Without any time none is planned."""
    assert judge(inventory(case, more=full(others).backups.rows)).compliance is expected
    undated = [replace(it, created_at=None) for it in case.listed]
    told = inventory(replace(case, listed=tuple(undated), histories={}), more=full(others).backups.rows)
    assert judge(told).compliance is not Compliance.INSUFFICIENT_DATA


def test_the_grace_of_its_own_index_tells_how_long_it_is_young() -> None:
    """A rule may give one index more than the others."""
    rows = [unnamed_run(DAY + 7 * HOUR)]
    told = inventory(renamed(index(runs=rows), "patient"), renamed(index(runs=rows), "strict"))
    mine = replace(Requirements(), runs=RunRequirement(grace=12 * HOUR))
    required = replace(policy(), rules=(Rule("patient", ("patient",), {}, mine),))
    (found,) = findings(ID, told, required).values()
    assert found.evidence["per_index"] == {"most": [{"index": "strict", "backups": 1}]}


@pytest.mark.parametrize(
    "project,expected",
    [
        pytest.param({"plan": PineconePlan.STANDARD, "backup_quota": None}, 500, id="standard"),
        pytest.param({"plan": PineconePlan.ENTERPRISE, "backup_quota": None}, 1000, id="enterprise"),
        pytest.param({"plan": PineconePlan.STARTER, "backup_quota": None}, None, id="starter"),
        pytest.param({"plan": PineconePlan.STARTER}, 100, id="stated"),
        pytest.param({"quota_warn_percent": None}, None, id="no-limit"),
    ],
)
def test_the_plan_gives_the_quota(project: dict[str, Any], expected: int | None) -> None:
    """Unless the policy does; without any there is nothing to judge."""
    found = judge(full(1), **project)
    assert found.evidence.get("quota") == expected
    assert found.compliance is (Compliance.NOT_APPLICABLE if expected is None else Compliance.COMPLIANT)


def test_a_listing_that_broke_off_proves_what_it_shows() -> None:
    """Enough is enough; less is not known."""
    assert judge(inventory(backups=broken(full(80).backups.rows))).compliance is Compliance.NON_COMPLIANT
    assert judge(inventory(backups=broken(full(79).backups.rows))).compliance is Compliance.INSUFFICIENT_DATA


def test_it_shows_what_each_index_takes_and_what_would_fit() -> None:
    """The manual backups take their room first."""
    rows = [backup(DAY, backup_id=f"m-{number}") for number in range(60)]
    found = judge(inventory(index(schedules=[schedule(retention=30 * DAY)], backups=rows)), quota_warn_percent=66)
    assert found.evidence["per_index"] == {"most": [{"index": "main", "backups": 67}]}
    assert found.evidence["fits"] == {
        "indexes": 1,
        "frequency": "daily",
        "retention_days": 4,
        "slots": 5,
        "slots_together": 5,
    }
    assert found.reason == (
        "The project lists 67 backups, 67.0 % of the quota of 100, less than 66 % is allowed; daily backups kept 4d"
        " would fit, for the scheduled index."
    )


@pytest.mark.parametrize("warn,slots", [(66, 5), (66.5, 6), (67, 6)])
def test_what_would_fit_stays_below_the_limit(warn: float, slots: int) -> None:
    """With it, and the 60 that were taken by hand, there is no finding any more."""
    rows = [backup(DAY, backup_id=f"m-{number}") for number in range(60)]
    told = inventory(index(schedules=[schedule(retention=30 * DAY)], runs=[], backups=rows), more=daily_runs(7))
    fits = judge(told, quota_warn_percent=warn).evidence["fits"]
    assert isinstance(fits, dict)
    assert fits["slots_together"] == slots
    fitting = inventory(index(runs=daily_runs(slots), backups=rows))
    assert judge(fitting, quota_warn_percent=warn).compliance is Compliance.COMPLIANT


def test_the_percentage_is_never_rounded_up() -> None:
    """Nearly full is not full."""
    assert judge(full(2), backup_quota=3, quota_warn_percent=99).evidence["percent"] == 66.6
