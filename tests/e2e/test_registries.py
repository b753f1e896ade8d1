"""Test that an error in one project of a registry does not stop the audits of the others."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from backup_auditor_simulator.web.server import Server
from support.cli import CompletedCommand, build_access_environment, run_command
from support.simulator import SIMULATED_NOW

MOMENT = SIMULATED_NOW.isoformat()


def audit_registry(
    server: Server,
    folder: Path,
    *entries: str,
    flags: tuple[str | Path, ...] = (),
    variables: Mapping[str, str] | None = None,
) -> CompletedCommand:
    """Audit a registry with these entries."""
    path = folder / "registry.yaml"
    path.write_text("version: 1\nprojects:\n" + "".join(f"- {it}\n" for it in entries))
    env = build_access_environment(server, KEY=server.viewer_key, **(variables or {}))
    return run_command("audit", "--now", MOMENT, "--registry", path, *flags, env=env)


@pytest.mark.parametrize(
    "entry,words",
    [
        pytest.param("{name: b, key_env: KEY, polcy: p}", ":4: unknown key", id="unknown-key"),
        pytest.param("{name: b}", ":4: the project", id="no-key"),
        pytest.param("{name: a, key_env: KEY}", "entry 2: ", id="name-twice"),
        pytest.param("{name: b, key_env: KEY, policy: missing.yaml}", "there is no such file", id="missing-policy"),
        pytest.param("{name: b, key_env: KEY, policy: wrong.yaml}", "wrong.yaml:1: ", id="wrong-policy"),
        pytest.param("{name: b, key_env: ABSENT}", "b: ABSENT is not set", id="absent-variable"),
    ],
)
def test_an_error_in_one_entry_does_not_affect_the_others(
    entry: str, words: str, healthy_server: Server, tmp_path: Path
) -> None:
    """An invalid entry is one error line and exit code 2, and the other projects have their reports."""
    (tmp_path / "wrong.yaml").write_text("rulez: []")
    result = audit_registry(healthy_server, tmp_path, "{name: a, key_env: KEY}", entry, "{name: c, key_env: KEY}")
    assert result.exit_code == 2
    assert result.error_output.count("\n") == 1
    assert words in result.error_output
    assert [it.split(":")[1] for it in result.output.splitlines() if it.startswith("Compliant: ")] == [" a", " c"]


@pytest.mark.parametrize(
    "entry,words",
    [
        pytest.param("{name: b, secret: s/b}", "the secret s/b: it cannot be fetched", id="secret"),
        pytest.param("{name: b, key_env: KEY, policy: 'ssm:b'}", "ssm:b: it cannot be fetched", id="parameter"),
        pytest.param("{name: b, key_env: KEY, policy: 's3://bucket/b'}", "s3://bucket/b: it cannot be", id="object"),
    ],
)
def test_an_unavailable_aws_resource_is_reported(
    entry: str, words: str, healthy_server: Server, tmp_path: Path
) -> None:
    """Without credentials, an AWS resource of an entry is one error line that names the resource and the remedy."""
    aws_variables = {"AWS_DEFAULT_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true"}
    result = audit_registry(healthy_server, tmp_path, "{name: a, key_env: KEY}", entry, variables=aws_variables)
    assert result.exit_code == 2
    assert (
        result.error_output.count("\n"),
        words in result.error_output,
        "check region, credentials" in result.error_output,
    ) == (1, True, True)
    assert "\nCompliant: a: " in result.output


def build_entries(number: int) -> list[str]:
    """Return this number of entries, which share a key."""
    return [f"{{name: p{it}, key_env: KEY}}" for it in range(1, number + 1)]


def list_projects(path: Path) -> list[str]:
    """Return the projects of a SARIF file."""
    return [it["properties"]["project"] for it in json.loads(path.read_text())["runs"]]


def test_sarif_of_many_projects_is_split_into_files(healthy_server: Server, tmp_path: Path) -> None:
    """A SARIF file has at most 20 projects in registry order, which is the limit of code scanning."""
    output = tmp_path / "report.sarif"
    result = audit_registry(
        healthy_server, tmp_path, *build_entries(21), flags=("--format", "sarif", "--output", output)
    )
    assert "2 files hold at most 20 projects each" in result.error_output
    assert list_projects(output) == [f"p{it}" for it in range(1, 21)]
    assert list_projects(tmp_path / "report-2.sarif") == ["p21"]


def test_sarif_of_twenty_projects_is_one_file(healthy_server: Server, tmp_path: Path) -> None:
    """A registry at the limit of 20 projects has one SARIF file."""
    output = tmp_path / "report.sarif"
    audit_registry(healthy_server, tmp_path, *build_entries(20), flags=("--format", "sarif", "--output", output))
    assert len(list_projects(output)) == 20
    assert not (tmp_path / "report-2.sarif").exists()


def test_sarif_of_many_projects_is_refused_on_standard_output(healthy_server: Server, tmp_path: Path) -> None:
    """More than 20 projects as SARIF on standard output are refused with the remedy."""
    result = audit_registry(healthy_server, tmp_path, *build_entries(21), flags=("--format", "sarif"))
    assert (result.exit_code, result.output, result.error_output.count("\n")) == (2, "", 1)
    assert "at most 20 projects and the registry has 21; name a file with --output" in result.error_output


def test_several_files_are_written_all_or_none(healthy_server: Server, tmp_path: Path) -> None:
    """If one file cannot be written, the other files do not change."""
    output = tmp_path / "report.sarif"
    output.write_text("before")
    (tmp_path / "report-2.sarif").mkdir()
    result = audit_registry(
        healthy_server, tmp_path, *build_entries(21), flags=("--format", "sarif", "--output", output)
    )
    assert (result.exit_code, output.read_text()) == (2, "before")
    assert "report-2.sarif: cannot be written" in result.error_output
    assert not list(tmp_path.glob(".*.part"))


def test_a_csv_file_begins_with_a_byte_order_mark(healthy_server: Server, tmp_path: Path) -> None:
    """A CSV file has one byte order mark, and CSV on standard output has none."""
    output = tmp_path / "report.csv"
    audit_registry(healthy_server, tmp_path, *build_entries(2), flags=("--format", "csv", "--output", output))
    assert output.read_bytes().startswith(b"\xef\xbb\xbfproject,")
    assert output.read_bytes().count(b"\xef\xbb\xbf") == 1
    assert (tmp_path / "report-fleet.csv").read_bytes().startswith(b"\xef\xbb\xbfproject,project_id,audited,")
    assert audit_registry(healthy_server, tmp_path, *build_entries(2), flags=("--format", "csv")).output.startswith(
        "project,"
    )


def test_markdown_of_many_projects_fits_one_comment(healthy_server: Server, tmp_path: Path) -> None:
    """The Markdown report of 60 projects fits the size limit of a comment and names every project."""
    result = audit_registry(healthy_server, tmp_path, *build_entries(60), flags=("--format", "markdown"))
    assert len(result.output) <= 65_536
    assert result.output.count("# Backup audit of ") == 60
