"""What follows the verdict of a whole audit: what to do first, and what changed since the last one."""

from backup_auditor.domain.finding import Finding
from backup_auditor.domain.report import Report
from backup_auditor.domain.wording import counted
from backup_auditor.rendering.grouping import open_groups, place, unknown_groups
from backup_auditor.rendering.since import changes_counted, has_past


def first_finding(report: Report) -> Finding | None:
    """Return what to see to first: the worst that is open, or else what is not known; `None` where there is neither."""
    groups = open_groups(report)
    if groups:
        return groups[0].findings[0]
    unknown = unknown_groups(report)
    return unknown[0][0] if unknown else None


def first_step(report: Report) -> str | None:
    """Say what to do first; `None` where nothing is to be done."""
    finding = first_finding(report)
    if finding is None:
        return None
    return _step(finding) if finding.is_open else _look(finding)


def _step(finding: Finding) -> str:
    told = finding.remediation or finding.reason
    return told if finding.resource.name in told else f"{place(finding)}: {told}"


def _look(finding: Finding) -> str:
    return f"Find out why {place(finding)} could not be judged: {finding.reason}"


def delta(report: Report) -> str | None:
    """Say in a line what changed since the last audit; `None` where there was none, or none is remembered."""
    if not has_past(report):
        return None
    drifted = f"; {counted(len(report.drift), 'setting')} drifted" if report.drift else ""
    return changes_counted(report) + drifted
