"""`evidence list` and `evidence verify`: what can be shown of the nights that were audited."""

import json
from pathlib import Path

import pytest

from support.cli import Watched, watching


def audited(project: Watched, folder: Path, nights: int) -> list[Path]:
    """Audit night after night, each into a file of its own."""
    files = [folder / f"{number}.json" for number in range(nights)]
    for file in files:
        assert project.audit("--output", file).code == 0
        project.sleep()
    return files


def test_a_missing_audit_is_shown(tmp_path: Path) -> None:
    """Each audit with its report; exit 1 where one is missing, 0 where none is."""
    with watching(tmp_path / "home") as project:
        audited(project, tmp_path, 2)
        project.sleep()
        project.audit()
        done = project.command("evidence", "list", "--until", "2026-11-23")
        assert (done.code, done.err) == (1, "")
        head, blank, *rows = done.out.splitlines()
        assert head == "default: 3 audited, 0 incomplete, 1 missing (one complete audit at least every 26h)"
        assert blank == ""
        assert [row.split()[:2] for row in rows if "2026" in row[:8]] == [
            ["2026-11-20", "audited"],
            ["2026-11-21", "audited"],
            ["2026-11-22", "missing"],
            ["2026-11-23", "audited"],
        ]
        assert str(tmp_path / "1.json") in "".join(it.strip() for it in rows)  # a long path is wrapped
        assert "report not stored" in done.out
        assert project.command("evidence", "list", "--until", "2026-11-21").code == 0
        assert project.command("evidence", "list", "--until", "2026-11-23", "--every", "2d").code == 0


@pytest.mark.parametrize(
    "moments",
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
def test_audits_that_run_at_one_time_of_the_local_clock_are_all_there(tmp_path: Path, moments: list[str]) -> None:
    """Whichever days of UTC they fall on, none is missing."""
    with watching(tmp_path / "home") as project:
        saved = tmp_path / "inventory"
        project.audit("--save-inventory", saved, "--no-state")
        for moment in moments:
            project.command("audit", "--inventory", saved, "--state", project.state, "--now", moment)
        done = project.command("evidence", "list", "--until", "2026-10-28" if len(moments) > 4 else "2026-10-26")
        assert done.out.startswith(f"default: {len(moments)} audited, 0 incomplete, 0 missing")
        assert (done.code, done.err) == (0, "")


def test_nights_are_told_to_machines(tmp_path: Path) -> None:
    """Every audit with the place and the hash of its report."""
    with watching(tmp_path / "home") as project:
        (file,) = audited(project, tmp_path, 1)
        done = project.command("evidence", "list", "--format", "json", "--until", "2026-11-20")
        told = json.loads(done.out)
        (night,) = told["audits"]
        audit = night["audit"]
        report = json.loads(file.read_bytes())
        assert (told["project"], night["day"], night["status"]) == ("default", "2026-11-20", "audited")
        assert (audit["audit_id"], audit["observed_at"]) == (report["audit_id"], report["observed_at"])
        assert audit["report"]["location"] == str(file)


def test_what_became_of_reports_is_shown(tmp_path: Path) -> None:
    """Intact until one is altered or gone; those that were printed were never kept."""
    with watching(tmp_path / "home") as project:
        _, altered, gone = audited(project, tmp_path, 3)
        project.audit()
        done = project.command("evidence", "verify")
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("default: 4 audits: reports 3 intact, 1 not stored\n")
        altered.write_bytes(altered.read_bytes().replace(b"true", b"null", 1))
        gone.unlink()
        done = project.command("evidence", "verify", "--format", "json")
        assert done.code == 1
        rows = json.loads(done.out)["reports"]
        assert [it["status"] for it in rows] == ["intact", "altered", "missing", "not stored"]
        assert rows[2]["reason"] == f"{gone} is gone; restore it from a copy"
        assert project.command("evidence", "verify", "--until", "2026-11-20").code == 0


def test_a_report_that_cannot_be_read_is_neither_intact_nor_altered(tmp_path: Path) -> None:
    """Exit 3, whatever else is found."""
    with watching(tmp_path / "home") as project:
        gone, file = audited(project, tmp_path, 2)
        gone.unlink()
        file.unlink()
        file.mkdir()
        done = project.command("evidence", "verify")
        assert done.code == 3
        assert "1 missing, 1 unreadable" in done.out


def test_a_file_that_is_written_every_night_holds_the_last(tmp_path: Path) -> None:
    """The others are gone; a link to it, or another folder to work in, changes nothing."""
    with watching(tmp_path / "home") as project:
        for _ in range(2):
            project.audit("--output", "report.json")
            project.sleep()
        done = project.command("evidence", "verify", "--format", "json")
        assert done.code == 1
        rows = json.loads(done.out)["reports"]
        assert [it["status"] for it in rows] == ["missing", "intact"]
        assert rows[1]["report"]["location"] == str(project.home / "report.json")


def test_tables_and_pipes_are_no_evidence(tmp_path: Path) -> None:
    """Only JSON in a file can be read again and compared."""
    with watching(tmp_path / "home") as project:
        project.command("audit", "--now", project.now, "--output", tmp_path / "table")
        project.sleep()
        project.audit("--output", "-")
        project.sleep()
        project.audit("--output", "/dev/null")
        done = project.command("evidence", "verify")
        assert (done.code, done.out.splitlines()[0]) == (0, "default: 3 audits: reports 3 not stored")


def test_a_saved_inventory_that_is_recorded_is_an_audit_too(tmp_path: Path) -> None:
    """Its report is kept as any other."""
    with watching(tmp_path / "home") as project:
        saved, file = tmp_path / "inventory", tmp_path / "report.json"
        project.audit("--save-inventory", saved, "--no-state")
        judge = ("audit", "--inventory", saved, "--state", project.state, "--format", "json", "--output", file)
        assert project.command(*judge).code == 0
        assert project.command("evidence", "verify").out.startswith("default: 1 audit: reports 1 intact\n")


@pytest.mark.parametrize(
    "flags,said",
    [
        pytest.param((), "no audit of default was recorded there", id="never-audited"),
        pytest.param(("--since", "2026-13-01"), "invalid --since '2026-13-01' (expected YYYY-MM-DD", id="no-day"),
        pytest.param(("--until", "today"), "invalid --until 'today' (expected YYYY-MM-DD", id="no-date"),
        pytest.param(("--since", "0001-01-01"), "expected a year from 2000 to 2999", id="no-year-of-ours"),
        pytest.param(("--until", "9999-12-31"), "expected a year from 2000 to 2999", id="no-end"),
        pytest.param(("--since", "2026-11-22", "--until", "2026-11-21"), "is before --since", id="the-wrong-way-round"),
        pytest.param(("--project", "a/b"), "'a/b' is no name for a project", id="no-name"),
    ],
)
@pytest.mark.parametrize("action", ["list", "verify"])
def test_where_there_is_nothing_to_look_at_it_says_so(
    tmp_path: Path, action: str, flags: tuple[str, ...], said: str
) -> None:
    """Exit 2, and one line."""
    with watching(tmp_path / "home") as project:
        done = project.command("evidence", action, *flags)
        assert (done.code, done.out) == (2, "")
        assert said in done.err
        assert done.err.count("\n") == 1


@pytest.mark.parametrize("action", ["list", "verify"])
def test_no_audit_within_the_nights_asked_for_is_nothing_to_look_at(tmp_path: Path, action: str) -> None:
    """Nor is another project in the same file."""
    with watching(tmp_path / "home") as project:
        project.audit()
        for flags in (("--since", "2999-01-01"), ("--project", "other", "--state", str(project.state))):
            done = project.command("evidence", action, *flags)
            assert (done.code, done.out) == (2, "")
            assert "is recorded for this time" in done.err
