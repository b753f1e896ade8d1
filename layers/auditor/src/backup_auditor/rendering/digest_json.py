"""A digest as JSON for machines: the same facts as the text of it has."""

from collections.abc import Mapping, Sequence

from backup_auditor.domain.audit_record import StoredFile
from backup_auditor.domain.finding import Finding, Resource, Severity
from backup_auditor.domain.listing import ReadFailure
from backup_auditor.domain.notifications.digest import Digest
from backup_auditor.domain.project_state import ResolvedFinding
from backup_auditor.domain.reporting.report import SCHEMA_VERSION
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.rendering.digest import headline
from backup_auditor.rendering.json_fragments import proposal_json
from backup_auditor.rendering.text import truncate

_LENGTH = 1000


def digest_json(digest: Digest, shown: int) -> Mapping[str, object]:
    """Return a digest as a JSON object with at most so many findings, the worst of what is new first."""
    told, message, report = digest.told, digest.message, digest.report
    findings, proposals = (*told.opened, *told.lasting), report.proposals or ()
    return {
        "schema_version": SCHEMA_VERSION,
        "message_id": message.message_id,
        "event": digest.event,
        "occasion": message.occasion,
        "may_be_repeat": digest.may_be_repeat,
        "headline": headline(digest),
        "project": truncate(report.project, _LENGTH),
        "audit_id": report.audit_id,
        "observed_at": format_moment(report.observed_at),
        "complete": report.is_complete,
        "compliance": report.compliance,
        "severity": digest.severity or "none",
        "least_severity": told.severity,
        "opened": sum(it.lifecycle == "new" for it in told.opened),
        "reopened": sum(it.lifecycle == "reopened" for it in told.opened),
        "resolved": len(told.resolved),
        "open": {it: sum(found.severity is it for found in told.open) for it in reversed(Severity)},
        "open_before_and_unknown": len(told.out_of_sight),
        "unread": len(report.unread),
        "report": _report(digest),
        "findings": [_finding(it, digest) for it in findings[:shown]],
        "resolved_findings": [_resolved(it) for it in told.resolved[:shown]],
        **({"proposals": [proposal_json(it) for it in proposals[:shown]]} if proposals else {}),
        "unread_facts": [_unread(it) for it in report.unread[:shown]],
        **({"warnings": [truncate(it, _LENGTH) for it in report.warnings[:shown]]} if report.warnings else {}),
        "left_out": {
            "findings": _rest(findings, shown),
            "resolved_findings": _rest(told.resolved, shown),
            **({"proposals": _rest(proposals, shown)} if proposals else {}),
            "unread_facts": _rest(report.unread, shown),
            **({"warnings": _rest(report.warnings, shown)} if report.warnings else {}),
        },
    }


def kept_json(kept: StoredFile) -> Mapping[str, str]:
    """Say where a file is, and what it must hash to."""
    return {"location": kept.location, "sha256": kept.sha256}


def resource_json(resource: Resource) -> Mapping[str, str | None]:
    """Return a resource as reports have it."""
    return {
        "type": resource.type,
        "project": truncate(resource.project, _LENGTH),
        "name": truncate(resource.name, _LENGTH),
        "id": None if resource.id is None else truncate(resource.id, _LENGTH),
    }


def _report(digest: Digest) -> Mapping[str, object]:
    kept = digest.message.report
    page = {**kept_json(kept.page), "link": digest.page_link} if kept.page else None
    return {**kept_json(kept), "link": digest.report_link, "page": page}


def _finding(finding: Finding, digest: Digest) -> Mapping[str, object]:
    return {
        "control": finding.control,
        "resource": resource_json(finding.resource),
        "compliance": finding.compliance,
        "severity": finding.severity,
        "reason": truncate(finding.reason, _LENGTH),
        "remediation": truncate(finding.remediation, _LENGTH),
        "fingerprint": finding.fingerprint,
        "lifecycle": finding.lifecycle,
        "first_seen": format_moment(finding.first_seen) if finding.first_seen else None,
        "is_reminder": digest.is_reminder(finding),
    }


def _resolved(resolved: ResolvedFinding) -> Mapping[str, object]:
    return {
        "control": resolved.control,
        "resource": resource_json(resolved.resource),
        "severity": resolved.severity,
        "fingerprint": resolved.fingerprint,
        "first_seen": format_moment(resolved.first_seen),
        "resolved_at": format_moment(resolved.resolved_at),
        "because": truncate(resolved.because, _LENGTH),
    }


def _unread(unread: ReadFailure) -> Mapping[str, object]:
    return {"what": truncate(unread.what, _LENGTH), "error": truncate(unread.error, _LENGTH)}


def _rest(rows: Sequence[object], shown: int) -> int:
    return max(0, len(rows) - shown)
