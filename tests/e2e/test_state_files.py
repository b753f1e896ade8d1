"""Where audits are remembered, and what a state that is not sound does: nothing is audited, nothing is lost."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from support.cli import ended, watching


def test_each_project_is_remembered_in_a_file_of_its_own(tmp_path: Path) -> None:
    """In the folder for states; any name of a project is fit for one."""
    with watching(tmp_path / "home") as project:
        long = "ü" * 100
        for name in ("default", "team a", long):
            assert project.audit("--project", name).err == ""
        names = sorted(it.name for it in project.state.parent.iterdir())
    assert names[1:] == ["default.sqlite3", "team a.sqlite3"]
    assert names[0].startswith("%C3%BC")
    assert len(names[0]) < 200


def test_a_file_may_be_named_or_none(tmp_path: Path) -> None:
    """`--no-state` leaves none, and tells new from old by nothing."""
    named = tmp_path / "named" / "state"
    with watching(tmp_path / "home") as project:
        project.sleep(3)
        assert project.audit("--no-state").lifecycles() == {}
        assert not project.state.exists()
        assert set(project.audit("--state", named).lifecycles().values()) <= {"new"}
        assert named.exists()
        assert not project.state.exists()


def test_a_saved_inventory_is_judged_without_a_state_unless_one_is_named(tmp_path: Path) -> None:
    """With one, it is an audit like any other."""
    saved, named = tmp_path / "inventory", tmp_path / "state"
    with watching(tmp_path / "home") as project:
        project.world.delete_schedule(next(iter(project.world.get_index("orders").schedules)))
        project.audit("--save-inventory", saved, "--no-state")
        bare = project.command("audit", "--inventory", saved, "--format", "json")
        assert (bare.lifecycles(), project.state.exists()) == ({}, False)
        first = project.command("audit", "--inventory", saved, "--format", "json", "--state", named)
        assert first.lifecycles()["index-has-schedule", "orders"] == "new"
        again = project.command("audit", "--inventory", saved, "--format", "json", "--state", named)
        assert again == first


def test_the_projects_of_a_registry_are_remembered_each_on_its_own(tmp_path: Path) -> None:
    """Unless none is to be."""
    registry = tmp_path / "registry.yaml"
    keys = "{name: one, key_env: PINECONE_API_KEY}, {name: two, key_env: PINECONE_API_KEY}"
    registry.write_text(f"version: 1\nprojects: [{keys}]\n")
    with watching(tmp_path / "home") as project:
        project.command("audit", "--registry", registry, "--now", project.now, "--no-state")
        assert not project.state.exists()
        project.command("audit", "--registry", registry, "--now", project.now)
        assert sorted(it.name for it in project.state.parent.iterdir()) == ["one.sqlite3", "two.sqlite3"]


def test_an_older_audit_says_that_it_changes_nothing(tmp_path: Path) -> None:
    """It reports all the same, and its exit code is its own."""
    with watching(tmp_path / "home") as project:
        project.audit("--now", "2001-11-20T12:00:00Z")  # the past of any machine's clock
        before = project.state.read_bytes()
        older = project.audit("--now", "2001-11-20T11:59:59Z")
        assert older.err == (
            "backup-auditor: an audit of 2001-11-20T12:00:00Z is already recorded;"
            " this one, of 2001-11-20T11:59:59Z, changes nothing\n"
        )
        assert older.report["findings"]
        assert project.state.read_bytes() == before


def test_explaining_reads_what_is_remembered_and_writes_nothing(tmp_path: Path) -> None:
    """It makes no file either."""
    with watching(tmp_path / "home") as project:
        explain = ("explain", "--index", "orders", "--control", "backup-did-not-vanish", "--now")
        assert "NOT APPLICABLE" in project.command(*explain, project.now).out
        assert not project.state.exists()
        project.audit()
        before = project.state.read_bytes()
        project.sleep()
        assert "COMPLIANT" in project.command(*explain, project.now).out.replace("NOT APPLICABLE", "")
        assert project.state.read_bytes() == before


@pytest.mark.parametrize(
    "content,said",
    [
        pytest.param(b"what somebody wrote\n" * 20, "this is no state of backup-auditor", id="foreign"),
        pytest.param(None, "this is a folder", id="folder"),
    ],
)
def test_a_state_that_is_none_is_refused_before_anything_is_audited(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    """One line, exit 2, no call, and the file as it was."""
    state = tmp_path / "state"
    if content is None:
        state.mkdir()
    else:
        state.write_bytes(content)
    with watching(tmp_path / "home") as project:
        done = project.audit("--state", state)
        assert (done.code, done.out, list(project.server.requests)) == (2, "", [])
        assert done.err.startswith(f"backup-auditor: {state}: {said}")
        assert done.err.count("\n") == 1
        explained = project.command("explain", "--index", "orders", "--state", state)
        assert (explained.code, explained.out) == (2, "")
    assert content is None or state.read_bytes() == content


def test_what_cannot_be_recorded_is_reported_all_the_same(tmp_path: Path) -> None:
    """The audit is not whole: exit 3, and a line that says so."""
    with watching(tmp_path / "home") as project:
        project.audit()
        with closing(sqlite3.connect(project.state)) as connection, connection:
            connection.execute(
                "CREATE TRIGGER full BEFORE INSERT ON project BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
        project.sleep()
        done = project.audit()
        assert done.code == 3
        assert done.report["complete"]
        assert done.err.startswith("backup-auditor: this audit could not be recorded: ")


def test_two_audits_at_once_are_both_whole(tmp_path: Path) -> None:
    """One makes the state; the others are recorded after it, or say that they came too late. Nothing is new twice."""
    with watching(tmp_path / "home") as project:
        project.world.update_schedule(next(iter(project.world.get_index("orders").schedules)), enabled=False)
        project.sleep()
        moments = [f"2001-11-21T12:00:0{second}Z" for second in range(6)]  # the past of any machine's clock
        running = [project.begin("audit", "--now", it, "--format", "json") for it in moments]
        told = []
        for done in map(ended, running):
            assert done.code == 1
            assert all("is already recorded" in line for line in done.err.splitlines())
            lifecycle = done.lifecycles().get(("schedule-is-enabled", "orders"))
            assert (lifecycle is None) == bool(done.err)
            told.append(lifecycle)
        assert told.count("new") == 1
        last = project.command("audit", "--now", "2001-11-21T13:00:00Z", "--format", "json")
        assert last.lifecycles()["schedule-is-enabled", "orders"] == "ongoing"
        with closing(sqlite3.connect(project.state)) as connection:
            assert connection.execute("SELECT observed_at FROM project").fetchone() == (1006347600000000,)
