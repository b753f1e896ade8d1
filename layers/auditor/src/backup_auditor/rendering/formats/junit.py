"""Reports as JUnit's XML: a CI shows which control failed on which index."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby

from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.rendering.formats import RenderOptions
from backup_auditor.rendering.grouping import label_finding
from backup_auditor.rendering.summary import build_audit_facts, count_totals, describe_since
from backup_auditor.rendering.text import escape_text, format_value

_FAILURE, _ERROR, _SKIPPED, _PASSED = "failure", "error", "skipped", "passed"
_OUTCOMES = {
    Compliance.COMPLIANT: _PASSED,
    Compliance.NON_COMPLIANT: _FAILURE,
    Compliance.INSUFFICIENT_DATA: _ERROR,
    Compliance.NOT_APPLICABLE: _SKIPPED,
}


def render_document(reports: Iterable[Report], _: RenderOptions) -> Iterator[str]:
    """Write a suite for each control of each report, with a case for each resource, without a final line end.

    A non-compliant case is a failure, an unknown one an error; an exempted or not applicable one is skipped. The
    warnings of a report are the error output of its first suite.
    """
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="backup-auditor">\n'
    for report in reports:
        facts = build_audit_facts(report) | count_totals(report)
        properties = "".join(
            f"   <property{_render_attributes(name=name, value=format_value(value))}/>\n"
            for name, value in facts.items()
        )
        warnings = report.warnings
        for control, findings in groupby(report.findings, key=lambda it: it.control):
            yield from _render_suite(report, control, list(findings), properties, warnings)
            warnings = ()
    yield "</testsuites>"


def _render_suite(
    report: Report, control: str, findings: list[Finding], properties: str, warnings: Sequence[str]
) -> Iterator[str]:
    outcome_counts = Counter(map(_choose_outcome, findings))
    name = f"{report.project}.{control}"
    counts = {
        "failures": outcome_counts[_FAILURE],
        "errors": outcome_counts[_ERROR],
        "skipped": outcome_counts[_SKIPPED],
    }
    head = _render_attributes(name=name, tests=len(findings), **counts, timestamp=format_moment(report.observed_at))
    yield f" <testsuite{head}>\n  <properties>\n{properties}  </properties>\n"
    for finding in findings:
        case = f"  <testcase{_render_attributes(name=label_finding(finding), classname=name)}"
        outcome = _choose_outcome(finding)
        yield (
            f"{case}/>\n" if outcome == _PASSED else f"{case}>\n   {_render_outcome(finding, outcome)}\n  </testcase>\n"
        )
    if warnings:
        yield f"  <system-err>{'\n'.join(_escape_xml(f'Warning: {it}') for it in warnings)}</system-err>\n"
    yield " </testsuite>\n"


def _choose_outcome(finding: Finding) -> str:
    return _OUTCOMES[finding.compliance] if finding.exemption is None else _SKIPPED


def _render_outcome(finding: Finding, outcome: str) -> str:
    exemption = finding.exemption
    if exemption is not None:
        message, kind = f"Accepted until {exemption.expires} by {exemption.owner}: {exemption.reason}", "EXEMPTED"
        lines = [f"{finding.compliance} ({finding.severity}): {finding.reason}"]
    elif outcome == _SKIPPED:
        return f"<{outcome}{_render_attributes(message=finding.reason, type=finding.compliance)}/>"
    else:
        message, kind = finding.reason, finding.severity if outcome == _FAILURE else finding.compliance
        lines = [f"{finding.severity}{describe_since(finding)}"]
    if finding.remediation:
        lines.append(f"Next: {finding.remediation}")
    lines.append(f"Fingerprint: {finding.fingerprint}")
    head = _render_attributes(message=message, type=kind)
    return f"<{outcome}{head}>{'\n'.join(map(_escape_xml, lines))}</{outcome}>"


def _render_attributes(**values: object) -> str:
    return "".join(f' {name}="{_escape_xml(str(value))}"' for name, value in values.items())


def _escape_xml(text: str) -> str:
    """Return a text without markup, in which XML allows every character."""
    return escape(escape_text(text))
