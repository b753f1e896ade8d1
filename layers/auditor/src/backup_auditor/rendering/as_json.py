"""The report as JSON, piece by piece: the largest report never stands in memory as one text."""

import json
from collections.abc import Callable, Iterable, Iterator

from backup_auditor.domain.finding import Exemption, Finding
from backup_auditor.domain.history import Drift, PastAudit, Resolved
from backup_auditor.domain.listing import Unread
from backup_auditor.domain.moments import format_moment
from backup_auditor.domain.report import SCHEMA_VERSION, Report
from backup_auditor.rendering.proposal_json import proposal_json
from backup_auditor.rendering.rules_json import rule_json
from backup_auditor.rendering.timeline_json import resource_json, timeline_json

_encode = json.JSONEncoder(allow_nan=False).encode


def render_json(report: Report) -> Iterator[str]:
    """Write a report as one JSON document, a finding a line, ASCII only, without a line's end."""
    yield "{"
    for name, value in _head(report).items():
        yield f"\n {_encode(name)}: {_encode(value)},"
    yield from _rows("findings", report.findings, _finding)
    yield ","
    yield from _rows("resolved", report.resolved, _resolved)
    yield ","
    yield from _rows("drift", report.drift, _drift)
    yield ","
    yield from _rows("unread", report.unread, _unread)
    yield ","
    yield from _rows("warnings", report.warnings, str)
    yield ","
    yield from _rows("history", report.history, _past_audit)
    yield ","
    yield from _rows("rules", report.rules, rule_json)
    yield ","
    if report.proposals is not None:
        yield from _rows("proposals", report.proposals, proposal_json)
        yield ","
    yield from _rows("timelines", report.timelines, timeline_json)
    yield "\n}"


def _rows[Row](name: str, rows: Iterable[Row], shape: Callable[[Row], object]) -> Iterator[str]:
    yield f'\n "{name}": ['
    separator = "\n  "
    for row in rows:
        yield separator + _encode(shape(row))
        separator = ",\n  "
    yield "]"


def _head(report: Report) -> dict[str, object]:
    counts, summary = report.inventory, report.summary
    return {
        "schema_version": SCHEMA_VERSION,
        "audit_id": report.audit_id,
        "observed_at": format_moment(report.observed_at),
        "complete": report.is_complete,
        "compliance": report.compliance,
        "project": {"name": report.project, "id": report.project_id},
        "policy": {"source": report.policy_source, "sha256": report.policy_sha256},
        "inventory": {
            "indexes": counts.indexes,
            "backups": counts.backups,
            "recovery_points": counts.recovery_points,
            "schedules": counts.schedules,
            "runs": counts.runs,
            "requests": counts.requests,
        },
        "summary": {
            "findings": dict(summary.findings),
            "open": dict(summary.open),
            "exempted": summary.exempted,
            "coverage_percent": summary.coverage_percent,
        },
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "control": finding.control,
        "resource": resource_json(finding.resource),
        "compliance": finding.compliance,
        "severity": finding.severity,
        "reason": finding.reason,
        "evidence": finding.evidence,
        "remediation": finding.remediation,
        "exemption": _exemption(finding.exemption) if finding.exemption else None,
        "fingerprint": finding.fingerprint,
        "lifecycle": finding.lifecycle,
        "first_seen": format_moment(finding.first_seen) if finding.first_seen else None,
    }


def _exemption(exemption: Exemption) -> dict[str, object]:
    return {
        **exemption.subject,
        "controls": exemption.controls,
        "owner": exemption.owner,
        "reason": exemption.reason,
        "expires": exemption.expires.isoformat(),
    }


def _resolved(resolved: Resolved) -> dict[str, object]:
    return {
        "fingerprint": resolved.fingerprint,
        "control": resolved.control,
        "resource": resource_json(resolved.resource),
        "severity": resolved.severity,
        "first_seen": format_moment(resolved.first_seen),
        "resolved_at": format_moment(resolved.resolved_at),
        "because": resolved.because,
    }


def _drift(drift: Drift) -> dict[str, object]:
    return {"what": drift.what, "resource": resource_json(drift.resource), "before": drift.before, "after": drift.after}


def _unread(unread: Unread) -> dict[str, object]:
    return {"what": unread.what, "error": unread.error}


def _past_audit(audit: PastAudit) -> dict[str, object]:
    return {"observed_at": format_moment(audit.observed_at), "complete": audit.is_complete, "open": dict(audit.open)}
