"""What is shown of any project at all."""

from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.text import escape_control_characters, measure_width
from backup_auditor.rendering.formats.markdown import render_markdown
from backup_auditor.rendering.formats.table import render_table
from backup_auditor.rendering.text import escape_markdown, escape_text, format_code
from support.builders.reports import build_finding, build_report, render_document
from support.builders.strategies import inventories


@given(inventories())
def test_every_report_fits_its_schema(inventory: Inventory) -> None:
    """The JSON of any project is a report, with every finding in it."""
    report = build_report(inventory)
    assert [it["fingerprint"] for it in render_document(report)["findings"]] == [
        it.fingerprint for it in report.findings
    ]


@given(inventories(), st.integers(40, 160))
def test_every_open_finding_is_in_the_table(inventory: Inventory, width: int) -> None:
    """The table of any small project names each control that something fails, within its width."""
    report = build_report(inventory)
    lines = list(render_table(report, width=width))
    assert all(any(it.control in line for line in lines) for it in report.findings if it.is_open)
    assert all(measure_width(line) <= width for line in lines)


def build_strange_report(name: str, reason: str) -> Report:
    """Report one finding with these texts."""
    report = build_report()
    return type(report)(
        **{it: getattr(report, it) for it in report.__slots__}
        | {"findings": (build_finding(name=name, reason=reason),)}
    )


@given(st.text(min_size=1), st.text(min_size=1))
def test_no_text_breaks_a_line(name: str, reason: str) -> None:
    """Whatever a name and a reason hold, every line prints and every row of Markdown stays one row."""
    report = build_strange_report(name, reason)
    assert all(escape_control_characters(line) == line for line in render_table(report))
    rows = [line for line in render_markdown(report) if line.startswith("| `")]
    assert len(rows) == 1
    assert escape_control_characters(rows[0]) == rows[0]


@given(st.text())
def test_text_without_strange_characters_stays(text: str) -> None:
    """What prints is left as it is; what does not is written in characters that do."""
    assert escape_control_characters(escape_text(text)) == escape_text(text)
    assert escape_text(text) == text or not text.isprintable()


@given(st.text(alphabet="a`|\n "))
def test_code_is_closed_where_it_began(text: str) -> None:
    """A name as code has a longer fence than any run of backticks in it."""
    code_text = format_code(text)
    fence = code_text[: len(code_text) - len(code_text.lstrip("`"))]
    content = code_text[len(fence) : -len(fence)]
    assert fence not in content
    assert "\n" not in escape_markdown(text)
