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
    build_backup,
    build_daily_runs,
    build_failed_listing,
    build_index,
    build_inventory,
    build_planned_run,
    build_policy,
    build_run,
    build_schedule,
    build_unnamed_run,
    evaluate_control,
    evaluate_resources,
    rename_index,
)

ID = "backup-quota-has-headroom"


def build_full_project(count: int, *extra_backups: Backup) -> Inventory:
    """Build a project that lists so many backups, all of an index that is gone."""
    rows = [
        build_backup(DAY, backup_id=f"b-{number}", index_id="id-gone", index_name="gone") for number in range(count)
    ]
    return build_inventory(build_index(schedules=[]), extra_backups=[*rows, *extra_backups])


def evaluate_quota(inventory: Inventory, **project: Any) -> Finding:
    """Evaluate the control with a quota of 100."""
    return evaluate_control(ID, inventory, project={"backup_quota": 100, **project})


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
    finding = evaluate_quota(build_full_project(count))
    assert (finding.compliance, finding.severity) == (expected, severity)


def test_one_of_many_makes_the_difference() -> None:
    """Nothing is rounded at the limit, whatever the quota is."""
    assert evaluate_quota(build_full_project(399), backup_quota=500).compliance is Compliance.COMPLIANT
    assert evaluate_quota(build_full_project(474), backup_quota=500).severity is Severity.MEDIUM


@pytest.mark.parametrize(
    "row,counts",
    [
        pytest.param(build_backup(DAY, status="Failed"), True, id="failed"),
        pytest.param(build_backup(DAY, status="Odd"), True, id="unknown-status"),
        pytest.param(build_backup(DAY, status="Initializing"), True, id="under-way"),
        pytest.param(build_planned_run(), False, id="scheduled"),
        pytest.param(build_run(-DAY, status="Initializing"), False, id="initializing-before-its-time"),
    ],
)
def test_whatever_is_listed_counts_but_for_planned_runs(row: Backup, counts: bool) -> None:
    """A listed backup counts in any state."""
    assert evaluate_quota(build_full_project(79, row)).compliance is (
        Compliance.NON_COMPLIANT if counts else Compliance.COMPLIANT
    )


def test_an_unnamed_row_of_a_history_is_the_planned_run_while_it_is_young() -> None:
    """Listed as it may be."""
    rows = [build_unnamed_run(DAY), build_unnamed_run(3 * DAY)]
    inventory = build_inventory(build_index(runs=rows))
    assert evaluate_quota(inventory).evidence["backups"] == 1


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            build_index(schedules=[build_schedule(frequency=None)], runs=[build_unnamed_run(DAY)]), id="frequency"
        ),
        pytest.param(build_index(runs=build_failed_listing(), listed_backups=[build_unnamed_run(DAY)]), id="history"),
    ],
)
@pytest.mark.parametrize(
    "other_count,expected",
    [
        pytest.param(78, Compliance.COMPLIANT, id="room-either-way"),
        pytest.param(79, Compliance.INSUFFICIENT_DATA, id="it-decides"),
        pytest.param(80, Compliance.NON_COMPLIANT, id="none-either-way"),
    ],
)
def test_a_run_that_may_be_planned_counts_where_it_decides(
    case: IndexCase, other_count: int, expected: Compliance
) -> None:
    """The frequency of its schedule, or an unread history, decides whether a backup is planned."""
    assert (
        evaluate_quota(build_inventory(case, extra_backups=build_full_project(other_count).backups.rows)).compliance
        is expected
    )
    undated_backups = [replace(it, created_at=None) for it in case.listed_backups]
    inventory = build_inventory(
        replace(case, listed_backups=tuple(undated_backups), histories={}),
        extra_backups=build_full_project(other_count).backups.rows,
    )
    assert evaluate_quota(inventory).compliance is not Compliance.INSUFFICIENT_DATA


def test_the_grace_of_its_own_index_tells_how_long_it_is_young() -> None:
    """A rule may give one index more than the others."""
    rows = [build_unnamed_run(DAY + 7 * HOUR)]
    inventory = build_inventory(
        rename_index(build_index(runs=rows), "patient"), rename_index(build_index(runs=rows), "strict")
    )
    patient_requirements = replace(Requirements(), runs=RunRequirement(grace=12 * HOUR))
    policy = replace(build_policy(), rules=(Rule("patient", ("patient",), {}, patient_requirements),))
    (finding,) = evaluate_resources(ID, inventory, policy).values()
    assert finding.evidence["per_index"] == {"most": [{"index": "strict", "backups": 1}]}


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
    """The plan gives the quota unless the policy does; without a quota the control is not applicable."""
    finding = evaluate_quota(build_full_project(1), **project)
    assert finding.evidence.get("quota") == expected
    assert finding.compliance is (Compliance.NOT_APPLICABLE if expected is None else Compliance.COMPLIANT)


def test_a_listing_that_broke_off_proves_what_it_shows() -> None:
    """Known backups at the limit are enough; below it the result is unknown."""
    assert (
        evaluate_quota(build_inventory(backups=build_failed_listing(build_full_project(80).backups.rows))).compliance
        is Compliance.NON_COMPLIANT
    )
    assert (
        evaluate_quota(build_inventory(backups=build_failed_listing(build_full_project(79).backups.rows))).compliance
        is Compliance.INSUFFICIENT_DATA
    )


def test_it_shows_what_each_index_takes_and_what_would_fit() -> None:
    """The manual backups take their room first."""
    rows = [build_backup(DAY, backup_id=f"m-{number}") for number in range(60)]
    finding = evaluate_quota(
        build_inventory(build_index(schedules=[build_schedule(retention=30 * DAY)], backups=rows)),
        quota_warn_percent=66,
    )
    assert finding.evidence["per_index"] == {"most": [{"index": "main", "backups": 67}]}
    assert finding.evidence["fits"] == {
        "indexes": 1,
        "frequency": "daily",
        "retention_days": 4,
        "slots": 5,
        "slots_together": 5,
    }
    assert finding.reason == (
        "The project has 67 backups (67% of the quota of 100; limit: below 66%); daily backups kept 4d"
        " would fit, for the scheduled index."
    )


@pytest.mark.parametrize("warn_percent,slots", [(66, 5), (66.5, 6), (67, 6)])
def test_what_would_fit_stays_below_the_limit(warn_percent: float, slots: int) -> None:
    """The suggested schedule and the 60 manual backups stay below the limit."""
    rows = [build_backup(DAY, backup_id=f"m-{number}") for number in range(60)]
    inventory = build_inventory(
        build_index(schedules=[build_schedule(retention=30 * DAY)], runs=[], backups=rows),
        extra_backups=build_daily_runs(7),
    )
    fit = evaluate_quota(inventory, quota_warn_percent=warn_percent).evidence["fits"]
    assert isinstance(fit, dict)
    assert fit["slots_together"] == slots
    fitting_inventory = build_inventory(build_index(runs=build_daily_runs(slots), backups=rows))
    assert evaluate_quota(fitting_inventory, quota_warn_percent=warn_percent).compliance is Compliance.COMPLIANT


def test_the_percentage_is_never_rounded_up() -> None:
    """Nearly full is not full."""
    assert evaluate_quota(build_full_project(2), backup_quota=3, quota_warn_percent=99).evidence["percent"] == 66.6
