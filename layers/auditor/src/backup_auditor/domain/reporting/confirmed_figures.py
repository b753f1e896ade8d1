"""The figures of one audit, as far as its findings confirm them."""

from collections.abc import Mapping

from backup_auditor.domain.evaluation.results import IndexFigures
from backup_auditor.domain.finding import Compliance, Finding, ResourceType
from backup_auditor.domain.reporting.fleet import RecoveryPointAge, RecoveryPointsEnd
from backup_auditor.domain.reporting.report import Report

_UNKNOWN = Compliance.INSUFFICIENT_DATA


class ConfirmedFigures:
    """The figures of indexes and project. Exempted findings are left out.

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
