"""Test that `state export` and `state import` move a state between files and tables, or refuse to."""

import io
import json
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.adapters.sqlite.state_transfer import open_transfer
from backup_auditor.bootstrap import local
from backup_auditor.cli.main import main
from backup_auditor.domain.exported_state import ExportedState, build_import
from backup_auditor.domain.project_state import EMPTY_STATE
from support.aws.dynamodb import list_items, make_table
from support.builders.exported_states import PROJECT, build_exported_state
from support.builders.facts import DAY, NOW

TABLES = ("state", "other")


@pytest.fixture(scope="module")
def aws_tables(aws_variables: Mapping[str, str]) -> Mapping[str, str]:
    """Create the tables, and return the variables with which the command finds them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws_variables.items():
            patch.setenv(name, value)
        for table in TABLES:
            make_table(AwsSession().dynamodb, table)
    return aws_variables


@pytest.fixture(autouse=True)
def _reset_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a new session."""
    monkeypatch.setattr(local, "_make_session", cache(AwsSession))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Store a state with records of every kind in a file."""
    path = tmp_path / "state.sqlite3"
    store_state(path, build_exported_state())
    return path


def store_state(path: Path, exported: ExportedState) -> None:
    """Store a state in a new file."""
    with open_transfer(path, is_writable=True) as store:
        state_import = build_import(exported, store.export_state(PROJECT))
        assert state_import is not None
        store.import_state(state_import)


def run_command(*arguments: str | Path, content: bytes = b"") -> tuple[int, str, str]:
    """Run `backup-auditor state` with this standard input, and return its exit code and its output on both streams."""
    output, error_output = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
    with redirect_stdout(output), redirect_stderr(error_output), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        code = main(["state", *map(str, arguments)])
    for stream in (output, error_output):
        stream.seek(0)
    return code, output.read(), error_output.read()


def test_a_state_is_moved_from_a_file_to_tables_and_back(
    state: Path, tmp_path: Path, aws_tables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A state that is moved from a file to a table, to a second table and to a file has the same bytes each time."""
    for name, value in aws_tables.items():
        monkeypatch.setenv(name, value)
    targets = [("--table", "state"), ("--table", "other"), ("--state", str(tmp_path / "moved.sqlite3"))]
    code, text, error_output = run_command("export", "--state", state)
    assert (code, error_output) == (0, "")
    for target in targets:
        code, output, error_output = run_command("import", "-", *target, content=text.encode())
        assert (code, error_output) == (0, "")
        assert output.startswith("Imported default into ")
        assert output.endswith(
            ": 2 findings, 1 backup, 1 schedule, 1 index, 2 audits, 1 plan, 1 attempt, 2 drills;"
            " last audit of 2026-11-22T12:00:00Z.\n"
        )
        assert run_command("export", *target) == (0, text, "")
        code, output, _ = run_command("import", "-", *target, content=text.encode())
        assert (code, "already has this state of default; nothing was changed" in output) == (0, True)


def test_a_state_is_moved_from_a_restored_table(
    state: Path, tmp_path: Path, aws_tables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state in a table that was restored to a point in time is imported into the table of the stack."""
    for name, value in aws_tables.items():
        monkeypatch.setenv(name, value)
    client = AwsSession().dynamodb
    make_table(client, "stack")
    client.update_continuous_backups(
        TableName="stack", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    _, text, _ = run_command("export", "--state", state)
    assert run_command("import", "-", "--table", "stack", content=text.encode())[0] == 0
    client.restore_table_to_point_in_time(
        SourceTableName="stack", TargetTableName="restored", UseLatestRestorableTime=True
    )
    assert run_command("discard", "--all", "--yes", "--table", "stack")[0] == 0
    path = tmp_path / "search.jsonl"
    assert run_command("export", "--table", "restored", "--output", path)[0] == 0
    assert path.read_text(encoding="utf-8") == text
    code, _, error_output = run_command("import", path, "--table", "stack", "--retention-days", "400")
    assert (code, error_output) == (0, "")
    assert run_command("export", "--table", "stack")[1].splitlines()[1:-1] == text.splitlines()[1:-1]
    expiries = [int(it["expires_at"]["N"]) for it in list_items(client, "stack") if it["SK"]["S"].startswith("audit#")]
    assert sorted(expiries) == [int((it + 400 * DAY).timestamp()) for it in (NOW - DAY, NOW)]


def test_an_export_to_a_file_is_private(state: Path, tmp_path: Path) -> None:
    """An exported file can be read only by its owner, and the counts are on standard error."""
    path = tmp_path / "state.jsonl"
    code, output, error_output = run_command("export", "--state", state, "--output", path)
    assert (code, output) == (0, "")
    assert error_output.startswith("backup-auditor: exported default: 2 findings")
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text(encoding="utf-8").splitlines()[0])["project"] == "default"


@pytest.mark.parametrize(
    "arguments,message",
    [
        pytest.param(("--state", "missing"), "there is no state of default", id="no-file"),
        pytest.param(("--state", "state.sqlite3", "--project", "other"), "there is no state of other", id="no-project"),
        pytest.param(
            ("--state", "state.sqlite3", "--output", "state.sqlite3"),
            "--output names the file of the state",
            id="itself",
        ),
    ],
)
def test_a_refused_export_writes_nothing(
    state: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    """An export that is not possible is exit code 2 and one line, and changes no file."""
    monkeypatch.chdir(state.parent)
    content = state.read_bytes()
    code, output, error_output = run_command("export", *arguments)
    assert (code, output, error_output.count("\n")) == (2, "", 1)
    assert message in error_output
    assert ([*state.parent.iterdir()], state.read_bytes()) == ([state], content)


def test_a_refused_import_changes_nothing(state: Path, tmp_path: Path) -> None:
    """Damage, another project and another state are refused with exit code 2 and one line, and change no file."""
    _, text, _ = run_command("export", "--state", state)
    target = tmp_path / "target.sqlite3"
    refusals = {
        ("-",): (text[:-1], "is incomplete"),
        ("-", "--project", "other"): (text, "this is the state of default, not of other"),
        (str(tmp_path / "missing"),): ("", "there is no such file"),
        (str(state),): ("", "this is not an exported state"),
        ("-", "--retention-days", "400"): (text, "--retention-days needs --table"),
    }
    for arguments, (content, message) in refusals.items():
        code, output, error_output = run_command("import", *arguments, "--state", target, content=content.encode())
        assert (code, output, error_output.count("\n")) == (2, "", 1)
        assert message in error_output
        assert not target.exists()


def test_another_state_is_replaced_only_with_consent(state: Path, tmp_path: Path) -> None:
    """A state that is not newer is replaced with `--replace` only; a newer one is never replaced."""
    _, text, _ = run_command("export", "--state", state)
    target = tmp_path / "target.sqlite3"
    exported = build_exported_state()
    store_state(target, replace(exported, state=replace(exported.state, observed_at=NOW - DAY, findings={})))
    _, older_text, _ = run_command("export", "--state", target)
    content = target.read_bytes()
    code, _, error_output = run_command("import", "-", "--state", target, content=text.encode())
    assert (code, "; add --replace to replace them; nothing was changed" in error_output) == (2, True)
    code, _, error_output = run_command("import", "-", "--replace", "--state", state, content=older_text.encode())
    assert (code, "the stored state is newer" in error_output) == (2, True)
    assert target.read_bytes() == content
    assert run_command("import", "-", "--replace", "--state", target, content=text.encode())[0] == 0
    assert run_command("export", "--state", target)[1].splitlines()[1:-1] == text.splitlines()[1:-1]


def test_an_audit_during_an_import_is_not_lost(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import that did not see the last audit is refused, and says to import again."""
    _, text, _ = run_command("export", "--state", state)
    monkeypatch.setattr("backup_auditor.cli.state._load_stored", lambda *_: ExportedState(PROJECT, EMPTY_STATE))
    content = state.read_bytes()
    code, output, error_output = run_command("import", "-", "--state", state, content=text.encode())
    assert (code, output) == (2, "")
    assert error_output.endswith(
        "an audit of default was recorded, or a drill changed, during the import; import the state again\n"
    )
    assert state.read_bytes() == content


def test_a_state_is_imported_after_a_discard(state: Path) -> None:
    """A store whose audits were discarded imports without `--replace`: it loses nothing."""
    _, text, _ = run_command("export", "--state", state)
    assert run_command("discard", "--all", "--yes", "--state", state)[0] == 0
    assert run_command("import", "-", "--state", state, content=text.encode())[0] == 0
    assert run_command("export", "--state", state)[1].splitlines()[1:-1] == text.splitlines()[1:-1]
