"""`backup-auditor policy` writes results to standard output and problems to standard error, and exits 2 on problems."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from backup_auditor.adapters.policy_file import read_default_policy
from backup_auditor.cli.main import main

_CHEAP_POLICY = """\
import sys
from backup_auditor.cli import parser
print(*sorted({"json", "yaml", "pydantic", "pathlib", "typing", "dataclasses"} & set(sys.modules)))
"""


def test_init_prints_the_default_policy(capsys: pytest.CaptureFixture[str]) -> None:
    """`policy init` prints the default policy and nothing else."""
    assert main(["policy", "init"]) == 0
    assert capsys.readouterr() == (read_default_policy(), "")


def test_what_init_prints_is_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`policy validate` accepts what `policy init` printed."""
    path = tmp_path / "policy.yaml"
    path.write_text(read_default_policy(), encoding="utf-8")
    assert main(["policy", "validate", str(path)]) == 0
    assert capsys.readouterr() == (f"{path}: valid; no rules, no exemptions\n", "")


def test_validate_counts_rules_and_exemptions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`policy validate` counts rules and exemptions in one line."""
    path = tmp_path / "policy.yaml"
    exemption = "{names: [a], controls: ['*'], owner: o, reason: r, expires: 2027-03-31}"
    path.write_text(f"rules: [{{name: a, match: {{names: [a]}}}}, {{name: b}}]\nexemptions: [{exemption}]")
    assert main(["policy", "validate", str(path)]) == 0
    assert capsys.readouterr() == (f"{path}: valid; 2 rules, 1 exemption\n", "")


def test_validate_lists_every_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`policy validate` writes a line for each problem to standard error and exits 2."""
    path = tmp_path / "policy.yaml"
    path.write_text("version: 3\ndefaults: {runs: {grace: 1}}\nrule: []\n")
    assert main(["policy", "validate", str(path)]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.splitlines() == [
        f"{path}:1: version is 3; write 1, the only version",
        f"{path}:2: defaults.runs.grace is 1; write a duration such as 90m, 26h or 7d, of at most 36500d",
        f'{path}:3: unknown key "rule"; did you mean "rules"?',
    ]


def test_validate_refuses_what_an_audit_today_would(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An exemption that ends more than five years from today is a problem with its own line."""
    path = tmp_path / "policy.yaml"
    exemption = "{names: [a], controls: ['*'], owner: o, reason: r, expires: 9000-01-01}"
    path.write_text(f"exemptions: [{exemption}, {exemption}]")
    assert main(["policy", "validate", str(path)]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert [it.split(", more than 5 years after ")[0] for it in errors.splitlines()] == [
        f"{path}: exemptions[0] ends on 9000-01-01",
        f"{path}: exemptions[1] ends on 9000-01-01",
    ]


def test_validate_shows_no_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An API key in a policy is not repeated."""
    path = tmp_path / "policy.yaml"
    secret = "pcsk_" + "1234567890abcdef"
    path.write_text(f"project: {{plan: {secret}}}")
    assert main(["policy", "validate", str(path)]) == 2
    assert secret[5:] not in capsys.readouterr().err


def test_schema_prints_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    """`policy schema` prints the JSON Schema and nothing else."""
    assert main(["policy", "schema"]) == 0
    output, errors = capsys.readouterr()
    assert json.loads(output)["type"] == "object"
    assert errors == ""


@pytest.mark.parametrize("arguments", [["policy"], ["policy", "validate"], ["policy", "diff"], ["policy", "init", "x"]])
def test_other_words_are_a_usage_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An action that is missing, unknown or incomplete exits 2 with one line."""
    with pytest.raises(SystemExit) as error_info:
        main(arguments)
    assert error_info.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_flags_alone_import_next_to_nothing() -> None:
    """The parser of all subcommands imports neither YAML nor pydantic nor anything else that is slow."""
    command = [sys.executable, "-I", "-c", _CHEAP_POLICY]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.split() == []
