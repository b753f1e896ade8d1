"""Reports as OCSF Compliance Findings, one JSON object per line."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from backup_auditor.domain.evaluation.evaluator import AnyControl
from backup_auditor.domain.finding import Compliance, Finding, Resource, Severity
from backup_auditor.domain.project_state import ResolvedFinding
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.formats import RenderOptions
from backup_auditor.rendering.summary import build_audit_facts, count_totals


class OcsfValue(NamedTuple):
    """A value that OCSF has a number for."""

    number: int
    name: str

    def build_fields(self, key: str, number_key: str | None = None) -> dict[str, object]:
        """Return the fields of an event: the number and the name."""
        return {number_key or f"{key}_id": self.number, key: self.name}


CREATE, UPDATE, CLOSE = OcsfValue(1, "Create"), OcsfValue(2, "Update"), OcsfValue(3, "Close")
NEW, SUPPRESSED, RESOLVED = OcsfValue(1, "New"), OcsfValue(3, "Suppressed"), OcsfValue(4, "Resolved")
SEVERITIES = {
    Severity.LOW: OcsfValue(2, "Low"),
    Severity.MEDIUM: OcsfValue(3, "Medium"),
    Severity.HIGH: OcsfValue(4, "High"),
    Severity.CRITICAL: OcsfValue(5, "Critical"),
}
COMPLIANCE = {
    Compliance.COMPLIANT: OcsfValue(1, "Pass"),
    Compliance.NON_COMPLIANT: OcsfValue(3, "Fail"),
    Compliance.INSUFFICIENT_DATA: OcsfValue(2, "Warning"),  # OCSF: no result, due to missing information
    Compliance.NOT_APPLICABLE: OcsfValue(99, "NOT_APPLICABLE"),  # OCSF has no name for it
}


type OcsfObject = dict[str, object]

_VERSION = "1.5.0"
_CLASS_UID = 2003
_PRODUCT = {"name": "Backup Auditor", "vendor_name": "Backup Auditor"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_encode = json.JSONEncoder(allow_nan=False).encode


def render_document(reports: Iterable[Report], options: RenderOptions) -> Iterator[str]:
    """Write each finding and each resolved finding as an event, ASCII only, without a final line end."""
    controls_by_id = {it.id: it for it in options.controls}
    separator = ""
    for report in reports:
        for event in _build_events(report, controls_by_id):
            yield separator + _encode(event)
            separator = "\n"


def _build_events(report: Report, controls_by_id: Mapping[str, AnyControl]) -> Iterator[OcsfObject]:
    """Return an event for each finding, and then one for each resolved finding that is no finding any more.

    The first carries the warnings of the report.
    """
    resolved_by_fingerprint = {it.fingerprint: it for it in report.resolved_findings}
    warnings: OcsfObject = {"warnings": report.warnings} if report.warnings else {}
    for finding in report.findings:
        resolution = resolved_by_fingerprint.pop(finding.fingerprint, None)
        yield _build_finding(finding, resolution, report, controls_by_id.get(finding.control), warnings)
        warnings = {}
    for resolved_finding in resolved_by_fingerprint.values():
        yield _build_resolved(resolved_finding, report, controls_by_id.get(resolved_finding.control))


def _build_finding(
    finding: Finding, resolved: ResolvedFinding | None, report: Report, control: AnyControl | None, warnings: OcsfObject
) -> OcsfObject:
    exemption = finding.exemption
    status = RESOLVED if resolved else SUPPRESSED if exemption else None
    if status is None and finding.compliance in (Compliance.NON_COMPLIANT, Compliance.INSUFFICIENT_DATA):
        status = NEW
    exemption_fields = None
    if exemption is not None:
        expires = exemption.expires.isoformat()
        exemption_fields = {"owner": exemption.owner, "reason": exemption.reason, "expires": expires}
    first_seen = resolved.first_seen if resolved is not None else finding.first_seen
    is_known = finding.first_seen is not None and finding.first_seen < report.observed_at
    event = {
        **_build_head(report, finding.fingerprint, CLOSE if resolved else UPDATE if is_known else CREATE),
        **SEVERITIES[finding.severity].build_fields("severity"),
        **(status.build_fields("status") if status else {}),
        "message": finding.reason,
        "compliance": {
            **_build_control(finding.control, control),
            **COMPLIANCE[finding.compliance].build_fields("status"),
        },
        "finding_info": _build_finding_info(finding.fingerprint, finding.control, control, finding.reason, first_seen),
        "resources": [_build_resource(finding.resource)],
        "unmapped": {
            **build_audit_facts(report),
            **count_totals(report),
            "lifecycle": finding.lifecycle,
            "exemption": exemption_fields,
            "reason": resolved.reason if resolved is not None else None,
            **warnings,
        },
    }
    if finding.evidence:
        event["evidences"] = [{"data": finding.evidence}]
    if finding.remediation:
        event["remediation"] = {"desc": finding.remediation}
    return event


def _build_resolved(resolved: ResolvedFinding, report: Report, control: AnyControl | None) -> OcsfObject:
    return {
        **_build_head(report, resolved.fingerprint, CLOSE),
        **SEVERITIES[resolved.severity].build_fields("severity"),
        **RESOLVED.build_fields("status"),
        "message": resolved.reason,
        "compliance": _build_control(resolved.control, control),
        "finding_info": _build_finding_info(
            resolved.fingerprint, resolved.control, control, resolved.reason, resolved.first_seen
        ),
        "resources": [_build_resource(resolved.resource)],
        "unmapped": {**build_audit_facts(report), **count_totals(report), "reason": resolved.reason},
    }


def _build_head(report: Report, fingerprint: str, activity: OcsfValue) -> OcsfObject:
    return {
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": _CLASS_UID,
        "class_name": "Compliance Finding",
        **activity.build_fields("activity_name", "activity_id"),
        "type_uid": _CLASS_UID * 100 + activity.number,
        "time": _convert_to_milliseconds(report.observed_at),
        "metadata": {
            "version": _VERSION,
            "product": _PRODUCT,
            "uid": f"{report.audit_id}-{fingerprint}",
            "correlation_uid": report.audit_id,
        },
    }


def _build_control(control_id: str, control: AnyControl | None) -> OcsfObject:
    if control is None:
        return {"control": control_id}
    return {"control": control_id, "desc": control.fails_when, "standards": list(control.frameworks)}


def _build_finding_info(
    uid: str, control_id: str, control: AnyControl | None, description: str, first_seen: datetime | None
) -> OcsfObject:
    time_fields = {} if first_seen is None else {"first_seen_time": _convert_to_milliseconds(first_seen)}
    return {"uid": uid, "title": control.title if control else control_id, "desc": description, **time_fields}


def _build_resource(resource: Resource) -> OcsfObject:
    id_fields = {} if resource.id is None else {"uid": resource.id}
    return {"type": resource.type, "name": resource.name, **id_fields, "namespace": resource.project}


def _convert_to_milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)
