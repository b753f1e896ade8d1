"""The figures of an audit: true zeros are told, and what is not known is not."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given

from backup_auditor.domain.finding import Exemption, Severity
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.model import Deployment
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.reporting.metrics import compute_audit_metrics, compute_open_by_severity
from backup_auditor.domain.reporting.report import make_report
from support.builders.audit_sequence import Nights
from support.builders.facts import (
    BROKEN,
    DAY,
    HOUR,
    NOW,
    backup,
    broken,
    daily_runs,
    index,
    inventory,
    judged,
    planned_run,
    policy,
    renamed,
    schedule,
    whole,
)
from support.builders.reports import BUILT_IN, bare, exempting, report
from support.builders.strategies import projects

UNREAD = Exemption(("main",), ("*",), "team", "because", date(2027, 3, 31))


def figures(told: Inventory | None = None, required: Policy = BUILT_IN) -> dict[str, float | None]:
    """Return the figures of an inventory, by default of one healthy index."""
    facts = inventory(index()) if told is None else told
    return dict(compute_audit_metrics(facts, report(facts, required)))


def figure(name: str, *cases: Any, required: Policy = BUILT_IN, **facts: Any) -> float | None:
    """Return one figure of some indexes."""
    return figures(inventory(*cases, **facts), required)[name]


def test_a_healthy_index_has_every_figure() -> None:
    """Nothing is left out where everything is known, and what is nothing is zero."""
    assert figures() == {
        "AuditCompleted": 1,
        "AuditComplete": 1,
        "IndexesTotal": 1,
        "IndexesProtected": 1,
        "CoveragePercent": 100.0,
        "FindingsOpen": 0,
        "FindingsNew": 0,
        "FindingsResolved": 0,
        "FindingsInsufficientData": 0,
        "WorstRecoveryPointAgeHours": 6.0,
        "MinDaysToZeroRecoveryPoints": 6.75,
        "BackupsTotal": 7,
        "BackupStorageBytes": 7_000_000,
        "BackupQuotaUsedPercent": 1.4,
        "ApiRequests": 0,
    }


def test_a_project_without_indexes_has_no_figure_of_recovery_points() -> None:
    """It has zero indexes and zero backups, and neither coverage nor an oldest recovery point."""
    found = figures(inventory())
    assert (found["IndexesTotal"], found["IndexesProtected"], found["BackupsTotal"]) == (0, 0, 0)
    assert found["BackupStorageBytes"] == 0
    assert found["CoveragePercent"] is None
    assert found["WorstRecoveryPointAgeHours"] is None
    assert found["MinDaysToZeroRecoveryPoints"] is None


def test_where_the_indexes_are_not_known_nothing_is_told_of_them() -> None:
    """What was listed beside them is told all the same."""
    found = figures(inventory(index(), indexes_failure=BROKEN))
    assert {name for name, it in found.items() if it is None} == {
        "IndexesTotal",
        "IndexesProtected",
        "CoveragePercent",
        "FindingsOpen",
        "FindingsInsufficientData",
        "WorstRecoveryPointAgeHours",
        "MinDaysToZeroRecoveryPoints",
    }
    assert (found["AuditCompleted"], found["AuditComplete"], found["BackupsTotal"]) == (1, 0, 7)


def test_where_the_backups_are_not_known_nothing_is_told_of_them() -> None:
    """Neither how many there are, nor how much they hold, nor which is the oldest of the newest."""
    found = figures(inventory(index(), backups=broken(daily_runs())))
    assert {name for name, it in found.items() if it is None} == {
        "WorstRecoveryPointAgeHours",
        "MinDaysToZeroRecoveryPoints",
        "BackupsTotal",
        "BackupStorageBytes",
        "BackupQuotaUsedPercent",
    }
    assert found["AuditComplete"] == 0


def test_an_index_that_may_be_protected_leaves_open_how_many_are() -> None:
    """Its schedules could not be read; an index that has no recovery point is not protected, whatever they are."""
    doubtful = index("doubtful", schedules=broken(), listed=daily_runs())
    hopeless = renamed(index(schedules=broken(), listed=()), "hopeless")
    assert figure("IndexesProtected", renamed(index(), "sound"), doubtful) is None
    assert figure("CoveragePercent", renamed(index(), "sound"), doubtful) is None
    assert figure("IndexesProtected", renamed(index(), "sound"), hopeless) == 1
    assert figure("CoveragePercent", renamed(index(), "sound"), hopeless) == 50.0


def test_an_index_that_cannot_be_backed_up_counts_among_the_indexes_alone() -> None:
    """Pods are neither protected nor unprotected."""
    pod = index("pod", deployment=Deployment.POD, schedules=None)
    assert figure("IndexesTotal", pod) == 1
    assert figure("IndexesProtected", pod) == 0
    assert figure("CoveragePercent", pod) is None


@given(projects() | projects(walks=1))
def test_the_protected_are_those_of_the_coverage(told: Inventory) -> None:
    """Whatever a project looks like: where their number is told, it is the one that the coverage is made of."""
    protected = figures(told)["IndexesProtected"]
    assert protected is None or protected == judged(told).coverage.protected_indexes


def test_findings_are_counted_by_severity_with_true_zeros() -> None:
    """An index without anything is critical once and high twice; nothing is low."""
    told = inventory(bare("orders"))
    assert figures(told)["FindingsOpen"] == 3
    assert compute_open_by_severity(told, report(told)) == {
        Severity.LOW: 0,
        Severity.MEDIUM: 0,
        Severity.HIGH: 2,
        Severity.CRITICAL: 1,
    }


def test_a_zero_that_is_in_doubt_is_not_told() -> None:
    """What could not be judged may be open: no critical is known, and none is excluded; a high one there is."""
    told = inventory(index(), backups=broken())
    found = compute_open_by_severity(told, report(told))
    assert found[Severity.CRITICAL] is None
    assert found[Severity.HIGH] == 1


def test_what_is_exempted_is_neither_open_nor_in_doubt() -> None:
    """An accepted deviation is no figure."""
    told = inventory(bare("scratch-1"))
    found = figures(told, exempting(replace(UNREAD, names=("scratch-*",))))
    assert (found["FindingsOpen"], found["FindingsNew"], found["MinDaysToZeroRecoveryPoints"]) == (0, 0, None)


def test_findings_that_could_not_be_judged_are_counted() -> None:
    """Those that nobody exempted."""
    told = inventory(index(schedules=broken()))
    count = figures(told)["FindingsInsufficientData"]
    assert count is not None
    assert count > 0
    assert figures(told, exempting(UNREAD))["FindingsInsufficientData"] == 2  # the project's own


def test_what_was_opened_and_what_was_resolved_is_counted() -> None:
    """A finding that stays is neither."""
    nights = Nights()
    counts = []
    for told in (inventory(bare("main")), inventory(bare("main")), inventory(index()), inventory(bare("main"))):
        outcome = nights.audited(told)
        found = compute_audit_metrics(told, make_report(told, BUILT_IN, judged(told), outcome))
        counts.append((found["FindingsNew"], found["FindingsResolved"]))
    assert counts[:2] == [(3, 0), (0, 0)]
    assert counts[2][1] == 3
    assert counts[3][0] == 4  # the three once more, and the backups that vanished


@pytest.mark.parametrize(
    "ages, worst",
    [
        pytest.param((6 * HOUR, 30 * HOUR), 30.0, id="oldest-of-the-newest"),
        pytest.param((6 * HOUR, None), 6.0, id="one-has-none"),
        pytest.param((None, None), None, id="none-has-any"),
    ],
)
def test_the_worst_age_is_that_of_the_oldest_newest_recovery_point(ages: tuple[Any, ...], worst: float | None) -> None:
    """An index without any has no age; that it has none is a finding."""
    cases = [
        renamed(index(listed=daily_runs(3, age) if age is not None else ()), f"index-{number}")
        for number, age in enumerate(ages)
    ]
    assert figure("WorstRecoveryPointAgeHours", *cases) == worst


def test_where_one_age_is_in_doubt_the_worst_is_not_known() -> None:
    """Some of its backups tell no time; unless it is exempted, nobody knows which is the oldest."""
    undated = renamed(index(listed=[backup(None)]), "undated")
    assert figure("WorstRecoveryPointAgeHours", index(), undated) is None
    exempted = exempting(replace(UNREAD, names=("undated",)))
    assert figure("WorstRecoveryPointAgeHours", index(), undated, required=exempted) == 6.0


@pytest.mark.parametrize(
    "case, days",
    [
        pytest.param(index(), 6.75, id="last-one-expires"),
        pytest.param(index(backups=[backup(DAY)]), None, id="manual-never-expires"),
        pytest.param(index(schedules=whole([schedule(enabled=False)]), runs=daily_runs(1, 8 * DAY)), 0, id="overdue"),
        pytest.param(bare("main"), 0, id="there-is-none"),
        pytest.param(index(schedules=whole([schedule(created_at=NOW - HOUR)]), listed=()), None, id="not-yet-due"),
        pytest.param(index(schedules=whole([schedule(retention=None)])), None, id="unknown-expiry"),
    ],
)
def test_the_days_to_zero_are_those_of_the_first_index_to_have_nothing(case: Any, days: float | None) -> None:
    """Where nothing is added: those that never expire have no such day, and one that is not known is not told."""
    assert figure("MinDaysToZeroRecoveryPoints", case) == days


def test_the_soonest_zero_counts() -> None:
    """The index that ends first decides, and one whose end is unknown leaves it open."""
    soon = renamed(index(runs=daily_runs(1, 5 * DAY)), "soon")
    unknown = renamed(index(schedules=whole([schedule(retention=None)])), "unknown")
    assert figure("MinDaysToZeroRecoveryPoints", index(), soon) == 2
    assert figure("MinDaysToZeroRecoveryPoints", index(), soon, unknown) is None


def test_a_ready_backup_that_tells_no_size_leaves_the_storage_open() -> None:
    """One that failed, or is still to come, has no size to tell."""
    others = [backup(DAY, backup_id="failed", status="Failed", size_bytes=None), planned_run()]
    assert figure("BackupStorageBytes", index(backups=others)) == 7_000_000
    assert figure("BackupStorageBytes", index(backups=[backup(DAY, size_bytes=None)])) is None


def test_without_a_quota_nothing_is_told_of_its_use() -> None:
    """The plan starter has none."""
    limitless = replace(policy(), project=replace(policy().project, backup_quota=14))
    assert figure("BackupQuotaUsedPercent", index(), required=limitless) == 50.0
    unwarned = replace(policy(), project=replace(policy().project, quota_warn_percent=None))
    assert figure("BackupQuotaUsedPercent", index(), required=unwarned) is None
