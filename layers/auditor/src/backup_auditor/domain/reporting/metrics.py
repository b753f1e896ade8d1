"""The figures of one audit, as they are drawn over the nights: a true zero is a figure, what is not known is none."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from backup_auditor.domain.backup_status import BackupPhase, is_planned_run, phase_of_status
from backup_auditor.domain.finding import Compliance, Finding, ResourceType, Severity
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.timefmt import days, parse_moment

type Figures = Mapping[str, float | None]
"""By the name of the metric; `None` where it is not known."""

_UNKNOWN = Compliance.INSUFFICIENT_DATA


def audit_metrics(inventory: Inventory, report: Report) -> Figures:
    """Return the figures of a project as a whole.

    Exempted findings are left out, as they are everywhere. What a broken listing leaves open is not known: neither what
    it should have counted, nor the worst of what it should have shown.
    """
    are_indexes_known = inventory.indexes_unread is None
    is_listed = inventory.backups.broken is None
    judged = _EvaluatedFigures(report.findings)
    protected = judged.protected() if are_indexes_known else None
    return {
        "AuditCompleted": 1,
        "AuditComplete": int(report.is_complete),
        "IndexesTotal": report.inventory.indexes if are_indexes_known else None,
        "IndexesProtected": protected,
        "CoveragePercent": report.summary.coverage_percent if protected is not None else None,
        "FindingsOpen": _open(inventory, report.findings),
        "FindingsNew": sum(it.lifecycle in _OPENED and it.is_open for it in report.findings),
        "FindingsResolved": len(report.resolved),
        "FindingsInsufficientData": sum(map(_is_in_doubt, report.findings)) if are_indexes_known else None,
        "WorstRecoveryPointAgeHours": judged.worst_age() if are_indexes_known and is_listed else None,
        "MinDaysToZeroRecoveryPoints": judged.days_to_zero(inventory.observed_at)
        if are_indexes_known and is_listed
        else None,
        "BackupsTotal": report.inventory.backups if is_listed else None,
        "BackupStorageBytes": _storage(inventory) if is_listed else None,
        "BackupQuotaUsedPercent": judged.quota_used() if is_listed else None,
        "ApiRequests": inventory.requests,
    }


def open_by_severity(inventory: Inventory, report: Report) -> Mapping[Severity, float | None]:
    """Return how many findings are open of each severity."""
    return {
        severity: _open(inventory, (it for it in report.findings if it.severity is severity)) for severity in Severity
    }


_OPENED = ("new", "reopened")


def _is_in_doubt(finding: Finding) -> bool:
    return finding.compliance is _UNKNOWN and finding.exemption is None


def _open(inventory: Inventory, findings: Iterable[Finding]) -> int | None:
    """Count open findings; that there are none is not known where a finding could not be judged."""
    if inventory.indexes_unread is not None:
        return None
    found = list(findings)
    count = sum(it.is_open for it in found)
    return None if not count and any(map(_is_in_doubt, found)) else count


def _storage(inventory: Inventory) -> int | None:
    """Add the sizes of all backups; not known where one that is `Ready` does not tell its own."""
    total = 0
    for backup in inventory.backups.rows:
        if backup.size_bytes is None and phase_of_status(backup.status) is BackupPhase.READY:
            return None
        if not is_planned_run(backup, inventory.observed_at):
            total += backup.size_bytes or 0
    return total


class _EvaluatedFigures:
    """The verdicts of the controls whose evidence holds a figure, by the name of their index or project."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self._found: dict[str, dict[str, Finding]] = {}
        for it in findings:
            if it.resource.type is not ResourceType.DELETED_INDEX:
                self._found.setdefault(it.control, {})[it.resource.name] = it

    def protected(self) -> int | None:
        """Count the indexes with an enabled schedule and a recent recovery point; unknown where one may have both."""
        recent = self._found.get("recovery-point-is-recent", {})
        pairs = [
            {it.compliance, recent[name].compliance}
            for name, it in self._found.get("schedule-is-enabled", {}).items()
            if name in recent
        ]
        if any(_UNKNOWN in pair and pair <= {_UNKNOWN, Compliance.COMPLIANT} for pair in pairs):
            return None
        return sum(pair == {Compliance.COMPLIANT} for pair in pairs)

    def worst_age(self) -> float | None:
        """Return the age of the oldest among the newest recovery points, in hours; `None` where there is none."""
        return max(_numbers(self._settled("recovery-point-is-recent"), "age_hours"), default=None)

    def days_to_zero(self, observed_at: datetime) -> float | None:
        """Return how soon an index will have no recovery point if none is added; `None` where none ever will.

        An index that has none, and should have one, is there already.
        """
        owing = self._settled("index-has-recovery-point")
        lasting = self._settled("recovery-points-outlast-horizon")
        if any(it.is_open for it in self._found.get("index-has-recovery-point", {}).values()):
            return 0
        if owing is None or lasting is None:
            return None
        ending = [it.evidence for it in lasting if not it.evidence.get("never_expire")]
        if any(it.get("unknown_expiry") for it in ending):
            return None
        moments = (it.get("zero_recovery_points_at") for it in ending)
        lengths = [parse_moment(it) - observed_at for it in moments if isinstance(it, str)]
        return days(max(min(lengths), timedelta())) if lengths else None

    def quota_used(self) -> float | None:
        """Return how full the quota of backups is, in percent; `None` where there is none."""
        return next(iter(_numbers(self._settled("backup-quota-has-headroom"), "percent")), None)

    def _settled(self, control: str) -> list[Finding] | None:
        """Return the findings of a control that nobody exempted; `None` where one of them is in doubt."""
        found = [it for it in self._found.get(control, {}).values() if it.exemption is None]
        return None if any(map(_is_in_doubt, found)) else found


def _numbers(findings: list[Finding] | None, key: str) -> list[float]:
    told = (it.evidence.get(key) for it in findings or ())
    return [it for it in told if isinstance(it, int | float)]
