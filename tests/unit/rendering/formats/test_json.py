"""The report as JSON, and its schema."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import ValidationError

from backup_auditor.domain.finding import Compliance, Resource, ResourceType, Severity
from backup_auditor.domain.project_state import Drift, PastAudit, ResolvedFinding, count_open_by_severity
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.formats.json import render_json
from support.builders.facts import NOW, READ_FAILURE, build_failed_listing, build_index, build_inventory
from support.builders.reports import (
    EXEMPTION,
    build_bare_index,
    build_exempting_policy,
    build_finding,
    build_report,
    check_report,
    render_document,
)

RESOURCE = Resource(ResourceType.INDEX, "default", "orders", "id-orders")


def build_report_with_history(report: Report) -> Report:
    """Return a report that knows of earlier ones."""
    resolved_finding = ResolvedFinding(
        "a" * 32, "index-has-schedule", RESOURCE, Severity.HIGH, NOW - timedelta(days=3), NOW, "it has a schedule now"
    )
    drift = Drift("retention", RESOURCE, {"days": 7}, {"days": 3})
    ongoing_findings = tuple(replace(it, lifecycle="ongoing", first_seen=NOW) for it in report.findings)
    past_audit = PastAudit(
        NOW - timedelta(days=1), is_complete=False, open_counts=count_open_by_severity(ongoing_findings)
    )
    return replace(
        report, resolved_findings=(resolved_finding,), drift=(drift,), findings=ongoing_findings, history=(past_audit,)
    )


@pytest.mark.parametrize(
    "report",
    [
        pytest.param(build_report(), id="healthy"),
        pytest.param(build_report(build_inventory()), id="no-indexes"),
        pytest.param(build_report(build_inventory(build_bare_index("orders"))), id="neglected"),
        pytest.param(
            build_report(build_inventory(build_index(schedules=build_failed_listing()))), id="unread-schedules"
        ),
        pytest.param(
            build_report(build_inventory(indexes_failure=READ_FAILURE, backups=build_failed_listing())),
            id="nothing-read",
        ),
        pytest.param(
            build_report(build_inventory(build_bare_index("scratch-1")), build_exempting_policy(EXEMPTION)),
            id="exempted",
        ),
        pytest.param(build_report_with_history(build_report()), id="with-history"),
    ],
)
def test_every_report_is_one_document_of_the_schema(report: Report) -> None:
    """The JSON of every report is a single document that the published schema describes."""
    document = render_document(report)
    assert len(document["findings"]) == len(report.findings)


def test_keys_stand_in_the_order_of_the_contract() -> None:
    """The document's members, and those of a finding, come in the order that is documented."""
    document = render_document(build_report())
    assert list(document) == [
        "schema_version",
        "audit_id",
        "observed_at",
        "complete",
        "compliance",
        "project",
        "policy",
        "inventory",
        "summary",
        "findings",
        "resolved",
        "drift",
        "read_errors",
        "warnings",
        "history",
        "rules",
        "timelines",
    ]
    assert list(document["findings"][0]) == [
        "control",
        "resource",
        "compliance",
        "severity",
        "reason",
        "evidence",
        "remediation",
        "exemption",
        "fingerprint",
        "lifecycle",
        "first_seen",
    ]


def test_an_exemption_is_shown_whole() -> None:
    """An exempted finding keeps its verdict and says who accepted it, why and for how long."""
    document = render_document(
        build_report(build_inventory(build_bare_index("scratch-1")), build_exempting_policy(EXEMPTION))
    )
    exempted_findings = [it for it in document["findings"] if it["exemption"]]
    assert {it["compliance"] for it in exempted_findings} == {"NON_COMPLIANT"}
    assert exempted_findings[0]["exemption"] == {
        "names": ["scratch-*"],
        "controls": ["*"],
        "owner": "search-team",
        "reason": "rebuilt nightly",
        "expires": "2027-03-31",
    }


def test_the_audits_before_are_reported_with_what_they_found_open() -> None:
    """Each with its moment, whether it was complete, and a count for every severity."""
    report = build_report(build_inventory(build_bare_index("orders")))
    counts = {it.value: number for it, number in report.summary.open.items()}
    past_audit = PastAudit(NOW - timedelta(days=1), is_complete=True, open_counts=report.summary.open)
    assert render_document(build_report())["history"] == []
    assert render_document(replace(report, history=(past_audit,)))["history"] == [
        {"observed_at": "2026-11-21T12:00:00Z", "complete": True, "open": counts}
    ]
    assert sum(counts.values()) > 0


def test_what_is_unread_is_listed() -> None:
    """A report of a broken reading is not complete and names the call and the error."""
    document = render_document(build_report(build_inventory(build_index(), backups=build_failed_listing())))
    assert document["complete"] is False
    assert document["read_errors"] == [{"call": READ_FAILURE.call, "error": READ_FAILURE.error}]


def test_text_of_any_kind_survives() -> None:
    """Quotes, line ends, escapes and half surrogates of a reason come back as they were, in ASCII."""
    strange_text = 'a "quoted"\nline \x1b[31m \ud800 ✓'
    report = replace(build_report(), findings=(build_finding(reason=strange_text),))
    text = "".join(render_json(report))
    assert text.isascii()
    assert json.loads(text)["findings"][0]["reason"] == strange_text


def test_a_large_report_comes_in_pieces() -> None:
    """No piece of the text grows with the number of findings."""
    large_report = replace(
        build_report(), findings=tuple(build_finding(name=f"index-{number}") for number in range(500))
    )
    pieces = list(render_json(large_report))
    assert len(pieces) > 500
    assert max(map(len, pieces)) < 2000


def _remove_key(name: str) -> Any:
    document = render_document(build_report())
    del document[name]
    return document


def _add_unknown_key() -> Any:
    document = render_document(build_report())
    document["findings"][0]["stranger"] = 1
    return document


def _set_compliance(value: str) -> Any:
    document = render_document(build_report())
    document["findings"][0]["compliance"] = value
    return document


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(_remove_key("read_errors"), id="member-missing"),
        pytest.param(_add_unknown_key(), id="member-too-many"),
        pytest.param(_set_compliance("FINE"), id="unknown-verdict"),
    ],
)
def test_the_schema_refuses_what_is_no_report(document: Any) -> None:
    """The schema is strict: a member that is missing, or not known, or holds an unknown word, does not pass."""
    with pytest.raises(ValidationError):
        check_report(document)


def test_verdicts_of_the_schema_are_those_of_the_domain() -> None:
    """Every verdict that the domain knows passes the schema."""
    for compliance in Compliance:
        check_report(_set_compliance(compliance.value))
