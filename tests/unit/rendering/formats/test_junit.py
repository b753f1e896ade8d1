"""The findings as JUnit's XML."""

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from junitparser import JUnitXml

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.text import escape_control_characters
from backup_auditor.rendering.formats import FORMATS, RenderOptions
from support.builders.audit_sequence_report import build_last_report
from support.builders.reports import build_finding, build_report

KNOWN_ATTRIBUTES = {
    "testsuites": {"name", "tests", "failures", "errors", "skipped"},
    "testsuite": {"name", "id", "tests", "failures", "errors", "skipped", "timestamp", "hostname", "package", "time"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"classname", "name", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message", "type"},
    "system-out": set(),
    "system-err": set(),
}
"""The elements that readers of the format agree on, and their attributes."""
EXPECTED_OUTCOMES = {
    Compliance.COMPLIANT: "passed",
    Compliance.NON_COMPLIANT: "Failure",
    Compliance.INSUFFICIENT_DATA: "Error",
    Compliance.NOT_APPLICABLE: "Skipped",
}


def render_and_check(*reports: Report) -> Any:
    """Write reports, see that nothing in them is strange to readers of the format, and read them back."""
    text = "".join(FORMATS["junit"].render(reports, RenderOptions()))
    for element in ET.fromstring(text.encode()).iter():  # noqa: S314  it is our own
        assert element.attrib.keys() <= KNOWN_ATTRIBUTES[element.tag], element.tag
    return JUnitXml.fromstring(text.encode())


def read_cases(*reports: Report) -> list[Any]:
    """Read the cases of all suites back."""
    return [case for suite in render_and_check(*reports) for case in suite]


def name_outcome(case: Any) -> str:
    """Name what became of a case."""
    return type(case.result[0]).__name__ if case.result else "passed"


def test_a_finding_is_a_case() -> None:
    """Each has the outcome of its verdict; an exempted one is skipped."""
    report = build_last_report()
    for case, finding in zip(read_cases(report), report.findings, strict=True):
        assert case.classname == f"default.{finding.control}"
        assert name_outcome(case) == ("Skipped" if finding.exemption else EXPECTED_OUTCOMES[finding.compliance])
        if case.result and finding.exemption is None:
            assert finding.reason.split(":")[0] in case.result[0].message


def test_suites_count_their_cases() -> None:
    """What a suite says of itself is what is in it."""
    for suite in render_and_check(build_last_report()):
        suite_outcomes = [name_outcome(it) for it in suite]
        assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (
            len(suite_outcomes),
            *(suite_outcomes.count(it) for it in ("Failure", "Error", "Skipped")),
        )


def test_a_failure_tells_all_that_a_person_needs() -> None:
    """The severity, since when, and the next step."""
    cases_by_name = {(it.classname, it.name): it for it in read_cases(build_last_report())}
    (failure,) = cases_by_name["default.schedule-is-enabled", "wiki"].result
    assert failure.type == "high"
    assert "high (reopened, first seen 2026-11-22)" in failure.text
    assert "Next: Find out why the schedules of wiki are paused" in failure.text


def test_an_exempted_finding_says_who_accepted_it() -> None:
    """A skipped case is not silent."""
    cases_by_name = {(it.classname, it.name): it for it in read_cases(build_last_report())}
    (skipped_result,) = cases_by_name["default.index-has-schedule", "scratch-1"].result
    assert skipped_result.message == "Accepted until 2027-03-31 by search-team: rebuilt nightly"


def test_what_is_no_case_is_counted() -> None:
    """Each suite says how many facts were unread, findings resolved, settings drifted in which audit."""
    for suite in render_and_check(build_last_report()):
        facts = {it.name: it.value for it in suite.properties()}
        assert (facts["complete"], facts["read_error_count"], facts["resolved_count"]) == ("false", "1", "2")
        assert facts["audit_id"] == build_last_report().audit_id


@pytest.mark.parametrize("bad_character", ["\x00", "\x1b", "\x08", "\ufffe", "\u202e", "]]>", '"', "<a/>", "&amp;"])
def test_no_text_breaks_the_document(bad_character: str) -> None:
    """Neither what XML forbids nor what is markup comes through from a name or a reason."""
    strange_finding = build_finding(
        name=f"a{bad_character}b", reason=f"c{bad_character}d", remediation=f"e{bad_character}f"
    )
    (case,) = read_cases(replace(build_report(), project=f"p{bad_character}", findings=(strange_finding,)))
    escaped_character = escape_control_characters(bad_character)
    assert case.name == f"a{escaped_character}b"
    assert case.result[0].message == f"c{escaped_character}d"


def test_many_projects_share_a_document() -> None:
    """The class of a case names its project, so that none is taken for another's."""
    found_cases = read_cases(build_last_report(), replace(build_last_report(), project="other"))
    assert len({(it.classname, it.name) for it in found_cases}) == 2 * len(build_last_report().findings)
