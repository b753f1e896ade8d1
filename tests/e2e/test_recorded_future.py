"""Test that audits report a recorded audit in the future, and that `state discard` removes it."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from simulator_process import COMMAND
from support.cli import AuditedProject, audit_nightly

FUTURE = "2999-06-01T12:00:00Z"


def pause_schedule(project: AuditedProject) -> None:
    """Pause the schedule, so that a finding is open."""
    project.simulated_project.update_schedule(
        next(iter(project.simulated_project.get_index("orders").schedules)), enabled=False
    )


def test_an_audit_in_the_future_can_be_discarded(tmp_path: Path) -> None:
    """The error has the command that discards the audit, and an old finding keeps the time it was first seen."""
    paused_key = ("schedule-is-enabled", "orders")
    with audit_nightly(tmp_path / "home") as project:
        pause_schedule(project)
        first_result = project.audit()
        assert first_result.find_lifecycles()[paused_key] == "new"
        assert project.audit("--now", FUTURE).exit_code in {1, 3}
        project.advance()
        content_before = project.state_path.read_bytes()
        late_result = project.audit()
        assert (late_result.exit_code, late_result.find_verdicts()[paused_key]) == (3, "NON_COMPLIANT")
        assert (
            "the last recorded audit of default, of 2999-06-01T12:00:00Z, is in the future" in late_result.error_output
        )
        remedy_command = f"backup-auditor state discard --project default --state {project.state_path}"
        assert late_result.error_output.endswith(f"{remedy_command}\n")
        assert project.state_path.read_bytes() == content_before
        assert project.run_command("audit", "--now", FUTURE.replace("2999-06-01", "2999-06-02")).exit_code != 0
        refused_result = project.run_command(*remedy_command.split()[1:])
        assert (refused_result.exit_code, "add --yes" in refused_result.error_output) == (2, True)
        assert "To be discarded: 2 recorded audits" in refused_result.output
        result = project.run_command(*remedy_command.split()[1:], "--yes")
        assert (result.exit_code, result.error_output) == (0, "")
        assert f"After that the last recorded audit is of {first_result.report['observed_at']}." in result.output
        result_after = project.audit()
        assert (result_after.exit_code, result_after.error_output, result_after.find_lifecycles()[paused_key]) == (
            1,
            "",
            "ongoing",
        )
        (finding,) = [
            it for it in result_after.report["findings"] if it["control"] == "schedule-is-enabled" and it["lifecycle"]
        ]
        assert finding["first_seen"] == first_result.report["observed_at"]
        listed_nights = json.loads(project.run_command("evidence", "list", "--format", "json").output)
        assert "2999" not in json.dumps(listed_nights)


def test_an_audit_older_than_the_recorded_one_is_not_in_the_future(tmp_path: Path) -> None:
    """An audit with an earlier `--now` changes nothing, and the recorded audit is not in the future."""
    with audit_nightly(tmp_path / "home") as project:
        assert project.audit("--now", "2001-01-02T00:00:00Z").exit_code != 2
        older_result = project.audit("--now", "2001-01-01T00:00:00Z")
        assert "changes nothing" in older_result.error_output
        assert "is in the future" not in older_result.error_output
        fresh_result = project.run_command("state", "discard")
        assert (fresh_result.exit_code, fresh_result.output) == (
            0,
            f"No audit is recorded in the future of default in {project.state_path}; nothing to discard.\n",
        )


def test_a_saved_inventory_reports_the_future_too(tmp_path: Path) -> None:
    """An audit of a saved inventory with `--state` reports a recorded audit in the future."""
    inventory_path, state = tmp_path / "inventory", tmp_path / "state"
    with audit_nightly(tmp_path / "home") as project:
        project.audit("--no-state", "--save-inventory", inventory_path)
        project.run_command("audit", "--inventory", inventory_path, "--state", state, "--now", FUTURE)
        late_result = project.run_command("audit", "--inventory", inventory_path, "--state", state)
        assert late_result.exit_code == 3
        assert f"--state {state}\n" in late_result.error_output
        assert project.run_command("audit", "--inventory", inventory_path).exit_code == 0


def test_everything_can_be_discarded(tmp_path: Path) -> None:
    """After `state discard --all` the next audit is the first one."""
    with audit_nightly(tmp_path / "home") as project:
        pause_schedule(project)
        project.audit()
        refused_result = project.run_command("remediate")
        assert refused_result.exit_code == 0
        result = project.run_command("state", "discard", "--all", "--yes")
        assert result.exit_code == 0
        assert "After that no audit is recorded: the next one is the first." in result.output
        second_result = project.run_command("state", "discard", "--all", "--yes")
        assert (second_result.exit_code, "nothing to discard" in second_result.output) == (0, True)
        project.advance()
        result_after = project.audit()
        assert result_after.find_lifecycles()["schedule-is-enabled", "orders"] == "new"
        assert result_after.report["history"] == []


@pytest.mark.parametrize(
    "arguments,expected_text",
    [
        pytest.param((), "there is no state of default", id="no-state"),
        pytest.param(("--state", "missing"), "missing: there is no state of default", id="missing-file"),
        pytest.param(("--project", "a/b"), "'a/b' ", id="bad-name"),
        pytest.param(("--state", "here", "--table", "there"), "not allowed with argument", id="state-and-table"),
    ],
)
def test_discarding_a_missing_state_is_refused(tmp_path: Path, arguments: tuple[str, ...], expected_text: str) -> None:
    """A missing state or an invalid flag is exit code 2, and no file is created."""
    with audit_nightly(tmp_path / "home") as project:
        try:
            result = project.run_command("state", "discard", *arguments)
            code, error_output = result.exit_code, result.error_output
        except SystemExit as exit_error:
            code, error_output = int(str(exit_error.code)), expected_text
        assert (code, expected_text in error_output) == (2, True)
        assert list(project.home.iterdir()) == []


@pytest.mark.parametrize("confirmation,code", [pytest.param("y\n", 0, id="yes"), pytest.param("\n", 2, id="no")])
def test_discarding_asks_for_confirmation_on_a_terminal(tmp_path: Path, confirmation: str, code: int) -> None:
    """The state changes only if the answer is yes."""
    with audit_nightly(tmp_path / "home") as project:
        project.audit("--now", FUTURE)
        content_before = project.state_path.read_bytes()
        main, terminal_end = pty.openpty()
        line = [str(COMMAND), "state", "discard"]
        env, pipe = project.environment, subprocess.PIPE
        with subprocess.Popen(line, env=env, stdin=terminal_end, stderr=terminal_end, stdout=pipe) as process:
            os.close(terminal_end)
            os.write(main, confirmation.encode())
            output, _ = process.communicate(timeout=60)
            os.close(main)
        assert process.returncode == code
        assert b"To be discarded: 1 recorded audit\n" in output
        assert (project.state_path.read_bytes() == content_before) == (code == 2)
