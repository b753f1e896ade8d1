"""The findings as CSV."""

import csv
import io
import json
from dataclasses import replace

import pytest

from backup_auditor.domain.report import Report
from backup_auditor.rendering.as_csv import render_csv
from goldens import Approve
from nights_told import FORMULA, MARKUP, told
from reports import finding, report


def rows(*reports: Report) -> list[dict[str, str]]:
    """Read the findings of reports back."""
    return list(csv.DictReader(io.StringIO(text(*reports), newline="")))


def text(*reports: Report) -> str:
    """Write reports, with the end of the last line that a file has."""
    return "".join(render_csv(reports)) + "\n"


def test_it_stays_as_it_was_approved(approve: Approve) -> None:
    """The whole file, of a report in which everything happens."""
    approve("report.csv", render_csv([told()]))


def test_a_finding_is_a_row() -> None:
    """Every finding of the JSON is a row, in its order, with the same verdict, figures and moments."""
    shown = told()
    for row, it in zip(rows(shown), shown.findings, strict=True):
        assert (row["control"], row["compliance"], row["severity"]) == (it.control, it.compliance, it.severity)
        assert (row["resource_type"], row["resource_id"]) == (it.resource.type, it.resource.id or "")
        assert (row["fingerprint"], row["lifecycle"]) == (it.fingerprint, it.lifecycle or "")
        assert row["first_seen"] == ("" if it.first_seen is None else it.first_seen.isoformat().replace("+00:00", "Z"))
        assert json.loads(row["evidence"]) == it.evidence
        assert row["exemption_owner"] == (it.exemption.owner if it.exemption else "")
        assert row["audit_id"] == shown.audit_id


def test_what_is_no_finding_is_counted() -> None:
    """Unread facts, resolved findings and drift have no rows; each row says how many there are, and of which audit."""
    row = rows(told())[0]
    assert (row["complete"], row["unread_in_all"], row["resolved_in_all"], row["drift_in_all"]) == (
        "false",
        "1",
        "2",
        "1",
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "   @", "\uff1d", "\uff20"])
def test_no_text_is_a_formula(start: str) -> None:
    """What a spreadsheet would compute has an apostrophe in front, whichever column it stands in."""
    bad = finding(name=f"{start}name", reason=f"{start}reason", remediation=f"{start}remediation")
    (row,) = rows(replace(report(), project=f"{start}project", findings=(bad,)))
    for column in ("resource_name", "reason", "remediation", "project"):
        assert row[column].startswith(f"'{start}")


@pytest.mark.parametrize("start", ["\t", "\r", "\n", "\x00", "\u202e"])
def test_what_does_not_print_is_written_out(start: str) -> None:
    """A tab or the end of a line neither begins a formula nor ends a row."""
    shown = text(replace(report(), findings=(finding(name=f"{start}=1+1"),)))
    assert start not in shown.replace("\r\n", "")
    assert len(shown.splitlines()) == 2


def test_every_line_ends_as_the_standard_has_it() -> None:
    """CR LF after every line, the last too, and no other line break."""
    lines = text(told()).split("\r\n")
    assert lines.pop() == ""
    assert len(lines) == len(told().findings) + 1
    assert not any("\n" in it or "\r" in it for it in lines)


def test_strange_names_are_read_back() -> None:
    """Quotes, commas and markup come back as they were, but for what does not print and for formulas."""
    names = {it["resource_name"] for it in rows(told())}
    assert f"'{FORMULA}" in names
    assert MARKUP.replace("\u202e", "\\u202e").replace("\x07", "\\x07").replace("\n", "\\n") in names


def test_many_reports_have_one_heading() -> None:
    """The rows of all projects stand in one table, each with its project."""
    found = rows(told(), replace(told(), project="other"))
    assert [it["project"] for it in found] == ["default"] * len(told().findings) + ["other"] * len(told().findings)
