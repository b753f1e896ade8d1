"""One state and two Pinecone projects: every command that compares with a state refuses the other project."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cli import AuditedProject, CompletedCommand, audit_nightly, build_two_indexes


@pytest.fixture
def second_project(tmp_path: Path) -> Iterator[AuditedProject]:
    """Serve a second project; its home holds the state of an audit of the first."""
    with audit_nightly(tmp_path / "home", build_two_indexes(seed=1)) as first_project:
        assert first_project.audit().exit_code == 0
        first_project.run_command("audit", "--now", first_project.now_text, "--save-inventory", tmp_path / "first.json")
    with audit_nightly(tmp_path / "home", build_two_indexes(seed=2)) as audited_project:
        audited_project.advance()
        yield audited_project


def make_project_ids() -> tuple[str, str]:
    """Return the ids of both Pinecone projects."""
    return build_two_indexes(seed=1).project_id, build_two_indexes(seed=2).project_id


def check_refused(completed: CompletedCommand, state: Path) -> None:
    """Check that nothing was audited, and that one line says why and what to do."""
    recorded_id, found_id = make_project_ids()
    assert (completed.exit_code, completed.output) == (2, "")
    assert completed.error_output.count("\n") == 1
    assert f"the state of default belongs to Pinecone project {recorded_id}" in completed.error_output
    assert f"Pinecone project {found_id} was read; nothing was compared or recorded; use " in completed.error_output
    assert f"another state than {state}; " in completed.error_output
    assert completed.error_output.endswith(f"backup-auditor state discard --all --project default --state {state}\n")


def test_an_audit_with_the_default_name_and_state_is_refused(second_project: AuditedProject) -> None:
    """Exit 2, both ids, and the state is the same to the byte; under another name it is a first audit."""
    content_before = second_project.state_path.read_bytes()
    check_refused(second_project.audit(), second_project.state_path)
    assert second_project.state_path.read_bytes() == content_before
    named_result = second_project.audit("--project", "second")
    assert (named_result.exit_code, named_result.find_lifecycles()) == (0, {})
    separate_result = second_project.audit("--state", second_project.home / "apart")
    assert (separate_result.exit_code, separate_result.report["resolved"], separate_result.report["drift"]) == (
        0,
        [],
        [],
    )
    assert second_project.audit("--no-state").exit_code == 0


def test_an_audit_that_is_refused_writes_no_report(second_project: AuditedProject) -> None:
    """A file of an earlier report stays as it was."""
    output = second_project.home / "report.json"
    output.write_text("earlier")
    check_refused(second_project.audit("--output", output), second_project.state_path)
    assert output.read_text() == "earlier"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("explain", "--index", "orders"), id="explain"),
        pytest.param(("remediate",), id="remediate"),
        pytest.param(("remediate", "--format", "json"), id="remediate-json"),
    ],
)
def test_other_commands_that_use_the_state_are_refused(
    second_project: AuditedProject, arguments: tuple[str, ...]
) -> None:
    """The state is the same to the byte."""
    content_before = second_project.state_path.read_bytes()
    check_refused(second_project.run_command(*arguments), second_project.state_path)
    assert second_project.state_path.read_bytes() == content_before


def test_a_saved_inventory_of_another_project_is_refused(second_project: AuditedProject, tmp_path: Path) -> None:
    """Without a state it is evaluated as usual; the inventory of the project of the state is accepted."""
    inventory_path = tmp_path / "second.json"
    second_project.run_command(
        "audit", "--now", second_project.now_text, "--no-state", "--save-inventory", inventory_path
    )
    result = second_project.run_command("audit", "--inventory", inventory_path, "--state", second_project.state_path)
    check_refused(result, second_project.state_path)
    assert "use an inventory of " in result.error_output
    assert second_project.run_command("audit", "--inventory", inventory_path).exit_code == 0
    assert (
        second_project.run_command(
            "audit", "--inventory", tmp_path / "first.json", "--state", second_project.state_path
        ).exit_code
        == 0
    )


def test_a_state_that_a_wrong_key_filled_can_be_discarded(second_project: AuditedProject) -> None:
    """The command in the error makes the next audit the first one."""
    remedy_command = second_project.audit().error_output.strip().rpartition("backup-auditor ")[2]
    assert second_project.run_command(*remedy_command.split(), "--yes").exit_code == 0
    first_result = second_project.audit()
    assert (first_result.exit_code, first_result.report["resolved"], first_result.report["drift"]) == (0, [], [])
