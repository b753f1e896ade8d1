"""Text in any script is shown as it is written, in every form."""

import csv
import html
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from backup_auditor.adapters.policy_file.loader import load_policy
from backup_auditor.cli.main import main
from backup_auditor.cli.parser import CommandParser
from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.finding import Exemption
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.text import quote_text
from backup_auditor.rendering.digest import render_digest_text
from backup_auditor.rendering.formats.csv import render_csv
from backup_auditor.rendering.formats.json import render_json
from backup_auditor.rendering.formats.junit import render_junit
from backup_auditor.rendering.formats.markdown import render_markdown
from backup_auditor.rendering.formats.ocsf import render_ocsf
from backup_auditor.rendering.formats.sarif import render_sarif
from backup_auditor.rendering.formats.table import render_table
from backup_auditor.rendering.html.page import render_html
from backup_auditor.rendering.slack import build_slack_payload
from backup_auditor.rendering.text import format_json
from support.builders.facts import inventory
from support.builders.notifications import digest, found, told
from support.builders.reports import bare, report

POLICY = Path(__file__).parent / "policies" / "unicode.yaml"
OTHERS = (
    "Zoë\u202fMüller",
    "שלום",
    "नमस्ते",
    "ไทยที่",
    "a\u00adb",
    "🇩🇪🏴\U000e0067\U000e007f",
    "\uff21\uff11　ﾊﾟ",
    "\ufefftext",
    "я\u200bж",
)


@pytest.fixture(scope="module")
def policy() -> Policy:
    """Return the policy of the case `text in any script`."""
    return load_policy(POLICY)


@pytest.fixture(scope="module")
def shown(policy: Policy) -> Report:
    """Report indexes whose findings the policy exempts."""
    return report(inventory(*(bare(it.names[0]) for it in policy.exemptions)), policy)


def spoken(exemptions: Sequence[Exemption]) -> list[str]:
    """Return every owner and reason."""
    return [it for one in exemptions for it in (one.owner, one.reason)]


def _cells(shown: Report) -> str:
    return "\n".join(cell for row in csv.reader(StringIO("".join(render_csv([shown])))) for cell in row)


def _attributes(shown: Report) -> str:
    tree = ET.fromstring("".join(render_junit([shown])))  # noqa: S314  it is our own
    return "\n".join(value for it in tree.iter() for value in it.attrib.values())


def _values(pieces: Iterable[str]) -> str:
    return json.dumps(json.loads("".join(pieces)), ensure_ascii=False)


FORMS: dict[str, Callable[[Report], str]] = {
    "table": lambda it: "\n".join(render_table(it, width=400)),
    "html": lambda it: html.unescape("".join(render_html([it]))),
    "csv": _cells,
    "markdown": lambda it: "\n".join(render_markdown(it)).replace("\\", ""),
    "junit": _attributes,
    "sarif": lambda it: _values(render_sarif([it], CATALOG.all_controls)),
    "ocsf": lambda it: "\n".join(map(_values, "".join(render_ocsf([it], CATALOG.all_controls)).splitlines())),
    "json": lambda it: _values(render_json(it)),
}
"""Each form, written and read back as its readers see it."""


@pytest.mark.parametrize("form", FORMS)
def test_exemptions_are_shown_as_they_are_written(form: str, shown: Report, policy: Policy) -> None:
    """A full-width blank, a no-break blank, a joiner of Persian and emoji come out as the policy has them."""
    text = FORMS[form](shown)
    assert [it for it in spoken(policy.exemptions) if it not in text] == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("written", OTHERS)
def test_owners_of_any_script_are_shown_as_they_are_written(form: str, written: str, shown: Report) -> None:
    """Invisible letters, tags of flags and narrow forms are no controls."""
    accepted = replace(next(it.exemption for it in shown.findings if it.exemption), owner=written)
    findings = tuple(replace(it, exemption=accepted) if it.exemption else it for it in shown.findings)
    assert written in FORMS[form](replace(shown, findings=findings))


@pytest.mark.parametrize("written", OTHERS)
def test_digests_show_names_as_they_are_written(written: str) -> None:
    """By e-mail and in Slack alike."""
    notice = digest(told(found(f"x{written}"), project=written))
    assert f"x{written}" in render_digest_text(notice, 10)
    assert f"x{written}" in json.dumps(build_slack_payload(notice), ensure_ascii=False)


@pytest.mark.parametrize("written", OTHERS)
def test_evidence_is_shown_as_it_is_written(written: str) -> None:
    """JSON for people escapes controls alone, and stays JSON."""
    assert format_json({"owner": written}) == f'{{"owner": "{written}"}}'
    assert json.loads(format_json([f"{written}\u202e\x85\x1b\n\ud800"])) == [f"{written}\u202e\x85\x1b\n\ud800"]
    assert format_json("\u202e\x85") == r'"\u202e\u0085"'


@pytest.mark.parametrize("written", OTHERS)
def test_messages_quote_text_as_it_is_written(written: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What a user typed comes back as typed, on standard error too."""
    assert quote_text(written) == f"'{written}'"
    assert main(["controls", f"x{written}y"]) == 2
    assert f"'x{written}y'" in capsys.readouterr().err


def test_messages_escape_controls(capsys: pytest.CaptureFixture[str]) -> None:
    """No flag that is not known moves a cursor or turns a line around."""
    with pytest.raises(SystemExit):
        CommandParser(prog="x").parse_args(["--a\x1b[31m\u202eb"])
    assert r"--a\x1b[31m\u202eb" in capsys.readouterr().err


def test_a_text_that_is_quoted_is_cut_between_characters() -> None:
    """An emoji made of several characters is left out as a whole."""
    assert quote_text("ab👨\u200d👩\u200d👧", 5) == "'ab…'"
