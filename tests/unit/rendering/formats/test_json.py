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
from support.builders.facts import BROKEN, NOW, broken, index, inventory
from support.builders.reports import EXEMPTION, bare, check_report, document_of, exempting, finding, report

RESOURCE = Resource(ResourceType.INDEX, "default", "orders", "id-orders")


def remembering(shown: Report) -> Report:
    """Return a report that knows of earlier ones."""
    resolved = ResolvedFinding(
        "a" * 32, "index-has-schedule", RESOURCE, Severity.HIGH, NOW - timedelta(days=3), NOW, "it has a schedule now"
    )
    drift = Drift("retention", RESOURCE, {"days": 7}, {"days": 3})
    found = tuple(replace(it, lifecycle="ongoing", first_seen=NOW) for it in shown.findings)
    past = PastAudit(NOW - timedelta(days=1), is_complete=False, open_counts=count_open_by_severity(found))
    return replace(shown, resolved_findings=(resolved,), drift=(drift,), findings=found, history=(past,))


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(report(), id="healthy"),
        pytest.param(report(inventory()), id="no-indexes"),
        pytest.param(report(inventory(bare("orders"))), id="neglected"),
        pytest.param(report(inventory(index(schedules=broken()))), id="unread-schedules"),
        pytest.param(report(inventory(indexes_failure=BROKEN, backups=broken())), id="nothing-read"),
        pytest.param(report(inventory(bare("scratch-1")), exempting(EXEMPTION)), id="exempted"),
        pytest.param(remembering(report()), id="remembering"),
    ],
)
def test_every_report_is_one_document_of_the_schema(shown: Report) -> None:
    """Whatever was read and judged, the JSON is a single document that the published schema describes."""
    document = document_of(shown)
    assert len(document["findings"]) == len(shown.findings)


def test_keys_stand_in_the_order_of_the_contract() -> None:
    """The document's members, and those of a finding, come in the order that is documented."""
    document = document_of(report())
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
    document = document_of(report(inventory(bare("scratch-1")), exempting(EXEMPTION)))
    exempted = [it for it in document["findings"] if it["exemption"]]
    assert {it["compliance"] for it in exempted} == {"NON_COMPLIANT"}
    assert exempted[0]["exemption"] == {
        "names": ["scratch-*"],
        "controls": ["*"],
        "owner": "search-team",
        "reason": "rebuilt nightly",
        "expires": "2027-03-31",
    }


def test_the_audits_before_are_told_with_what_they_found_open() -> None:
    """Each with its moment, whether it was complete, and a count for every severity."""
    shown = report(inventory(bare("orders")))
    counts = {it.value: number for it, number in shown.summary.open.items()}
    past = PastAudit(NOW - timedelta(days=1), is_complete=True, open_counts=shown.summary.open)
    assert document_of(report())["history"] == []
    assert document_of(replace(shown, history=(past,)))["history"] == [
        {"observed_at": "2026-11-21T12:00:00Z", "complete": True, "open": counts}
    ]
    assert sum(counts.values()) > 0


def test_what_is_unread_is_listed() -> None:
    """A report of a broken reading is not complete and names the call and the error."""
    document = document_of(report(inventory(index(), backups=broken())))
    assert document["complete"] is False
    assert document["read_errors"] == [{"call": BROKEN.call, "error": BROKEN.error}]


def test_text_of_any_kind_survives() -> None:
    """Quotes, line ends, escapes and half surrogates of a reason come back as they were, in ASCII."""
    strange = 'a "quoted"\nline \x1b[31m \ud800 ✓'
    shown = replace(report(), findings=(finding(reason=strange),))
    text = "".join(render_json(shown))
    assert text.isascii()
    assert json.loads(text)["findings"][0]["reason"] == strange


def test_a_large_report_comes_in_pieces() -> None:
    """No piece of the text grows with the number of findings."""
    many = replace(report(), findings=tuple(finding(name=f"index-{number}") for number in range(500)))
    pieces = list(render_json(many))
    assert len(pieces) > 500
    assert max(map(len, pieces)) < 2000


def _without(name: str) -> Any:
    document = document_of(report())
    del document[name]
    return document


def _with_stranger() -> Any:
    document = document_of(report())
    document["findings"][0]["stranger"] = 1
    return document


def _with_compliance(value: str) -> Any:
    document = document_of(report())
    document["findings"][0]["compliance"] = value
    return document


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(_without("read_errors"), id="member-missing"),
        pytest.param(_with_stranger(), id="member-too-many"),
        pytest.param(_with_compliance("FINE"), id="unknown-verdict"),
    ],
)
def test_the_schema_refuses_what_is_no_report(document: Any) -> None:
    """The schema is strict: a member that is missing, or not known, or holds an unknown word, does not pass."""
    with pytest.raises(ValidationError):
        check_report(document)


def test_verdicts_of_the_schema_are_those_of_the_domain() -> None:
    """Every verdict that the domain knows passes the schema."""
    for it in Compliance:
        check_report(_with_compliance(it.value))
