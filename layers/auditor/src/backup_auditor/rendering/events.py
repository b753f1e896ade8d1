"""What the bus is told of an audit: that it is complete, and each finding that it opened, reopened or resolved."""

from collections.abc import Iterator, Mapping

from backup_auditor.domain.alerting.event import EventType
from backup_auditor.domain.alerting.selection import Selection
from backup_auditor.domain.audit_record import KeptReport
from backup_auditor.domain.finding import Finding, Severity
from backup_auditor.domain.history import Resolved
from backup_auditor.domain.moments import format_moment
from backup_auditor.domain.report import SCHEMA_VERSION, Report
from backup_auditor.rendering.digest_json import kept_json, resource_json
from backup_auditor.rendering.text import clipped

type Detail = Mapping[str, object]

_LENGTH = 4000
"""How long a sentence may be, so that no event comes near the limit of the bus, 256 KB."""


def events_of(report: Report, kept: KeptReport) -> Iterator[tuple[EventType, Detail]]:
    """Yield type and detail of each event of an audit, always in the same order: what completed it comes first."""
    told = Selection(report, Severity.LOW)
    new = [it for it in told.opened if it.lifecycle == "new"]
    reopened = [it for it in told.opened if it.lifecycle == "reopened"]
    changes = {"opened": len(new), "reopened": len(reopened), "resolved": len(told.resolved)}
    common = _common(report, kept)
    yield EventType.AUDIT_COMPLETED, {**common, **_completed(report), "changes": changes}
    for finding in new:
        yield EventType.FINDING_OPENED, {**common, **_opened(finding)}
    for finding in reopened:
        yield EventType.FINDING_REOPENED, {**common, **_opened(finding)}
    for resolved in told.resolved:
        yield EventType.FINDING_RESOLVED, {**common, **_resolved(resolved)}


def _common(report: Report, kept: KeptReport) -> Detail:
    return {
        "schema_version": SCHEMA_VERSION,
        "project": clipped(report.project, _LENGTH),
        "audit_id": report.audit_id,
        "observed_at": format_moment(report.observed_at),
        "report": {**kept_json(kept), "page": kept_json(kept.page) if kept.page else None},
    }


def _completed(report: Report) -> Detail:
    summary = report.summary
    return {
        "complete": report.is_complete,
        "compliance": report.compliance,
        "summary": {
            "findings": dict(summary.findings),
            "open": dict(summary.open),
            "exempted": summary.exempted,
            "coverage_percent": summary.coverage_percent,
        },
        "unread": len(report.unread),
        "warnings": len(report.warnings),
        "proposals": len(report.proposals or ()),
    }


def _opened(finding: Finding) -> Detail:
    return {
        "control": finding.control,
        "resource": resource_json(finding.resource),
        "severity": finding.severity,
        "reason": clipped(finding.reason, _LENGTH),
        "remediation": clipped(finding.remediation, _LENGTH),
        "fingerprint": finding.fingerprint,
        "first_seen": format_moment(finding.first_seen) if finding.first_seen else None,
    }


def _resolved(resolved: Resolved) -> Detail:
    return {
        "control": resolved.control,
        "resource": resource_json(resolved.resource),
        "severity": resolved.severity,
        "because": clipped(resolved.because, _LENGTH),
        "fingerprint": resolved.fingerprint,
        "first_seen": format_moment(resolved.first_seen),
        "resolved_at": format_moment(resolved.resolved_at),
    }
