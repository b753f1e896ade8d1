"""The verdict of a whole audit, and how much it rests on, in words."""

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.report import InventoryCounts, Report
from backup_auditor.domain.wording import counted
from backup_auditor.rendering.grouping import deleted_indexes_in, indexes_in

INCOMPLETE = "inventory-is-complete"
"""The control that says itself what could not be read."""


def verdict(report: Report) -> str:
    """Return the sentence that a reader who reads no more must have read."""
    if report.compliance is Compliance.NON_COMPLIANT:
        return _non_compliant(report)
    total = report.inventory.indexes
    if report.compliance is Compliance.INSUFFICIENT_DATA:
        return f"Nothing was found wrong, but {counted(_unknown(report), 'verdict')} could not be given."
    if not total:
        return "The project has no indexes: there is nothing to back up."
    if report.summary.coverage_percent is None:
        return (
            f"None of its {counted(total, 'index', 'indexes')} can be backed up, and the policy asks for nothing else."
        )
    exempted = f", but for {counted(report.summary.exempted, 'exempted finding')}" if report.summary.exempted else ""
    return f"Everything is as the policy requires, on {counted(total, 'index', 'indexes')}{exempted}."


def _non_compliant(report: Report) -> str:
    found = [it for it in report.findings if it.is_open]
    if all(it.control == INCOMPLETE for it in found):
        unknown = _unknown(report)
        not_given = f"; {counted(unknown, 'verdict')} could not be given" if unknown else ""
        return f"Nothing was found wrong in what could be read{not_given}."
    indexes, deleted = indexes_in(found), deleted_indexes_in(found)
    if indexes:
        of_all = counted(report.inventory.indexes, "index", "indexes")
        return f"{indexes:,} of {of_all} {_be(indexes)} not as the policy requires."
    if deleted:
        return f"{counted(deleted, 'deleted index', 'deleted indexes')} {_be(deleted)} not as the policy requires."
    requirements = counted(len(found), "requirement")
    return f"{requirements} of the policy on the project as a whole {_be(len(found))} not met."


def _unknown(report: Report) -> int:
    return sum(it.compliance is Compliance.INSUFFICIENT_DATA and not it.exemption for it in report.findings)


def _be(number: int) -> str:
    return "is" if number == 1 else "are"


def incompleteness(report: Report) -> str | None:
    """Return the sentence that says that something could not be read, if so."""
    if report.is_complete:
        return None
    return f"The audit is incomplete: {counted(len(report.unread), 'fact')} could not be read."


def read_so_much(counts: InventoryCounts) -> str:
    """Say how much was read."""
    parts = (
        counted(counts.indexes, "index", "indexes"),
        counted(counts.schedules, "schedule"),
        counted(counts.runs, "run"),
        counted(counts.backups, "backup"),
        counted(counts.recovery_points, "recovery point"),
    )
    return f"{', '.join(parts)}; in {counted(counts.requests, 'request')}"
