"""Compute the metrics of one audit. A true zero is a value; an unknown value is `None`."""

from collections.abc import Iterable, Mapping

from backup_auditor.domain.backup_status import BackupPhase, is_scheduled_run, parse_phase
from backup_auditor.domain.finding import Finding, Severity
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.reporting.confirmed_figures import ConfirmedFigures
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.timefmt import to_days, to_hours

type AuditMetrics = Mapping[str, float | None]
"""Values by the name of the metric; `None` for unknown."""


def compute_audit_metrics(inventory: Inventory, report: Report) -> AuditMetrics:
    """Return the metrics of a project.

    Exempted findings are left out. After a read error in a listing, its counts and its extremes are unknown.
    """
    are_indexes_known = inventory.indexes_failure is None
    are_backups_listed = inventory.backups.failure is None
    figures = ConfirmedFigures(report)
    protected_count = figures.count_protected() if are_indexes_known else None
    return {
        "AuditCompleted": 1,
        "AuditComplete": int(report.is_complete),
        "IndexesTotal": report.inventory.indexes if are_indexes_known else None,
        "IndexesProtected": protected_count,
        "CoveragePercent": report.summary.coverage_percent if protected_count is not None else None,
        "FindingsOpen": _count_open(inventory, report.findings),
        "FindingsNew": sum(it.is_opened for it in report.findings),
        "FindingsResolved": len(report.resolved_findings),
        "FindingsInsufficientData": sum(it.is_unknown for it in report.findings) if are_indexes_known else None,
        "WorstRecoveryPointAgeHours": _find_worst_age(figures),
        "MinDaysToZeroRecoveryPoints": _compute_days_to_zero(figures, report),
        "BackupsTotal": report.inventory.backups if are_backups_listed else None,
        "BackupStorageBytes": _sum_backup_sizes(inventory) if are_backups_listed else None,
        "BackupQuotaUsedPercent": _compute_quota_used(figures, report) if are_backups_listed else None,
        "ApiRequests": inventory.requests,
    }


def compute_open_by_severity(inventory: Inventory, report: Report) -> Mapping[Severity, float | None]:
    """Return the number of open findings by severity."""
    return {
        severity: _count_open(inventory, (it for it in report.findings if it.severity is severity))
        for severity in Severity
    }


def _count_open(inventory: Inventory, findings: Iterable[Finding]) -> int | None:
    """Return the number of open findings. Zero is unknown if a finding could not be evaluated."""
    if inventory.indexes_failure is not None:
        return None
    all_findings = list(findings)
    count = sum(it.is_open for it in all_findings)
    return None if not count and any(it.is_unknown for it in all_findings) else count


def _sum_backup_sizes(inventory: Inventory) -> int | None:
    """Return the total size of all backups; unknown if a `Ready` backup has no size."""
    total = 0
    for backup in inventory.backups.rows:
        if backup.size_bytes is None and parse_phase(backup.status) is BackupPhase.READY:
            return None
        if not is_scheduled_run(backup, inventory.observed_at):
            total += backup.size_bytes or 0
    return total


def _find_worst_age(figures: ConfirmedFigures) -> float | None:
    """Return the age in hours of the oldest of the newest recovery points; `None` without any."""
    return max((to_hours(it.age) for it in figures.list_ages() or ()), default=None)


def _compute_days_to_zero(figures: ConfirmedFigures, report: Report) -> float | None:
    """Return the days until the first index has no recovery point, if none is added; `None` if that never happens."""
    ends_at = min((it.at for it in figures.list_ends() or ()), default=None)
    return None if ends_at is None else to_days(ends_at - report.observed_at)


def _compute_quota_used(figures: ConfirmedFigures, report: Report) -> float | None:
    """Return the used percentage of the backup quota, rounded down to one decimal; `None` without a quota."""
    quota = report.figures.quota
    if quota is None or not figures.has_verdict("backup-quota-has-headroom"):
        return None
    return int(100 * quota.backups / quota.quota * 10) / 10
