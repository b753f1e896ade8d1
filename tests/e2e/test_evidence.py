"""Test `evidence list` and `evidence verify`."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from backup_auditor.adapters.sqlite.drill_ledger import open_drill_ledger
from backup_auditor.domain.audit_record import StoredFile
from backup_auditor.domain.drills.drill import DeletionState, RestoreState, ValidationState
from backup_auditor.rendering.drill_json import render_drill_document
from support.builders.drills import build_drill
from support.builders.facts import DAY, MINUTE
from support.cli import AuditedProject, audit_nightly


def audit_to_files(project: AuditedProject, folder: Path, nights: int) -> list[Path]:
    """Audit for several nights, and write each report to its own file."""
    files = [folder / f"{number}.json" for number in range(nights)]
    for file in files:
        assert project.audit("--output", file).exit_code == 0
        project.advance()
    return files


def test_a_missing_audit_is_listed(tmp_path: Path) -> None:
    """`evidence list` shows each audit with its report, and exits with 1 only if an audit is missing."""
    with audit_nightly(tmp_path / "home") as project:
        audit_to_files(project, tmp_path, 2)
        project.advance()
        project.audit()
        result = project.run_command("evidence", "list", "--until", "2026-11-23")
        assert (result.exit_code, result.error_output) == (1, "")
        head, blank_line, *rows = result.output.splitlines()
        assert head == "default: 3 audited, 0 incomplete, 1 missing (one complete audit at least every 26h)"
        assert blank_line == ""
        assert [row.split()[:2] for row in rows if "2026" in row[:8]] == [
            ["2026-11-20", "audited"],
            ["2026-11-21", "audited"],
            ["2026-11-22", "missing"],
            ["2026-11-23", "audited"],
        ]
        assert str(tmp_path / "1.json") in "".join(it.strip() for it in rows)  # a long path is wrapped
        assert "report not stored" in result.output
        assert project.run_command("evidence", "list", "--until", "2026-11-21").exit_code == 0
        assert project.run_command("evidence", "list", "--until", "2026-11-23", "--every", "2d").exit_code == 0


@pytest.mark.parametrize(
    "audit_moments",
    [
        pytest.param(
            [f"2026-10-{day}T01:30:00+0{2 if day < 26 else 1}:00" for day in range(22, 29)],
            id="audits-over-a-clock-change",
        ),
        pytest.param(
            [f"2026-10-{day}T{time}:00Z" for day, time in ((22, "23:50"), (24, "00:04"), (24, "23:51"), (26, "00:05"))],
            id="jitter-at-midnight",
        ),
    ],
)
def test_audits_at_one_local_time_are_not_missing(tmp_path: Path, audit_moments: list[str]) -> None:
    """Daily audits at one local time are complete, although some UTC days have two audits or none."""
    with audit_nightly(tmp_path / "home") as project:
        inventory_path = tmp_path / "inventory"
        project.audit("--save-inventory", inventory_path, "--no-state")
        for moment in audit_moments:
            project.run_command("audit", "--inventory", inventory_path, "--state", project.state_path, "--now", moment)
        result = project.run_command(
            "evidence", "list", "--until", "2026-10-28" if len(audit_moments) > 4 else "2026-10-26"
        )
        assert result.output.startswith(f"default: {len(audit_moments)} audited, 0 incomplete, 0 missing")
        assert (result.exit_code, result.error_output) == (0, "")


def test_nights_are_available_as_json(tmp_path: Path) -> None:
    """The JSON document has each audit with the location of its report."""
    with audit_nightly(tmp_path / "home") as project:
        (file,) = audit_to_files(project, tmp_path, 1)
        result = project.run_command("evidence", "list", "--format", "json", "--until", "2026-11-20")
        document = json.loads(result.output)
        (night,) = document["audits"]
        audit = night["audit"]
        report = json.loads(file.read_bytes())
        assert (document["project"], night["day"], night["status"]) == ("default", "2026-11-20", "audited")
        assert (audit["audit_id"], audit["observed_at"]) == (report["audit_id"], report["observed_at"])
        assert audit["report"]["location"] == str(file)


def test_each_report_is_verified(tmp_path: Path) -> None:
    """A stored report is intact, altered or missing, and a printed report is not stored."""
    with audit_nightly(tmp_path / "home") as project:
        _, altered_path, missing_path = audit_to_files(project, tmp_path, 3)
        project.audit()
        result = project.run_command("evidence", "verify")
        assert (result.exit_code, result.error_output) == (0, "")
        assert result.output.startswith("default: 4 audits: reports 3 intact, 1 not stored\n")
        altered_path.write_bytes(altered_path.read_bytes().replace(b"true", b"null", 1))
        missing_path.unlink()
        result = project.run_command("evidence", "verify", "--format", "json")
        assert result.exit_code == 1
        rows = json.loads(result.output)["reports"]
        assert [it["status"] for it in rows] == ["intact", "altered", "missing", "not stored"]
        assert rows[2]["reason"] == f"{missing_path} is missing; restore it from a copy"
        assert project.run_command("evidence", "verify", "--until", "2026-11-20").exit_code == 0


def test_a_report_that_cannot_be_read_is_neither_intact_nor_altered(tmp_path: Path) -> None:
    """A report that cannot be read is exit code 3, even if another report is missing."""
    with audit_nightly(tmp_path / "home") as project:
        missing_path, file = audit_to_files(project, tmp_path, 2)
        missing_path.unlink()
        file.unlink()
        file.mkdir()
        result = project.run_command("evidence", "verify")
        assert result.exit_code == 3
        assert "1 missing, 1 unreadable" in result.output


def test_an_overwritten_file_has_only_the_newest_report(tmp_path: Path) -> None:
    """If each audit overwrites one file, the earlier reports are missing and the last one is intact."""
    with audit_nightly(tmp_path / "home") as project:
        for _ in range(2):
            project.audit("--output", "report.json")
            project.advance()
        result = project.run_command("evidence", "verify", "--format", "json")
        assert result.exit_code == 1
        rows = json.loads(result.output)["reports"]
        assert [it["status"] for it in rows] == ["missing", "intact"]
        assert rows[1]["report"]["location"] == str(project.home / "report.json")


def test_tables_and_pipes_are_not_stored_reports(tmp_path: Path) -> None:
    """Only a JSON report in a file counts as stored."""
    with audit_nightly(tmp_path / "home") as project:
        project.run_command("audit", "--now", project.now_text, "--output", tmp_path / "table")
        project.advance()
        project.audit("--output", "-")
        project.advance()
        project.audit("--output", "/dev/null")
        result = project.run_command("evidence", "verify")
        assert (result.exit_code, result.output.splitlines()[0]) == (0, "default: 3 audits: reports 3 not stored")


def test_the_report_of_a_recorded_saved_inventory_is_verified(tmp_path: Path) -> None:
    """An audit of a saved inventory with a state has a stored report, like any other audit."""
    with audit_nightly(tmp_path / "home") as project:
        inventory_path, file = tmp_path / "inventory", tmp_path / "report.json"
        project.audit("--save-inventory", inventory_path, "--no-state")
        audit_arguments = (
            "audit",
            "--inventory",
            inventory_path,
            "--state",
            project.state_path,
            "--format",
            "json",
            "--output",
            file,
        )
        assert project.run_command(*audit_arguments).exit_code == 0
        assert project.run_command("evidence", "verify").output.startswith("default: 1 audit: reports 1 intact\n")


@pytest.mark.parametrize(
    "flags,expected_text",
    [
        pytest.param((), "no audit of default was recorded there", id="never-audited"),
        pytest.param(("--since", "2026-13-01"), "invalid --since '2026-13-01' (expected YYYY-MM-DD", id="invalid-day"),
        pytest.param(("--until", "today"), "invalid --until 'today' (expected YYYY-MM-DD", id="invalid-date"),
        pytest.param(("--since", "0001-01-01"), "expected a year from 2000 to 2999", id="year-too-early"),
        pytest.param(("--until", "9999-12-31"), "expected a year from 2000 to 2999", id="year-too-late"),
        pytest.param(("--since", "2026-11-22", "--until", "2026-11-21"), "is before --since", id="until-before-since"),
        pytest.param(("--project", "a/b"), "'a/b' is not a valid project name", id="invalid-name"),
    ],
)
@pytest.mark.parametrize("action", ["list", "verify"])
def test_a_request_without_audits_or_with_invalid_flags_is_refused(
    tmp_path: Path, action: str, flags: tuple[str, ...], expected_text: str
) -> None:
    """A project without audits or an invalid flag is exit code 2 and one error line."""
    with audit_nightly(tmp_path / "home") as project:
        result = project.run_command("evidence", action, *flags)
        assert (result.exit_code, result.output) == (2, "")
        assert expected_text in result.error_output
        assert result.error_output.count("\n") == 1


@pytest.mark.parametrize("action", ["list", "verify"])
def test_a_range_without_audits_is_refused(tmp_path: Path, action: str) -> None:
    """A range or a project without a recorded audit is exit code 2."""
    with audit_nightly(tmp_path / "home") as project:
        project.audit()
        for flags in (("--since", "2999-01-01"), ("--project", "other", "--state", str(project.state_path))):
            result = project.run_command("evidence", action, *flags)
            assert (result.exit_code, result.output) == (2, "")
            assert "is recorded for this time" in result.error_output


def record_drills(project: AuditedProject, folder: Path) -> Path:
    """Record a passed drill of the first night and one that runs since, and return the document of the first."""
    started_at = project.simulated_project.now
    passed_drill = build_drill(
        chosen_at=started_at,
        restore=RestoreState.COMPLETED,
        validation=ValidationState.PASSED,
        deletion=DeletionState.CONFIRMED,
        requested_at=started_at,
        restored_at=started_at + 10 * MINUTE,
        verified_at=started_at + 20 * MINUTE,
    )
    document = render_drill_document(passed_drill)
    file = folder / "drill.json"
    file.write_bytes(document)
    passed_drill = replace(passed_drill, evidence=StoredFile(str(file), hashlib.sha256(document).hexdigest()))
    with open_drill_ledger(project.state_path) as ledger:
        assert ledger.create_drill(passed_drill)
        assert ledger.create_drill(
            build_drill(drill_id="6a6a6a6a6a6a6a6a", number=2, chosen_at=started_at + DAY, target_name="drill-main-2")
        )
    return file


def test_restore_drills_are_listed_and_verified(tmp_path: Path) -> None:
    """A drill is listed on the day when it ended; an altered or missing document is an altered or missing report."""
    with audit_nightly(tmp_path / "home") as project:
        file = record_drills(project, tmp_path)
        audit_to_files(project, tmp_path, 2)
        result = project.run_command("evidence", "list", "--until", "2026-11-21")
        assert (result.exit_code, result.error_output) == (0, "")
        assert "2 restore drills: 1 passed, 1 no result" in result.output
        result = project.run_command("evidence", "list", "--until", "2026-11-20", "--format", "json")
        (drill,) = json.loads(result.output)["restore_drills"]
        assert (drill["result"], drill["restore_seconds"], drill["document"]["location"]) == (
            "passed",
            600.0,
            str(file),
        )
        result = project.run_command("evidence", "verify")
        assert result.output.startswith(
            "default: 2 audits: reports 2 intact; documents of drills 1 intact, 1 not stored\n"
        )
        assert result.exit_code == 0
        for change, status in ((lambda: file.write_bytes(b"{}"), "altered"), (file.unlink, "missing")):
            change()
            result = project.run_command("evidence", "verify", "--format", "json")
            assert result.exit_code == 1
            assert [it["status"] for it in json.loads(result.output)["restore_drills"]] == [status, "not stored"]
        assert project.run_command("evidence", "verify", "--since", "2026-11-21").exit_code == 0
