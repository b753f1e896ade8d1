"""What an audit says of the time since the audits before it, in words: where there were any."""

from collections import Counter

from backup_auditor.domain.finding import Finding
from backup_auditor.domain.history import Drift
from backup_auditor.domain.report import Report
from backup_auditor.rendering.grouping import place_of
from backup_auditor.rendering.text import format_json

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
