"""Reports as SARIF 2.1.0, one run per report."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from urllib.parse import quote

from backup_auditor.domain.evaluation.evaluator import AnyControl
from backup_auditor.domain.finding import Compliance, Exemption, Finding, Resource, ResourceType, Severity
from backup_auditor.domain.listing import ReadFailure
from backup_auditor.domain.project_state import ResolvedFinding
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.rendering.controls import controls_markdown
from backup_auditor.rendering.grouping import place_of
from backup_auditor.rendering.summary import audit_facts, counts_in_all
from backup_auditor.rendering.text import escape_text

_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
_SCORES = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}
"""In the middle of what GitHub shows as critical, high, medium and low."""


def level_of(severity: Severity) -> str:
    """Return the level of a result, of which SARIF has one fewer than there are severities."""
    return _LEVELS[severity]


def rules(controls: Sequence[AnyControl]) -> list[dict[str, object]]:
    """Describe each control as a rule."""
    return [
        {
            "id": it.id,
            "shortDescription": {"text": f"{it.title}."},
            "fullDescription": {"text": f"Non-compliant when: {it.fails_when}"},
            "help": {"text": f"{it.rationale} {it.remediation}", "markdown": controls_markdown([it])},
            "defaultConfiguration": {"level": level_of(it.severity)},
            "properties": {
                "severity": it.severity,
                "security-severity": _SCORES[it.severity],
                "tags": ["security", it.family, *it.guidance.frameworks],
            },
        }
        for it in controls
    ]


_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_STATES = {"new": "new", "reopened": "new", "ongoing": "unchanged"}
_DEVIATIONS = (Compliance.NON_COMPLIANT, Compliance.INSUFFICIENT_DATA)
_LITERAL = str.maketrans({it: f"\\{it}" for it in "\\[]"} | {it: it * 2 for it in "{}"})
_encode = json.JSONEncoder(allow_nan=False).encode


def render_sarif(reports: Iterable[Report], controls: Sequence[AnyControl]) -> Iterator[str]:
    """Write what deviates, what was accepted and what was resolved as one log, ASCII only, without a line's end.

    What is compliant or does not apply is counted in the properties of its run: code scanning takes it for alerts.
    """
    numbers = {it.id: number for number, it in enumerate(controls)}
    driver = f'{{"name": "backup-auditor", "rules": [\n    {",\n    ".join(map(_encode, rules(controls)))}]}}'
    yield f'{{\n "$schema": {_encode(_SCHEMA)},\n "version": "2.1.0",\n "runs": ['
    separator = "\n"
    for report in reports:
        yield f'{separator}  {{\n   "tool": {{"driver": {driver}}},'
        for name, value in _of_run(report).items():
            yield f'\n   "{name}": {_encode(value)},'
        yield '\n   "results": ['
        comma = "\n    "
        for result in _results(report, numbers):
            yield comma + _encode(result)
            comma = ",\n    "
        yield "]\n  }"
        separator = ",\n"
    yield "\n ]\n}"


def _of_run(report: Report) -> dict[str, object]:
    notifications = [_notification(it) for it in report.unread]
    return {
        "automationDetails": {"id": f"backup-auditor/{report.project}/{report.audit_id}"},
        "invocations": [
            # an audit that is not complete ran to its end: code scanning rejects the upload of one that failed
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": notifications,
                "toolConfigurationNotifications": [_warning(it) for it in report.warnings],
            },
        ],
        "properties": {
            **audit_facts(report),
            "compliance": report.compliance,
            "policy": {"source": report.policy_source, "sha256": report.policy_sha256},
            "findings_in_all": dict(report.summary.findings),
            **counts_in_all(report),
        },
    }


def _notification(unread: ReadFailure) -> dict[str, object]:
    return {"level": "error", "message": _message(f"{unread.what} could not be read: {unread.error}")}


def _warning(sentence: str) -> dict[str, object]:
    return {"level": "warning", "message": _message(sentence)}


def _results(report: Report, numbers: Mapping[str, int]) -> Iterator[dict[str, object]]:
    deviations = (it for it in report.findings if it.compliance in _DEVIATIONS)
    for result in chain(map(_finding, deviations), map(_resolved, report.resolved)):
        number = numbers.get(str(result["ruleId"]))
        yield result if number is None else result | {"ruleIndex": number}


def _finding(finding: Finding) -> dict[str, object]:
    is_found = finding.compliance is Compliance.NON_COMPLIANT
    result: dict[str, object] = {
        **_result(finding.control, finding.resource, finding.fingerprint, finding.reason),
        "kind": "fail" if is_found else "open",
        "level": level_of(finding.severity) if is_found else "none",
    }
    if finding.lifecycle is not None:
        result["baselineState"] = _STATES[finding.lifecycle]
    if finding.exemption is not None:
        result["suppressions"] = [_suppression(finding.exemption)]
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


def _resolved(resolved: ResolvedFinding) -> dict[str, object]:
    text = f"Resolved: {resolved.because}"
    return {
        **_result(resolved.control, resolved.resource, resolved.fingerprint, text),
        "kind": "fail",
        "level": level_of(resolved.severity),
        "baselineState": "absent",
        "properties": {
            "resource_id": resolved.resource.id,
            "severity": resolved.severity,
            "first_seen": format_moment(resolved.first_seen),
            "resolved_at": format_moment(resolved.resolved_at),
        },
    }


def _result(control: str, resource: Resource, fingerprint: str, text: str) -> dict[str, object]:
    """Return what every result has. GitHub tells alerts apart by the hash of a line, where it would want a file."""
    return {
        "ruleId": control,
        "message": _message(f"{place_of(resource)}: {text}"),
        "locations": [_location(resource)],
        "partialFingerprints": {"backupAuditor/v1": fingerprint, "primaryLocationLineHash": fingerprint},
    }


def _location(resource: Resource) -> dict[str, object]:
    """Say where a resource is: for tools that know files alone, by a path that reads like one."""
    parts = [resource.project]
    if resource.type is not ResourceType.PROJECT:
        parts.append(resource.name)
    if resource.type is ResourceType.DELETED_INDEX and resource.id is not None:
        parts.append(resource.id)
    logical = {"name": parts[-1], "fullyQualifiedName": "/".join(parts), "kind": resource.type}
    path = "/".join(quote(it, safe="") for it in parts)
    return {
        "physicalLocation": {"artifactLocation": {"uri": path}, "region": {"startLine": 1}},
        "logicalLocations": [logical],
    }


def _message(text: str) -> dict[str, str]:
    """Return a message in which nothing is a link or a placeholder."""
    return {"text": escape_text(text).translate(_LITERAL)}


def _suppression(accepted: Exemption) -> dict[str, str]:
    until = f"until {accepted.expires}, {accepted.owner}: {accepted.reason}"
    return {"kind": "external", "status": "accepted", "justification": until}
