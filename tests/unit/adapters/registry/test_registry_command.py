"""`backup-auditor registry`: results on standard output, problems on standard error, 2 for what is wrong."""

import json
from pathlib import Path

import pytest

from backup_auditor.cli.main import main


@pytest.fixture
def registry_path(tmp_path: Path) -> Path:
    """Return the path of a registry."""
    return tmp_path / "registry.yaml"


@pytest.mark.parametrize(
    "entries,expected_output",
    [
        pytest.param("[{name: a, secret: s}, {name: b, secret: t}]", "valid; 2 projects, 2 of them for AWS", id="aws"),
        pytest.param("[{name: a, key_env: A}]", "valid; 1 project, 0 of them for AWS", id="laptop"),
    ],
)
def test_validate_says_what_a_registry_holds(
    entries: str, expected_output: str, registry_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`registry validate` counts the projects in one line."""
    registry_path.write_text(f"version: 1\nprojects: {entries}")
    assert main(["registry", "validate", str(registry_path)]) == 0
    assert capsys.readouterr() == (f"{registry_path}: {expected_output}\n", "")


def test_validate_says_which_projects_are_not_for_aws(registry_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """If some projects can be audited on AWS, the others are listed, and they are not errors."""
    registry_path.write_text("version: 1\nprojects:\n- {name: a, secret: s}\n- {name: b, key_env: B}\n")
    assert main(["registry", "validate", str(registry_path)]) == 0
    first_line, second_line = capsys.readouterr().out.splitlines()
    assert first_line == f"{registry_path}: valid; 2 projects, 1 of them for AWS"
    assert second_line.startswith(f'{registry_path}:4: the project "b" has no secret, which is required on AWS')


def test_validate_lists_every_problem(registry_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`registry validate` writes a line for each problem of each entry to standard error and exits 2."""
    registry_path.write_text(
        "version: 1\nprojects:\n- {name: a}\n- {name: b, secret: s, polcy: p}\n- {name: c, key_env: C}\n"
    )
    assert main(["registry", "validate", str(registry_path)]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.splitlines() == [
        f'{registry_path}:3: the project "a" has neither secret nor key_env; add one of them for its API key',
        f'{registry_path}:4: unknown key "polcy" in the project "b"; did you mean "policy"?',
    ]


def test_validate_lists_the_problems_outside_entries(registry_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`registry validate` writes a line for each problem outside the entries."""
    registry_path.write_text("version: 2\nproject: []\n")
    assert main(["registry", "validate", str(registry_path)]) == 2
    assert [it.partition(" ")[0] for it in capsys.readouterr().err.splitlines()] == [
        f"{registry_path}:{it}:" for it in (2, 1, 1)
    ]


def test_validate_shows_no_key(registry_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An API key in a registry is not repeated."""
    secret = "pcsk_" + "1234567890abcdef"
    registry_path.write_text(f"version: 1\nprojects: [{{name: a, secret: {secret}}}]")
    assert main(["registry", "validate", str(registry_path)]) == 2
    assert secret[5:] not in capsys.readouterr().err


def test_schema_prints_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    """`registry schema` prints the JSON Schema and nothing else."""
    assert main(["registry", "schema"]) == 0
    output, errors = capsys.readouterr()
    assert json.loads(output)["type"] == "object"
    assert errors == ""


@pytest.mark.parametrize("arguments", [["registry"], ["registry", "validate"], ["registry", "init"]])
def test_other_words_are_a_usage_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An action that is missing, unknown or incomplete exits 2 with one line."""
    with pytest.raises(SystemExit) as error_info:
        main(arguments)
    assert error_info.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


SHORT_REGISTRY = """\
version: 1
defaults: {secret: "keys/{name}"}
ignore:
  - {project: playground, owner: search-team, reason: nothing to back up, expires: 2020-01-31}
projects:
  - search
  - {name: shop, key_env: SHOP_KEY, policy: "ssm:/policies/shop"}
"""


def test_show_prints_the_effective_settings(registry_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`registry validate --show` prints the settings of one project as YAML, and which come from the defaults."""
    registry_path.write_text(SHORT_REGISTRY)
    assert main(["registry", "validate", str(registry_path), "--show", "shop"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "name: shop",
        "secret: keys/shop  # from defaults",
        "key_env: SHOP_KEY",
        'policy: "ssm:/policies/shop"',
    ]


def test_show_suggests_the_nearest_name(registry_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown name exits 2 with the nearest registered one."""
    registry_path.write_text(SHORT_REGISTRY)
    assert main(["registry", "validate", str(registry_path), "--show", "serch"]) == 2
    assert capsys.readouterr() == (
        "",
        f"{registry_path}: does not contain the project 'serch'; did you mean 'search'?\n",
    )


def test_validate_warns_of_an_expired_line_of_ignore(registry_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line of ignore whose day has passed is a warning."""
    registry_path.write_text(SHORT_REGISTRY)
    assert main(["registry", "validate", str(registry_path)]) == 0
    assert capsys.readouterr().err == (
        f"backup-auditor: warning: {registry_path}:4: ignore names 'playground', and has expired on 2020-01-31;"
        " register it, or extend the day\n"
    )


def test_validate_lists_the_problems_of_fleet_channels(registry_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A problem of a channel of the fleet exits 2."""
    registry_path.write_text(f"{SHORT_REGISTRY}fleet_channels: [{{slack: hook, when: hourly}}]\n")
    assert main(["registry", "validate", str(registry_path)]) == 2
    assert "is not a time for digests; write daily, weekly or on-change" in capsys.readouterr().err


def test_validate_lists_the_problems_of_ignore(registry_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A problem of ignore exits 2 like any other, in the order of the file."""
    registry_path.write_text(SHORT_REGISTRY.replace("owner", "ownr").replace("- search", "- a b"))
    assert main(["registry", "validate", str(registry_path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [it.partition(" ")[0] for it in lines] == [f"{registry_path}:{it}:" for it in (4, 4, 6)]
