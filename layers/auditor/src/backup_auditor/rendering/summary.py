"""The summary of an audit in words: verdict, counts, next step and changes."""

from collections import Counter

from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.project_state import Drift
from backup_auditor.domain.reporting.report import InventoryCounts, Report
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.rendering.grouping import (
    deleted_indexes_in,
    indexes_in,
    open_groups,
    place_of,
    resource_label,
    unknown_groups,
)
from backup_auditor.rendering.text import format_json

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


INCOMPLETE = "inventory-is-complete"
"""The control that says itself what could not be read."""


def verdict(report: Report) -> str:
    """Return the sentence that a reader who reads no more must have read."""
    if report.compliance is Compliance.NON_COMPLIANT:
        return _non_compliant(report)
    total = report.inventory.indexes
    if report.compliance is Compliance.INSUFFICIENT_DATA:
        return f"Nothing was found wrong, but {pluralize(_unknown(report), 'verdict')} could not be given."
    if not total:
        return "The project has no indexes: there is nothing to back up."
    if report.summary.coverage_percent is None:
        indexes = pluralize(total, "index", "indexes")
        return f"None of its {indexes} can be backed up, and the policy asks for nothing else."
    exempted = f", but for {pluralize(report.summary.exempted, 'exempted finding')}" if report.summary.exempted else ""
    return f"Everything is as the policy requires, on {pluralize(total, 'index', 'indexes')}{exempted}."


def _non_compliant(report: Report) -> str:
    found = [it for it in report.findings if it.is_open]
    if all(it.control == INCOMPLETE for it in found):
        unknown = _unknown(report)
        not_given = f"; {pluralize(unknown, 'verdict')} could not be given" if unknown else ""
        return f"Nothing was found wrong in what could be read{not_given}."
    indexes, deleted = indexes_in(found), deleted_indexes_in(found)
    if indexes:
        of_all = pluralize(report.inventory.indexes, "index", "indexes")
        return f"{indexes:,} of {of_all} {_be(indexes)} not as the policy requires."
    if deleted:
        return f"{pluralize(deleted, 'deleted index', 'deleted indexes')} {_be(deleted)} not as the policy requires."
    requirements = pluralize(len(found), "requirement")
    return f"{requirements} of the policy on the project as a whole {_be(len(found))} not met."


def _unknown(report: Report) -> int:
    return sum(it.compliance is Compliance.INSUFFICIENT_DATA and not it.exemption for it in report.findings)


def _be(number: int) -> str:
    return "is" if number == 1 else "are"


def incompleteness(report: Report) -> str | None:
    """Return the sentence that says that something could not be read, if so."""
    if report.is_complete:
        return None
    return f"The audit is incomplete: {pluralize(len(report.unread), 'fact')} could not be read."


def read_so_much(counts: InventoryCounts) -> str:
    """Say how much was read."""
    parts = (
        pluralize(counts.indexes, "index", "indexes"),
        pluralize(counts.schedules, "schedule"),
        pluralize(counts.runs, "run"),
        pluralize(counts.backups, "backup"),
        pluralize(counts.recovery_points, "recovery point"),
    )
    return f"{', '.join(parts)}; in {pluralize(counts.requests, 'request')}"


_WORDS = {
    Compliance.NON_COMPLIANT: "non-compliant",
    Compliance.INSUFFICIENT_DATA: "not known",
    Compliance.COMPLIANT: "compliant",
    Compliance.NOT_APPLICABLE: "not applicable",
}


def count_rows(report: Report) -> list[tuple[str, str]]:
    """Count what was found, and tell how much it rests on."""
    found, opened = report.summary.findings, report.summary.open
    verdicts = ", ".join(f"{found[it]:,} {word}" for it, word in _WORDS.items())
    return [
        ("open", ", ".join(f"{number:,} {severity}" for severity, number in opened.items())),
        ("findings", f"{verdicts}; {report.summary.exempted:,} exempted"),
        ("coverage", _coverage(report.summary.coverage_percent)),
        *([("proposals", _proposals(len(report.proposals)))] if report.proposals is not None else []),
        ("read", read_so_much(report.inventory)),
        ("audited", f"{format_moment(report.observed_at)}, policy {report.policy_source}"),
    ]


def _proposals(count: int) -> str:
    return f"{pluralize(count, 'action')} would put something right; backup-auditor remediate shows which"


def _coverage(percent: float | None) -> str:
    if percent is None:
        return "none of what was read can be backed up"
    return f"{percent:g} % of what can be backed up has an enabled schedule and a recent recovery point"


_ORDER = ("new", "reopened", "ongoing")


def has_past(report: Report) -> bool:
    """Tell whether anything of the report is older than this audit; in a first one everything is new."""
    is_old = any(it.lifecycle in {"reopened", "ongoing"} for it in report.findings)
    return is_old or bool(report.resolved or report.drift or report.history)


def since(finding: Finding) -> str:
    """Return what follows the reason of a finding: whether it is new, or since when it is known; empty at first."""
    if finding.lifecycle is None or finding.first_seen is None:
        return ""
    day = finding.first_seen.date()
    return {"new": " (new)", "reopened": f" (reopened, first seen {day})"}.get(finding.lifecycle, f" (since {day})")


def changes_counted(report: Report) -> str:
    """Count what was opened, what stayed and what was resolved."""
    found = Counter(it.lifecycle for it in report.findings)
    return f"{', '.join(f'{found[it]:,} {it}' for it in _ORDER)}; {len(report.resolved):,} resolved"


def resolved_rows(report: Report) -> list[tuple[str, str]]:
    """Return where each finding was resolved, and why."""
    return [(place_of(it.resource), f"{it.control}: {it.because}") for it in report.resolved]


def drift_rows(report: Report) -> list[tuple[str, str]]:
    """Return where each setting drifted, and from what to what."""
    return [(place_of(it.resource), _drifted(it)) for it in report.drift]


def _drifted(drift: Drift) -> str:
    if isinstance(drift.before, dict) and isinstance(drift.after, dict):
        return f"{drift.what}{_schedule(drift.after)}, {_settings(drift.before)} to {_settings(drift.after)}"
    facts = drift.before if drift.after is None else drift.after
    if isinstance(facts, dict):
        return f"{drift.what}{_schedule(facts)}, {_settings(facts)}"
    return f"{drift.what}, {_value(drift.before)} to {_value(drift.after)}"


def _schedule(facts: dict[str, object]) -> str:
    return f" ({facts['schedule'] or facts['schedule_id']})" if "schedule_id" in facts else ""


def _settings(facts: dict[str, object]) -> str:
    return ", ".join(f"{name} {_value(it)}" for name, it in facts.items() if name not in {"schedule", "schedule_id"})


def _value(value: object) -> str:
    return value if isinstance(value, str) else format_json(value)


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
    return told if finding.resource.name in told else f"{resource_label(finding)}: {told}"


def _look(finding: Finding) -> str:
    return f"Find out why {resource_label(finding)} could not be judged: {finding.reason}"


def delta(report: Report) -> str | None:
    """Say in a line what changed since the last audit; `None` where there was none, or none is remembered."""
    if not has_past(report):
        return None
    drifted = f"; {pluralize(len(report.drift), 'setting')} drifted" if report.drift else ""
    return changes_counted(report) + drifted
