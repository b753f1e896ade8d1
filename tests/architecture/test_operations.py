"""Test that the operations pages name existing controls and alarms, and that commands in documents are valid."""

import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from io import StringIO
from pathlib import Path

import pytest

from backup_auditor.cli.parser import make_parser
from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.evaluation.evaluator import AnyControl
from support.aws.template import FUNCTIONS, find_properties, find_resources

ROOT = Path(__file__).parents[2]
OPERATIONS = ROOT / "docs" / "operations"
FINDINGS = (OPERATIONS / "findings.md").read_text(encoding="utf-8")
ALARMS = (OPERATIONS / "alarms.md").read_text(encoding="utf-8")
DOCUMENT_PATHS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PLACEHOLDERS = {"…": "1", "N": "1", "FORMAT": "json"}


def find_commands(text: str) -> Iterator[str]:
    """Yield every `backup-auditor …` in the text and the blocks of a document, except in pipelines."""
    blocks = re.findall(r"^ *```(?:sh|console)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    shown_lines = [line for block in blocks for line in block.splitlines()]
    shown_lines += re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL))
    for line in shown_lines:
        match = re.fullmatch(r"\s*(?:\$ )?(?:\w+=\S+ )*(?:\.venv/bin/)?backup-auditor( [^>|;#]+).*", line)
        if match and not match[1].startswith(" --") and not re.search(r" \| |\[", line):
            yield match[1].strip()


def find_refusal(command: str) -> str:
    """Return the error for an invalid command, or an empty text if the command is valid or has no options."""
    # the parser exits after an error and after its help
    with redirect_stderr(StringIO()) as error_stream, redirect_stdout(StringIO()), suppress(SystemExit):
        make_parser().parse_args([PLACEHOLDERS.get(it, it) for it in shlex.split(command)])
    is_named = "--" not in command and "arguments are required" in error_stream.getvalue()
    return "" if is_named else error_stream.getvalue()


@pytest.mark.parametrize("control", CATALOG.all_controls, ids=lambda it: str(it.id))
def test_every_control_is_in_the_table_of_findings(control: AnyControl) -> None:
    """The table of findings has one row with the severity and the reference of each control."""
    link = rf"\[`{control.id}`\]\(\.\./reference/controls\.md#{control.id}\)"
    rows = re.findall(rf"^\| {link} \| (\w+) \| (.+) \|$", FINDINGS, re.MULTILINE)
    assert [severity for severity, _ in rows] == [control.severity.value]
    assert len(rows[0][1]) > 40


def test_findings_are_in_the_order_of_the_catalog() -> None:
    """The table of findings has the controls in the order of the catalog."""
    control_ids = re.findall(r"^\| \[`([a-z-]+)`\]", FINDINGS, re.MULTILINE)
    assert control_ids == [it.id for it in CATALOG.all_controls]


def test_every_alarm_has_a_section() -> None:
    """The page of the alarms has one section for each alarm of the template."""
    sections = re.findall(r"^## ([a-z-]+)$", ALARMS, re.MULTILINE)
    names = [*find_resources("AWS::CloudWatch::Alarm"), *find_resources("AWS::CloudWatch::CompositeAlarm")]
    texts = [find_properties(name)["AlarmDescription"] for name in names]
    assert {re.findall(r'docs/operations/alarms\.md, "([a-z-]+)"', text)[0] for text in texts} == set(sections)


@pytest.mark.parametrize("path", DOCUMENT_PATHS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_in_documents_are_valid(path: Path) -> None:
    """The command line accepts every `backup-auditor …` in the documents, with each of its options."""
    refusals = {it: find_refusal(it) for it in find_commands(path.read_text(encoding="utf-8"))}
    assert {it: reason for it, reason in refusals.items() if reason} == {}


def test_the_search_finds_an_invalid_command() -> None:
    """The search finds commands in text and in blocks, and reports an unknown option."""
    text = "Say `backup-auditor audit --no-such-flag`:\n```sh\nKEY=1 .venv/bin/backup-auditor controls ID > file\n```\n"
    assert [*find_commands(text)] == ["controls ID", "audit --no-such-flag"]
    assert not find_refusal("controls ID")
    assert "--no-such-flag" in find_refusal("audit --no-such-flag")
    assert find_refusal("no-such-command")


@pytest.mark.parametrize("path", DOCUMENT_PATHS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_functions_targets_and_samples_exist(path: Path) -> None:
    """Every function, make target and event sample that a document names exists."""
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"--function-name [\w-]+-(\w+)", text)) <= {*FUNCTIONS, "FUNCTION"}
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)) <= targets
    assert [it for it in re.findall(r"\bevents/[\w.-]+\.json", text) if not (ROOT / it).exists()] == []
