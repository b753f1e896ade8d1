"""The report as one page: what stands on it, what cannot get into it, and what it is allowed to do."""

import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from hypothesis import given

from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.html.page import render_html
from support.approval import Approve
from support.builders.audit_sequence_report import told
from support.builders.facts import BROKEN, broken, index, inventory
from support.builders.reports import EXEMPTION, bare, exempting, finding, report
from support.builders.strategies import projects

VOID = {"meta", "link", "input", "path", "rect", "br"}
STRANGE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">\u202e"\' &amp; javascript:alert(3)'


class Page(HTMLParser):
    """Every element of a page, the text of each, and whether each ends where it should."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        found = dict(attrs)
        self.elements.append((tag, found))
        self.ids += [it for it in [found.get("id")] if it]
        self.links += [it for it in [found.get("href")] if it]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that ends at once."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Raise unless it is the last that was opened."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.text += data


def html(*reports: Report) -> str:
    """Write reports as a page."""
    return "".join(render_html(reports))


def page(*reports: Report) -> Page:
    """Write reports as a page, and read it."""
    return Page(html(*reports))


def check(found: Page) -> None:
    """Raise unless the page is whole, leads nowhere else, and has no script or style but its own."""
    assert found.open == []
    assert len(set(found.ids)) == len(found.ids)
    assert {it for it in found.links if it != "data:,"} <= {f"#{it}" for it in found.ids}
    assert [tag for tag, _ in found.elements if tag in {"script", "style"}] == ["style", "script"]
    names = {name for _, attributes in found.elements for name in attributes}
    assert {it for it in names if it.startswith("on") or it in {"style", "src", "action", "srcdoc"}} == set()


def many(count: int) -> Report:
    """Build a report of so many open findings."""
    return replace(report(), findings=tuple(finding(name=f"index-{number:05}") for number in range(count)))


def test_it_stays_as_it_was_approved(approve: Approve) -> None:
    """The whole page, of a report in which everything happens."""
    approve("report.html", render_html([told()]))


def test_nothing_but_its_own_style_and_script_may_run() -> None:
    """The policy names both by the hash of what stands in the page, and lets nothing be fetched."""
    text = html(told())
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    for kind in ("style", "script"):
        [inner] = re.findall(rf"<{kind}>(.*?)</{kind}>", text, flags=re.DOTALL)
        assert f"{kind}-src 'sha256-{b64encode(sha256(inner.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(report(), id="healthy"),
        pytest.param(report(inventory()), id="no-indexes"),
        pytest.param(report(inventory(bare("orders"))), id="neglected"),
        pytest.param(report(inventory(indexes_failure=BROKEN, backups=broken())), id="nothing-read"),
        pytest.param(report(inventory(bare("scratch-1")), exempting(EXEMPTION)), id="exempted"),
        pytest.param(told(), id="everything"),
        pytest.param(replace(told(), timelines=(), rules=()), id="read-back"),
        pytest.param(replace(report(), findings=(finding(control="of-another-version"),)), id="unknown-control"),
    ],
)
def test_every_report_is_a_whole_page(shown: Report) -> None:
    """Elements end where they should, ids are unique, and each link leads to something on the page."""
    check(page(shown))


@given(projects())
def test_whatever_a_project_holds_is_a_whole_page(facts: Inventory) -> None:
    """Nothing that can be read of a project breaks the page."""
    check(page(report(facts)))


def test_text_is_text() -> None:
    """Markup, quotes and a turn of direction in names, reasons, evidence and errors are shown, and do nothing."""
    strange = finding(
        name=STRANGE, reason=STRANGE, remediation=STRANGE, evidence={STRANGE: [{STRANGE: STRANGE}], "b": {"c": STRANGE}}
    )
    hostile = replace(
        report(inventory(index(), backups=broken())), project=STRANGE, policy_source=STRANGE, findings=(strange,)
    )
    found = page(replace(hostile, read_failures=(replace(BROKEN, call=STRANGE, error=STRANGE),)))
    check(found)
    assert "\u202e" not in found.text
    assert found.text.count(STRANGE.replace("\u202e", "\\u202e")) > 10


def test_counts_are_those_of_the_report() -> None:
    """Each tile holds the figure that the report has."""
    shown = told()
    tiles = dict(re.findall(r'data-figure="([^"]+)">([^<]+)<', html(shown)))
    expected = {it.value: f"{shown.summary.findings[it]:,}" for it in Compliance}
    expected |= {f"open-{it}": f"{shown.summary.open[it]:,}" for it in Severity}
    coverage = shown.summary.coverage_percent
    expected |= {"exempted": str(shown.summary.exempted), "coverage": f"{coverage:g} %" if coverage is not None else ""}
    assert tiles == expected


def fragments(found: Page) -> set[str]:
    """Return the fragments of the findings on a page."""
    return {it for it in found.ids if it.startswith("finding-")}


def test_each_finding_that_deviates_has_its_fragment() -> None:
    """Compliant findings and those with nothing to judge are only counted."""
    shown = told()
    deviating = {Compliance.NON_COMPLIANT, Compliance.INSUFFICIENT_DATA}
    expected = {f"finding-{it.fingerprint}" for it in shown.findings if it.compliance in deviating}
    assert fragments(page(shown)) == expected


def test_many_findings_lose_their_evidence_first_and_are_then_counted() -> None:
    """300 have evidence and commands, 6,000 are shown, and the rest is a number."""
    found = page(many(6_003))
    assert len(fragments(found)) == 6_000
    assert [tag for tag, it in found.elements if it.get("class") == "finding"].count("p") == 5_700
    assert "Of the last 5,700 of these" in found.text
    assert "And 3 more findings; --format json shows all." in found.text


def test_the_first_step_is_about_the_worst() -> None:
    """The verdict is followed by what to do first, and a link to it."""
    worst = finding(severity=Severity.CRITICAL, name="carts", reason="Bad.", remediation="Do this.")
    found = page(replace(report(), findings=(finding(), worst)))
    assert found.text.index("Do this.") < found.text.index("At a glance")
    assert f"#finding-{worst.fingerprint}" in found.links


def test_what_is_not_known_is_seen_to_where_nothing_is_worse() -> None:
    """Nobody is left without a first step because nothing was found wrong."""
    unknown = finding(compliance=Compliance.INSUFFICIENT_DATA, reason="Its age is not told.", remediation="Find out.")
    found = page(replace(report(), findings=(unknown,)))
    assert found.text.index("First: orders: Its age is not told.") < found.text.index("Find out.")


def test_many_projects_are_one_page() -> None:
    """A registry's reports stand one after the other, each with its own sections."""
    found = page(told(), replace(report(), project="other"))
    assert {"glance-1", "glance-2", "title-2"} <= set(found.ids)
    assert [tag for tag, _ in found.elements].count("article") == 2


def test_it_comes_in_pieces() -> None:
    """No piece grows with the number of findings."""

    def longest(pieces: Iterable[str]) -> int:
        return max(map(len, pieces))

    assert longest(render_html([many(1_000)])) == longest(render_html([many(10)]))
