"""What forms for machines, whose rows are findings, tell of the whole audit."""

from backup_auditor.domain.moments import format_moment
from backup_auditor.domain.report import Report

type Facts = dict[str, str | int]


def audit_facts(report: Report) -> Facts:
    """Return which audit it is, and whether everything could be read."""
    return {
        "project": report.project,
        "audit_id": report.audit_id,
        "observed_at": format_moment(report.observed_at),
        "complete": report.is_complete,
    }


def counts_in_all(report: Report) -> Facts:
    """Count what is no finding; in full it stands in the JSON of the same audit."""
    return {
        "unread_in_all": len(report.unread),
        "resolved_in_all": len(report.resolved),
        "drift_in_all": len(report.drift),
        "warnings_in_all": len(report.warnings),
        "proposals_in_all": len(report.proposals or ()),
    }
