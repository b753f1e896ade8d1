"""The verdict of a whole audit, and how much it rests on, in words."""

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.report import InventoryCounts, Report
from backup_auditor.rendering.grouping import indexes_in
from backup_auditor.rendering.text import count


def verdict(report: Report) -> str:
    """Return the sentence that a reader who reads no more must have read."""
    if report.compliance is Compliance.NON_COMPLIANT:
        return _non_compliant(report)
    total = report.inventory.indexes
    if report.compliance is Compliance.INSUFFICIENT_DATA:
        unknown = [it for it in report.findings if it.compliance is Compliance.INSUFFICIENT_DATA and not it.exemption]
        return f"Nothing was found wrong, but {count(len(unknown), 'verdict')} could not be given."
    if not total:
        return "The project has no indexes: there is nothing to back up."
    if report.summary.coverage_percent is None:
        return f"None of its {count(total, 'index', 'indexes')} can be backed up, and the policy asks for nothing else."
    exempted = f", but for {count(report.summary.exempted, 'exempted finding')}" if report.summary.exempted else ""
    return f"Everything is as the policy requires, on {count(total, 'index', 'indexes')}{exempted}."


def _non_compliant(report: Report) -> str:
    found = [it for it in report.findings if it.is_open]
    indexes = indexes_in(found)
    if not indexes:
        return f"The project as a whole fails {', '.join(it.control for it in found)}."
    are = "is" if indexes == 1 else "are"
    return f"{indexes:,} of {count(report.inventory.indexes, 'index', 'indexes')} {are} not as the policy requires."


def incompleteness(report: Report) -> str | None:
    """Return the sentence that says that something could not be read, if so."""
    if report.is_complete:
        return None
    return f"The audit is incomplete: {count(len(report.unread), 'fact')} could not be read."


def read_so_much(counts: InventoryCounts) -> str:
    """Say how much was read."""
    parts = (
        count(counts.indexes, "index", "indexes"),
        count(counts.schedules, "schedule"),
        count(counts.runs, "run"),
        count(counts.backups, "backup"),
        count(counts.recovery_points, "recovery point"),
    )
    return f"{', '.join(parts)}; in {count(counts.requests, 'request')}"
