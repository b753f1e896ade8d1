"""Reports as JUnit's XML: a CI shows which control failed on which index."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby

from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.rendering.grouping import resource_label
from backup_auditor.rendering.summary import audit_facts, counts_in_all, since
from backup_auditor.rendering.text import escape_text

_FAILURE, _ERROR, _SKIPPED, _PASSED = "failure", "error", "skipped", "passed"
_OUTCOMES = {
    Compliance.COMPLIANT: _PASSED,
    Compliance.NON_COMPLIANT: _FAILURE,
    Compliance.INSUFFICIENT_DATA: _ERROR,
    Compliance.NOT_APPLICABLE: _SKIPPED,
}


def render_junit(reports: Iterable[Report]) -> Iterator[str]:
    """Write a suite for each control of each report, and in it a case for each resource. The last line lacks its end.

    What was not met has failed, what could not be judged is an error, what was accepted or does not apply was skipped.
    The warnings of a report are the error output of its first suite.
    """
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="backup-auditor">\n'
    for report in reports:
        told = audit_facts(report) | counts_in_all(report)
        properties = "".join(_property(name, value) for name, value in told.items())
        warnings = report.warnings
        for control, findings in groupby(report.findings, key=lambda it: it.control):
            yield from _suite(report, control, list(findings), properties, warnings)
            warnings = ()
    yield "</testsuites>"


def _property(name: str, value: str | int) -> str:
    shown = value if isinstance(value, str) else json.dumps(value)
    return f"   <property{_attributes(name=name, value=shown)}/>\n"


def _suite(
    report: Report, control: str, findings: list[Finding], properties: str, warnings: Sequence[str]
) -> Iterator[str]:
    told = Counter(map(_outcome, findings))
    name = f"{report.project}.{control}"
    counts = {"failures": told[_FAILURE], "errors": told[_ERROR], "skipped": told[_SKIPPED]}
    head = _attributes(name=name, tests=len(findings), **counts, timestamp=format_moment(report.observed_at))
    yield f" <testsuite{head}>\n  <properties>\n{properties}  </properties>\n"
    for finding in findings:
        case = f"  <testcase{_attributes(name=resource_label(finding), classname=name)}"
        outcome = _outcome(finding)
        yield f"{case}/>\n" if outcome == _PASSED else f"{case}>\n   {_said(finding, outcome)}\n  </testcase>\n"
    if warnings:
        yield f"  <system-err>{'\n'.join(_text(f'Warning: {it}') for it in warnings)}</system-err>\n"
    yield " </testsuite>\n"


def _outcome(finding: Finding) -> str:
    return _OUTCOMES[finding.compliance] if finding.exemption is None else _SKIPPED


def _said(finding: Finding, outcome: str) -> str:
    accepted = finding.exemption
    if accepted is not None:
        until = f"Accepted until {accepted.expires} by {accepted.owner}: {accepted.reason}"
        head, lines = (
            _attributes(message=until, type="EXEMPTED"),
            [f"{finding.compliance} ({finding.severity}): {finding.reason}"],
        )
    elif outcome == _SKIPPED:
        return f"<{outcome}{_attributes(message=finding.reason, type=finding.compliance)}/>"
    else:
        kind = finding.severity if outcome == _FAILURE else finding.compliance
        head, lines = _attributes(message=finding.reason, type=kind), [f"{finding.severity}{since(finding)}"]
    if finding.remediation:
        lines.append(f"Next: {finding.remediation}")
    lines.append(f"Fingerprint: {finding.fingerprint}")
    return f"<{outcome}{head}>{'\n'.join(map(_text, lines))}</{outcome}>"


def _attributes(**values: object) -> str:
    return "".join(f' {name}="{_text(str(value))}"' for name, value in values.items())


def _text(text: str) -> str:
    """Return a text in which nothing is markup and every character is allowed in XML."""
    return escape(escape_text(text))
