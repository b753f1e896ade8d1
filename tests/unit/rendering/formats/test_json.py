"""The report as JSON, and its schema."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import ValidationError

from backup_auditor.domain.finding import Compliance, Resource, ResourceType, Severity
from backup_auditor.domain.project_state import (
    EMPTY_STATE,
    Drift,
    DrillResult,
    PastAudit,
    ProjectState,
    ResolvedFinding,
    count_open_by_severity,
)
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.formats.json import load_report, render_json
from support.builders.facts import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    READ_FAILURE,
    build_drill_state,
    build_failed_listing,
    build_index,
    build_inventory,
    build_known_drill,
    build_policy,
    build_running_drill,
)
from support.builders.reports import (
    EXEMPTION,
    build_bare_index,
    build_exempting_policy,
    build_finding,
    build_report,
    check_report,
    render_document,
)

DRILL_POLICY = build_policy(restore_drill_within=80 * DAY, max_restore_time=HOUR)
DRILL_STATE = build_drill_state(
    build_known_drill(2 * DAY),
    build_known_drill(HOUR, result=DrillResult.FAILED, restore_time=timedelta(milliseconds=1_500)),
    build_running_drill(MINUTE),
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
        pytest.param(build_report(policy=DRILL_POLICY, state=DRILL_STATE), id="with-drills"),
        pytest.param(build_report(policy=DRILL_POLICY), id="with-required-drills"),
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
        "restore_drills",
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


def test_restore_drills_are_reported_with_their_limits() -> None:
    """Times are RFC 3339, and lengths have their unit in the key."""
    (row,) = render_document(build_report(policy=DRILL_POLICY, state=DRILL_STATE))["restore_drills"]
    proof = {
        "drill_id": "drill-172800",
        "backup": {"id": "run-1"},
        "result": "passed",
        "started_at": "2026-11-20T11:00:00Z",
        "ended_at": "2026-11-20T12:00:00Z",
        "restore_seconds": 600.0,
    }
    failed_drill = {
        **proof,
        "drill_id": "drill-3600",
        "result": "failed",
        "started_at": "2026-11-22T10:00:00Z",
        "ended_at": "2026-11-22T11:00:00Z",
        "restore_seconds": 1.5,
    }
    assert row == {
        "resource": {"type": "index", "project": "default", "name": "main", "id": "id-main"},
        "last_proof": proof,
        "last_proof_age_hours": 48.0,
        "last_drill": failed_drill,
        "running_drill": {
            "drill_id": "running-drill",
            "backup": {"id": "run-1"},
            "temporary_index": {"name": "drill-main-1a2b3c4d"},
            "started_at": "2026-11-22T11:59:00Z",
            "ends_by": "2026-11-22T18:59:00Z",
        },
        "restores": [proof, failed_drill],
        "restore_drill_within_hours": 1920.0,
        "max_restore_seconds": 3600.0,
        "due_at": "2027-01-19T12:00:00Z",
        "leftover_indexes": [],
        "unknown_reason": None,
    }


@pytest.mark.parametrize("state", [pytest.param(DRILL_STATE, id="drills"), pytest.param(EMPTY_STATE, id="no-drills")])
def test_a_stored_report_has_its_restore_drills(state: ProjectState) -> None:
    """A report that was read from a file has the same drills; one of an earlier version has none."""
    report = build_report(policy=DRILL_POLICY, state=state)
    document = render_document(report)
    assert load_report(json.dumps(document).encode(), "here").restore_drills == report.restore_drills
    del document["restore_drills"]
    check_report(document)
    assert load_report(json.dumps(document).encode(), "here").restore_drills == ()


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
