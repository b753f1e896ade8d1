"""Test that a saved inventory is evaluated without a request and gives the same report."""

import json
from pathlib import Path

import pytest

from backup_auditor_simulator.web.server import Server
from support.cli import CompletedCommand, build_access_environment, build_environment, run_command
from support.simulator import SIMULATED_NOW

MOMENT = SIMULATED_NOW.isoformat()


@pytest.fixture
def saved_audit(neglected_server: Server, tmp_path: Path) -> tuple[Path, CompletedCommand]:
    """Audit the neglected project, and save its inventory."""
    path = tmp_path / "inventory.json"
    flags = ("--format", "json", "--project", "shop", "--no-state", "--save-inventory", path)
    return path, run_command("audit", "--now", MOMENT, *flags, env=build_access_environment(neglected_server))


def test_a_saved_inventory_gives_the_same_report(saved_audit: tuple[Path, CompletedCommand]) -> None:
    """The report and the exit code of a saved inventory are identical to those of the audit that saved it."""
    path, live_result = saved_audit
    assert run_command("audit", "--inventory", path, "--format", "json", env=build_environment()) == live_result


def test_a_saved_inventory_sends_no_request(
    saved_audit: tuple[Path, CompletedCommand], neglected_server: Server
) -> None:
    """No request is sent, although a key and a host are set."""
    request_count = len(neglected_server.requests)
    run_command("audit", "--inventory", saved_audit[0], env=build_access_environment(neglected_server))
    assert len(neglected_server.requests) == request_count


def test_another_moment_is_evaluated_on_request(saved_audit: tuple[Path, CompletedCommand]) -> None:
    """With `--now` the saved facts are evaluated as of that time."""
    later_result = run_command(
        "audit", "--inventory", saved_audit[0], "--format", "json", "--now", "2026-11-25T12:00:00Z"
    )
    recent_verdicts = {
        verdict
        for (control, _), verdict in later_result.find_verdicts().items()
        if control == "recovery-point-is-recent"
    }
    assert later_result.report["observed_at"] == "2026-11-25T12:00:00Z"
    assert "COMPLIANT" not in recent_verdicts


def test_another_policy_is_evaluated_on_request(saved_audit: tuple[Path, CompletedCommand], tmp_path: Path) -> None:
    """A policy that raises the quota and exempts every index makes the saved inventory compliant."""
    open_findings = [it for it in saved_audit[1].report["findings"] if it["compliance"] == "NON_COMPLIANT"]
    index_findings = [it for it in open_findings if it["resource"]["type"] != "project"]
    assert {it["control"] for it in open_findings if it not in index_findings} == {"schedules-fit-quota"}
    names = ", ".join(sorted({it["resource"]["name"] for it in index_findings}))
    exemption = f"{{names: [{names}], controls: ['*'], owner: me, reason: a test, expires: 2027-01-01}}"
    policy = tmp_path / "policy.yaml"
    policy.write_text(f"version: 1\nproject: {{backup_quota: 5000}}\nexemptions: [{exemption}]\n")
    result = run_command("audit", "--inventory", saved_audit[0], "--policy", policy, "--format", "json")
    assert (result.exit_code, result.report["compliance"]) == (0, "COMPLIANT")
    assert result.report["policy"]["source"] == str(policy)
    assert result.report["summary"]["exempted"] == len(index_findings)


def test_another_project_name_is_used_on_request(saved_audit: tuple[Path, CompletedCommand]) -> None:
    """`--project` replaces the saved name of the project."""
    named_report = run_command("audit", "--inventory", saved_audit[0], "--project", "store", "--format", "json").report
    default_report = run_command("audit", "--inventory", saved_audit[0], "--format", "json").report
    assert (named_report["project"]["name"], default_report["project"]["name"]) == ("store", "shop")


def test_an_index_is_explained_from_a_saved_inventory(saved_audit: tuple[Path, CompletedCommand]) -> None:
    """`explain` needs only the saved inventory."""
    name = saved_audit[1].report["findings"][0]["resource"]["name"]
    result = run_command("explain", "--inventory", saved_audit[0], "--index", name)
    assert (result.exit_code, result.error_output) == (0, "")
    assert result.output.startswith(f"{name} in shop, at 2026-11-20T12:00:00Z")


@pytest.mark.parametrize(
    "position,expected_text",
    [
        pytest.param(slice(0, -40), "is incomplete", id="truncated"),
        pytest.param(slice(0, 0), "not a saved inventory", id="empty"),
        pytest.param(slice(10, None), "not a saved inventory", id="beginning-missing"),
    ],
)
def test_a_damaged_inventory_is_refused(
    position: slice, expected_text: str, saved_audit: tuple[Path, CompletedCommand]
) -> None:
    """An incomplete file is exit code 2 and one error line."""
    path, _ = saved_audit
    path.write_bytes(path.read_bytes()[position])
    result = run_command("audit", "--inventory", path)
    assert (result.exit_code, result.output) == (2, "")
    assert expected_text in result.error_output
    assert len(result.error_output.splitlines()) == 1


def test_an_edited_inventory_is_refused(saved_audit: tuple[Path, CompletedCommand]) -> None:
    """A file with a changed status is refused."""
    path, _ = saved_audit
    path.write_text(path.read_text().replace('"Ready"', '"Failed"', 1))
    assert "changed after it was saved" in run_command("audit", "--inventory", path).error_output


def test_a_saved_inventory_is_json(saved_audit: tuple[Path, CompletedCommand]) -> None:
    """A saved inventory is one JSON document with its format and version."""
    document = json.loads(saved_audit[0].read_text())
    assert (document["format"], document["version"]) == ("backup-auditor-inventory", 5)
