"""How nights and reports are shown: a line that counts, then a line for each; or everything as JSON."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from backup_auditor.application.evidence import FileStatus
from backup_auditor.domain.audit_record import AuditRecord, StoredFile, StoredReport, build_audit_days, build_time_range
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.timefmt import format_length
from backup_auditor.rendering.evidence import (
    format_interval,
    render_audit_days_json,
    render_audit_days_table,
    render_reports_json,
    render_reports_table,
)
from support.builders.facts import DAY, HOUR, NOW

KEPT = StoredReport("s3://reports/search/2026-11-20/a/report.json", "5f" * 32)
FULL = AuditRecord("a", NOW - 2 * DAY, is_complete=True, compliance=Compliance.COMPLIANT, report=KEPT)
PART = AuditRecord("b", NOW - 2 * DAY + HOUR, is_complete=False, compliance=Compliance.INSUFFICIENT_DATA, report=None)
NEXT = replace(FULL, audit_id="c", observed_at=NOW + HOUR)
SHOWN = build_audit_days([FULL, PART, NEXT], build_time_range(None, None), 26 * HOUR, NOW + 2 * HOUR)
assert SHOWN is not None
NIGHTS = SHOWN
FATES = [
    (FULL, (FileStatus.ALTERED, "its hash is 00"), None),
    (FULL, (FileStatus.MISSING, f"{KEPT.location} is gone"), None),
    (PART, (FileStatus.NOT_STORED, None), None),
]
PAGE = StoredFile("s3://reports/search/2026-11-20/a/report.html", "7c" * 32)
PAGED = replace(FULL, report=replace(KEPT, page=PAGE))


def test_audits_and_gaps_are_shown_one_a_line() -> None:
    """A gap has one line, with the audits around it; it is named for the day when the first missing one was due."""
    assert list(render_audit_days_table("se\x1barch", NIGHTS, 200)) == [
        r"se\x1barch: 2 audited, 1 incomplete, 1 missing (one complete audit at least every 26h)",
        "",
        f"  2026-11-20  audited     2026-11-20T12:00:00Z  COMPLIANT  {KEPT.location}",
        (
            "  2026-11-21  missing     1 audit: no complete audit"
            f" from 2026-11-20T12:00:00Z to 2026-11-22T13:00:00Z ({format_length(2 * DAY + HOUR)})"
        ),
        "  2026-11-20  incomplete  2026-11-20T13:00:00Z  INSUFFICIENT_DATA  report not stored",
        f"  2026-11-22  audited     2026-11-22T13:00:00Z  COMPLIANT  {KEPT.location}",
    ]


def test_machines_read_each_audit_and_each_missing_one() -> None:
    """With the counts, and the interval they are counted by."""
    told = json.loads(render_audit_days_json("search", NIGHTS))
    assert (told["project"], told["every_hours"]) == ("search", 26.0)
    assert told["summary"] == {"audited": 2, "incomplete": 1, "missing": 1}
    full, missing, part, _ = told["audits"]
    assert full == {
        "day": "2026-11-20",
        "status": "audited",
        "audit": {
            "audit_id": "a",
            "observed_at": "2026-11-20T12:00:00Z",
            "complete": True,
            "compliance": "COMPLIANT",
            "report": {"location": KEPT.location, "sha256": KEPT.sha256},
        },
    }
    assert missing == {
        "day": "2026-11-21",
        "status": "missing",
        "audit": None,
        "due_at": "2026-11-21T14:00:00Z",
        "after": "2026-11-20T12:00:00Z",
        "before": "2026-11-22T13:00:00Z",
    }
    assert part["status"] == "incomplete"
    assert part["audit"]["report"] is None


@pytest.mark.parametrize(
    "length,shown",
    [
        pytest.param(timedelta(minutes=90), "90m", id="minutes"),
        pytest.param(timedelta(hours=26), "26h", id="hours"),
        pytest.param(timedelta(days=8), "8d", id="days"),
    ],
)
def test_an_interval_is_shown_as_the_flag_takes_it(length: timedelta, shown: str) -> None:
    """In its largest whole unit."""
    assert format_interval(length) == shown


def test_reports_are_shown_one_a_line() -> None:
    """Where it is, and what is to be said of it; its place is named once."""
    assert list(render_reports_table("search", FATES, 200)) == [
        "search: 3 audits: reports 1 altered, 1 missing, 1 not stored",
        "",
        f"  2026-11-20T12:00:00Z  altered     {KEPT.location}: its hash is 00",
        f"  2026-11-20T12:00:00Z  missing     {KEPT.location} is gone",
        "  2026-11-20T13:00:00Z  not stored  no report was written where it could be kept",
    ]


def test_reports_are_told_to_machines() -> None:
    """Each with its audit."""
    told = json.loads(render_reports_json("search", FATES))
    assert told["project"] == "search"
    assert [(it["audit_id"], it["status"], it["reason"]) for it in told["reports"]] == [
        ("a", "altered", "its hash is 00"),
        ("a", "missing", f"{KEPT.location} is gone"),
        ("b", "not stored", None),
    ]


def test_a_page_has_a_line_of_its_own() -> None:
    """Below its report's, and is counted by itself."""
    fates = [(PAGED, (FileStatus.INTACT, None), (FileStatus.ALTERED, "its hash is 00")), FATES[2]]
    assert list(render_reports_table("search", fates, 200)) == [
        "search: 2 audits: reports 1 intact, 1 not stored; pages 1 altered",
        "",
        f"  2026-11-20T12:00:00Z  intact      {KEPT.location}",
        f"  2026-11-20T12:00:00Z  altered     {PAGE.location}: its hash is 00",
        "  2026-11-20T13:00:00Z  not stored  no report was written where it could be kept",
    ]


def test_pages_are_told_to_machines() -> None:
    """Beside the report, whose keys say nothing of them."""
    fates = [(PAGED, (FileStatus.INTACT, None), (FileStatus.ALTERED, "its hash is 00")), FATES[0]]
    paged, bare = json.loads(render_reports_json("search", fates))["reports"]
    assert (paged["report"], paged["status"], paged["reason"]) == (
        {"location": KEPT.location, "sha256": KEPT.sha256},
        "intact",
        None,
    )
    assert paged["page"] == {
        "location": PAGE.location,
        "sha256": PAGE.sha256,
        "status": "altered",
        "reason": "its hash is 00",
    }
    assert bare["page"] is None
