"""Commands that only read work where nothing can be written, and find reports that were moved with their state."""

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from backup_auditor_simulator.testing import COMMAND
from support.cli import Done, Watched, watching
from support.read_only import can_be_read_only, read_only

pytestmark = pytest.mark.skipif(not can_be_read_only(), reason="root without a mount namespace can write anywhere")


def run(project: Watched, prefix: tuple[str, ...], *arguments: str | Path) -> Done:
    """Run a command in a process of its own that can write nothing in a folder."""
    command = [*prefix, str(COMMAND), *map(str, arguments)]
    done = subprocess.run(
        command, env=project.environment, cwd="/", capture_output=True, text=True, timeout=120, check=False
    )
    return Done(done.returncode, done.stdout, done.stderr)


def audits(project: Watched, reports: Path, nights: int = 2) -> None:
    """Audit night after night, each into a file of its own."""
    reports.mkdir(exist_ok=True)
    for night in range(nights):
        assert project.audit("--output", reports / f"{night}.json").code == 0
        project.sleep()


def contents(folder: Path) -> dict[str, str]:
    """Return the hash of every file."""
    files = (it for it in folder.rglob("*") if it.is_file())
    return {str(it.relative_to(folder)): sha256(it.read_bytes()).hexdigest() for it in files}


def leave_log(state: Path) -> None:
    """Leave a change in the log beside the file, as a process does that is killed."""
    copy = state.with_name("copy")
    with closing(sqlite3.connect(state, isolation_level=None)) as connection:
        connection.execute("UPDATE project SET revision = revision + 1")
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{state}{suffix}", f"{copy}{suffix}")
    for suffix in ("", "-wal"):
        Path(f"{copy}{suffix}").replace(f"{state}{suffix}")
    assert Path(f"{state}-wal").stat().st_size > 0


@pytest.mark.parametrize("has_log", [False, True], ids=["closed", "log-left-over"])
def test_reading_needs_no_write_access(tmp_path: Path, *, has_log: bool) -> None:
    """`evidence list`, `evidence verify` and `explain` read a state in a read-only folder, and change nothing."""
    with watching(tmp_path / "home") as project:
        kept = tmp_path / "kept"
        audits(project, kept)
        inventory = tmp_path / "inventory"
        project.audit("--save-inventory", inventory, "--no-state")
        state = kept / "state.sqlite3"
        shutil.move(project.state, state)
        if has_log:
            leave_log(state)
        before = contents(kept)
        with read_only(kept) as prefix:
            listed = run(project, prefix, "evidence", "list", "--state", state, "--until", "2026-11-21")
            verified = run(project, prefix, "evidence", "verify", "--state", state)
            explained = run(project, prefix, "explain", "--index", "orders", "--inventory", inventory, "--state", state)
            audited = run(project, prefix, "audit", "--inventory", inventory, "--state", state)
        assert (listed.code, listed.err) == (0, "")
        assert listed.out.startswith("default: 2 audited, 0 incomplete, 0 missing")
        assert (verified.code, verified.err) == (0, "")
        assert verified.out.startswith("default: 2 audits: reports 2 intact\n")
        assert (explained.code, explained.err) == (0, "")
        assert audited.code == 2  # it records
        assert contents(kept) == before
        project.command("evidence", "list", "--state", state)  # nor where it may be written
        assert {name: value for name, value in contents(kept).items() if not name.endswith("-shm")} == before


def test_a_state_that_breaks_off_is_refused_where_it_cannot_be_repaired(tmp_path: Path) -> None:
    """A journal beside it undoes half a write; to read past it would be to guess. One line, exit 2."""
    with watching(tmp_path / "home") as project:
        audits(project, tmp_path / "reports", 1)
        folder = project.state.parent
        Path(f"{project.state}-journal").write_bytes(b"what was there before")
        with read_only(folder) as prefix:
            done = run(project, prefix, "evidence", "list", "--state", project.state)
        assert (done.code, done.out) == (2, "")
        assert "copy both to a writable folder" in done.err
        assert done.err.count("\n") == 1


@pytest.mark.parametrize("place", ["same-folder", "sibling-folder", "flag", "flag-and-renamed"])
def test_reports_that_were_moved_are_found_and_judged_by_their_hash(tmp_path: Path, place: str) -> None:
    """Beside the state, in a folder beside its own, or in the folder of `--reports`, there under any name."""
    with watching(tmp_path / "home") as project:
        old, new = tmp_path / "old", tmp_path / "new"
        old.mkdir()
        new.mkdir()
        audits(project, old / "reports", 3)
        flags: tuple[str | Path, ...] = ()
        reports = {
            "same-folder": new,
            "sibling-folder": new / "reports",
            "flag": tmp_path / "elsewhere" / "deep",
            "flag-and-renamed": tmp_path / "elsewhere" / "deep",
        }[place]
        state = new / ("states" if place == "sibling-folder" else "") / "state.sqlite3"
        state.parent.mkdir(exist_ok=True)
        reports.mkdir(parents=True, exist_ok=True)
        for file in sorted((old / "reports").iterdir()):
            file.rename(reports / (f"renamed-{file.name}" if place == "flag-and-renamed" else file.name))
        shutil.move(project.state, state)
        if place.startswith("flag"):
            assert run(project, (), "evidence", "verify", "--state", state).code == 1
            flags = ("--reports", tmp_path / "elsewhere")
        found = run(project, (), "evidence", "verify", "--state", state, "--format", "json", *flags)
        rows = json.loads(found.out)["reports"]
        assert (found.code, [it["status"] for it in rows]) == (0, ["intact"] * 3)
        assert all(str(reports) in it["reason"] for it in rows)
        moved = sorted(reports.glob("*.json"))
        moved[0].write_bytes(moved[0].read_bytes() + b"\n")
        moved[1].unlink()
        found = run(project, (), "evidence", "verify", "--state", state, "--format", "json", *flags)
        first = "missing" if flags else "altered"  # deep in a folder only the hash tells a report
        assert found.code == 1
        assert [it["status"] for it in json.loads(found.out)["reports"]] == [first, "missing", "intact"]


def test_a_folder_that_is_named_is_the_only_one_that_is_searched(tmp_path: Path) -> None:
    """Who verifies a copy hears of that copy, though the first reports are intact."""
    with watching(tmp_path / "home") as project:
        audits(project, tmp_path / "reports", 2)
        copy = tmp_path / "copy"
        shutil.copytree(tmp_path / "reports", copy)
        assert project.command("evidence", "verify", "--reports", copy).code == 0
        (copy / "0.json").write_text("{}")
        (copy / "1.json").unlink()
        done = project.command("evidence", "verify", "--reports", copy)
        assert (done.code, done.out.splitlines()[0]) == (1, "default: 2 audits: reports 1 altered, 1 gone")
        assert project.command("evidence", "verify").code == 0


def test_a_folder_of_reports_that_is_none_is_refused(tmp_path: Path) -> None:
    """Exit 2, and one line that names it."""
    with watching(tmp_path / "home") as project:
        audits(project, tmp_path / "reports", 1)
        done = project.command("evidence", "verify", "--reports", tmp_path / "none")
        assert (done.code, done.out) == (2, "")
        assert str(tmp_path / "none") in done.err
        assert done.err.count("\n") == 1
