"""Test that the files in the guides are valid, and that the commands work as described."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import botocore.session
import pytest
import yaml
from botocore.validate import ParamValidator

from backup_auditor.adapters.registry_file import parse_registry
from backup_auditor.domain.events import EventType
from backup_auditor.domain.outbox import DigestTiming
from docs import events as events_document
from simulator_process import COMMAND, run_simulator
from support.aws.template import load_template
from support.builders.policies import parse_policy
from support.cli import build_environment

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
ACCOUNT, REGION = "111122223333", "eu-central-1"
ACTIVE_STATE, ARCHIVED_STATE = "ACTIVE", "ARCHIVED"


def find_blocks(page: str, mark: str, kind: str) -> list[str]:
    """Return the fenced blocks that follow a mark of a page, without the indentation of a list."""
    text = (GUIDES / page).read_text(encoding="utf-8")
    matches = re.findall(rf"^ *<!-- {mark} -->\n( *)```{kind}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [dedent(it) for _, it in matches]


def run_shell(script: str, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script with the command on its path. It stops at the first failure, like a workflow step."""
    shell_environment = build_environment(**variables)
    shell_environment["PATH"] = f"{folder}:{COMMAND.parent}:{shell_environment['PATH']}"
    return subprocess.run(
        ["/bin/sh", "-ec", script, *arguments],
        cwd=folder,
        env=shell_environment,
        capture_output=True,
        text=True,
        check=False,
    )


class _TemplateLoader(yaml.SafeLoader):
    """A loader that replaces CloudFormation's short forms by their text."""


_TemplateLoader.add_multi_constructor("!", lambda loader, _, node: loader.construct_scalar(node))


# Registry and remediation


def test_the_registries_of_the_guide_are_valid() -> None:
    """The examples of registries have every project and no errors, and the lines of ignore fit into one."""
    texts = re.findall(
        r"^```yaml\n(.*?)^```$", (GUIDES / "registry.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    long_text, short_text, ignore_text, fleet_text = texts
    long_registry, short_registry = (
        parse_registry(text.encode(), "guide") for text in (long_text, short_text + ignore_text + fleet_text)
    )
    assert [it.name for it in long_registry.projects] == ["search", "support"]
    assert [it.name for it in short_registry.projects] == ["search", "support", "shop", "archive"]
    assert [it.project for it in short_registry.ignored_projects] == ["playground"]
    assert [it.when for it in short_registry.fleet_channels] == [DigestTiming.DAILY, DigestTiming.WEEKLY]
    for registry in (long_registry, short_registry):
        assert (registry.errors, registry.ignore_errors, registry.fleet_errors) == ((), (), ())


def test_the_remediation_of_the_guide_is_valid() -> None:
    """The example of remediation settings is part of a valid policy."""
    [text] = re.findall(
        r"^```yaml\n(.*?)^```$", (GUIDES / "remediation.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert parse_policy(text).remediation.max_creations == 5


# PagerDuty

[RULES_TEXT] = find_blocks("pagerduty.md", "rules", "yaml")


def load_rule(name: str) -> Any:
    """Return a rule of the template."""
    return yaml.load(RULES_TEXT, _TemplateLoader)["Resources"][name]["Properties"]  # noqa: S506  a SafeLoader


@pytest.mark.parametrize(
    "name,matched",
    [
        pytest.param("Trigger", {EventType.FINDING_REOPENED}, id="trigger"),
        pytest.param("Resolve", {EventType.FINDING_RESOLVED}, id="resolve"),
    ],
)
def test_a_rule_matches_its_events(name: str, matched: set[EventType]) -> None:
    """A rule matches only its types of events, and its output has the fingerprint as the deduplication key."""
    events: list[Any] = [it for it in events_document.sample_events() if _matches(load_rule(name)["EventPattern"], it)]
    assert {it["detail-type"] for it in events} == matched
    for event in events:
        assert _render_body(name, event)["dedup_key"] == event["detail"]["fingerprint"]


def test_the_test_events_trigger_and_resolve() -> None:
    """The test commands put one event that triggers an incident, and one that resolves the incident."""
    bodies = []
    for command in find_blocks("pagerduty.md", "test event", "sh"):
        [entries] = re.findall(r"--entries '(.*?)'\n", command, re.DOTALL)
        [entry] = json.loads(entries)
        event = {
            "source": entry["Source"],
            "detail-type": entry["DetailType"],
            "detail": json.loads(entry["Detail"]),
        }
        bodies += [
            _render_body(it, event) for it in ("Trigger", "Resolve") if _matches(load_rule(it)["EventPattern"], event)
        ]
    assert [it["event_action"] for it in bodies] == ["trigger", "resolve"]
    assert {it["dedup_key"] for it in bodies} == {"test"}


def test_the_rules_are_a_valid_template(tmp_path: Path) -> None:
    """cfn-lint accepts the template."""
    path = tmp_path / "rules.yaml"
    path.write_text(RULES_TEXT, encoding="utf-8")
    linter = Path(sys.executable).with_name("cfn-lint")
    process = subprocess.run([linter, "--", path], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr


def _render_body(name: str, event: Any) -> Any:
    """Return the body that a rule sends for an event."""
    [target] = load_rule(name)["Targets"]
    transformer = target["InputTransformer"]
    text = transformer["InputTemplate"]
    for variable, path in transformer["InputPathsMap"].items():
        text = text.replace(f"<{variable}>", json.dumps(_get_value(path, event)))
    return json.loads(text)


def _matches(pattern: Any, event: Any) -> bool:
    return all(
        _matches(expected, event.get(name, {})) if isinstance(expected, dict) else event.get(name) in expected
        for name, expected in pattern.items()
    )


def _get_value(path: str, event: Any) -> Any:
    for name in path.removeprefix("$.").split("."):
        event = event[name]
    return event


# GitHub Actions

[WORKFLOW] = find_blocks("github-actions.md", "workflow", "yaml")


def load_steps() -> dict[str, str]:
    """Return the scripts of the workflow by the name of their step."""
    return {it["name"]: it["run"] for it in yaml.safe_load(WORKFLOW)["jobs"]["audit"]["steps"] if "run" in it}


@pytest.mark.parametrize(
    "key,code,files",
    [
        pytest.param(None, "1", {"report.sarif", "report.html", "state.sqlite3"}, id="open-findings"),
        pytest.param("no-such-key", "2", {"state.sqlite3"}, id="failed-audit"),
    ],
)
def test_the_workflow_fails_with_the_exit_code_of_the_audit(
    tmp_path: Path, key: str | None, code: str, files: set[str]
) -> None:
    """The audit step stores the exit code and the files of the audit, and the last step fails with that code."""
    output_variables = {"GITHUB_OUTPUT": str(tmp_path / "output"), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    with run_simulator("neglected") as access:
        variables = {**access, **({"PINECONE_API_KEY": key} if key else {}), **output_variables}
        audit = run_shell(load_steps()["Audit"], tmp_path, **variables)
    assert audit.returncode == 0, audit.stderr
    assert (tmp_path / "output").read_text(encoding="utf-8") == f"code={code}\n"
    assert {it for it in ("report.sarif", "report.html", "state.sqlite3") if (tmp_path / it).exists()} == files
    assert (tmp_path / "summary").exists() is ("report.html" in files)
    failure = run_shell(load_steps()["Fail when the audit failed"], tmp_path, CODE=code)
    assert (failure.returncode, "::error::" in failure.stdout) == (int(code), True)


@pytest.mark.skipif(not shutil.which("jq"), reason="jq is not installed")
def test_only_alerts_are_uploaded(tmp_path: Path) -> None:
    """The jq step removes only exempted and resolved results."""
    results: list[Mapping[str, object]] = [
        {"ruleId": "new", "baselineState": "new"},
        {"ruleId": "plain"},
        {"ruleId": "exempted", "suppressions": [{}]},
        {"ruleId": "resolved", "baselineState": "absent"},
    ]
    (tmp_path / "report.sarif").write_text(json.dumps({"runs": [{"results": results}]}), encoding="utf-8")
    assert run_shell(load_steps()["Remove results that are no alert"], tmp_path).returncode == 0
    uploaded = json.loads((tmp_path / "upload.sarif").read_text(encoding="utf-8"))
    assert [it["ruleId"] for it in uploaded["runs"][0]["results"]] == ["new", "plain"]


# Deployment from GitHub Actions

[DEPLOYMENT] = find_blocks("deploy-from-github.md", "workflow", "yaml")


def load_deployment_steps() -> dict[str, str]:
    """Return the scripts of the deployment by the name of their step."""
    steps = yaml.safe_load(DEPLOYMENT)["jobs"]["deploy"]["steps"]
    return {it["name"]: it["run"] for it in steps if "run" in it}


def write_program(folder: Path, name: str, script: str) -> None:
    """Write a program that the steps find first on their path."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.mark.parametrize("is_changed", [pytest.param(False, id="intact"), pytest.param(True, id="changed")])
def test_only_a_package_with_its_hash_is_unpacked(tmp_path: Path, *, is_changed: bool) -> None:
    """The step ends before it unpacks a package whose hash differs."""
    release = tmp_path / "release"
    release.mkdir()
    with zipfile.ZipFile(release / "backup-auditor-0.1.0.zip", "w") as package:
        package.writestr("backup-auditor-0.1.0/template.yaml", "Resources: {}")
    content = (release / "backup-auditor-0.1.0.zip").read_bytes()
    digest = hashlib.sha256(content + b"x" * is_changed).hexdigest()
    (release / "backup-auditor-0.1.0.zip.sha256").write_text(f"{digest}  backup-auditor-0.1.0.zip\n", encoding="utf-8")
    write_program(
        tmp_path,
        "curl",
        'for it in "$@"; do case "$it" in https://releases/v0.1.0/*) cp "release/${it##*/}" .;; esac; done',
    )
    script = load_deployment_steps()["Download and verify the package"]
    process = run_shell(script, tmp_path, VERSION="0.1.0", RELEASES="https://releases")
    assert (process.returncode == 0) is not is_changed
    assert (tmp_path / "backup-auditor-0.1.0").exists() is not is_changed


def test_the_deployment_needs_no_answer_and_names_parameters_of_the_template(tmp_path: Path) -> None:
    """The step packages and deploys with flags of the AWS CLI and values that the template allows."""
    (tmp_path / "backup-auditor-0.1.0").mkdir()
    write_program(tmp_path, "aws", 'printf "%s\\n" "$@" >> "$CALLS"; echo -- >> "$CALLS"')
    calls_path = tmp_path / "calls"
    script = load_deployment_steps()["Deploy"]
    process = run_shell(script, tmp_path, VERSION="0.1.0", BUCKET="deployments", CALLS=str(calls_path))
    assert process.returncode == 0, process.stderr
    package, deploy = (it.split() for it in calls_path.read_text(encoding="utf-8").split("--\n")[:2])
    assert package[:2] == ["cloudformation", "package"]
    assert deploy[:2] == ["cloudformation", "deploy"]
    assert package[package.index("--output-template-file") + 1] == deploy[deploy.index("--template-file") + 1]
    assert "--no-fail-on-empty-changeset" in deploy
    check_parameters(deploy)


def test_the_deployment_from_a_clone_needs_no_answer() -> None:
    """The SAM CLI gets both flags for pipelines, and values that the template allows."""
    [script] = find_blocks("deploy-from-github.md", "sam deploy", "sh")
    command = script.splitlines()[-1].split()
    assert {"--no-confirm-changeset", "--no-fail-on-empty-changeset"} <= set(command)
    check_parameters(command)


def check_parameters(command: Sequence[str]) -> None:
    """Check that the template has each parameter of a command and allows its value."""
    values = dict(it.split("=", 1) for it in command[command.index("--parameter-overrides") + 1 :])
    assert values
    for name, value in values.items():
        parameter = load_template()["Parameters"][name]
        assert re.fullmatch(parameter.get("AllowedPattern", ".*"), value)
        assert value in map(str, parameter.get("AllowedValues", [value]))


def test_only_one_environment_of_one_repository_gets_credentials() -> None:
    """The workflow may only request credentials, and the role admits the environment that the workflow runs in."""
    [text] = find_blocks("deploy-from-github.md", "trust policy", "json")
    [statement] = json.loads(text)["Statement"]
    workflow = yaml.safe_load(DEPLOYMENT)
    job = workflow["jobs"]["deploy"]
    assert (workflow["permissions"], job["permissions"]) == ({}, {"id-token": "write"})
    conditions = statement["Condition"]["StringEquals"]
    assert conditions["token.actions.githubusercontent.com:sub"].endswith(f":environment:{job['environment']}")
    assert conditions["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"


# Security Hub


@pytest.mark.skipif(not shutil.which("jq"), reason="jq is not installed")
def test_findings_are_imported_as_security_hub_requires(tmp_path: Path) -> None:
    """Every open finding is imported as an ASFF finding that the model of the API accepts."""
    [conversion], [script] = (
        find_blocks("security-hub.md", "asff", "jq"),
        find_blocks("security-hub.md", "import", "sh"),
    )
    (tmp_path / "asff.jq").write_text(conversion, encoding="utf-8")
    aws = tmp_path / "aws"  # stores each batch, and responds like the API
    aws.write_text("#!/bin/sh\ncat batch.json >> imported.json\necho '{\"FailedCount\": 0}'\n", encoding="utf-8")
    aws.chmod(0o755)
    with run_simulator("neglected", now="2026-11-02T06:00:00Z") as access:
        audit = "backup-auditor audit --no-state --now 2026-11-02T06:00:00Z --format ocsf --output findings.ocsf || :"
        process = run_shell(f"{audit}\n{script}", tmp_path, **access, ACCOUNT=ACCOUNT, REGION=REGION)
    assert (process.returncode, process.stderr) == (0, "")
    findings = json.loads((tmp_path / "imported.json").read_text(encoding="utf-8"))
    model = botocore.session.get_session().get_service_model("securityhub").operation_model("BatchImportFindings")
    assert model.input_shape is not None
    report = ParamValidator().validate({"Findings": findings}, model.input_shape)
    assert not report.has_errors(), report.generate_report()
    lines = (tmp_path / "findings.ocsf").read_text(encoding="utf-8").splitlines()
    assert len(findings) == sum("status" in json.loads(it) for it in lines)
    assert {it["Compliance"]["Status"] for it in findings} == {"FAILED"}
    assert {it["RecordState"] for it in findings} == {ACTIVE_STATE}


@pytest.mark.skipif(not shutil.which("jq"), reason="jq is not installed")
@pytest.mark.parametrize(
    "changes,state,status",
    [
        pytest.param({"status": "New"}, ACTIVE_STATE, "FAILED", id="open"),
        pytest.param({"status": "Suppressed"}, ARCHIVED_STATE, "FAILED", id="exempted"),
        pytest.param({"status": "Resolved", "activity_name": "Close"}, ARCHIVED_STATE, "FAILED", id="resolved"),
        pytest.param(
            {"compliance": {"control": "c"}, "activity_name": "Close"},
            ARCHIVED_STATE,
            "NOT_AVAILABLE",
            id="no-status",
        ),
    ],
)
def test_only_open_findings_are_active(tmp_path: Path, changes: Mapping[str, object], state: str, status: str) -> None:
    """A finding that is exempted, resolved or without a status is archived."""
    [conversion] = find_blocks("security-hub.md", "asff", "jq")
    (tmp_path / "asff.jq").write_text(conversion, encoding="utf-8")
    finding = {
        "time": 1793599200000,
        "activity_name": "Update",
        "severity": "High",
        "message": "x" * 2000,
        "compliance": {"control": "c", "status": "Fail"},
        "finding_info": {"uid": "f", "title": "t"},
        "resources": [{"name": "orders", "namespace": "search"}],
        "metadata": {"correlation_uid": "a"},
    }
    (tmp_path / "one").write_text(json.dumps({**finding, **changes}), encoding="utf-8")
    process = run_shell(f"jq --arg account {ACCOUNT} --arg region {REGION} -f asff.jq one", tmp_path)
    imported_finding = json.loads(process.stdout)
    assert (imported_finding["RecordState"], imported_finding["Compliance"]["Status"]) == (state, status)
    assert len(imported_finding["Description"]) == 1024
    assert imported_finding["UpdatedAt"] == "2026-11-02T06:00:00Z"


# pre-commit


@pytest.mark.parametrize(
    "hook,valid,invalid",
    [
        pytest.param("backup-policy", "version: 1\n", "version: 1\nrulez: []\n", id="policy"),
        pytest.param(
            "backup-registry", "version: 1\nprojects:\n- {name: a, key_env: A}\n", "projects: []\n", id="registry"
        ),
    ],
)
def test_a_hook_checks_every_file(tmp_path: Path, hook: str, valid: str, invalid: str) -> None:
    """A hook accepts valid files, and fails with the name of a file that is invalid."""
    [config] = find_blocks("pre-commit.md", "hooks", "yaml")
    [entry] = [it["entry"] for it in yaml.safe_load(config)["repos"][0]["hooks"] if it["id"] == hook]
    for name, text in (("one.yaml", valid), ("two.yaml", invalid), ("three.yaml", valid)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    accepted_process = run_shell(f"{entry} one.yaml three.yaml", tmp_path)
    assert accepted_process.returncode == 0, accepted_process.stderr
    refused_process = run_shell(f"{entry} one.yaml two.yaml three.yaml", tmp_path)
    assert refused_process.returncode == 2
    assert "two.yaml:" in refused_process.stderr + refused_process.stdout
