"""How nights and reports are shown: a line that counts, then a line for each; or everything as JSON."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from backup_auditor.application.evidence import FileStatus
from backup_auditor.domain.audit_record import AuditRecord, StoredFile, StoredReport, build_audit_days, build_time_range
from backup_auditor.domain.drills.drill import DeletionState, RestoreState, ValidationState
from backup_auditor.domain.drills.verification import CheckState
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.timefmt import format_length
from backup_auditor.rendering.evidence import (
    format_interval,
    render_evidence_checks_json,
    render_evidence_checks_table,
    render_evidence_json,
    render_evidence_table,
)
from support.builders.drills import build_checked, build_drill, build_job
from support.builders.facts import DAY, HOUR, MINUTE, NOW

STORED_REPORT = StoredReport("s3://reports/search/2026-11-20/a/report.json", "5f" * 32)
COMPLETE_AUDIT = AuditRecord(
    "a", NOW - 2 * DAY, is_complete=True, compliance=Compliance.COMPLIANT, report=STORED_REPORT
)
INCOMPLETE_AUDIT = AuditRecord(
    "b", NOW - 2 * DAY + HOUR, is_complete=False, compliance=Compliance.INSUFFICIENT_DATA, report=None
)
NEXT_AUDIT = replace(COMPLETE_AUDIT, audit_id="c", observed_at=NOW + HOUR)
AUDIT_DAYS = build_audit_days(
    [COMPLETE_AUDIT, INCOMPLETE_AUDIT, NEXT_AUDIT], build_time_range(None, None), 26 * HOUR, NOW + 2 * HOUR
)
assert AUDIT_DAYS is not None
SELECTED_DAYS = AUDIT_DAYS
CHECKED_AUDITS = [
    (COMPLETE_AUDIT, (FileStatus.ALTERED, "its hash is 00"), None),
    (COMPLETE_AUDIT, (FileStatus.MISSING, f"{STORED_REPORT.location} is gone"), None),
    (INCOMPLETE_AUDIT, (FileStatus.NOT_STORED, None), None),
]
STORED_PAGE = StoredFile("s3://reports/search/2026-11-20/a/report.html", "7c" * 32)
STORED_DOCUMENT = StoredFile("s3://reports/search/drills/5f5f.json", "9d" * 32)
PASSED_DRILL = build_drill(
    restore=RestoreState.COMPLETED,
    validation=ValidationState.PASSED,
    deletion=DeletionState.CONFIRMED,
    requested_at=NOW,
    restored_at=NOW + 10 * MINUTE,
    verified_at=NOW + 20 * MINUTE,
    job=build_job(),
    verification=build_checked(CheckState.PASSED),
    evidence=STORED_DOCUMENT,
)
OPEN_DRILL = build_drill(drill_id="6a6a6a6a6a6a6a6a", number=2, chosen_at=NOW + DAY)
AUDIT_WITH_PAGE = replace(COMPLETE_AUDIT, report=replace(STORED_REPORT, page=STORED_PAGE))


def test_audits_and_gaps_are_shown_one_a_line() -> None:
    """A gap has one line, with the audits around it; it is named for the day when the first missing one was due."""
    assert list(render_evidence_table("se\x1barch", SELECTED_DAYS, [], 200)) == [
        r"se\x1barch: 2 audited, 1 incomplete, 1 missing (one complete audit at least every 26h)",
        "",
        f"  2026-11-20  audited     2026-11-20T12:00:00Z  COMPLIANT  {STORED_REPORT.location}",
        (
            "  2026-11-21  missing     1 audit: no complete audit"
            f" from 2026-11-20T12:00:00Z to 2026-11-22T13:00:00Z ({format_length(2 * DAY + HOUR)})"
        ),
        "  2026-11-20  incomplete  2026-11-20T13:00:00Z  INSUFFICIENT_DATA  report not stored",
        f"  2026-11-22  audited     2026-11-22T13:00:00Z  COMPLIANT  {STORED_REPORT.location}",
    ]


def test_machines_read_each_audit_and_each_missing_one() -> None:
    """The JSON document has each audit, the counts, and the interval."""
    document = json.loads(render_evidence_json("search", SELECTED_DAYS, []))
    assert (document["project"], document["every_hours"]) == ("search", 26.0)
    assert document["summary"] == {"audited": 2, "incomplete": 1, "missing": 1}
    complete_day, missing_day, incomplete_day, _ = document["audits"]
    assert complete_day == {
        "day": "2026-11-20",
        "status": "audited",
        "audit": {
            "audit_id": "a",
            "observed_at": "2026-11-20T12:00:00Z",
            "complete": True,
            "compliance": "COMPLIANT",
            "report": {"location": STORED_REPORT.location, "sha256": STORED_REPORT.sha256},
        },
    }
    assert missing_day == {
        "day": "2026-11-21",
        "status": "missing",
        "audit": None,
        "due_at": "2026-11-21T14:00:00Z",
        "after": "2026-11-20T12:00:00Z",
        "before": "2026-11-22T13:00:00Z",
    }
    assert incomplete_day["status"] == "incomplete"
    assert incomplete_day["audit"]["report"] is None


@pytest.mark.parametrize(
    "duration,expected_text",
    [
        pytest.param(timedelta(minutes=90), "90m", id="minutes"),
        pytest.param(timedelta(hours=26), "26h", id="hours"),
        pytest.param(timedelta(days=8), "8d", id="days"),
    ],
)
def test_an_interval_is_shown_as_the_flag_takes_it(duration: timedelta, expected_text: str) -> None:
    """In its largest whole unit."""
    assert format_interval(duration) == expected_text


def test_reports_are_shown_one_a_line() -> None:
    """Each line has the location and the status of a report; the folder is named once."""
    assert list(render_evidence_checks_table("search", CHECKED_AUDITS, [], 200)) == [
        "search: 3 audits: reports 1 altered, 1 missing, 1 not stored",
        "",
        f"  2026-11-20T12:00:00Z  altered     {STORED_REPORT.location}: its hash is 00",
        f"  2026-11-20T12:00:00Z  missing     {STORED_REPORT.location} is gone",
        "  2026-11-20T13:00:00Z  not stored  no report was written to a file",
    ]


def test_reports_are_available_as_json() -> None:
    """Each with its audit."""
    document = json.loads(render_evidence_checks_json("search", CHECKED_AUDITS, []))
    assert document["project"] == "search"
    assert [(it["audit_id"], it["status"], it["reason"]) for it in document["reports"]] == [
        ("a", "altered", "its hash is 00"),
        ("a", "missing", f"{STORED_REPORT.location} is gone"),
        ("b", "not stored", None),
    ]


def test_a_page_has_a_line_of_its_own() -> None:
    """Below its report's, and is counted by itself."""
    checked_audits = [
        (AUDIT_WITH_PAGE, (FileStatus.INTACT, None), (FileStatus.ALTERED, "its hash is 00")),
        CHECKED_AUDITS[2],
    ]
    assert list(render_evidence_checks_table("search", checked_audits, [], 200)) == [
        "search: 2 audits: reports 1 intact, 1 not stored; pages 1 altered",
        "",
        f"  2026-11-20T12:00:00Z  intact      {STORED_REPORT.location}",
        f"  2026-11-20T12:00:00Z  altered     {STORED_PAGE.location}: its hash is 00",
        "  2026-11-20T13:00:00Z  not stored  no report was written to a file",
    ]


def test_pages_are_available_as_json() -> None:
    """Beside the report, whose keys say nothing of them."""
    checked_audits = [
        (AUDIT_WITH_PAGE, (FileStatus.INTACT, None), (FileStatus.ALTERED, "its hash is 00")),
        CHECKED_AUDITS[0],
    ]
    paged_audit, unpaged_audit = json.loads(render_evidence_checks_json("search", checked_audits, []))["reports"]
    assert (paged_audit["report"], paged_audit["status"], paged_audit["reason"]) == (
        {"location": STORED_REPORT.location, "sha256": STORED_REPORT.sha256},
        "intact",
        None,
    )
    assert paged_audit["page"] == {
        "location": STORED_PAGE.location,
        "sha256": STORED_PAGE.sha256,
        "status": "altered",
        "reason": "its hash is 00",
    }
    assert unpaged_audit["page"] is None


def test_drills_follow_the_audits_one_a_line() -> None:
    """A drill without a result is listed too."""
    lines = list(render_evidence_table("search", SELECTED_DAYS, [PASSED_DRILL, OPEN_DRILL], 200))
    assert lines[6:] == [
        "",
        "2 restore drills: 1 passed, 1 no result",
        "",
        (
            "  2026-11-22  passed        main, backup run-1, started 2026-11-22T12:00:00Z, ended 2026-11-22T12:20:00Z,"
            f" restored in 10m  {STORED_DOCUMENT.location}"
        ),
        (
            "  2026-11-23  no result     main, backup run-1, started 2026-11-23T12:00:00Z, not ended, not restored"
            "  document not stored"
        ),
    ]


def test_machines_read_each_drill() -> None:
    """With its document, and the restore time in seconds."""
    passed_drill, open_drill = json.loads(render_evidence_json("search", SELECTED_DAYS, [PASSED_DRILL, OPEN_DRILL]))[
        "restore_drills"
    ]
    assert passed_drill == {
        "drill_id": "5f5f5f5f5f5f5f5f",
        "index": {"name": "main", "id": "id-main"},
        "backup": {"id": "run-1"},
        "started_at": "2026-11-22T12:00:00Z",
        "ended_at": "2026-11-22T12:20:00Z",
        "result": "passed",
        "restore_seconds": 600.0,
        "document": {"location": STORED_DOCUMENT.location, "sha256": STORED_DOCUMENT.sha256},
    }
    unknown_keys = ("ended_at", "result", "restore_seconds", "document")
    assert [open_drill[it] for it in unknown_keys] == [None] * len(unknown_keys)


def test_the_documents_of_drills_follow_the_reports() -> None:
    """They are counted by themselves."""
    drills = [(PASSED_DRILL, (FileStatus.MISSING, "it is gone")), (OPEN_DRILL, (FileStatus.NOT_STORED, None))]
    assert list(render_evidence_checks_table("search", CHECKED_AUDITS[:1], drills, 200)) == [
        "search: 1 audit: reports 1 altered; documents of drills 1 missing, 1 not stored",
        "",
        f"  2026-11-20T12:00:00Z  altered     {STORED_REPORT.location}: its hash is 00",
        f"  2026-11-22T12:20:00Z  missing     {STORED_DOCUMENT.location}: it is gone",
        "  2026-11-23T12:00:00Z  not stored  no document of drill 6a6a6a6a6a6a6a6a is stored",
    ]
    rows = json.loads(render_evidence_checks_json("search", [], drills))["restore_drills"]
    assert [(it["drill_id"], it["status"], it["reason"]) for it in rows] == [
        ("5f5f5f5f5f5f5f5f", "missing", "it is gone"),
        ("6a6a6a6a6a6a6a6a", "not stored", None),
    ]
