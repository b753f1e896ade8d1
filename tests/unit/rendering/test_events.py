"""The events of an audit: one for its completion, then one for each changed finding."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from backup_auditor.domain.events import EventType
from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.events import build_audit_events
from support.builders.facts import NOW
from support.builders.notifications import (
    STORED_PAGE,
    STORED_REPORT,
    build_alert_report,
    build_open_finding,
    build_resolved_finding,
    hostile_reports,
)
from support.builders.reports import EXEMPTION

COMMON_FIELDS = {
    "schema_version": "1",
    "project": "search",
    "audit_id": "0123456789abcdef0123456789abcdef",
    "observed_at": "2026-11-22T12:00:00Z",
    "report": {
        "location": STORED_REPORT.location,
        "sha256": STORED_REPORT.sha256,
        "page": {"location": STORED_PAGE.location, "sha256": STORED_PAGE.sha256},
    },
}


def render_events(report: Report) -> list[tuple[EventType, Any]]:
    """Return the events of a report, as they arrive."""
    return [(kind, json.loads(json.dumps(detail))) for kind, detail in build_audit_events(report, STORED_REPORT)]


def test_an_audit_is_complete_with_its_counts_and_its_report() -> None:
    """Small: what was found is in the report, to which it points."""
    report = build_alert_report(
        build_open_finding(),
        build_open_finding("carts", lifecycle="ongoing", days=3),
        resolved=(build_resolved_finding("users"),),
        failure_count=2,
    )
    [(kind, detail), *_] = render_events(report)
    assert kind == "Backup Audit Completed"
    assert detail == COMMON_FIELDS | {
        "complete": False,
        "compliance": "NON_COMPLIANT",
        "summary": {
            "findings": {"COMPLIANT": 0, "NON_COMPLIANT": 2, "NOT_APPLICABLE": 0, "INSUFFICIENT_DATA": 0},
            "open": {"critical": 0, "high": 2, "medium": 0, "low": 0},
            "exempted": 0,
            "coverage_percent": 75.0,
        },
        "read_error_count": 2,
        "warning_count": 0,
        "proposal_count": 0,
        "changes": {"opened": 1, "reopened": 0, "resolved": 1},
    }


@pytest.mark.parametrize(
    "lifecycle,days,kind",
    [
        pytest.param("new", 0, "Backup Finding Opened", id="opened"),
        pytest.param("reopened", 9, "Backup Finding Reopened", id="reopened"),
    ],
)
def test_a_finding_that_opened_says_what_is_wrong_and_what_to_do(lifecycle: str, days: int, kind: str) -> None:
    """The event of an opened finding has its reason, its next step, its fingerprint and its age."""
    finding = build_open_finding(lifecycle=lifecycle, days=days)
    [_, (event_type, detail)] = render_events(build_alert_report(finding))
    assert event_type == kind
    assert detail == COMMON_FIELDS | {
        "control": "index-has-schedule",
        "resource": {"type": "index", "project": "search", "name": "orders", "id": "id-orders"},
        "severity": "high",
        "reason": "The index has no backup schedule.",
        "remediation": "Create a schedule.",
        "fingerprint": finding.fingerprint,
        "first_seen": (NOW - timedelta(days=days)).isoformat().replace("+00:00", "Z"),
    }


def test_a_finding_that_was_resolved_says_why() -> None:
    """With the fingerprint that its beginning had, so that a ticket is closed by what opened it."""
    resolved_finding = build_resolved_finding(severity=Severity.CRITICAL)
    [_, (kind, detail)] = render_events(build_alert_report(resolved=(resolved_finding,)))
    assert kind == "Backup Finding Resolved"
    assert detail["reason"] == "found compliant: The index has 1 backup schedule."
    assert (detail["severity"], detail["fingerprint"]) == ("critical", build_open_finding().fingerprint)
    assert (detail["first_seen"], detail["resolved_at"]) == ("2026-11-19T12:00:00Z", "2026-11-22T12:00:00Z")


def test_what_did_not_change_is_no_event() -> None:
    """Unchanged, exempted and unknown findings have no event."""
    report = build_alert_report(
        build_open_finding(lifecycle="ongoing", days=3),
        build_open_finding("scratch", exemption=EXEMPTION, lifecycle=None),
        build_open_finding("carts", compliance=Compliance.INSUFFICIENT_DATA, lifecycle=None),
    )
    assert [kind for kind, _ in render_events(report)] == [EventType.AUDIT_COMPLETED]


@given(hostile_reports())
def test_every_change_is_one_event_in_a_fixed_order(report: Report) -> None:
    """As many as the report has, each well below the limit of the bus, and the same ones every time."""
    events = render_events(report)
    opened_findings = [it for it in report.findings if it.is_open and it.lifecycle == "new"]
    reopened_findings = [it for it in report.findings if it.is_open and it.lifecycle == "reopened"]
    kinds = [kind for kind, _ in events]
    assert kinds == [
        EventType.AUDIT_COMPLETED,
        *[EventType.FINDING_OPENED] * len(opened_findings),
        *[EventType.FINDING_REOPENED] * len(reopened_findings),
        *[EventType.FINDING_RESOLVED] * len(report.resolved_findings),
    ]
    changes = {
        "opened": len(opened_findings),
        "reopened": len(reopened_findings),
        "resolved": len(report.resolved_findings),
    }
    assert events[0][1]["changes"] == changes
    assert {it.fingerprint for it in (*opened_findings, *reopened_findings)} == {
        it["fingerprint"] for kind, it in events if kind in {EventType.FINDING_OPENED, EventType.FINDING_REOPENED}
    }
    assert all(len(json.dumps(detail).encode()) < 200_000 for _, detail in events)
    assert render_events(report) == events
