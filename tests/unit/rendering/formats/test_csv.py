"""The findings as CSV."""

import csv
import io
import json
from dataclasses import replace

import pytest

from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.formats import FORMATS, RenderOptions
from backup_auditor.rendering.formats.csv import MAX_CELL_LENGTH
from support.builders.audit_sequence_report import FORMULA, MARKUP, build_last_report
from support.builders.reports import build_finding, build_report


def read_rows(*reports: Report) -> list[dict[str, str]]:
    """Read the findings of reports back."""
    return list(csv.DictReader(io.StringIO(render_text(*reports), newline="")))


def render_text(*reports: Report) -> str:
    """Write reports, with the end of the last line that a file has."""
    return "".join(FORMATS["csv"].render(reports, RenderOptions())) + "\n"


def test_a_finding_is_a_row() -> None:
    """Every finding of the JSON is a row, in its order, with the same verdict, figures and moments."""
    report = build_last_report()
    for row, finding in zip(read_rows(report), report.findings, strict=True):
        assert (row["control"], row["compliance"], row["severity"]) == (
            finding.control,
            finding.compliance,
            finding.severity,
        )
        assert (row["resource_type"], row["resource_id"]) == (finding.resource.type, finding.resource.id or "")
        assert (row["fingerprint"], row["lifecycle"]) == (finding.fingerprint, finding.lifecycle or "")
        assert row["first_seen"] == (
            "" if finding.first_seen is None else finding.first_seen.isoformat().replace("+00:00", "Z")
        )
        assert json.loads(row["evidence"]) == finding.evidence
        assert row["exemption_owner"] == (finding.exemption.owner if finding.exemption else "")
        assert row["audit_id"] == report.audit_id


def test_what_is_no_finding_is_counted() -> None:
    """Unread facts, resolved findings and drift have no rows; each row says how many there are, and of which audit."""
    row = read_rows(build_last_report())[0]
    assert (row["complete"], row["read_error_count"], row["resolved_count"], row["drift_count"]) == (
        "false",
        "1",
        "2",
        "1",
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "   @", "\uff1d", "\uff20"])
def test_no_text_is_a_formula(start: str) -> None:
    """A cell of any column that a spreadsheet would compute begins with an apostrophe."""
    hostile_finding = build_finding(name=f"{start}name", reason=f"{start}reason", remediation=f"{start}remediation")
    (row,) = read_rows(replace(build_report(), project=f"{start}project", findings=(hostile_finding,)))
    for column in ("resource_name", "reason", "remediation", "project"):
        assert row[column].startswith(f"'{start}")


@pytest.mark.parametrize("start", ["\t", "\r", "\n", "\x00", "\u202e"])
def test_what_does_not_print_is_written_out(start: str) -> None:
    """A tab or the end of a line neither begins a formula nor ends a row."""
    rendered_text = render_text(replace(build_report(), findings=(build_finding(name=f"{start}=1+1"),)))
    assert start not in rendered_text.replace("\r\n", "")
    assert len(rendered_text.splitlines()) == 2


def test_every_line_ends_as_the_standard_has_it() -> None:
    """CR LF after every line, the last too, and no other line break."""
    lines = render_text(build_last_report()).split("\r\n")
    assert lines.pop() == ""
    assert len(lines) == len(build_last_report().findings) + 1
    assert not any("\n" in it or "\r" in it for it in lines)


def test_strange_names_are_read_back() -> None:
    """Quotes, commas and markup come back as they were, but for what does not print and for formulas."""
    names = {it["resource_name"] for it in read_rows(build_last_report())}
    assert f"'{FORMULA}" in names
    assert MARKUP.replace("\u202e", "\\u202e").replace("\x07", "\\x07").replace("\n", "\\n") in names


def test_many_reports_have_one_heading() -> None:
    """The rows of all projects are in one table, each with its project."""
    csv_rows = read_rows(build_last_report(), replace(build_last_report(), project="other"))
    assert [it["project"] for it in csv_rows] == ["default"] * len(build_last_report().findings) + ["other"] * len(
        build_last_report().findings
    )


def test_a_cell_holds_no_more_than_a_spreadsheet_takes() -> None:
    """What is longer is cut between characters, says how much is missing, and which command shows it."""
    for text, repeated_text in (("x" * 40_000, "x"), ("検" * 40_000, "検"), ("👩\u200d💻" * 20_000, "👩\u200d💻")):
        (row,) = read_rows(replace(build_report(), findings=(build_finding(reason=text),)))
        cell = row["reason"]
        assert len(cell.encode("utf-16-le")) // 2 <= MAX_CELL_LENGTH
        start, _, cell_end = cell.partition("…")
        assert start == repeated_text * (len(start) // len(repeated_text))
        assert cell_end == f" and {len(text) - len(start):,} more characters; all: backup-auditor audit --format json"


@pytest.mark.parametrize("length", [pytest.param(32_767, id="at-limit"), pytest.param(32_768, id="one-more")])
def test_a_cell_is_cut_past_the_limit_only(length: int) -> None:
    """At the limit it is whole."""
    (row,) = read_rows(replace(build_report(), findings=(build_finding(reason="x" * length),)))
    assert (row["reason"] == "x" * length) is (length == MAX_CELL_LENGTH)


@pytest.mark.parametrize("start", ["\u200b=", "\ufeff+", " \u2060@"])
def test_an_invisible_character_hides_no_formula(start: str) -> None:
    """A text with invisible characters before a formula is treated as a formula."""
    (row,) = read_rows(replace(build_report(), findings=(build_finding(name=f"{start}1+1"),)))
    assert row["resource_name"] == f"'{start}1+1"
