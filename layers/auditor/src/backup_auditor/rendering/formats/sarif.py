"""Reports as SARIF 2.1.0, one run per report."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from urllib.parse import quote

from backup_auditor.domain.evaluation.evaluator import AnyControl
from backup_auditor.domain.finding import Compliance, Finding, Resource, ResourceType, Severity
from backup_auditor.domain.project_state import ResolvedFinding
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.rendering.controls import render_controls_markdown
from backup_auditor.rendering.formats import RenderOptions
from backup_auditor.rendering.grouping import label_resource
from backup_auditor.rendering.summary import build_audit_facts, count_totals
from backup_auditor.rendering.text import escape_text

# SARIF has one level fewer than there are severities
_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
_SCORES = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}
"""The middle of the ranges that GitHub shows as critical, high, medium and low."""


def build_rules(controls: Sequence[AnyControl]) -> list[dict[str, object]]:
    """Describe each control as a rule."""
    return [
        {
            "id": control.id,
            "shortDescription": {"text": f"{control.title}."},
            "fullDescription": {"text": f"Non-compliant when: {control.fails_when}"},
            "help": {
                "text": f"{control.rationale} {control.remediation}",
                "markdown": render_controls_markdown([control]),
            },
            "defaultConfiguration": {"level": _LEVELS[control.severity]},
            "properties": {
                "severity": control.severity,
                "security-severity": _SCORES[control.severity],
                "tags": ["security", control.family, *control.frameworks],
            },
        }
        for control in controls
    ]


_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_BASELINE_STATES = {"new": "new", "reopened": "new", "ongoing": "unchanged"}
_DEVIATIONS = (Compliance.NON_COMPLIANT, Compliance.INSUFFICIENT_DATA)
_LITERAL_ESCAPES = str.maketrans({it: f"\\{it}" for it in "\\[]"} | {it: it * 2 for it in "{}"})
_encode = json.JSONEncoder(allow_nan=False).encode


def render_document(reports: Iterable[Report], options: RenderOptions) -> Iterator[str]:
    """Write open, exempted and resolved findings as one log, ASCII only, without a final line end.

    Other findings are only counted, in the properties of their run: code scanning would take them for alerts.
    """
    numbers = {it.id: number for number, it in enumerate(options.controls)}
    rules = ",\n    ".join(map(_encode, build_rules(options.controls)))
    driver = f'{{"name": "backup-auditor", "rules": [\n    {rules}]}}'
    yield f'{{\n "$schema": {_encode(_SCHEMA)},\n "version": "2.1.0",\n "runs": ['
    separator = "\n"
    for report in reports:
        yield f'{separator}  {{\n   "tool": {{"driver": {driver}}},'
        for name, value in _build_run(report).items():
            yield f'\n   "{name}": {_encode(value)},'
        yield '\n   "results": ['
        comma = "\n    "
        for result in _build_results(report, numbers):
            yield comma + _encode(result)
            comma = ",\n    "
        yield "]\n  }"
        separator = ",\n"
    yield "\n ]\n}"


def _build_run(report: Report) -> dict[str, object]:
    return {
        "automationDetails": {"id": f"backup-auditor/{report.project}/{report.audit_id}"},
        "invocations": [
            # an audit that is not complete ran to its end: code scanning rejects the upload of one that failed
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    {"level": "error", "message": _build_message(f"{it.call} could not be read: {it.error}")}
                    for it in report.read_failures
                ],
                "toolConfigurationNotifications": [
                    {"level": "warning", "message": _build_message(it)} for it in report.warnings
                ],
            },
        ],
        "properties": {
            **build_audit_facts(report),
            "compliance": report.compliance,
            "policy": {"source": report.policy_source, "sha256": report.policy_sha256},
            "finding_counts": dict(report.summary.findings),
            **count_totals(report),
        },
    }


def _build_results(report: Report, numbers: Mapping[str, int]) -> Iterator[dict[str, object]]:
    deviations = (it for it in report.findings if it.compliance in _DEVIATIONS)
    for result in chain(map(_build_finding_result, deviations), map(_build_resolved_result, report.resolved_findings)):
        number = numbers.get(str(result["ruleId"]))
        yield result if number is None else result | {"ruleIndex": number}


def _build_finding_result(finding: Finding) -> dict[str, object]:
    is_violation = finding.compliance is Compliance.NON_COMPLIANT
    result: dict[str, object] = {
        **_build_result(finding.control, finding.resource, finding.fingerprint, finding.reason),
        "kind": "fail" if is_violation else "open",
        "level": _LEVELS[finding.severity] if is_violation else "none",
    }
    if finding.lifecycle is not None:
        result["baselineState"] = _BASELINE_STATES[finding.lifecycle]
    if finding.exemption is not None:
        exemption = finding.exemption
        justification = f"until {exemption.expires}, {exemption.owner}: {exemption.reason}"
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": justification}]
    return result | {
        "properties": {
            "resource_id": finding.resource.id,
            "compliance": finding.compliance,
            "severity": finding.severity,
            "evidence": finding.evidence,
            "remediation": finding.remediation,
            "lifecycle": finding.lifecycle,
            "first_seen": format_moment(finding.first_seen) if finding.first_seen else None,
        }
    }


def _build_resolved_result(resolved: ResolvedFinding) -> dict[str, object]:
    text = f"Resolved: {resolved.reason}"
    return {
        **_build_result(resolved.control, resolved.resource, resolved.fingerprint, text),
        "kind": "fail",
        "level": _LEVELS[resolved.severity],
        "baselineState": "absent",
        "properties": {
            "resource_id": resolved.resource.id,
            "severity": resolved.severity,
            "first_seen": format_moment(resolved.first_seen),
            "resolved_at": format_moment(resolved.resolved_at),
        },
    }


def _build_result(control: str, resource: Resource, fingerprint: str, text: str) -> dict[str, object]:
    """Return the fields of every result. GitHub expects the hash of a line of a file to identify an alert."""
    return {
        "ruleId": control,
        "message": _build_message(f"{label_resource(resource)}: {text}"),
        "locations": [_build_location(resource)],
        "partialFingerprints": {"backupAuditor/v1": fingerprint, "primaryLocationLineHash": fingerprint},
    }


def _build_location(resource: Resource) -> dict[str, object]:
    """Return the location of a resource: a path for tools that only know files, and a logical location."""
    parts = [resource.project]
    if resource.type is not ResourceType.PROJECT:
        parts.append(resource.name)
    if resource.type is ResourceType.DELETED_INDEX and resource.id is not None:
        parts.append(resource.id)
    logical_location = {"name": parts[-1], "fullyQualifiedName": "/".join(parts), "kind": resource.type}
    path = "/".join(quote(it, safe="") for it in parts)
    return {
        "physicalLocation": {"artifactLocation": {"uri": path}, "region": {"startLine": 1}},
        "logicalLocations": [logical_location],
    }


def _build_message(text: str) -> dict[str, str]:
    """Return a message without links and placeholders."""
    return {"text": escape_text(text).translate(_LITERAL_ESCAPES)}
