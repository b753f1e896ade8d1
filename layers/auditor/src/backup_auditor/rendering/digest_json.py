"""A digest as JSON for machines: the same facts as the text of it has."""

from collections.abc import Mapping, Sequence

from backup_auditor.domain.audit_record import StoredFile
from backup_auditor.domain.finding import Finding, Resource, Severity
from backup_auditor.domain.listing import ReadFailure
from backup_auditor.domain.notifications.digest import Digest
from backup_auditor.domain.project_state import ResolvedFinding
from backup_auditor.domain.reporting.report import SCHEMA_VERSION
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.rendering.digest import format_headline
from backup_auditor.rendering.json_fragments import build_proposal_json
from backup_auditor.rendering.text import truncate

_MAX_TEXT_LENGTH = 1000


def build_digest_json(digest: Digest, row_limit: int) -> Mapping[str, object]:
    """Return a digest as a JSON object with at most so many findings, the worst of what is new first."""
    view, message, report = digest.view, digest.message, digest.report
    findings, proposals = (*view.opened_findings, *view.unresolved_findings), report.proposals or ()
    return {
        "schema_version": SCHEMA_VERSION,
        "message_id": message.message_id,
        "event": digest.event_type,
        "trigger": message.trigger,
        "possible_duplicate": digest.is_possible_duplicate,
        "headline": format_headline(digest),
        "project": truncate(report.project, _MAX_TEXT_LENGTH),
        "audit_id": report.audit_id,
        "observed_at": format_moment(report.observed_at),
        "complete": report.is_complete,
        "compliance": report.compliance,
        "severity": digest.severity or "none",
        "min_severity": view.min_severity,
        "opened": sum(it.lifecycle == "new" for it in view.opened_findings),
        "reopened": sum(it.lifecycle == "reopened" for it in view.opened_findings),
        "resolved": len(view.resolved_findings),
        "open": {it: sum(finding.severity is it for finding in view.open_findings) for it in reversed(Severity)},
        "previously_open_now_unknown": len(view.now_unknown_findings),
        "read_error_count": len(report.read_failures),
        "report": _build_report(digest),
        "findings": [_build_finding(it, digest) for it in findings[:row_limit]],
        "resolved_findings": [_build_resolved(it) for it in view.resolved_findings[:row_limit]],
        **({"proposals": [build_proposal_json(it) for it in proposals[:row_limit]]} if proposals else {}),
        "read_errors": [_build_read_failure(it) for it in report.read_failures[:row_limit]],
        **(
            {"warnings": [truncate(it, _MAX_TEXT_LENGTH) for it in report.warnings[:row_limit]]}
            if report.warnings
            else {}
        ),
        "omitted": {
            "findings": _count_rest(findings, row_limit),
            "resolved_findings": _count_rest(view.resolved_findings, row_limit),
            **({"proposals": _count_rest(proposals, row_limit)} if proposals else {}),
            "read_errors": _count_rest(report.read_failures, row_limit),
            **({"warnings": _count_rest(report.warnings, row_limit)} if report.warnings else {}),
        },
    }


def build_stored_file_json(stored_file: StoredFile) -> Mapping[str, str]:
    """Say where a file is, and what it must hash to."""
    return {"location": stored_file.location, "sha256": stored_file.sha256}


def build_short_resource_json(resource: Resource) -> Mapping[str, str | None]:
    """Return a resource as reports have it."""
    return {
        "type": resource.type,
        "project": truncate(resource.project, _MAX_TEXT_LENGTH),
        "name": truncate(resource.name, _MAX_TEXT_LENGTH),
        "id": None if resource.id is None else truncate(resource.id, _MAX_TEXT_LENGTH),
    }


def _build_report(digest: Digest) -> Mapping[str, object]:
    stored_report = digest.message.report
    page = {**build_stored_file_json(stored_report.page), "link": digest.page_link} if stored_report.page else None
    return {**build_stored_file_json(stored_report), "link": digest.report_link, "page": page}


def _build_finding(finding: Finding, digest: Digest) -> Mapping[str, object]:
    return {
        "control": finding.control,
        "resource": build_short_resource_json(finding.resource),
        "compliance": finding.compliance,
        "severity": finding.severity,
        "reason": truncate(finding.reason, _MAX_TEXT_LENGTH),
        "remediation": truncate(finding.remediation, _MAX_TEXT_LENGTH),
        "fingerprint": finding.fingerprint,
        "lifecycle": finding.lifecycle,
        "first_seen": format_moment(finding.first_seen) if finding.first_seen else None,
        "is_reminder": digest.is_reminder(finding),
    }


def _build_resolved(resolved: ResolvedFinding) -> Mapping[str, object]:
    return {
        "control": resolved.control,
        "resource": build_short_resource_json(resolved.resource),
        "severity": resolved.severity,
        "fingerprint": resolved.fingerprint,
        "first_seen": format_moment(resolved.first_seen),
        "resolved_at": format_moment(resolved.resolved_at),
        "reason": truncate(resolved.reason, _MAX_TEXT_LENGTH),
    }


def _build_read_failure(failure: ReadFailure) -> Mapping[str, object]:
    return {"call": truncate(failure.call, _MAX_TEXT_LENGTH), "error": truncate(failure.error, _MAX_TEXT_LENGTH)}


def _count_rest(rows: Sequence[object], row_limit: int) -> int:
    return max(0, len(rows) - row_limit)
