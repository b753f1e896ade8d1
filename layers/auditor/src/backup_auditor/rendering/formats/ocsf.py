"""Reports as OCSF Compliance Findings, one JSON object per line."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from backup_auditor.domain.evaluation.evaluator import AnyControl
from backup_auditor.domain.finding import Compliance, Exemption, Finding, Resource, Severity
from backup_auditor.domain.project_state import ResolvedFinding
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.summary import audit_facts, counts_in_all


class Word(NamedTuple):
    """A value that OCSF has a number for."""

    number: int
    name: str

    def under(self, key: str, number_key: str | None = None) -> dict[str, object]:
        """Return it as an event has it: the number and the name."""
        return {number_key or f"{key}_id": self.number, key: self.name}


CREATE, UPDATE, CLOSE = Word(1, "Create"), Word(2, "Update"), Word(3, "Close")
NEW, SUPPRESSED, RESOLVED = Word(1, "New"), Word(3, "Suppressed"), Word(4, "Resolved")
SEVERITIES = {
    Severity.LOW: Word(2, "Low"),
    Severity.MEDIUM: Word(3, "Medium"),
    Severity.HIGH: Word(4, "High"),
    Severity.CRITICAL: Word(5, "Critical"),
}
COMPLIANCE = {
    Compliance.COMPLIANT: Word(1, "Pass"),
    Compliance.NON_COMPLIANT: Word(3, "Fail"),
    Compliance.INSUFFICIENT_DATA: Word(2, "Warning"),  # by its words: no result, due to missing information
    Compliance.NOT_APPLICABLE: Word(99, "NOT_APPLICABLE"),  # a word of our own, as OCSF has none
}


def activity_of(finding: Finding, resolved: ResolvedFinding | None, observed_at: datetime) -> Word:
    """Tell whether a finding is closed, was known before, or is told for the first time as far as is known."""
    if resolved is not None:
        return CLOSE
    is_known = finding.first_seen is not None and finding.first_seen < observed_at
    return UPDATE if is_known else CREATE


def status_of(finding: Finding, resolved: ResolvedFinding | None) -> Word | None:
    """Tell how far a finding has come; one that never was a deviation has no status."""
    if resolved is not None:
        return RESOLVED
    if finding.exemption is not None:
        return SUPPRESSED
    return NEW if finding.compliance in (Compliance.NON_COMPLIANT, Compliance.INSUFFICIENT_DATA) else None


type Json = dict[str, object]

_VERSION = "1.5.0"
_CLASS = 2003
_PRODUCT = {"name": "Backup Auditor", "vendor_name": "Backup Auditor"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_encode = json.JSONEncoder(allow_nan=False).encode


def render_ocsf(reports: Iterable[Report], controls: Sequence[AnyControl]) -> Iterator[str]:
    """Write each finding, and each that was resolved, as an event: ASCII only, without the end of the last line.

    What is told for the first time is created, what was known is updated, what was resolved is closed.
    """
    known = {it.id: it for it in controls}
    separator = ""
    for report in reports:
        for event in _events(report, known):
            yield separator + _encode(event)
            separator = "\n"


def _events(report: Report, known: Mapping[str, AnyControl]) -> Iterator[Json]:
    """Return an event for each finding, and then one for each that is resolved and no finding any more.

    The first carries the warnings of the report.
    """
    resolved = {it.fingerprint: it for it in report.resolved}
    warnings: Json = {"warnings": report.warnings} if report.warnings else {}
    for finding in report.findings:
        ended = resolved.pop(finding.fingerprint, None)
        yield _finding(finding, ended, report, known.get(finding.control), warnings)
        warnings = {}
    for gone in resolved.values():
        yield _gone(gone, report, known.get(gone.control))


def _finding(
    finding: Finding, resolved: ResolvedFinding | None, report: Report, control: AnyControl | None, warnings: Json
) -> Json:
    status = status_of(finding, resolved)
    first_seen = resolved.first_seen if resolved is not None else finding.first_seen
    event = {
        **_head(report, finding.fingerprint, activity_of(finding, resolved, report.observed_at)),
        **SEVERITIES[finding.severity].under("severity"),
        **(status.under("status") if status else {}),
        "message": finding.reason,
        "compliance": {**_control(finding.control, control), **COMPLIANCE[finding.compliance].under("status")},
        "finding_info": _info(finding.fingerprint, finding.control, control, finding.reason, first_seen),
        "resources": [_resource(finding.resource)],
        "unmapped": {
            **_unmapped(report),
            "lifecycle": finding.lifecycle,
            "exemption": _exemption(finding.exemption) if finding.exemption else None,
            "because": resolved.because if resolved is not None else None,
            **warnings,
        },
    }
    if finding.evidence:
        event["evidences"] = [{"data": finding.evidence}]
    if finding.remediation:
        event["remediation"] = {"desc": finding.remediation}
    return event


def _gone(gone: ResolvedFinding, report: Report, control: AnyControl | None) -> Json:
    return {
        **_head(report, gone.fingerprint, CLOSE),
        **SEVERITIES[gone.severity].under("severity"),
        **RESOLVED.under("status"),
        "message": gone.because,
        "compliance": _control(gone.control, control),
        "finding_info": _info(gone.fingerprint, gone.control, control, gone.because, gone.first_seen),
        "resources": [_resource(gone.resource)],
        "unmapped": {**_unmapped(report), "because": gone.because},
    }


def _head(report: Report, fingerprint: str, activity: Word) -> Json:
    return {
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": _CLASS,
        "class_name": "Compliance Finding",
        **activity.under("activity_name", "activity_id"),
        "type_uid": _CLASS * 100 + activity.number,
        "time": _milliseconds(report.observed_at),
        "metadata": {
            "version": _VERSION,
            "product": _PRODUCT,
            "uid": f"{report.audit_id}-{fingerprint}",
            "correlation_uid": report.audit_id,
        },
    }


def _control(control_id: str, control: AnyControl | None) -> Json:
    if control is None:
        return {"control": control_id}
    return {"control": control_id, "desc": control.fails_when, "standards": list(control.guidance.frameworks)}


def _info(uid: str, control_id: str, control: AnyControl | None, told: str, first_seen: datetime | None) -> Json:
    seen = {} if first_seen is None else {"first_seen_time": _milliseconds(first_seen)}
    return {"uid": uid, "title": control.title if control else control_id, "desc": told, **seen}


def _resource(resource: Resource) -> Json:
    uid = {} if resource.id is None else {"uid": resource.id}
    return {"type": resource.type, "name": resource.name, **uid, "namespace": resource.project}


def _exemption(accepted: Exemption) -> Json:
    return {"owner": accepted.owner, "reason": accepted.reason, "expires": accepted.expires.isoformat()}


def _unmapped(report: Report) -> Json:
    return {**audit_facts(report), **counts_in_all(report)}


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)
