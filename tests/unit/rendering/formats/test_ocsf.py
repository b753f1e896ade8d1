"""The findings as events of OCSF."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema  # type: ignore[import-untyped]  # it has none

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.evaluation.evaluator import AnyControl
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.formats import FORMATS, RenderOptions
from support.builders.audit_sequence_report import RESOLVED_FINDING, build_last_report
from support.builders.facts import DAY, NOW
from support.builders.reports import build_finding, build_report
from support.builders.strategies import inventories

VERSION = "1.5.0"


@cache
def load_validator(version: str = VERSION) -> Validator:
    """Return what checks an event against the schema that was published."""
    events = OcsfJsonSchemaEmbedded(get_ocsf_schema(version))
    return Draft202012Validator(events.get_class_schema("compliance_finding"))


def render_and_check(*reports: Report, controls: Sequence[AnyControl] = CATALOG.all_controls) -> list[Any]:
    """Write events and read them back, each held against the schema."""
    events = [
        json.loads(line)
        for line in "".join(FORMATS["ocsf"].render(reports, RenderOptions(controls=controls))).split("\n")
    ]
    for event in events:
        load_validator().validate(event)
    return events


def index_by_fingerprint(report: Report) -> dict[str, Any]:
    """Return the events of one report by fingerprint."""
    return {it["finding_info"]["uid"]: it for it in render_and_check(report)}


def render_one(**facts: Any) -> Any:
    """Write a report of one finding, and return its event."""
    (event,) = render_and_check(replace(build_report(), findings=(build_finding(**facts),)))
    return event


@pytest.mark.parametrize("version", ["1.6.0", "1.7.0", "1.8.0"])
def test_later_versions_take_them_too(version: str) -> None:
    """An event says which version it was written for; nothing in it was taken away since."""
    assert {it["metadata"]["version"] for it in render_and_check(build_last_report())} == {VERSION}
    for event in render_and_check(build_last_report()):
        load_validator(version).validate(event)


def test_every_finding_is_an_event() -> None:
    """With the verdict, the severity and the moments that the JSON has."""
    report = build_last_report()
    events_by_fingerprint = index_by_fingerprint(report)
    assert list(events_by_fingerprint) == [*(it.fingerprint for it in report.findings), RESOLVED_FINDING.fingerprint]
    assert len(render_and_check(report)) == len(events_by_fingerprint)
    for finding in report.findings:
        event = events_by_fingerprint[finding.fingerprint]
        assert (event["severity"], event["message"]) == (finding.severity.capitalize(), finding.reason)
        assert event["resources"][0]["name"] == finding.resource.name
        assert event.get("evidences", [{"data": {}}])[0]["data"] == finding.evidence
        if finding.first_seen is not None:
            assert event["finding_info"]["first_seen_time"] == int(finding.first_seen.timestamp()) * 1000


@pytest.mark.parametrize(
    "compliance,number,name",
    [
        (Compliance.COMPLIANT, 1, "Pass"),
        (Compliance.INSUFFICIENT_DATA, 2, "Warning"),
        (Compliance.NON_COMPLIANT, 3, "Fail"),
        (Compliance.NOT_APPLICABLE, 99, "NOT_APPLICABLE"),
    ],
)
def test_the_verdict_is_the_status_of_compliance(compliance: Compliance, number: int, name: str) -> None:
    """What is not known is no pass; what does not apply has a word of our own."""
    compliance_object = render_one(compliance=compliance)["compliance"]
    assert (compliance_object["status_id"], compliance_object["status"]) == (number, name)


@pytest.mark.parametrize(
    "facts,activity",
    [
        pytest.param({}, "Create", id="without-memory"),
        pytest.param({"lifecycle": "new", "first_seen": NOW}, "Create", id="new"),
        pytest.param({"lifecycle": "ongoing", "first_seen": NOW - DAY}, "Update", id="ongoing"),
        pytest.param({"lifecycle": "reopened", "first_seen": NOW - DAY}, "Update", id="reopened"),
        pytest.param({"first_seen": NOW - DAY}, "Update", id="exempted-and-known"),
    ],
)
def test_the_lifecycle_is_the_activity(facts: dict[str, Any], activity: str) -> None:
    """A finding is created once, and updated from then on."""
    event = render_one(**facts)
    assert event["activity_name"] == activity
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]


def test_what_was_resolved_is_closed_once() -> None:
    """Whether its control was found compliant or what it was about is gone; there is no other event of it."""
    report = build_last_report()
    events_by_fingerprint = index_by_fingerprint(report)
    closed_events = [it for it in events_by_fingerprint.values() if it["activity_name"] == "Close"]
    assert [it["finding_info"]["uid"] for it in closed_events] == [it.fingerprint for it in report.resolved_findings]
    assert {it["status"] for it in closed_events} == {"Resolved"}
    assert [it["compliance"].get("status") for it in closed_events] == ["Pass", None]
    assert [it["unmapped"]["reason"] for it in closed_events] == [it.reason for it in report.resolved_findings]


def test_an_exempted_finding_is_suppressed() -> None:
    """An exempted finding keeps its verdict, and names the owner of the exemption."""
    suppressed_events = [it for it in render_and_check(build_last_report()) if it.get("status") == "Suppressed"]
    assert {it["resources"][0]["name"] for it in suppressed_events} == {"scratch-1"}
    assert {it["compliance"]["status"] for it in suppressed_events} == {"Fail"}
    assert suppressed_events[0]["unmapped"]["exemption"]["owner"] == "search-team"


def test_what_is_well_has_no_status() -> None:
    """Nothing was found, so nothing is new or resolved."""
    assert "status" not in render_one(compliance=Compliance.COMPLIANT)
    assert render_one()["status"] == "New"


def test_what_is_no_finding_is_counted() -> None:
    """In every event, with the audit that it belongs to."""
    event = render_and_check(build_last_report())[0]
    assert event["metadata"]["correlation_uid"] == build_last_report().audit_id
    assert (event["unmapped"]["read_error_count"], event["unmapped"]["drift_count"]) == (1, 1)
    assert event["unmapped"]["complete"] is False


def test_events_have_names_of_their_own() -> None:
    """The events of a report have the same ids each time, so that a second import is recognized."""
    uids = [it["metadata"]["uid"] for it in render_and_check(build_last_report())]
    assert len(set(uids)) == len(uids)


def test_a_control_of_another_release_is_no_error() -> None:
    """A finding that is resolved may be of a control that is no more."""
    assert render_one(control="is-no-more")["finding_info"]["title"] == "is-no-more"


def test_many_projects_follow_one_another() -> None:
    """A line each, as one file."""
    events = render_and_check(build_last_report(), replace(build_last_report(), project="other"))
    assert len(events) == 2 * len(render_and_check(build_last_report()))


@given(inventories())
def test_every_report_fits_the_schema(report: Inventory) -> None:
    """Whatever a project is like."""
    render_and_check(build_report(report))
