"""Compute the metrics of one audit from the figures that its findings confirm. An unknown value is `None`, not zero."""

from collections.abc import Iterable, Mapping

from backup_auditor.domain.backup_status import BackupPhase, is_scheduled_run, parse_phase
from backup_auditor.domain.evaluation.results import IndexFigures
from backup_auditor.domain.finding import Compliance, Finding, ResourceType, Severity
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.reporting.fleet import RecoveryPointAge, RecoveryPointsEnd
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.timefmt import to_days, to_hours

_UNKNOWN = Compliance.INSUFFICIENT_DATA


class ConfirmedFigures:
    """The figures of one audit, as far as its findings confirm them. Exempted findings are left out.

    After a read error in the listing of indexes or backups, the extremes of all indexes are unknown.
    """

    def __init__(self, report: Report) -> None:
        """Take one report."""
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

    @property
    def is_coverage_known(self) -> bool:
        """Whether all indexes were listed, and it is known which of them are protected."""
        return self._figures.are_listings_complete and self.count_protected() is not None

    def list_ages(self) -> list[RecoveryPointAge] | None:
        """Return the age of the newest recovery point of each index that has one; `None` if one is unknown."""
        figures_by_name = self._find_figures("recovery-point-is-recent")
        if figures_by_name is None:
            return None
        return [
            RecoveryPointAge(name, figures.newest_age, figures.max_age)
            for name, figures in figures_by_name.items()
            if figures.newest_age is not None
        ]

    def list_ends(self) -> list[RecoveryPointsEnd] | None:
        """Return when each index has no recovery point left; `None` if that is unknown for one.

        An index with a recovery point that never expires is left out. Indexes that must have a recovery point and have
        none now come alone: nothing ends sooner.
        """
        if not self._figures.are_listings_complete:
            return None
        missing_names = [
            name for name, it in self._findings_by_control.get("index-has-recovery-point", {}).items() if it.is_open
        ]
        if missing_names:
            return [RecoveryPointsEnd(it, self._observed_at) for it in missing_names]
        figures_by_name = self._find_figures("recovery-points-outlast-horizon")
        if figures_by_name is None or self._list_evaluated("index-has-recovery-point") is None:
            return None
        expiries_by_name = {
            name: it.expiries for name, it in figures_by_name.items() if not it.expiries.never_expiring_count
        }
        if any(it.unknown_count for it in expiries_by_name.values()):
            return None
        return [
            RecoveryPointsEnd(name, max(it.last_expires_at, self._observed_at))
            for name, it in expiries_by_name.items()
            if it.last_expires_at is not None
        ]

    def has_verdict(self, control: str) -> bool:
        """Return whether a control has an unexempted verdict for some resource, and none of them is unknown."""
        return bool(self._list_evaluated(control))

    def _find_figures(self, control: str) -> Mapping[str, IndexFigures] | None:
        """Return the figures of the indexes for which a control has a verdict; `None` if one is unknown."""
        names = self._list_evaluated(control) if self._figures.are_listings_complete else None
        if names is None:
            return None
        return {it: self._figures.indexes[it] for it in names if it in self._figures.indexes}

    def _list_evaluated(self, control: str) -> list[str] | None:
        """Return the resources with an unexempted verdict of a control; `None` if one of them is unknown."""
        findings = [it for it in self._findings_by_control.get(control, {}).values() if it.exemption is None]
        if any(it.is_unknown for it in findings):
            return None
        return [it.resource.name for it in findings if it.compliance is not Compliance.NOT_APPLICABLE]


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
