"""Test that two registry entries for one Pinecone project cause a warning in both reports and exit code 3."""

import json
from pathlib import Path
from typing import Any

import pytest

from backup_auditor.rendering.formats import FORMATS
from backup_auditor_simulator.web.server import Server
from support.cli import CompletedCommand, build_access_environment, run_command
from support.simulator import SIMULATED_NOW, build_empty_project, serve

MOMENT = SIMULATED_NOW.isoformat()
SHARED_KEY_ENTRIES = ("{name: search, key_env: SEARCH_KEY}", "{name: billing, key_env: SEARCH_KEY}")


def write_registry(folder: Path, *entries: str) -> Path:
    """Write a registry with these entries."""
    path = folder / "registry.yaml"
    path.write_text("version: 1\nprojects:\n" + "".join(f"- {it}\n" for it in entries))
    return path


def audit_registry(
    server: Server, folder: Path, *entries: str, report_format: str = "json", **variables: str
) -> CompletedCommand:
    """Audit a registry with these entries."""
    path = write_registry(folder, *entries)
    env = build_access_environment(server, SEARCH_KEY=server.viewer_key, **variables)
    return run_command("audit", "--now", MOMENT, "--registry", path, "--format", report_format, env=env)


def list_warnings(completed: CompletedCommand) -> list[list[str]]:
    """Return the warnings of each report, by the name of its project."""
    reports: list[dict[str, Any]] = sorted(
        json.loads(completed.output)["reports"], key=lambda it: str(it["project"]["name"])
    )
    return [it["warnings"] for it in reports]


def test_a_shared_key_is_a_warning_in_both_reports(healthy_server: Server, tmp_path: Path) -> None:
    """Both compliant reports warn that one of the projects is not audited."""
    result = audit_registry(healthy_server, tmp_path, *SHARED_KEY_ENTRIES)
    project_id = healthy_server.project.project_id
    sentence = (
        f'Registry entries "search" and "billing" open the same Pinecone project ({project_id}, their key'
        " is in the variable SEARCH_KEY), so another project is not audited; give each entry a key of its own project."
    )
    assert (result.exit_code, list_warnings(result)) == (3, [[sentence], [sentence]])
    assert result.error_output == ""


def test_standard_error_has_the_warning_if_the_reports_go_to_a_file(healthy_server: Server, tmp_path: Path) -> None:
    """The warning is one line on standard error, because it explains exit code 3 without the file."""
    path, output = write_registry(tmp_path, *SHARED_KEY_ENTRIES), tmp_path / "reports"
    env = build_access_environment(healthy_server, SEARCH_KEY=healthy_server.viewer_key)
    result = run_command("audit", "--now", MOMENT, "--registry", path, "--output", output, env=env)
    assert (result.exit_code, result.output) == (3, "")
    assert result.error_output.startswith(
        'backup-auditor: Registry entries "search" and "billing" open the same Pinecone project'
    )
    assert result.error_output.count("\n") == 1
    assert output.read_text().count("Registry entries") == 3  # the fleet has it too


@pytest.mark.parametrize("report_format", FORMATS)
def test_every_format_has_the_warning(report_format: str, healthy_server: Server, tmp_path: Path) -> None:
    """Each format for people or machines shows the warning."""
    result = audit_registry(healthy_server, tmp_path, *SHARED_KEY_ENTRIES, report_format=report_format)
    assert result.exit_code == 3
    assert "another project is not audited" in " ".join(result.output.split())


@pytest.mark.parametrize(
    "key,words",
    [
        pytest.param(Server.viewer_key, "their keys are the same", id="same-key"),
        pytest.param(Server.editor_key, None, id="another-key"),
    ],
)
def test_two_keys_of_one_project_are_found(key: str, words: str | None, healthy_server: Server, tmp_path: Path) -> None:
    """Two entries share a project if both audits read the same project id."""
    entries = (SHARED_KEY_ENTRIES[0], "{name: billing, key_env: BILLING_KEY}", "{name: wrong, key_env: ABSENT}")
    result = audit_registry(healthy_server, tmp_path, *entries, BILLING_KEY=key)
    assert result.exit_code == 2  # one could not be audited at all
    found_warnings = list_warnings(result)
    assert found_warnings[0] == found_warnings[1] != []
    assert healthy_server.project.project_id in found_warnings[0][0]
    assert (words or "Pinecone project") in found_warnings[0][0]


def test_one_key_without_any_schedule_is_found_by_the_key(tmp_path: Path) -> None:
    """A shared key of an empty project is found, although the project's id is unknown."""
    with serve(build_empty_project()) as server:
        result = audit_registry(server, tmp_path, *SHARED_KEY_ENTRIES)
    assert result.exit_code == 3
    assert all("(their key is in the variable SEARCH_KEY)" in it for (it,) in list_warnings(result))


def test_a_registry_with_one_entry_has_no_warning(healthy_server: Server, tmp_path: Path) -> None:
    """A single entry shares no key."""
    result = audit_registry(healthy_server, tmp_path, SHARED_KEY_ENTRIES[0])
    assert (result.exit_code, result.error_output, list_warnings(result)) == (0, "", [[]])


@pytest.mark.parametrize(
    "entries,words",
    [
        pytest.param(SHARED_KEY_ENTRIES, "their key is in the variable SEARCH_KEY", id="variable"),
        pytest.param(("{name: a, secret: keys/a}", "{name: b, secret: keys/a}"), "the secret keys/a", id="secret"),
    ],
)
def test_validating_warns_of_a_shared_key(entries: tuple[str, ...], words: str, tmp_path: Path) -> None:
    """A registry with a shared key is valid, and a warning names the key."""
    path = write_registry(tmp_path, *entries)
    result = run_command("registry", "validate", path)
    assert result.exit_code == 0
    assert result.output.startswith(f"{path}: valid; 2 projects")
    assert result.error_output.startswith(f"backup-auditor: warning: {path}: Registry entries ")
    assert (words in result.error_output, result.error_output.count("\n")) == (True, 1)


def test_validating_refuses_a_duplicate_name(tmp_path: Path) -> None:
    """The error names the line of the first entry with that name."""
    result = run_command(
        "registry", "validate", write_registry(tmp_path, "{name: a, key_env: A}", "{name: a, key_env: B}")
    )
    assert result.exit_code == 2
    assert "first on line 3" in result.error_output
