"""The report as Markdown."""

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from cmarkgfm import github_flavored_markdown_to_html  # type: ignore[import-untyped]  # it has none
from cmarkgfm.cmark import Options  # type: ignore[import-untyped]  # it has none

from backup_auditor.domain.finding import Compliance, Resource, ResourceType, Severity
from backup_auditor.domain.reporting.fleet import UnauditedProject, build_fleet
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.formats.markdown import (
    render_fleet_markdown,
    render_markdown,
    render_markdown_of_fleet,
)
from backup_auditor.rendering.text import escape_text
from support.builders.audit_sequence_report import FORMULA, MARKUP, build_last_report
from support.builders.facts import READ_FAILURE, build_failed_listing, build_index, build_inventory
from support.builders.fleets import build_neglected_project, build_project
from support.builders.reports import EXEMPTION, build_bare_index, build_exempting_policy, build_finding, build_report


def render_text(report: Report) -> str:
    """Render a report."""
    return "\n".join(render_markdown(report))


def test_the_verdict_stands_under_the_title() -> None:
    """The title names the project, the first paragraph gives the verdict."""
    assert render_text(build_report()).startswith("# Backup audit of default\n\n**Compliant**: No violations on")


def test_findings_are_rows_with_their_next_step() -> None:
    """A control that failed has a table of its resources, and the next step below."""
    rendered_text = render_text(build_report(build_inventory(build_bare_index("orders"))))
    assert "## High: index-has-schedule (1)" in rendered_text
    assert "| `orders` | index-has-schedule | The index has no backup schedule. |" in rendered_text
    assert "Next: Create a schedule for orders" in rendered_text


def test_nothing_in_a_name_is_markup() -> None:
    """Bars, backticks, tags and links of a name or reason neither end a cell nor become markup."""
    strange_finding = build_finding(name="a|b`c", reason="<script> [x](http://y) | *bold*\nnext")
    rendered_text = render_text(replace(build_report(), findings=(strange_finding,)))
    assert "| ``a\\|b`c`` | index-has-schedule |" in rendered_text
    assert "\\<script\\> \\[x\\]\\(http:<!-- -->//y\\) \\| \\*bold\\*\\\\nnext |" in rendered_text


def test_what_is_unread_is_listed() -> None:
    """Calls that failed are listed with their error."""
    rendered_text = render_text(build_report(build_inventory(build_index(), backups=build_failed_listing())))
    assert f"- `{READ_FAILURE.call}`: {READ_FAILURE.error}" in rendered_text
    assert "**The audit is incomplete: 1 read error.**" in rendered_text


def test_an_exempted_finding_says_who_accepted_it() -> None:
    """Exempted findings have a section of their own, with owner, reason and expiry."""
    rendered_text = render_text(
        build_report(build_inventory(build_bare_index("scratch-1")), build_exempting_policy(EXEMPTION))
    )
    assert "## Exempted (3)" in rendered_text
    assert "Accepted until 2027\\-03\\-31 by search\\-team: rebuilt nightly" in rendered_text


def build_large_report(number: int, **facts: Any) -> Report:
    """Report so many findings."""
    return replace(build_report(), findings=tuple(build_finding(name=f"i{it}", **facts) for it in range(number)))


def test_long_tables_are_folded() -> None:
    """A long table shows ten rows, folds forty more, and counts the rest with the command that shows all."""
    rendered_text = render_text(build_large_report(51))
    visible_text, _, folded_text = rendered_text.partition("<details><summary>40 more</summary>")
    assert ("`i9`" in visible_text, "`i10`" in visible_text, "`i49`" in folded_text, "`i50`" in rendered_text) == (
        True,
        False,
        True,
        False,
    )
    assert "And 1 more; all: `backup-auditor audit --format json`" in rendered_text


def render_html(text: str) -> "Page":
    """Render Markdown as GitHub does, raw HTML kept, and read it back."""
    page = Page()
    page.feed(github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE))
    return page


class Page(HTMLParser):
    """Which elements there are, and the texts between them, in which GitHub would look for names and numbers."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.cells: list[str] = []
        self.texts: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        """Count an element."""
        self.elements[tag] += 1
        self._inside.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, _: str) -> None:
        """Leave an element."""
        self._inside.pop()

    def handle_data(self, data: str) -> None:
        """Keep a text, unless it is code, in which nothing is looked for."""
        if "td" in self._inside:
            self.cells[-1] += data
        if "code" not in self._inside:
            self.texts.append(data)


def test_github_shows_every_row() -> None:
    """Of each table, and no element that comes from a name or an error."""
    report = build_last_report()
    page = render_html(render_text(report))
    assert set(page.elements) <= {
        "h1",
        "h2",
        "p",
        "strong",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "code",
        "ul",
        "li",
    }
    deviating_findings = [it for it in report.findings if it.compliance in {"NON_COMPLIANT", "INSUFFICIENT_DATA"}]
    assert page.elements["td"] == 3 * len(deviating_findings) + 2 * 5
    assert escape_text(MARKUP) in page.cells
    assert FORMULA in page.cells


def test_folded_rows_are_a_table_too() -> None:
    """Inside the fold."""
    page = render_html(render_text(build_large_report(30)))
    assert (page.elements["details"], page.elements["table"]) == (1, 3)
    assert page.elements["td"] == 3 * 30 + 2 * 5


@pytest.mark.parametrize(
    "text",
    [
        "@octocat",
        "@github/team",
        "#12",
        "octo/cat#12",
        "GH-12",
        "gh-12",
        "http://evil.example",
        "https://evil.example/a",
        "www.evil.example",
        "someone@evil.example",
        "mailto:someone@evil.example",
        ":+1:",
        ":smile:",
        ":100:",
    ],
)
def test_no_mention_and_no_link_is_made(text: str) -> None:
    """Names, numbers, addresses and emoji of a reason are plain text to GitHub, and read as they did."""
    page = render_html(render_text(replace(build_report(), findings=(build_finding(reason=f"before {text} after"),))))
    assert "a" not in page.elements
    assert not any(re.search(r"@\w|#\d|gh-\d|://|www\.|:\+?[a-z1]+:|:100:", it, re.IGNORECASE) for it in page.texts)
    assert f"before {text} after" in page.cells


@pytest.mark.parametrize("facts", [{}, {"reason": "<@#é\U0001f4be" * 200}, {"remediation": "x\u202e" * 5000}])
@pytest.mark.parametrize("number", [1, 200, 20_000])
def test_any_report_fits_a_comment(number: int, facts: dict[str, str]) -> None:
    """However many findings there are, and however long their texts, the verdict and the counts are there."""
    rendered_text = render_text(build_large_report(number, **facts))
    assert len(rendered_text.encode()) <= 65_536
    assert rendered_text.startswith("# Backup audit of default\n")
    assert "\n## Counts\n" in rendered_text


def test_the_worst_fits_first() -> None:
    """Where not even a row of each heading fits, the least bad are left out, and counted."""
    bad_findings = [
        build_finding(control=f"control-{number:03}", name=f"i{row}", severity=severity, remediation="x" * 400)
        for number, severity in enumerate([Severity.LOW] * 100 + [Severity.CRITICAL] * 100)
        for row in range(2)
    ]
    rendered_text = render_text(replace(build_report(), findings=tuple(bad_findings)))
    headings = re.findall(r"## (\w+): control", rendered_text)
    assert headings[0] == "Critical"
    (counts,) = re.findall(r"And (\d+) more rows under (\d+) more headings; all: `", rendered_text)
    assert (int(counts[0]), int(counts[1])) == (2 * (200 - len(headings)), 200 - len(headings))
    assert len(rendered_text.encode()) <= 65_536


def test_a_deleted_index_is_named_by_its_id_too() -> None:
    """Another index may have had its name."""
    orphaned_finding = build_finding(resource=Resource(ResourceType.DELETED_INDEX, "default", "orders", "id-1"))
    rendered_text = "\n".join(
        render_markdown(replace(build_report(), compliance=Compliance.NON_COMPLIANT, findings=(orphaned_finding,)))
    )
    assert "| `orders`, deleted (`id-1`) | index-has-schedule |" in rendered_text


@pytest.mark.parametrize("number", [2, 20, 100, 700])
def test_a_registry_fits_one_comment(number: int) -> None:
    """However many projects there are; those that have no room are counted."""
    rendered_text = build_large_report(60)
    pages = list(
        render_markdown_of_fleet(
            build_fleet((build_neglected_project(f"検索-{it}", 60) for it in range(number)), ()),
            (replace(rendered_text, project=f"検索-{it}") for it in range(number)),
        )
    )
    joined_text = "\n".join(pages)
    assert len(joined_text) <= 65_536
    titles = sum(it.startswith("# Backup audit of ") for it in pages)
    omitted_count = 0 if titles == number else number - titles
    assert (f"And {omitted_count:,} more projects; all: `backup-auditor audit --format json`" in pages) is (
        omitted_count > 0
    )
    assert titles >= min(number, 100)


def test_small_projects_leave_their_room_to_large_ones() -> None:
    """A large project is shown as it is alone, beside one of which there is little to say."""
    fleet = build_fleet([build_project("small"), build_project("large")], ())
    lines = list(render_markdown_of_fleet(fleet, [build_report(), build_large_report(60)]))
    reports = [*render_markdown(build_report()), "", *render_markdown(build_large_report(60))]
    assert lines[-len(reports) :] == reports


def test_the_fleet_has_a_third_of_the_comment() -> None:
    """Of 2,000 neglected projects, with 300 that could not be audited, the worst are rows and the rest is counted."""
    fleet = build_fleet(
        (build_neglected_project(f"検索-{it:04}", 2_000 - it) for it in range(2_000)),
        (UnauditedProject(f"unaudited-{it:04}", "The key is refused. " * 20) for it in range(300)),
    )
    lines = list(render_fleet_markdown(fleet, "`all`", max_length=20_000))
    text = "\n".join(lines)
    assert len(text.encode()) < 20_000
    assert "## Not audited (300)" in text
    assert "## Projects (2,000)" in text
    assert "| `検索-0000` | Non-compliant | 2000/0/0/0 |" in text
    assert "more; all: `all`" in text
