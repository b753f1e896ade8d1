"""What the operations pages name exists, and every command that a document shows is one."""

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
from support.aws.template import FUNCTIONS, properties, resources

ROOT = Path(__file__).parents[2]
OPERATIONS = ROOT / "docs" / "operations"
FINDINGS = (OPERATIONS / "findings.md").read_text(encoding="utf-8")
ALARMS = (OPERATIONS / "alarms.md").read_text(encoding="utf-8")
WRITTEN = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PLACEHOLDERS = {"…": "1", "N": "1", "FORMAT": "json"}


def commands(text: str) -> Iterator[str]:
    """Find every `backup-auditor …` that a document shows, in its text and in its blocks, without what is piped."""
    blocks = re.findall(r"^ *```(?:sh|console)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    shown = [line for block in blocks for line in block.splitlines()]
    shown += re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL))
    for line in shown:
        found = re.fullmatch(r"\s*(?:\$ )?(?:\w+=\S+ )*(?:\.venv/bin/)?backup-auditor( [^>|;#]+).*", line)
        if found and not found[1].startswith(" --") and not re.search(r" \| |\[", line):
            yield found[1].strip()


def refusal(command: str) -> str:
    """Return why the command line refuses a command; nothing where it does not, or where only a command is named."""
    # it also ends with its help
    with redirect_stderr(StringIO()) as told, redirect_stdout(StringIO()), suppress(SystemExit):
        make_parser().parse_args([PLACEHOLDERS.get(it, it) for it in shlex.split(command)])
    is_named = "--" not in command and "arguments are required" in told.getvalue()
    return "" if is_named else told.getvalue()


@pytest.mark.parametrize("it", CATALOG.all_controls, ids=lambda it: str(it.id))
def test_every_control_has_a_first_question(it: AnyControl) -> None:
    """The table of findings has one row for each control, with its severity and a link to its reference."""
    link = rf"\[`{it.id}`\]\(\.\./reference/controls\.md#{it.id}\)"
    rows = re.findall(rf"^\| {link} \| (\w+) \| (.+) \|$", FINDINGS, re.MULTILINE)
    assert [severity for severity, _ in rows] == [it.severity.value]
    assert len(rows[0][1]) > 40


def test_findings_are_in_the_order_of_the_catalogue() -> None:
    """The table lists the controls in the order of every other list, and no other control."""
    named = re.findall(r"^\| \[`([a-z-]+)`\]", FINDINGS, re.MULTILINE)
    assert named == [it.id for it in CATALOG.all_controls]


def test_every_section_of_an_alarm_has_an_alarm() -> None:
    """The page of the alarms has a section for each alarm of the template, and no other."""
    sections = re.findall(r"^## ([a-z-]+)$", ALARMS, re.MULTILINE)
    texts = [properties(name)["AlarmDescription"] for name in resources("AWS::CloudWatch::Alarm")]
    assert {re.findall(r'docs/operations/alarms\.md, "([a-z-]+)"', text)[0] for text in texts} == set(sections)


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_are_as_the_command_line_has_them(path: Path) -> None:
    """Every `backup-auditor …` that a document shows is understood, with each of its flags."""
    wrong = {it: refusal(it) for it in commands(path.read_text(encoding="utf-8"))}
    assert {it: why for it, why in wrong.items() if why} == {}


def test_a_command_that_is_none_is_noticed() -> None:
    """The search finds commands in text and in blocks, and a flag that is not there ends them."""
    text = "Say `backup-auditor audit --no-such-flag`:\n```sh\nKEY=1 .venv/bin/backup-auditor controls ID > file\n```\n"
    assert [*commands(text)] == ["controls ID", "audit --no-such-flag"]
    assert not refusal("controls ID")
    assert "--no-such-flag" in refusal("audit --no-such-flag")
    assert refusal("no-such-command")


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_functions_targets_and_samples_are_there(path: Path) -> None:
    """Every function, target of make and sample of an event that a document names exists."""
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"--function-name [\w-]+-(\w+)", text)) <= {*FUNCTIONS, "FUNCTION"}
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)) <= targets
    assert [it for it in re.findall(r"\bevents/[\w.-]+\.json", text) if not (ROOT / it).exists()] == []
