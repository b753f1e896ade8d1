"""The summary of an audit in words: verdict, counts, next step and changes."""

from collections import Counter

from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.project_state import Drift
from backup_auditor.domain.reporting.report import InventoryCounts, Report
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.rendering.grouping import (
    count_deleted_indexes,
    count_indexes,
    group_open_findings,
    group_unknown_findings,
    label_finding,
    label_resource,
)
from backup_auditor.rendering.text import format_value

type Facts = dict[str, str | int]


def build_audit_facts(report: Report) -> Facts:
    """Return the audit, and whether it is complete."""
    return {
        "project": report.project,
        "audit_id": report.audit_id,
        "observed_at": format_moment(report.observed_at),
        "complete": report.is_complete,
    }


def count_totals(report: Report) -> Facts:
    """Count the rows that are no findings; the JSON report of the same audit lists them."""
    return {
        "read_error_count": len(report.read_failures),
        "resolved_count": len(report.resolved_findings),
        "drift_count": len(report.drift),
        "warning_count": len(report.warnings),
        "proposal_count": len(report.proposals or ()),
    }


COMPLIANCE_HEADINGS = {
    Compliance.COMPLIANT: "Compliant",
    Compliance.NON_COMPLIANT: "Non-compliant",
    Compliance.INSUFFICIENT_DATA: "Unknown",
    Compliance.NOT_APPLICABLE: "Not applicable",
}
COMPLETENESS_CONTROL = "inventory-is-complete"
"""The control that reports what could not be read."""


def describe_verdict(report: Report) -> str:
    """Return the most important sentence of the report."""
    if report.compliance is Compliance.NON_COMPLIANT:
        return _describe_violations(report)
    index_count = report.inventory.indexes
    if report.compliance is Compliance.INSUFFICIENT_DATA:
        return f"No violations found; {pluralize(_count_unknown(report), 'check')} could not be evaluated."
    if not index_count:
        return "The project has no indexes: there is nothing to back up."
    if report.summary.coverage_percent is None:
        indexes = pluralize(index_count, "index", "indexes")
        return f"None of the {indexes} can be backed up, and the policy requires nothing else."
    exempted_clause = f"; {pluralize(report.summary.exempted, 'exempted finding')}" if report.summary.exempted else ""
    return f"No violations on {pluralize(index_count, 'index', 'indexes')}{exempted_clause}."


def _describe_violations(report: Report) -> str:
    open_findings = [it for it in report.findings if it.is_open]
    if all(it.control == COMPLETENESS_CONTROL for it in open_findings):
        unknown_count = _count_unknown(report)
        unknown_clause = f"; {pluralize(unknown_count, 'check')} could not be evaluated" if unknown_count else ""
        return f"No violations found in what could be read{unknown_clause}."
    index_count, deleted_count = count_indexes(open_findings), count_deleted_indexes(open_findings)
    if index_count:
        all_indexes = pluralize(report.inventory.indexes, "index", "indexes")
        return f"{index_count:,} of {all_indexes} {_choose_verb(index_count)} the policy."
    if deleted_count:
        deleted_indexes = pluralize(deleted_count, "deleted index", "deleted indexes")
        return f"{deleted_indexes} {_choose_verb(deleted_count)} the policy."
    return f"The project violates {pluralize(len(open_findings), 'requirement')} of the policy."


def _count_unknown(report: Report) -> int:
    return sum(it.is_unknown for it in report.findings)


def _choose_verb(number: int) -> str:
    return "violates" if number == 1 else "violate"


def describe_incompleteness(report: Report) -> str | None:
    """Return the sentence that counts the read errors; `None` if there are none."""
    if report.is_complete:
        return None
    return f"The audit is incomplete: {pluralize(len(report.read_failures), 'read error')}."


def describe_reads(counts: InventoryCounts) -> str:
    """Return how much was read."""
    parts = (
        pluralize(counts.indexes, "index", "indexes"),
        pluralize(counts.schedules, "schedule"),
        pluralize(counts.runs, "run"),
        pluralize(counts.backups, "backup"),
        pluralize(counts.recovery_points, "recovery point"),
    )
    return f"{', '.join(parts)}; in {pluralize(counts.requests, 'request')}"


_COUNT_ORDER = (
    Compliance.NON_COMPLIANT,
    Compliance.INSUFFICIENT_DATA,
    Compliance.COMPLIANT,
    Compliance.NOT_APPLICABLE,
)


def build_count_rows(report: Report) -> list[tuple[str, str]]:
    """Return the counts of findings, the coverage, and how much was read."""
    finding_counts, open_counts = report.summary.findings, report.summary.open
    verdicts = ", ".join(f"{finding_counts[it]:,} {COMPLIANCE_HEADINGS[it].lower()}" for it in _COUNT_ORDER)
    action_count = pluralize(len(report.proposals or ()), "action")
    proposals = f"{action_count} would correct the project; backup-auditor remediate shows them"
    return [
        ("open", ", ".join(f"{number:,} {severity}" for severity, number in open_counts.items())),
        ("findings", f"{verdicts}; {report.summary.exempted:,} exempted"),
        ("coverage", _describe_coverage(report.summary.coverage_percent)),
        *([("proposals", proposals)] if report.proposals is not None else []),
        ("read", describe_reads(report.inventory)),
        ("audited", f"{format_moment(report.observed_at)}, policy {report.policy_source}"),
    ]


def _describe_coverage(percent: float | None) -> str:
    if percent is None:
        return "no index can be backed up"
    return f"{percent:g} % of the indexes that can be backed up have an enabled schedule and a recent recovery point"


_LIFECYCLES = ("new", "reopened", "ongoing")


def describe_since(finding: Finding) -> str:
    """Return a suffix for the reason of a finding: whether it is new, or since when it is known; else empty."""
    if finding.lifecycle is None or finding.first_seen is None:
        return ""
    day = finding.first_seen.date()
    return {"new": " (new)", "reopened": f" (reopened, first seen {day})"}.get(finding.lifecycle, f" (since {day})")


def build_resolved_rows(report: Report) -> list[tuple[str, str]]:
    """Return where each finding was resolved, and why."""
    return [(label_resource(it.resource), f"{it.control}: {it.reason}") for it in report.resolved_findings]


def build_drift_rows(report: Report) -> list[tuple[str, str]]:
    """Return where each setting drifted, and from what to what."""
    return [(label_resource(it.resource), _describe_drift(it)) for it in report.drift]


def _describe_drift(drift: Drift) -> str:
    if isinstance(drift.before, dict) and isinstance(drift.after, dict):
        return (
            f"{drift.change}{_describe_schedule(drift.after)}, {_describe_settings(drift.before)}"
            f" to {_describe_settings(drift.after)}"
        )
    facts = drift.before if drift.after is None else drift.after
    if isinstance(facts, dict):
        return f"{drift.change}{_describe_schedule(facts)}, {_describe_settings(facts)}"
    return f"{drift.change}, {format_value(drift.before)} to {format_value(drift.after)}"


def _describe_schedule(facts: dict[str, object]) -> str:
    return f" ({facts['schedule'] or facts['schedule_id']})" if "schedule_id" in facts else ""


def _describe_settings(facts: dict[str, object]) -> str:
    return ", ".join(
        f"{name} {format_value(it)}" for name, it in facts.items() if name not in {"schedule", "schedule_id"}
    )


def find_first_finding(report: Report) -> Finding | None:
    """Return the worst open finding, else the first unknown one; `None` if there is neither."""
    groups = group_open_findings(report)
    if groups:
        return groups[0].findings[0]
    unknown_lists = group_unknown_findings(report)
    return unknown_lists[0][0] if unknown_lists else None


def describe_first_step(report: Report) -> str | None:
    """Return what to do first; `None` if there is nothing to do."""
    finding = find_first_finding(report)
    if finding is None:
        return None
    if not finding.is_open:
        return f"Find out why {label_finding(finding)} could not be evaluated: {finding.reason}"
    text = finding.remediation or finding.reason
    return text if finding.resource.name in text else f"{label_finding(finding)}: {text}"


def describe_delta(report: Report) -> str | None:
    """Return one line about the changes since the last audit; `None` if no earlier audit is recorded."""
    if not report.has_history:
        return None
    counts = Counter(it.lifecycle for it in report.findings)
    changes = f"{', '.join(f'{counts[it]:,} {it}' for it in _LIFECYCLES)}; {len(report.resolved_findings):,} resolved"
    drift_clause = f"; {pluralize(len(report.drift), 'setting')} drifted" if report.drift else ""
    return changes + drift_clause
