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
from backup_auditor.rendering.formats import FORMATS, RenderOptions
from backup_auditor.rendering.formats.json import render_json
from backup_auditor.rendering.formats.markdown import render_markdown
from backup_auditor.rendering.formats.table import render_table
from backup_auditor.rendering.html.page import render_html
from backup_auditor.rendering.slack import build_slack_payload
from backup_auditor.rendering.text import format_json
from support.builders.facts import build_inventory
from support.builders.notifications import build_alert_report, build_digest, build_open_finding
from support.builders.reports import build_bare_index, build_report

POLICY_PATH = Path(__file__).parent / "policies" / "unicode.yaml"
OTHER_TEXTS = (
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
    return load_policy(POLICY_PATH)


@pytest.fixture(scope="module")
def report(policy: Policy) -> Report:
    """Report indexes whose findings the policy exempts."""
    return build_report(build_inventory(*(build_bare_index(it.names[0]) for it in policy.exemptions)), policy)


def list_owners_and_reasons(exemptions: Sequence[Exemption]) -> list[str]:
    """Return every owner and reason."""
    return [it for exemption in exemptions for it in (exemption.owner, exemption.reason)]


def _render_cells(report: Report) -> str:
    return "\n".join(
        cell for row in csv.reader(StringIO("".join(FORMATS["csv"].render([report], RenderOptions())))) for cell in row
    )


def _render_attributes(report: Report) -> str:
    tree = ET.fromstring("".join(FORMATS["junit"].render([report], RenderOptions())))  # noqa: S314  it is our own
    return "\n".join(value for it in tree.iter() for value in it.attrib.values())


def _extract_values(pieces: Iterable[str]) -> str:
    return json.dumps(json.loads("".join(pieces)), ensure_ascii=False)


RENDERERS: dict[str, Callable[[Report], str]] = {
    "table": lambda it: "\n".join(render_table(it, width=400)),
    "html": lambda it: html.unescape("".join(render_html([it]))),
    "csv": _render_cells,
    "markdown": lambda it: "\n".join(render_markdown(it)).replace("\\", ""),
    "junit": _render_attributes,
    "sarif": lambda it: _extract_values(FORMATS["sarif"].render([it], RenderOptions(controls=CATALOG.all_controls))),
    "ocsf": lambda it: "\n".join(
        map(
            _extract_values,
            "".join(FORMATS["ocsf"].render([it], RenderOptions(controls=CATALOG.all_controls))).splitlines(),
        )
    ),
    "json": lambda it: _extract_values(render_json(it)),
}
"""Each form, written and read back as its readers see it."""


@pytest.mark.parametrize("report_format", RENDERERS)
def test_exemptions_are_shown_as_they_are_written(report_format: str, report: Report, policy: Policy) -> None:
    """A full-width blank, a no-break blank, a joiner of Persian and emoji come out as the policy has them."""
    text = RENDERERS[report_format](report)
    assert [it for it in list_owners_and_reasons(policy.exemptions) if it not in text] == []


@pytest.mark.parametrize("report_format", RENDERERS)
@pytest.mark.parametrize("name_text", OTHER_TEXTS)
def test_owners_of_any_script_are_shown_as_they_are_written(report_format: str, name_text: str, report: Report) -> None:
    """Invisible letters, tags of flags and narrow forms are no controls."""
    exemption = replace(next(it.exemption for it in report.findings if it.exemption), owner=name_text)
    findings = tuple(replace(it, exemption=exemption) if it.exemption else it for it in report.findings)
    assert name_text in RENDERERS[report_format](replace(report, findings=findings))


@pytest.mark.parametrize("name_text", OTHER_TEXTS)
def test_digests_show_names_as_they_are_written(name_text: str) -> None:
    """By e-mail and in Slack alike."""
    digest = build_digest(build_alert_report(build_open_finding(f"x{name_text}"), project=name_text))
    assert f"x{name_text}" in render_digest_text(digest, 10)
    assert f"x{name_text}" in json.dumps(build_slack_payload(digest), ensure_ascii=False)


@pytest.mark.parametrize("name_text", OTHER_TEXTS)
def test_evidence_is_shown_as_it_is_written(name_text: str) -> None:
    """JSON for people escapes controls alone, and stays JSON."""
    assert format_json({"owner": name_text}) == f'{{"owner": "{name_text}"}}'
    assert json.loads(format_json([f"{name_text}\u202e\x85\x1b\n\ud800"])) == [f"{name_text}\u202e\x85\x1b\n\ud800"]
    assert format_json("\u202e\x85") == r'"\u202e\u0085"'


@pytest.mark.parametrize("name_text", OTHER_TEXTS)
def test_messages_quote_text_as_it_is_written(name_text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What a user typed comes back as typed, on standard error too."""
    assert quote_text(name_text) == f"'{name_text}'"
    assert main(["controls", f"x{name_text}y"]) == 2
    assert f"'x{name_text}y'" in capsys.readouterr().err


def test_messages_escape_controls(capsys: pytest.CaptureFixture[str]) -> None:
    """No flag that is not known moves a cursor or turns a line around."""
    with pytest.raises(SystemExit):
        CommandParser(prog="x").parse_args(["--a\x1b[31m\u202eb"])
    assert r"--a\x1b[31m\u202eb" in capsys.readouterr().err


def test_a_text_that_is_quoted_is_cut_between_characters() -> None:
    """An emoji made of several characters is left out as a whole."""
    assert quote_text("ab👨\u200d👩\u200d👧", 5) == "'ab…'"
