"""Compute the metrics of one audit. A true zero is a value; an unknown value is `None`."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from backup_auditor.domain.backup_status import BackupPhase, is_scheduled_run, parse_phase
from backup_auditor.domain.evaluation.results import IndexFigures
from backup_auditor.domain.finding import Compliance, Finding, ResourceType, Severity
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.timefmt import to_days, to_hours

type AuditMetrics = Mapping[str, float | None]
"""Values by the name of the metric; `None` for unknown."""

_UNKNOWN = Compliance.INSUFFICIENT_DATA


def compute_audit_metrics(inventory: Inventory, report: Report) -> AuditMetrics:
    """Return the metrics of a project.

    Exempted findings are left out. After a read error in a listing, its counts and its extremes are unknown.
    """
    are_indexes_known = inventory.indexes_failure is None
    are_backups_listed = inventory.backups.failure is None
    are_both_known = are_indexes_known and are_backups_listed
    finding_metrics = _FindingMetrics(report)
    protected_count = finding_metrics.count_protected() if are_indexes_known else None
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
        "WorstRecoveryPointAgeHours": finding_metrics.find_worst_age() if are_both_known else None,
        "MinDaysToZeroRecoveryPoints": finding_metrics.compute_days_to_zero() if are_both_known else None,
        "BackupsTotal": report.inventory.backups if are_backups_listed else None,
        "BackupStorageBytes": _sum_backup_sizes(inventory) if are_backups_listed else None,
        "BackupQuotaUsedPercent": finding_metrics.find_quota_used() if are_backups_listed else None,
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


class _FindingMetrics:
    """The figures of indexes and project, as far as the findings of a control confirm them."""

    def __init__(self, report: Report) -> None:
        self._observed_at = report.observed_at
        self._figures = report.figures
        self._findings_by_control: dict[str, dict[str, Finding]] = {}
        for finding in report.findings:
            if finding.resource.type is not ResourceType.DELETED_INDEX:
                self._findings_by_control.setdefault(finding.control, {})[finding.resource.name] = finding

    def count_protected(self) -> int | None:
        """Return the number of indexes with an enabled schedule and a recent recovery point; `None` if unknown."""
        recency_findings = self._findings_by_control.get("recovery-point-is-recent", {})
        pairs = [
            {finding.compliance, recency_findings[name].compliance}
            for name, finding in self._findings_by_control.get("schedule-is-enabled", {}).items()
            if name in recency_findings
        ]
        if any(_UNKNOWN in pair and pair <= {_UNKNOWN, Compliance.COMPLIANT} for pair in pairs):
            return None
        return sum(pair == {Compliance.COMPLIANT} for pair in pairs)

    def find_worst_age(self) -> float | None:
        """Return the age in hours of the oldest of the newest recovery points; `None` without any."""
        figures = self._find_figures("recovery-point-is-recent") or ()
        return max((to_hours(it.newest_age) for it in figures if it.newest_age is not None), default=None)

    def compute_days_to_zero(self) -> float | None:
        """Return the days until the first index has no recovery point, if none is added; `None` if that never happens.

        The result is 0 if an index that must have a recovery point has none now.
        """
        if any(it.is_open for it in self._findings_by_control.get("index-has-recovery-point", {}).values()):
            return 0
        figures = self._find_figures("recovery-points-outlast-horizon")
        if figures is None or self._find_evaluated("index-has-recovery-point") is None:
            return None
        expiries = [it.expiries for it in figures if not it.expiries.never_expiring_count]
        if any(it.unknown_count for it in expiries):
            return None
        last_expires_at = min((it.last_expires_at for it in expiries if it.last_expires_at is not None), default=None)
        return None if last_expires_at is None else to_days(max(last_expires_at - self._observed_at, timedelta()))

    def find_quota_used(self) -> float | None:
        """Return the used percentage of the backup quota, rounded down to one decimal; `None` without a quota."""
        figures = self._figures.quota
        if figures is None or not self._find_evaluated("backup-quota-has-headroom"):
            return None
        return int(100 * figures.backups / figures.quota * 10) / 10

    def _find_figures(self, control: str) -> list[IndexFigures] | None:
        """Return the figures of the indexes for which a control has a verdict; `None` if one is unknown."""
        names = self._find_evaluated(control)
        return None if names is None else [self._figures.indexes[it] for it in names if it in self._figures.indexes]

    def _find_evaluated(self, control: str) -> list[str] | None:
        """Return the resources with an unexempted verdict of a control; `None` if one of them is unknown."""
        findings = [it for it in self._findings_by_control.get(control, {}).values() if it.exemption is None]
        if any(it.is_unknown for it in findings):
            return None
        return [it.resource.name for it in findings if it.compliance is not Compliance.NOT_APPLICABLE]
