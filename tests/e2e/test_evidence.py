"""`evidence list` and `evidence verify`: what can be shown of the nights that were audited."""

import json
from pathlib import Path

import pytest

from support.cli import AuditedProject, audit_nightly


def audit_to_files(project: AuditedProject, folder: Path, nights: int) -> list[Path]:
    """Audit night after night, each into a file of its own."""
    files = [folder / f"{number}.json" for number in range(nights)]
    for file in files:
        assert project.audit("--output", file).exit_code == 0
        project.advance()
    return files


def test_a_missing_audit_is_shown(tmp_path: Path) -> None:
    """Each audit with its report; exit 1 where one is missing, 0 where none is."""
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
def test_audits_that_run_at_one_time_of_the_local_clock_are_all_there(tmp_path: Path, audit_moments: list[str]) -> None:
    """Whichever days of UTC they fall on, none is missing."""
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
    """Every audit with the place and the hash of its report."""
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


def test_what_became_of_reports_is_shown(tmp_path: Path) -> None:
    """Intact until one is altered or gone; those that were printed were never kept."""
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
    """Exit 3, whatever else is found."""
    with audit_nightly(tmp_path / "home") as project:
        missing_path, file = audit_to_files(project, tmp_path, 2)
        missing_path.unlink()
        file.unlink()
        file.mkdir()
        result = project.run_command("evidence", "verify")
        assert result.exit_code == 3
        assert "1 missing, 1 unreadable" in result.output


def test_a_file_that_is_written_every_night_holds_the_last(tmp_path: Path) -> None:
    """The others are gone; a link to it, or another folder to work in, changes nothing."""
    with audit_nightly(tmp_path / "home") as project:
        for _ in range(2):
            project.audit("--output", "report.json")
            project.advance()
        result = project.run_command("evidence", "verify", "--format", "json")
        assert result.exit_code == 1
        rows = json.loads(result.output)["reports"]
        assert [it["status"] for it in rows] == ["missing", "intact"]
        assert rows[1]["report"]["location"] == str(project.home / "report.json")


def test_tables_and_pipes_are_no_evidence(tmp_path: Path) -> None:
    """Only JSON in a file can be read again and compared."""
    with audit_nightly(tmp_path / "home") as project:
        project.run_command("audit", "--now", project.now_text, "--output", tmp_path / "table")
        project.advance()
        project.audit("--output", "-")
        project.advance()
        project.audit("--output", "/dev/null")
        result = project.run_command("evidence", "verify")
        assert (result.exit_code, result.output.splitlines()[0]) == (0, "default: 3 audits: reports 3 not stored")


def test_a_saved_inventory_that_is_recorded_is_an_audit_too(tmp_path: Path) -> None:
    """Its report is kept as any other."""
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
        pytest.param(("--since", "2026-13-01"), "invalid --since '2026-13-01' (expected YYYY-MM-DD", id="no-day"),
        pytest.param(("--until", "today"), "invalid --until 'today' (expected YYYY-MM-DD", id="no-date"),
        pytest.param(("--since", "0001-01-01"), "expected a year from 2000 to 2999", id="no-year-of-ours"),
        pytest.param(("--until", "9999-12-31"), "expected a year from 2000 to 2999", id="no-end"),
        pytest.param(("--since", "2026-11-22", "--until", "2026-11-21"), "is before --since", id="the-wrong-way-round"),
        pytest.param(("--project", "a/b"), "'a/b' is not a valid project name", id="no-name"),
    ],
)
@pytest.mark.parametrize("action", ["list", "verify"])
def test_where_there_is_nothing_to_look_at_it_says_so(
    tmp_path: Path, action: str, flags: tuple[str, ...], expected_text: str
) -> None:
    """Exit 2, and one line."""
    with audit_nightly(tmp_path / "home") as project:
        result = project.run_command("evidence", action, *flags)
        assert (result.exit_code, result.output) == (2, "")
        assert expected_text in result.error_output
        assert result.error_output.count("\n") == 1


@pytest.mark.parametrize("action", ["list", "verify"])
def test_a_period_without_audits_is_an_error(tmp_path: Path, action: str) -> None:
    """Nor is another project in the same file."""
    with audit_nightly(tmp_path / "home") as project:
        project.audit()
        for flags in (("--since", "2999-01-01"), ("--project", "other", "--state", str(project.state_path))):
            result = project.run_command("evidence", action, *flags)
            assert (result.exit_code, result.output) == (2, "")
            assert "is recorded for this time" in result.error_output
