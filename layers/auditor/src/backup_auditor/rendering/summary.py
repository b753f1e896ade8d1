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
from backup_auditor.rendering.text import format_json

type Facts = dict[str, str | int]


def build_audit_facts(report: Report) -> Facts:
    """Return which audit it is, and whether everything could be read."""
    return {
        "project": report.project,
        "audit_id": report.audit_id,
        "observed_at": format_moment(report.observed_at),
        "complete": report.is_complete,
    }


def count_totals(report: Report) -> Facts:
    """Count what is no finding; in full it stands in the JSON of the same audit."""
    return {
        "read_error_count": len(report.read_failures),
        "resolved_count": len(report.resolved_findings),
        "drift_count": len(report.drift),
        "warning_count": len(report.warnings),
        "proposal_count": len(report.proposals or ()),
    }


COMPLETENESS_CONTROL = "inventory-is-complete"
"""The control that says itself what could not be read."""


def describe_verdict(report: Report) -> str:
    """Return the sentence that a reader who reads no more must have read."""
    if report.compliance is Compliance.NON_COMPLIANT:
        return _describe_violations(report)
    index_count = report.inventory.indexes
    if report.compliance is Compliance.INSUFFICIENT_DATA:
        return f"Nothing was found wrong, but {pluralize(_count_unknown(report), 'verdict')} could not be given."
    if not index_count:
        return "The project has no indexes: there is nothing to back up."
    if report.summary.coverage_percent is None:
        indexes = pluralize(index_count, "index", "indexes")
        return f"None of its {indexes} can be backed up, and the policy asks for nothing else."
    exempted_clause = (
        f", but for {pluralize(report.summary.exempted, 'exempted finding')}" if report.summary.exempted else ""
    )
    return f"Everything is as the policy requires, on {pluralize(index_count, 'index', 'indexes')}{exempted_clause}."


def _describe_violations(report: Report) -> str:
    open_findings = [it for it in report.findings if it.is_open]
    if all(it.control == COMPLETENESS_CONTROL for it in open_findings):
        unknown_count = _count_unknown(report)
        unknown_clause = f"; {pluralize(unknown_count, 'verdict')} could not be given" if unknown_count else ""
        return f"Nothing was found wrong in what could be read{unknown_clause}."
    index_count, deleted_count = count_indexes(open_findings), count_deleted_indexes(open_findings)
    if index_count:
        all_indexes = pluralize(report.inventory.indexes, "index", "indexes")
        return f"{index_count:,} of {all_indexes} {_choose_verb(index_count)} not as the policy requires."
    if deleted_count:
        return (
            f"{pluralize(deleted_count, 'deleted index', 'deleted indexes')}"
            f" {_choose_verb(deleted_count)} not as the policy requires."
        )
    requirements = pluralize(len(open_findings), "requirement")
    return f"{requirements} of the policy on the project as a whole {_choose_verb(len(open_findings))} not met."


def _count_unknown(report: Report) -> int:
    return sum(it.compliance is Compliance.INSUFFICIENT_DATA and not it.exemption for it in report.findings)


def _choose_verb(number: int) -> str:
    return "is" if number == 1 else "are"


def describe_incompleteness(report: Report) -> str | None:
    """Return the sentence that says that something could not be read, if so."""
    if report.is_complete:
        return None
    return f"The audit is incomplete: {pluralize(len(report.read_failures), 'fact')} could not be read."


def describe_reads(counts: InventoryCounts) -> str:
    """Say how much was read."""
    parts = (
        pluralize(counts.indexes, "index", "indexes"),
        pluralize(counts.schedules, "schedule"),
        pluralize(counts.runs, "run"),
        pluralize(counts.backups, "backup"),
        pluralize(counts.recovery_points, "recovery point"),
    )
    return f"{', '.join(parts)}; in {pluralize(counts.requests, 'request')}"


_COMPLIANCE_WORDS = {
    Compliance.NON_COMPLIANT: "non-compliant",
    Compliance.INSUFFICIENT_DATA: "not known",
    Compliance.COMPLIANT: "compliant",
    Compliance.NOT_APPLICABLE: "not applicable",
}


def build_count_rows(report: Report) -> list[tuple[str, str]]:
    """Count what was found, and tell how much it rests on."""
    finding_counts, open_counts = report.summary.findings, report.summary.open
    verdicts = ", ".join(f"{finding_counts[it]:,} {word}" for it, word in _COMPLIANCE_WORDS.items())
    return [
        ("open", ", ".join(f"{number:,} {severity}" for severity, number in open_counts.items())),
        ("findings", f"{verdicts}; {report.summary.exempted:,} exempted"),
        ("coverage", _describe_coverage(report.summary.coverage_percent)),
        *([("proposals", _describe_proposals(len(report.proposals)))] if report.proposals is not None else []),
        ("read", describe_reads(report.inventory)),
        ("audited", f"{format_moment(report.observed_at)}, policy {report.policy_source}"),
    ]


def _describe_proposals(count: int) -> str:
    return f"{pluralize(count, 'action')} would put something right; backup-auditor remediate shows which"


def _describe_coverage(percent: float | None) -> str:
    if percent is None:
        return "none of what was read can be backed up"
    return f"{percent:g} % of what can be backed up has an enabled schedule and a recent recovery point"


_LIFECYCLES = ("new", "reopened", "ongoing")


def has_history(report: Report) -> bool:
    """Tell whether anything of the report is older than this audit; in a first one everything is new."""
    has_older_findings = any(it.lifecycle in {"reopened", "ongoing"} for it in report.findings)
    return has_older_findings or bool(report.resolved_findings or report.drift or report.history)


def describe_since(finding: Finding) -> str:
    """Return what follows the reason of a finding: whether it is new, or since when it is known; empty at first."""
    if finding.lifecycle is None or finding.first_seen is None:
        return ""
    day = finding.first_seen.date()
    return {"new": " (new)", "reopened": f" (reopened, first seen {day})"}.get(finding.lifecycle, f" (since {day})")


def describe_changes(report: Report) -> str:
    """Count what was opened, what stayed and what was resolved."""
    counts = Counter(it.lifecycle for it in report.findings)
    return f"{', '.join(f'{counts[it]:,} {it}' for it in _LIFECYCLES)}; {len(report.resolved_findings):,} resolved"


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
    return f"{drift.change}, {_format_value(drift.before)} to {_format_value(drift.after)}"


def _describe_schedule(facts: dict[str, object]) -> str:
    return f" ({facts['schedule'] or facts['schedule_id']})" if "schedule_id" in facts else ""


def _describe_settings(facts: dict[str, object]) -> str:
    return ", ".join(
        f"{name} {_format_value(it)}" for name, it in facts.items() if name not in {"schedule", "schedule_id"}
    )


def _format_value(value: object) -> str:
    return value if isinstance(value, str) else format_json(value)


def find_first_finding(report: Report) -> Finding | None:
    """Return what to see to first: the worst that is open, or else what is not known; `None` where there is neither."""
    groups = group_open_findings(report)
    if groups:
        return groups[0].findings[0]
    unknown_lists = group_unknown_findings(report)
    return unknown_lists[0][0] if unknown_lists else None


def describe_first_step(report: Report) -> str | None:
    """Say what to do first; `None` where nothing is to be done."""
    finding = find_first_finding(report)
    if finding is None:
        return None
    return _describe_remediation(finding) if finding.is_open else _describe_investigation(finding)


def _describe_remediation(finding: Finding) -> str:
    text = finding.remediation or finding.reason
    return text if finding.resource.name in text else f"{label_finding(finding)}: {text}"


def _describe_investigation(finding: Finding) -> str:
    return f"Find out why {label_finding(finding)} could not be judged: {finding.reason}"


def describe_delta(report: Report) -> str | None:
    """Say in a line what changed since the last audit; `None` where there was none, or none is remembered."""
    if not has_history(report):
        return None
    drift_clause = f"; {pluralize(len(report.drift), 'setting')} drifted" if report.drift else ""
    return describe_changes(report) + drift_clause
