"""The metrics of an audit include true zeros, and leave out unknown values."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given

from backup_auditor.domain.finding import Compliance, Exemption, Severity
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.model import Deployment
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.reporting.metrics import compute_audit_metrics, compute_open_by_severity
from backup_auditor.domain.reporting.report import make_report
from support.builders.audit_sequence import AuditSequence
from support.builders.facts import (
    DAY,
    HOUR,
    NOW,
    READ_FAILURE,
    build_backup,
    build_complete_listing,
    build_daily_runs,
    build_failed_listing,
    build_index,
    build_inventory,
    build_planned_run,
    build_policy,
    build_schedule,
    evaluate_facts,
    rename_index,
)
from support.builders.notifications import build_alert_report, build_open_finding
from support.builders.reports import BUILT_IN_POLICY, build_bare_index, build_exempting_policy, build_report
from support.builders.strategies import inventories

FULL_EXEMPTION = Exemption(("main",), ("*",), "team", "because", date(2027, 3, 31))


def compute_metrics(inventory: Inventory | None = None, policy: Policy = BUILT_IN_POLICY) -> dict[str, float | None]:
    """Return the figures of an inventory, by default of one healthy index."""
    facts = build_inventory(build_index()) if inventory is None else inventory
    return dict(compute_audit_metrics(facts, build_report(facts, policy)))


def compute_metric(name: str, *cases: Any, policy: Policy = BUILT_IN_POLICY, **facts: Any) -> float | None:
    """Return one figure of some indexes."""
    return compute_metrics(build_inventory(*cases, **facts), policy)[name]


def test_a_healthy_index_has_every_figure() -> None:
    """A known figure is never left out, and a true zero is zero."""
    assert compute_metrics() == {
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
    metrics = compute_metrics(build_inventory())
    assert (metrics["IndexesTotal"], metrics["IndexesProtected"], metrics["BackupsTotal"]) == (0, 0, 0)
    assert metrics["BackupStorageBytes"] == 0
    assert metrics["CoveragePercent"] is None
    assert metrics["WorstRecoveryPointAgeHours"] is None
    assert metrics["MinDaysToZeroRecoveryPoints"] is None


def test_where_the_indexes_are_not_known_nothing_is_reported_about_them() -> None:
    """Counts of other listings are still emitted."""
    metrics = compute_metrics(build_inventory(build_index(), indexes_failure=READ_FAILURE))
    assert {name for name, it in metrics.items() if it is None} == {
        "IndexesTotal",
        "IndexesProtected",
        "CoveragePercent",
        "FindingsOpen",
        "FindingsInsufficientData",
        "WorstRecoveryPointAgeHours",
        "MinDaysToZeroRecoveryPoints",
    }
    assert (metrics["AuditCompleted"], metrics["AuditComplete"], metrics["BackupsTotal"]) == (1, 0, 7)


def test_where_the_backups_are_not_known_nothing_is_reported_about_them() -> None:
    """Unknown backups have no count, no size and no worst age."""
    metrics = compute_metrics(build_inventory(build_index(), backups=build_failed_listing(build_daily_runs())))
    assert {name for name, it in metrics.items() if it is None} == {
        "WorstRecoveryPointAgeHours",
        "MinDaysToZeroRecoveryPoints",
        "BackupsTotal",
        "BackupStorageBytes",
        "BackupQuotaUsedPercent",
    }
    assert metrics["AuditComplete"] == 0


def test_an_index_that_may_be_protected_leaves_open_how_many_are() -> None:
    """Its schedules could not be read; an index that has no recovery point is not protected, whatever they are."""
    doubtful_index = build_index("doubtful", schedules=build_failed_listing(), listed_backups=build_daily_runs())
    hopeless_index = rename_index(build_index(schedules=build_failed_listing(), listed_backups=()), "hopeless")
    assert compute_metric("IndexesProtected", rename_index(build_index(), "sound"), doubtful_index) is None
    assert compute_metric("CoveragePercent", rename_index(build_index(), "sound"), doubtful_index) is None
    assert compute_metric("IndexesProtected", rename_index(build_index(), "sound"), hopeless_index) == 1
    assert compute_metric("CoveragePercent", rename_index(build_index(), "sound"), hopeless_index) == 50.0


def test_an_index_that_cannot_be_backed_up_counts_among_the_indexes_alone() -> None:
    """Pods are neither protected nor unprotected."""
    pod = build_index("pod", deployment=Deployment.POD, schedules=None)
    assert compute_metric("IndexesTotal", pod) == 1
    assert compute_metric("IndexesProtected", pod) == 0
    assert compute_metric("CoveragePercent", pod) is None


@given(inventories() | inventories(reads=1))
def test_the_protected_are_those_of_the_coverage(inventory: Inventory) -> None:
    """For any project, a known number of protected indexes is the one of the coverage."""
    protected_count = compute_metrics(inventory)["IndexesProtected"]
    assert protected_count is None or protected_count == evaluate_facts(inventory).coverage.protected_indexes


def test_findings_are_counted_by_severity_with_true_zeros() -> None:
    """An index without anything is critical once and high twice; nothing is low."""
    inventory = build_inventory(build_bare_index("orders"))
    assert compute_metrics(inventory)["FindingsOpen"] == 3
    assert compute_open_by_severity(inventory, build_report(inventory)) == {
        Severity.LOW: 0,
        Severity.MEDIUM: 0,
        Severity.HIGH: 2,
        Severity.CRITICAL: 1,
    }


def test_an_uncertain_zero_is_not_emitted() -> None:
    """If an unknown finding may be critical, a count of zero critical findings is not emitted."""
    inventory = build_inventory(build_index(), backups=build_failed_listing())
    metrics = compute_open_by_severity(inventory, build_report(inventory))
    assert metrics[Severity.CRITICAL] is None
    assert metrics[Severity.HIGH] == 1


def test_an_exempted_finding_is_neither_open_nor_unknown() -> None:
    """An exempted finding is in no metric."""
    inventory = build_inventory(build_bare_index("scratch-1"))
    metrics = compute_metrics(inventory, build_exempting_policy(replace(FULL_EXEMPTION, names=("scratch-*",))))
    assert (metrics["FindingsOpen"], metrics["FindingsNew"], metrics["MinDaysToZeroRecoveryPoints"]) == (0, 0, None)


def test_findings_that_could_not_be_evaluated_are_counted() -> None:
    """Unexempted unknown findings are counted."""
    inventory = build_inventory(build_index(schedules=build_failed_listing()))
    count = compute_metrics(inventory)["FindingsInsufficientData"]
    assert count is not None
    assert count > 0
    assert (
        compute_metrics(inventory, build_exempting_policy(FULL_EXEMPTION))["FindingsInsufficientData"] == 2
    )  # the project's own


def test_opened_and_resolved_findings_are_counted() -> None:
    """An ongoing finding counts as neither."""
    sequence = AuditSequence()
    counts = []
    for inventory in (
        build_inventory(build_bare_index("main")),
        build_inventory(build_bare_index("main")),
        build_inventory(build_index()),
        build_inventory(build_bare_index("main")),
    ):
        outcome = sequence.audit(inventory)
        metrics = compute_audit_metrics(
            inventory, make_report(inventory, BUILT_IN_POLICY, evaluate_facts(inventory), outcome)
        )
        counts.append((metrics["FindingsNew"], metrics["FindingsResolved"]))
    assert counts[:2] == [(3, 0), (0, 0)]
    assert counts[2][1] == 3
    assert counts[3][0] == 4  # the three once more, and the backups that vanished


@pytest.mark.parametrize(
    "ages, max_age",
    [
        pytest.param((6 * HOUR, 30 * HOUR), 30.0, id="oldest-of-the-newest"),
        pytest.param((6 * HOUR, None), 6.0, id="one-has-none"),
        pytest.param((None, None), None, id="none-has-any"),
    ],
)
def test_the_worst_age_is_that_of_the_oldest_newest_recovery_point(
    ages: tuple[Any, ...], max_age: float | None
) -> None:
    """An index without any has no age; that it has none is a finding."""
    cases = [
        rename_index(build_index(listed_backups=build_daily_runs(3, age) if age is not None else ()), f"index-{number}")
        for number, age in enumerate(ages)
    ]
    assert compute_metric("WorstRecoveryPointAgeHours", *cases) == max_age


def test_one_unknown_age_makes_the_worst_unknown() -> None:
    """A backup without a time makes the worst age unknown, unless its finding is exempted."""
    undated_index = rename_index(build_index(listed_backups=[build_backup(None)]), "undated")
    assert compute_metric("WorstRecoveryPointAgeHours", build_index(), undated_index) is None
    exempting_policy = build_exempting_policy(replace(FULL_EXEMPTION, names=("undated",)))
    assert compute_metric("WorstRecoveryPointAgeHours", build_index(), undated_index, policy=exempting_policy) == 6.0


@pytest.mark.parametrize(
    "case, days",
    [
        pytest.param(build_index(), 6.75, id="last-one-expires"),
        pytest.param(build_index(backups=[build_backup(DAY)]), None, id="manual-never-expires"),
        pytest.param(
            build_index(
                schedules=build_complete_listing([build_schedule(enabled=False)]), runs=build_daily_runs(1, 8 * DAY)
            ),
            0,
            id="overdue",
        ),
        pytest.param(build_bare_index("main"), 0, id="there-is-none"),
        pytest.param(
            build_index(schedules=build_complete_listing([build_schedule(created_at=NOW - HOUR)]), listed_backups=()),
            None,
            id="not-yet-due",
        ),
        pytest.param(
            build_index(schedules=build_complete_listing([build_schedule(retention=None)])), None, id="unknown-expiry"
        ),
    ],
)
def test_the_days_to_zero_are_those_of_the_first_index_to_have_nothing(case: Any, days: float | None) -> None:
    """Backups that never expire have no such day, and an unknown expiry makes the metric unknown."""
    assert compute_metric("MinDaysToZeroRecoveryPoints", case) == days


def test_the_soonest_zero_counts() -> None:
    """The index that ends first decides, and one whose end is unknown leaves it open."""
    soon_index = rename_index(build_index(runs=build_daily_runs(1, 5 * DAY)), "soon")
    unknown_index = rename_index(
        build_index(schedules=build_complete_listing([build_schedule(retention=None)])), "unknown"
    )
    assert compute_metric("MinDaysToZeroRecoveryPoints", build_index(), soon_index) == 2
    assert compute_metric("MinDaysToZeroRecoveryPoints", build_index(), soon_index, unknown_index) is None


def test_a_ready_backup_without_a_size_makes_the_storage_unknown() -> None:
    """A failed or planned backup needs no size."""
    other_backups = [build_backup(DAY, backup_id="failed", status="Failed", size_bytes=None), build_planned_run()]
    assert compute_metric("BackupStorageBytes", build_index(backups=other_backups)) == 7_000_000
    assert compute_metric("BackupStorageBytes", build_index(backups=[build_backup(DAY, size_bytes=None)])) is None


def test_without_a_quota_nothing_is_reported_about_its_use() -> None:
    """The plan starter has no backup quota, and so no metric of it."""
    policy_without_quota = replace(build_policy(), project=replace(build_policy().project, backup_quota=14))
    assert compute_metric("BackupQuotaUsedPercent", build_index(), policy=policy_without_quota) == 50.0
    policy_without_warning = replace(build_policy(), project=replace(build_policy().project, quota_warn_percent=None))
    assert compute_metric("BackupQuotaUsedPercent", build_index(), policy=policy_without_warning) is None


def compute_with_verdict(metric: str, control: str, compliance: Compliance) -> float | None:
    """Return a metric of a healthy index whose finding of one control has another verdict."""
    inventory = build_inventory(build_index())
    report = build_report(inventory)
    findings = (replace(it, compliance=compliance) if it.control == control else it for it in report.findings)
    return compute_audit_metrics(inventory, replace(report, findings=tuple(findings)))[metric]


@pytest.mark.parametrize("control", ["index-has-recovery-point", "recovery-points-outlast-horizon"])
def test_the_days_to_zero_are_unknown_with_an_unknown_verdict(control: str) -> None:
    """The days until an index has no recovery point depend on both controls of recovery points."""
    metric = "MinDaysToZeroRecoveryPoints"
    assert compute_with_verdict(metric, control, Compliance.INSUFFICIENT_DATA) is None
    assert compute_with_verdict(metric, control, Compliance.COMPLIANT) == 6.75


@pytest.mark.parametrize(
    "schedule_verdict, recency_verdict, expected",
    [
        pytest.param(Compliance.COMPLIANT, Compliance.COMPLIANT, 1, id="both-compliant"),
        pytest.param(Compliance.COMPLIANT, Compliance.INSUFFICIENT_DATA, None, id="recency-unknown"),
        pytest.param(Compliance.INSUFFICIENT_DATA, Compliance.INSUFFICIENT_DATA, None, id="both-unknown"),
        pytest.param(Compliance.NON_COMPLIANT, Compliance.INSUFFICIENT_DATA, 0, id="certainly-unprotected"),
        pytest.param(Compliance.COMPLIANT, None, 0, id="no-finding-about-recency"),
    ],
)
def test_an_index_is_protected_by_two_verdicts(
    schedule_verdict: Compliance, recency_verdict: Compliance | None, expected: int | None
) -> None:
    """The number of protected indexes is unknown while an unknown verdict decides."""
    findings = [build_open_finding(control="schedule-is-enabled", compliance=schedule_verdict)]
    if recency_verdict is not None:
        findings.append(build_open_finding(control="recovery-point-is-recent", compliance=recency_verdict))
    metrics = compute_audit_metrics(build_inventory(), build_alert_report(*findings))
    assert metrics["IndexesProtected"] == expected


def test_a_run_that_has_not_started_has_no_size() -> None:
    """The size of a run that is listed before its time does not count."""
    future_run = build_planned_run(status="Initializing", size_bytes=500)
    assert compute_metric("BackupStorageBytes", build_index(listed_backups=[build_backup(DAY)])) == 1_000_000
    assert (
        compute_metric("BackupStorageBytes", build_index(listed_backups=[build_backup(DAY), future_run])) == 1_000_000
    )
