"""Test that policies, registries and inventories are read from files, pipes and standard input."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backup_auditor.adapters.files import AtomicFile
from backup_auditor.adapters.inventory_file import save_inventory
from backup_auditor_simulator.web.server import Server
from simulator_process import COMMAND
from support.builders.facts import build_index, build_inventory, rename_index
from support.cli import CompletedCommand, build_access_environment, build_environment, run_command
from support.simulator import SIMULATED_NOW

POLICY = "rules: [{name: from-a-pipe, match: {names: [main]}}]\n"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@pytest.fixture
def saved_inventory(tmp_path: Path) -> Path:
    """Save the inventory of a healthy project."""
    path = tmp_path / "inventory.json"
    with AtomicFile(path) as file:
        save_inventory(
            build_inventory(build_index(), rename_index(build_index(tags={"env": "prod"}), "checkout-recs")), file
        )
    return path


def run_with_input(text: bytes, *arguments: str | Path) -> CompletedCommand:
    """Run the command with this text on its standard input."""
    command_line = [str(COMMAND), *map(str, arguments)]
    process = subprocess.run(
        command_line, env=build_environment(), input=text, capture_output=True, timeout=120, check=False
    )
    return CompletedCommand(process.returncode, process.stdout.decode(), process.stderr.decode())


def run_script(script: str, folder: Path) -> CompletedCommand:
    """Run a script in a shell that has process substitution."""
    command_line = ["bash", "-c", script, "bash", str(COMMAND)]
    process = subprocess.run(
        command_line, env=build_environment(), cwd=folder, capture_output=True, timeout=120, check=False
    )
    return CompletedCommand(process.returncode, process.stdout.decode(), process.stderr.decode())


def list_rules(completed: CompletedCommand) -> list[str | None]:
    """Return the names of the rules in a report."""
    return [it["name"] for it in completed.report["rules"]]


@pytest.mark.parametrize("mark", [b"", BYTE_ORDER_MARK], ids=["plain", "marked"])
def test_a_policy_on_standard_input_is_applied(saved_inventory: Path, mark: bytes) -> None:
    """The report has the policy's rules and its source `-`."""
    result = run_with_input(
        mark + POLICY.encode(), "audit", "--policy", "-", "--inventory", saved_inventory, "--format", "json"
    )
    assert (result.exit_code, result.error_output, list_rules(result)) == (0, "", ["from-a-pipe", None])
    assert result.report["policy"]["source"] == "-"


@pytest.mark.parametrize("mark", [b"", BYTE_ORDER_MARK], ids=["plain", "marked"])
def test_an_inventory_on_standard_input_is_evaluated(saved_inventory: Path, mark: bytes, tmp_path: Path) -> None:
    """An inventory on standard input gives the same report as its file."""
    result = run_with_input(mark + saved_inventory.read_bytes(), "audit", "--inventory", "-", "--format", "json")
    assert result == run_command("audit", "--inventory", saved_inventory, "--format", "json")
    marked_path = tmp_path / "marked.json"
    marked_path.write_bytes(mark + saved_inventory.read_bytes())
    assert run_command("audit", "--inventory", marked_path, "--format", "json") == result
    explanation = run_with_input(saved_inventory.read_bytes(), "explain", "--inventory", "-", "--index", "main")
    assert explanation == run_command("explain", "--inventory", saved_inventory, "--index", "main")


@pytest.mark.parametrize(
    "output,message",
    [
        ("inventory.json", "--output and --inventory name the same file; use two files"),
        (
            "backup-auditor.yaml",
            "backup-auditor.yaml: would overwrite a file that the audit uses; choose another --output",
        ),
    ],
)
def test_no_report_overwrites_what_it_is_made_from(
    saved_inventory: Path, tmp_path: Path, output: str, message: str
) -> None:
    """The inventory, and the policy that is used without a flag, stay as they are."""
    (tmp_path / "backup-auditor.yaml").write_text("version: 1\n")
    content = (tmp_path / output).read_bytes()
    result = run_command("audit", "--inventory", saved_inventory, "--output", output, cwd=tmp_path)
    assert (result.exit_code, (tmp_path / output).read_bytes()) == (2, content)
    assert message in result.error_output


@pytest.mark.parametrize("mark", [b"", BYTE_ORDER_MARK], ids=["plain", "marked"])
def test_a_registry_on_standard_input_is_audited(mark: bytes, healthy_server: Server, tmp_path: Path) -> None:
    """A policy path in a registry on standard input is relative to the working directory."""
    (tmp_path / "own.yaml").write_text("rules: [{name: own}]", encoding="utf-8")
    text = mark + b"version: 1\nprojects: [{name: search, key_env: PINECONE_API_KEY, policy: own.yaml}]\n"
    words = [
        str(COMMAND),
        "audit",
        "--registry",
        "-",
        "--no-state",
        "--format",
        "json",
        "--now",
        SIMULATED_NOW.isoformat(),
    ]
    env = build_access_environment(healthy_server)
    process = subprocess.run(words, env=env, cwd=tmp_path, input=text, capture_output=True, timeout=120, check=False)
    assert (process.returncode, process.stderr) == (0, b"")
    assert b'"name": "own"' in process.stdout
    assert run_with_input(text, "registry", "validate", "-").output == "-: valid; 1 project, 0 of them for AWS\n"


def test_every_argument_can_be_a_process_substitution(saved_inventory: Path) -> None:
    """Each path of a descriptor that a shell passes is read."""
    script = """"$1" policy diff <(echo 'version: 1') <(echo 'defaults: {recovery: {min_copies: 9}}') \\
        --inventory <(cat inventory.json)"""
    result = run_script(script, saved_inventory.parent)
    assert (result.exit_code, result.error_output) == (0, "")
    assert "recovery-points-meet-minimum-copies" in result.output


def test_a_named_pipe_is_read_once(saved_inventory: Path, tmp_path: Path) -> None:
    """A policy in a named pipe is read once, and the command waits for the writer."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as threads:
        writer_future = threads.submit(pipe.write_text, POLICY)
        result = run_command("audit", "--policy", pipe, "--inventory", saved_inventory, "--format", "json")
        writer_future.result()
    assert (result.exit_code, list_rules(result)) == (0, ["from-a-pipe", None])


@pytest.mark.parametrize(
    "arguments,names",
    [
        pytest.param(["audit", "--policy", "-", "--inventory", "-"], "--policy and --inventory", id="audit"),
        pytest.param(["audit", "--policy", "-", "--registry", "-"], "--registry and --policy", id="registry"),
        pytest.param(["explain", "--index", "a", "--policy", "-", "--inventory", "-"], "--policy and", id="explain"),
        pytest.param(["policy", "diff", "-", "-", "--inventory", "x"], "OLD and NEW", id="diff"),
        pytest.param(["policy", "diff", "x", "-", "--inventory", "-"], "NEW and --inventory", id="diff-inventory"),
    ],
)
def test_only_one_argument_can_be_standard_input(arguments: list[str], names: str) -> None:
    """Two arguments for standard input are refused before standard input is read."""
    result = run_with_input(b"", *arguments)
    assert (result.exit_code, result.output) == (2, "")
    assert result.error_output.startswith(f"backup-auditor: {names}")
    assert "both name standard input (-); use a file for one of them" in result.error_output
    assert result.error_output.count("\n") == 1


@pytest.mark.parametrize("flag", ["--policy", "--inventory"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_utf_16_is_refused(flag: str, encoding: str, saved_inventory: Path) -> None:
    """The error line names UTF-16 and the remedy."""
    other_arguments = ["--inventory", str(saved_inventory)] if flag == "--policy" else []
    result = run_with_input('{"version": 1}'.encode(encoding), "audit", flag, "-", *other_arguments)
    assert (result.exit_code, result.output) == (2, "")
    assert "is UTF-16 text, not UTF-8; save it as UTF-8" in result.error_output
    assert result.error_output.count("\n") == 1


def test_closed_standard_input_is_refused(saved_inventory: Path) -> None:
    """Closed standard input is not read as an empty policy."""
    result = run_script('"$1" audit --policy - --inventory inventory.json <&-', saved_inventory.parent)
    assert (result.exit_code, result.output) == (2, "")
    assert result.error_output == "backup-auditor: -: standard input is closed; open it, or name a file\n"


UNMATCHED_RULES = """\
version: 1
rules:
  - name: production
    match: {names: ["Checkout-*", "prodd-*", "“price-*”", "ad-[ct"], tags: {Env: [prod]}}
    require: {schedule: {retention_days: {min: 35}}, recovery: {min_copies: 7}}
  - name: by-prefix
    match: {tags: {env: ["prod*"]}}
    require: {schedule: {retention_days: {min: 35}}, recovery: {min_copies: 7}}
  - name: shadowed
    match: {names: ["*"]}
    require: {}
"""
UNREACHED_RULE = """\
  - name: never reached
    match: {names: ["checkout-recs"]}
    require: {schedule: {retention_days: {min: 35}}}
"""


def test_rules_that_match_no_index_cause_warnings(saved_inventory: Path) -> None:
    """Each unmatched rule and tag value causes a warning, and the exit code stays 0."""
    result = run_with_input(
        UNMATCHED_RULES.encode(), "audit", "--policy", "-", "--inventory", saved_inventory, "--format", "json"
    )
    assert result.exit_code == 0
    warnings = result.report["warnings"]
    assert [it.split(":")[0] for it in warnings] == [
        'Rule "by-prefix" (rules[1]) matches no index',
        'Rule "by-prefix" (rules[1])',
        'Rule "production" (rules[0]) matches no index',
    ]
    assert warnings == sorted(warnings)
    table = run_with_input(UNMATCHED_RULES.encode(), "audit", "--policy", "-", "--inventory", saved_inventory)
    assert "WARNINGS (3)" in table.output


def test_a_rule_that_is_never_reached_is_refused(saved_inventory: Path) -> None:
    """The error names the line of the rule, and the inventory is not read."""
    result = run_with_input(
        (UNMATCHED_RULES + UNREACHED_RULE).encode(),
        "audit",
        "--policy",
        "-",
        "--inventory",
        saved_inventory.with_name("missing"),
    )
    assert (result.exit_code, result.output) == (2, "")
    assert result.error_output.startswith('backup-auditor: -:13: rules[3] "never reached": it never applies')


UNICODE_POLICY = """\
version: 1
exemptions:
  - {names: ["orders"], controls: ["*"], owner: "検索チーム　田中", reason: "毎晩　再構築", expires: 2027-03-31}
  - {names: ["wiki"], controls: ["index-has-*"], owner: "تیم جستجو", reason: "بازسازی می‌شود", expires: 2027-03-31}
  - {names: ["cart"], controls: ["*"], owner: "search 👨‍💻", reason: "rebuilt ❤️ nightly", expires: 2027-03-31}
rules:
  - {name: "本番　環境 \\uD83C\\uDDE9\\uD83C\\uDDEA", match: {names: ["prod-*"]}, require: {}}
"""


def test_a_policy_in_any_script_loads() -> None:
    """A policy with full-width spaces, joiners, emoji and escaped flags is valid."""
    result = run_with_input(UNICODE_POLICY.encode(), "policy", "validate", "-")
    assert (result.exit_code, result.output, result.error_output) == (0, "-: valid; 1 rule, 3 exemptions\n", "")
