"""Test where audits are recorded, and that an invalid state is refused without loss."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from support.cli import audit_nightly, wait_for_command


def test_each_project_is_recorded_in_a_file_of_its_own(tmp_path: Path) -> None:
    """Each project has a file in the state folder, whose name is derived from any project name."""
    with audit_nightly(tmp_path / "home") as project:
        long_name = "ü" * 100
        for name in ("default", "team a", long_name):
            assert project.audit("--project", name).error_output == ""
        names = sorted(it.name for it in project.state_path.parent.iterdir())
    assert names[1:] == ["default.sqlite3", "team a.sqlite3"]
    assert names[0].startswith("%C3%BC")
    assert len(names[0]) < 200


def test_a_state_can_be_named_or_disabled(tmp_path: Path) -> None:
    """`--no-state` creates no state and reports no lifecycles, and `--state` uses the named file."""
    named_path = tmp_path / "named" / "state"
    with audit_nightly(tmp_path / "home") as project:
        project.advance(3)
        assert project.audit("--no-state").find_lifecycles() == {}
        assert not project.state_path.exists()
        assert set(project.audit("--state", named_path).find_lifecycles().values()) <= {"new"}
        assert named_path.exists()
        assert not project.state_path.exists()


def test_a_saved_inventory_uses_a_state_only_on_request(tmp_path: Path) -> None:
    """An audit of a saved inventory is recorded only with `--state`."""
    inventory_path, named_path = tmp_path / "inventory", tmp_path / "state"
    with audit_nightly(tmp_path / "home") as project:
        project.simulated_project.delete_schedule(next(iter(project.simulated_project.get_index("orders").schedules)))
        project.audit("--save-inventory", inventory_path, "--no-state")
        stateless_result = project.run_command("audit", "--inventory", inventory_path, "--format", "json")
        assert (stateless_result.find_lifecycles(), project.state_path.exists()) == ({}, False)
        first_result = project.run_command(
            "audit", "--inventory", inventory_path, "--format", "json", "--state", named_path
        )
        assert first_result.find_lifecycles()["index-has-schedule", "orders"] == "new"
        second_result = project.run_command(
            "audit", "--inventory", inventory_path, "--format", "json", "--state", named_path
        )
        assert second_result == first_result


def test_each_project_of_a_registry_has_its_own_state(tmp_path: Path) -> None:
    """A registry's audit writes one state per project, and none with `--no-state`."""
    registry = tmp_path / "registry.yaml"
    keys = "{name: one, key_env: PINECONE_API_KEY}, {name: two, key_env: PINECONE_API_KEY}"
    registry.write_text(f"version: 1\nprojects: [{keys}]\n")
    with audit_nightly(tmp_path / "home") as project:
        project.run_command("audit", "--registry", registry, "--now", project.now_text, "--no-state")
        assert not project.state_path.exists()
        project.run_command("audit", "--registry", registry, "--now", project.now_text)
        assert sorted(it.name for it in project.state_path.parent.iterdir()) == ["one.sqlite3", "two.sqlite3"]


def test_an_audit_older_than_the_recorded_one_changes_nothing(tmp_path: Path) -> None:
    """The older audit has a report and a warning, and the state does not change."""
    with audit_nightly(tmp_path / "home") as project:
        project.audit("--now", "2001-11-20T12:00:00Z")  # the past of any machine's clock
        content_before = project.state_path.read_bytes()
        older_result = project.audit("--now", "2001-11-20T11:59:59Z")
        assert older_result.error_output == (
            "backup-auditor: an audit of 2001-11-20T12:00:00Z is already recorded;"
            " the older audit of 2001-11-20T11:59:59Z changes nothing\n"
        )
        assert older_result.report["findings"]
        assert project.state_path.read_bytes() == content_before


def test_explaining_reads_the_state_without_a_write(tmp_path: Path) -> None:
    """`explain` uses the recorded audit, and neither creates nor changes a state."""
    with audit_nightly(tmp_path / "home") as project:
        explain_arguments = ("explain", "--index", "orders", "--control", "backup-did-not-vanish", "--now")
        assert "Not applicable" in project.run_command(*explain_arguments, project.now_text).output
        assert not project.state_path.exists()
        project.audit()
        content_before = project.state_path.read_bytes()
        project.advance()
        assert "  Compliant  " in project.run_command(*explain_arguments, project.now_text).output
        assert project.state_path.read_bytes() == content_before


@pytest.mark.parametrize(
    "content,expected_text",
    [
        pytest.param(b"foreign content\n" * 20, "not a state of backup-auditor", id="foreign"),
        pytest.param(None, "this is a folder", id="folder"),
    ],
)
def test_an_invalid_state_is_refused_before_the_audit(
    tmp_path: Path, content: bytes | None, expected_text: str
) -> None:
    """An invalid state is exit code 2 and one error line; no request is sent, and the file does not change."""
    state = tmp_path / "state"
    if content is None:
        state.mkdir()
    else:
        state.write_bytes(content)
    with audit_nightly(tmp_path / "home") as project:
        result = project.audit("--state", state)
        assert (result.exit_code, result.output, list(project.server.requests)) == (2, "", [])
        assert result.error_output.startswith(f"backup-auditor: {state}: {expected_text}")
        assert result.error_output.count("\n") == 1
        explanation = project.run_command("explain", "--index", "orders", "--state", state)
        assert (explanation.exit_code, explanation.output) == (2, "")
    assert content is None or state.read_bytes() == content


def test_an_audit_that_cannot_be_recorded_is_reported(tmp_path: Path) -> None:
    """A failed write of the state is exit code 3 and an error line, and the report is complete."""
    with audit_nightly(tmp_path / "home") as project:
        project.audit()
        with closing(sqlite3.connect(project.state_path)) as connection, connection:
            connection.execute(
                "CREATE TRIGGER full BEFORE INSERT ON project BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
        project.advance()
        result = project.audit()
        assert result.exit_code == 3
        assert result.report["complete"]
        assert result.error_output.startswith("backup-auditor: this audit could not be recorded: ")


def test_concurrent_audits_report_a_new_finding_once(tmp_path: Path) -> None:
    """Each concurrent audit is recorded or reports that a newer one is recorded, and one reports the finding as new."""
    with audit_nightly(tmp_path / "home") as project:
        project.simulated_project.update_schedule(
            next(iter(project.simulated_project.get_index("orders").schedules)), enabled=False
        )
        project.advance()
        moments = [f"2001-11-21T12:00:0{second}Z" for second in range(6)]  # the past of any machine's clock
        processes = [project.start_command("audit", "--now", it, "--format", "json") for it in moments]
        reports = []
        for result in map(wait_for_command, processes):
            assert result.exit_code == 1
            assert all("is already recorded" in line for line in result.error_output.splitlines())
            lifecycle = result.find_lifecycles().get(("schedule-is-enabled", "orders"))
            assert (lifecycle is None) == bool(result.error_output)
            reports.append(lifecycle)
        assert reports.count("new") == 1
        last_result = project.run_command("audit", "--now", "2001-11-21T13:00:00Z", "--format", "json")
        assert last_result.find_lifecycles()["schedule-is-enabled", "orders"] == "ongoing"
        with closing(sqlite3.connect(project.state_path)) as connection:
            assert connection.execute("SELECT observed_at FROM project").fetchone() == (1006347600000000,)
