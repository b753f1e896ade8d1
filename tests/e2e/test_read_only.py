"""Test that reading commands work in read-only folders and find reports that were moved with their state."""

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from simulator_process import COMMAND
from support.cli import AuditedProject, CompletedCommand, audit_nightly
from support.read_only import can_be_read_only, make_read_only

pytestmark = pytest.mark.skipif(not can_be_read_only(), reason="root without a mount namespace can write anywhere")


def run_read_only(project: AuditedProject, prefix: tuple[str, ...], *arguments: str | Path) -> CompletedCommand:
    """Run a command in a process that cannot write to the read-only folder."""
    command = [*prefix, str(COMMAND), *map(str, arguments)]
    process = subprocess.run(
        command, env=project.environment, cwd="/", capture_output=True, text=True, timeout=120, check=False
    )
    return CompletedCommand(process.returncode, process.stdout, process.stderr)


def audit_to_files(project: AuditedProject, reports: Path, nights: int = 2) -> None:
    """Audit for several nights, and write each report to its own file."""
    reports.mkdir(exist_ok=True)
    for night in range(nights):
        assert project.audit("--output", reports / f"{night}.json").exit_code == 0
        project.advance()


def hash_files(folder: Path) -> dict[str, str]:
    """Return the hash of every file in a folder."""
    files = (it for it in folder.rglob("*") if it.is_file())
    return {str(it.relative_to(folder)): sha256(it.read_bytes()).hexdigest() for it in files}


def leave_uncommitted_log(state: Path) -> None:
    """Leave a change in the write-ahead log, as a killed process does."""
    state_copy = state.with_name("copy")
    with closing(sqlite3.connect(state, isolation_level=None)) as connection:
        connection.execute("UPDATE project SET revision = revision + 1")
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{state}{suffix}", f"{state_copy}{suffix}")
    for suffix in ("", "-wal"):
        Path(f"{state_copy}{suffix}").replace(f"{state}{suffix}")
    assert Path(f"{state}-wal").stat().st_size > 0


@pytest.mark.parametrize("has_log", [False, True], ids=["without-log", "with-log"])
def test_reading_needs_no_write_access(tmp_path: Path, *, has_log: bool) -> None:
    """Commands that only read, such as `state export`, read a state in a read-only folder without changing it."""
    with audit_nightly(tmp_path / "home") as project:
        protected_folder = tmp_path / "kept"
        audit_to_files(project, protected_folder)
        inventory = tmp_path / "inventory"
        project.audit("--save-inventory", inventory, "--no-state")
        state = protected_folder / "state.sqlite3"
        shutil.move(project.state_path, state)
        if has_log:
            leave_uncommitted_log(state)
        hashes_before = hash_files(protected_folder)
        with make_read_only(protected_folder) as prefix:
            listing_result = run_read_only(
                project, prefix, "evidence", "list", "--state", state, "--until", "2026-11-21"
            )
            verification_result = run_read_only(project, prefix, "evidence", "verify", "--state", state)
            explanation_result = run_read_only(
                project, prefix, "explain", "--index", "orders", "--inventory", inventory, "--state", state
            )
            export_result = run_read_only(project, prefix, "state", "export", "--state", state)
            audit_result = run_read_only(project, prefix, "audit", "--inventory", inventory, "--state", state)
        assert (export_result.exit_code, export_result.error_output) == (0, "")
        assert export_result.output.count('{"kind":"audit",') == 2
        assert (listing_result.exit_code, listing_result.error_output) == (0, "")
        assert listing_result.output.startswith("default: 2 audited, 0 incomplete, 0 missing")
        assert (verification_result.exit_code, verification_result.error_output) == (0, "")
        assert verification_result.output.startswith("default: 2 audits: reports 2 intact\n")
        assert (explanation_result.exit_code, explanation_result.error_output) == (0, "")
        assert audit_result.exit_code == 2  # an audit records
        assert hash_files(protected_folder) == hashes_before
        project.run_command("evidence", "list", "--state", state)  # reading changes nothing in a writable folder either
        assert {
            name: value for name, value in hash_files(protected_folder).items() if not name.endswith("-shm")
        } == hashes_before


def test_an_incomplete_state_in_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    """A state with a journal of an incomplete write is refused, because the journal cannot be applied."""
    with audit_nightly(tmp_path / "home") as project:
        audit_to_files(project, tmp_path / "reports", 1)
        folder = project.state_path.parent
        Path(f"{project.state_path}-journal").write_bytes(b"what was there before")
        with make_read_only(folder) as prefix:
            result = run_read_only(project, prefix, "evidence", "list", "--state", project.state_path)
        assert (result.exit_code, result.output) == (2, "")
        assert "copy both files to a writable folder" in result.error_output
        assert result.error_output.count("\n") == 1


@pytest.mark.parametrize("place", ["same-folder", "sibling-folder", "flag", "flag-and-renamed"])
def test_reports_that_were_moved_are_found_and_verified_by_their_hash(tmp_path: Path, place: str) -> None:
    """Reports are found in the state's folder, in a sibling folder, or under any name in the folder of `--reports`."""
    with audit_nightly(tmp_path / "home") as project:
        old_folder, new_folder = tmp_path / "old", tmp_path / "new"
        old_folder.mkdir()
        new_folder.mkdir()
        audit_to_files(project, old_folder / "reports", 3)
        flags: tuple[str | Path, ...] = ()
        reports = {
            "same-folder": new_folder,
            "sibling-folder": new_folder / "reports",
            "flag": tmp_path / "elsewhere" / "deep",
            "flag-and-renamed": tmp_path / "elsewhere" / "deep",
        }[place]
        state = new_folder / ("states" if place == "sibling-folder" else "") / "state.sqlite3"
        state.parent.mkdir(exist_ok=True)
        reports.mkdir(parents=True, exist_ok=True)
        for file in sorted((old_folder / "reports").iterdir()):
            file.rename(reports / (f"renamed-{file.name}" if place == "flag-and-renamed" else file.name))
        shutil.move(project.state_path, state)
        if place.startswith("flag"):
            assert run_read_only(project, (), "evidence", "verify", "--state", state).exit_code == 1
            flags = ("--reports", tmp_path / "elsewhere")
        verification = run_read_only(project, (), "evidence", "verify", "--state", state, "--format", "json", *flags)
        rows = json.loads(verification.output)["reports"]
        assert (verification.exit_code, [it["status"] for it in rows]) == (0, ["intact"] * 3)
        assert all(str(reports) in it["reason"] for it in rows)
        moved_reports = sorted(reports.glob("*.json"))
        moved_reports[0].write_bytes(moved_reports[0].read_bytes() + b"\n")
        moved_reports[1].unlink()
        verification = run_read_only(project, (), "evidence", "verify", "--state", state, "--format", "json", *flags)
        expected_status = "missing" if flags else "altered"  # in a subfolder only the hash identifies a report
        assert verification.exit_code == 1
        assert [it["status"] for it in json.loads(verification.output)["reports"]] == [
            expected_status,
            "missing",
            "intact",
        ]


def test_only_the_folder_of_the_flag_is_searched(tmp_path: Path) -> None:
    """With `--reports` the copies in that folder are verified, although the original reports are intact."""
    with audit_nightly(tmp_path / "home") as project:
        audit_to_files(project, tmp_path / "reports", 2)
        copied_folder = tmp_path / "copy"
        shutil.copytree(tmp_path / "reports", copied_folder)
        assert project.run_command("evidence", "verify", "--reports", copied_folder).exit_code == 0
        (copied_folder / "0.json").write_text("{}")
        (copied_folder / "1.json").unlink()
        result = project.run_command("evidence", "verify", "--reports", copied_folder)
        assert (result.exit_code, result.output.splitlines()[0]) == (
            1,
            "default: 2 audits: reports 1 altered, 1 missing",
        )
        assert project.run_command("evidence", "verify").exit_code == 0


def test_a_missing_folder_of_reports_is_refused(tmp_path: Path) -> None:
    """A missing folder is exit code 2 and one error line that names the folder."""
    with audit_nightly(tmp_path / "home") as project:
        audit_to_files(project, tmp_path / "reports", 1)
        result = project.run_command("evidence", "verify", "--reports", tmp_path / "none")
        assert (result.exit_code, result.output) == (2, "")
        assert str(tmp_path / "none") in result.error_output
        assert result.error_output.count("\n") == 1
