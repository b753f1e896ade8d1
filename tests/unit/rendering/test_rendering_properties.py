"""What is shown of any project at all."""

from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.text import escape_control_characters, measure_width
from backup_auditor.rendering.formats.markdown import render_markdown
from backup_auditor.rendering.formats.table import render_table
from backup_auditor.rendering.text import escape_markdown, escape_text, format_code
from support.builders.reports import document_of, finding, report
from support.builders.strategies import projects


@given(projects())
def test_every_report_fits_its_schema(told: Inventory) -> None:
    """The JSON of any project is a report, with every finding in it."""
    shown = report(told)
    assert [it["fingerprint"] for it in document_of(shown)["findings"]] == [it.fingerprint for it in shown.findings]


@given(projects(), st.integers(40, 160))
def test_every_open_finding_is_in_the_table(told: Inventory, width: int) -> None:
    """The table of any small project names each control that something fails, within its width."""
    shown = report(told)
    lines = list(render_table(shown, width=width))
    assert all(any(it.control in line for line in lines) for it in shown.findings if it.is_open)
    assert all(measure_width(line) <= width for line in lines)


def strange(name: str, reason: str) -> Report:
    """Report one finding with these texts."""
    shown = report()
    return type(shown)(
        **{it: getattr(shown, it) for it in shown.__slots__} | {"findings": (finding(name=name, reason=reason),)}
    )


@given(st.text(min_size=1), st.text(min_size=1))
def test_no_text_breaks_a_line(name: str, reason: str) -> None:
    """Whatever a name and a reason hold, every line prints and every row of Markdown stays one row."""
    shown = strange(name, reason)
    assert all(escape_control_characters(line) == line for line in render_table(shown))
    rows = [line for line in render_markdown(shown) if line.startswith("| `")]
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
    shown = format_code(text)
    fence = shown[: len(shown) - len(shown.lstrip("`"))]
    inner = shown[len(fence) : -len(fence)]
    assert fence not in inner
    assert "\n" not in escape_markdown(text)
