"""Policies, registries and inventories come from files, pipes and standard input, with or without a byte order mark."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backup_auditor.adapters.files import AtomicFile
from backup_auditor.adapters.inventory_file import save_inventory
from backup_auditor_simulator.testing import COMMAND
from backup_auditor_simulator.web.server import Server
from support.builders.facts import index, inventory, renamed
from support.cli import Done, access, command, environment
from support.simulator import NOW

POLICY = "rules: [{name: from-a-pipe, match: {names: [main]}}]\n"
MARK = b"\xef\xbb\xbf"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Save the inventory of a healthy project."""
    path = tmp_path / "inventory.json"
    with AtomicFile(path) as file:
        save_inventory(inventory(index(), renamed(index(tags={"env": "prod"}), "checkout-recs")), file)
    return path


def given(text: bytes, *arguments: str | Path) -> Done:
    """Run the command with something on its standard input."""
    words = [str(COMMAND), *map(str, arguments)]
    done = subprocess.run(words, env=environment(), input=text, capture_output=True, timeout=120, check=False)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def shell(script: str, folder: Path) -> Done:
    """Run a script of a shell that has process substitution."""
    words = ["bash", "-c", script, "bash", str(COMMAND)]
    done = subprocess.run(words, env=environment(), cwd=folder, capture_output=True, timeout=120, check=False)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def rules(done: Done) -> list[str | None]:
    """Return the names of the rules that a report was made by."""
    return [it["name"] for it in done.report["rules"]]


@pytest.mark.parametrize("mark", [b"", MARK], ids=["plain", "marked"])
def test_a_policy_on_standard_input_is_judged_by(saved: Path, mark: bytes) -> None:
    """Its source in the report is `-`, as it was given."""
    done = given(mark + POLICY.encode(), "audit", "--policy", "-", "--inventory", saved, "--format", "json")
    assert (done.code, done.err, rules(done)) == (0, "", ["from-a-pipe", None])
    assert done.report["policy"]["source"] == "-"


@pytest.mark.parametrize("mark", [b"", MARK], ids=["plain", "marked"])
def test_an_inventory_on_standard_input_is_judged(saved: Path, mark: bytes, tmp_path: Path) -> None:
    """It gives the report that its file gives."""
    done = given(mark + saved.read_bytes(), "audit", "--inventory", "-", "--format", "json")
    assert done == command("audit", "--inventory", saved, "--format", "json")
    marked = tmp_path / "marked.json"
    marked.write_bytes(mark + saved.read_bytes())
    assert command("audit", "--inventory", marked, "--format", "json") == done
    explained = given(saved.read_bytes(), "explain", "--inventory", "-", "--index", "main")
    assert explained == command("explain", "--inventory", saved, "--index", "main")


@pytest.mark.parametrize("mark", [b"", MARK], ids=["plain", "marked"])
def test_a_registry_on_standard_input_is_audited(mark: bytes, healthy: Server, tmp_path: Path) -> None:
    """What it names beside it is looked for in the working directory."""
    (tmp_path / "own.yaml").write_text("rules: [{name: own}]", encoding="utf-8")
    text = mark + b"version: 1\nprojects: [{name: search, key_env: PINECONE_API_KEY, policy: own.yaml}]\n"
    words = [str(COMMAND), "audit", "--registry", "-", "--no-state", "--format", "json", "--now", NOW.isoformat()]
    env = access(healthy)
    done = subprocess.run(words, env=env, cwd=tmp_path, input=text, capture_output=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b'"name": "own"' in done.stdout
    assert given(text, "registry", "validate", "-").out == "-: valid; 1 project, 0 of them for AWS\n"


def test_every_argument_may_be_a_process_substitution(saved: Path) -> None:
    """A shell passes each as a path of a descriptor."""
    script = """"$1" policy diff <(echo 'version: 1') <(echo 'defaults: {recovery: {min_copies: 9}}') \\
        --inventory <(cat inventory.json)"""
    done = shell(script, saved.parent)
    assert (done.code, done.err) == (0, "")
    assert "recovery-points-meet-minimum-copies" in done.out


def test_a_named_pipe_is_read_once(saved: Path, tmp_path: Path) -> None:
    """A writer that comes later is waited for, and what it writes is all there is."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as threads:
        written = threads.submit(pipe.write_text, POLICY)
        done = command("audit", "--policy", pipe, "--inventory", saved, "--format", "json")
        written.result()
    assert (done.code, rules(done)) == (0, ["from-a-pipe", None])


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
def test_only_one_argument_may_be_standard_input(arguments: list[str], names: str) -> None:
    """Two are refused before any is read."""
    done = given(b"", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"backup-auditor: {names}")
    assert "both name standard input (-); give one of them a file" in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("flag", ["--policy", "--inventory"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_utf_16_is_refused_by_its_name(flag: str, encoding: str, saved: Path) -> None:
    """One line says what it is and what to do."""
    other = ["--inventory", str(saved)] if flag == "--policy" else []
    done = given('{"version": 1}'.encode(encoding), "audit", flag, "-", *other)
    assert (done.code, done.out) == (2, "")
    assert "is UTF-16 and is not UTF-8 text; save it as UTF-8" in done.err
    assert done.err.count("\n") == 1


def test_closed_standard_input_is_refused(saved: Path) -> None:
    """It is not taken for an empty policy."""
    done = shell('"$1" audit --policy - --inventory inventory.json <&-', saved.parent)
    assert (done.code, done.out) == (2, "")
    assert done.err == "backup-auditor: -: standard input is closed; write to it, or name a file\n"


CASE = """\
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
UNREACHED = """\
  - name: never reached
    match: {names: ["checkout-recs"]}
    require: {schedule: {retention_days: {min: 35}}}
"""


def test_rules_that_match_nothing_are_warned_of(saved: Path) -> None:
    """A warning for each rule, one for the value, and the exit code of a project in which all is well."""
    done = given(CASE.encode(), "audit", "--policy", "-", "--inventory", saved, "--format", "json")
    assert done.code == 0
    found = done.report["warnings"]
    assert [it.split(":")[0] for it in found] == [
        'Rule "by-prefix" (rules[1]) fits no index',
        'Rule "by-prefix" (rules[1])',
        'Rule "production" (rules[0]) fits no index',
    ]
    assert found == sorted(found)
    table = given(CASE.encode(), "audit", "--policy", "-", "--inventory", saved)
    assert "WARNINGS (3)" in table.out


def test_a_rule_that_is_never_reached_is_refused(saved: Path) -> None:
    """With its line, before the inventory is read."""
    done = given((CASE + UNREACHED).encode(), "audit", "--policy", "-", "--inventory", saved.with_name("missing"))
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith('backup-auditor: -:13: rules[3] "never reached": no index can come to it')


UNICODE = """\
version: 1
exemptions:
  - {names: ["orders"], controls: ["*"], owner: "検索チーム　田中", reason: "毎晩　再構築", expires: 2027-03-31}
  - {names: ["wiki"], controls: ["index-has-*"], owner: "تیم جستجو", reason: "بازسازی می‌شود", expires: 2027-03-31}
  - {names: ["cart"], controls: ["*"], owner: "search 👨‍💻", reason: "rebuilt ❤️ nightly", expires: 2027-03-31}
rules:
  - {name: "本番　環境 \\uD83C\\uDDE9\\uD83C\\uDDEA", match: {names: ["prod-*"]}, require: {}}
"""


def test_a_policy_in_any_script_loads() -> None:
    """Full-width and no-break blanks, joiners, emoji, and flags as pairs of escapes."""
    done = given(UNICODE.encode(), "policy", "validate", "-")
    assert (done.code, done.out, done.err) == (0, "-: valid; 1 rule, 3 exemptions\n", "")
