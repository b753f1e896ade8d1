"""The report as one page: its content, its escapes and its Content-Security-Policy."""

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
from backup_auditor.domain.reporting.fleet import Fleet, build_fleet
from backup_auditor.domain.reporting.fleet_rows import summarize_project
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.html.page import render_html
from support.builders.audit_sequence_report import MARKUP, build_last_report
from support.builders.facts import READ_FAILURE, build_failed_listing, build_index, build_inventory
from support.builders.fleets import build_mixed_fleet
from support.builders.reports import EXEMPTION, build_bare_index, build_exempting_policy, build_finding, build_report
from support.builders.strategies import inventories

VOID_ELEMENTS = {"meta", "link", "input", "path", "rect", "br"}
HOSTILE_TEXT = '</script><script>alert(1)</script><img src=x onerror="alert(2)">\u202e"\' &amp; javascript:alert(3)'


class ParsedPage(HTMLParser):
    """Every element of a page, the text of each, and whether each ends where it should."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open_elements: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        self.ids += [it for it in [attributes.get("id")] if it]
        self.links += [it for it in [attributes.get("href")] if it]
        if tag not in VOID_ELEMENTS:
            self.open_elements.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that ends at once."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Raise unless it is the last that was opened."""
        assert self.open_elements.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.text += data


def render_text(*reports: Report, fleet: Fleet | None = None) -> str:
    """Write reports as a page."""
    return "".join(render_html(reports, fleet=fleet))


def parse_page(*reports: Report, fleet: Fleet | None = None) -> ParsedPage:
    """Write reports as a page, and read it."""
    return ParsedPage(render_text(*reports, fleet=fleet))


def check_page(page: ParsedPage) -> None:
    """Raise unless the page is whole, leads nowhere else, and has no script or style but its own."""
    assert page.open_elements == []
    assert len(set(page.ids)) == len(page.ids)
    assert {it for it in page.links if it != "data:,"} <= {f"#{it}" for it in page.ids}
    assert [tag for tag, _ in page.elements if tag in {"script", "style"}] == ["style", "script"]
    names = {name for _, attributes in page.elements for name in attributes}
    assert {it for it in names if it.startswith("on") or it in {"style", "src", "action", "srcdoc"}} == set()


def build_large_report(count: int) -> Report:
    """Build a report of so many open findings."""
    return replace(build_report(), findings=tuple(build_finding(name=f"index-{number:05}") for number in range(count)))


def test_nothing_but_its_own_style_and_script_may_run() -> None:
    """The policy names both by the hash of their source in the page, and forbids every request."""
    text = render_text(build_last_report())
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    for kind in ("style", "script"):
        [inline_text] = re.findall(rf"<{kind}>(.*?)</{kind}>", text, flags=re.DOTALL)
        assert f"{kind}-src 'sha256-{b64encode(sha256(inline_text.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "report",
    [
        pytest.param(build_report(), id="healthy"),
        pytest.param(build_report(build_inventory()), id="no-indexes"),
        pytest.param(build_report(build_inventory(build_bare_index("orders"))), id="neglected"),
        pytest.param(
            build_report(build_inventory(indexes_failure=READ_FAILURE, backups=build_failed_listing())),
            id="nothing-read",
        ),
        pytest.param(
            build_report(build_inventory(build_bare_index("scratch-1")), build_exempting_policy(EXEMPTION)),
            id="exempted",
        ),
        pytest.param(build_last_report(), id="everything"),
        pytest.param(replace(build_last_report(), timelines=(), rules=()), id="read-back"),
        pytest.param(
            replace(build_report(), findings=(build_finding(control="of-another-version"),)), id="unknown-control"
        ),
    ],
)
def test_every_report_is_a_whole_page(report: Report) -> None:
    """Elements end where they should, ids are unique, and each link leads to something on the page."""
    check_page(parse_page(report))


@given(inventories())
def test_whatever_a_project_holds_is_a_whole_page(facts: Inventory) -> None:
    """Nothing that can be read of a project breaks the page."""
    check_page(parse_page(build_report(facts)))


def test_text_is_text() -> None:
    """Markup, quotes and a turn of direction in names, reasons, evidence and errors are shown, and do nothing."""
    strange_finding = build_finding(
        name=HOSTILE_TEXT,
        reason=HOSTILE_TEXT,
        remediation=HOSTILE_TEXT,
        evidence={HOSTILE_TEXT: [{HOSTILE_TEXT: HOSTILE_TEXT}], "b": {"c": HOSTILE_TEXT}},
    )
    hostile_report = replace(
        build_report(build_inventory(build_index(), backups=build_failed_listing())),
        project=HOSTILE_TEXT,
        policy_source=HOSTILE_TEXT,
        findings=(strange_finding,),
    )
    page = parse_page(
        replace(hostile_report, read_failures=(replace(READ_FAILURE, call=HOSTILE_TEXT, error=HOSTILE_TEXT),))
    )
    check_page(page)
    assert "\u202e" not in page.text
    assert page.text.count(HOSTILE_TEXT.replace("\u202e", "\\u202e")) > 10


def test_counts_are_those_of_the_report() -> None:
    """Each tile holds the figure that the report has."""
    report = build_last_report()
    tiles = dict(re.findall(r'data-figure="([^"]+)">([^<]+)<', render_text(report)))
    expected = {it.value: f"{report.summary.findings[it]:,}" for it in Compliance}
    expected |= {f"open-{it}": f"{report.summary.open[it]:,}" for it in Severity}
    coverage = report.summary.coverage_percent
    expected |= {
        "exempted": str(report.summary.exempted),
        "coverage": f"{coverage:g} %" if coverage is not None else "",
    }
    assert tiles == expected


def find_fragments(page: ParsedPage) -> set[str]:
    """Return the fragments of the findings on a page."""
    return {it for it in page.ids if it.startswith("finding-")}


def test_each_finding_that_deviates_has_its_fragment() -> None:
    """Compliant and not applicable findings are only counted."""
    report = build_last_report()
    deviating_compliances = {Compliance.NON_COMPLIANT, Compliance.INSUFFICIENT_DATA}
    expected = {f"finding-{it.fingerprint}" for it in report.findings if it.compliance in deviating_compliances}
    assert find_fragments(parse_page(report)) == expected


def test_many_findings_lose_their_evidence_first_and_are_then_counted() -> None:
    """300 have evidence and commands, 6,000 are shown, and the rest is a number."""
    page = parse_page(build_large_report(6_003))
    assert len(find_fragments(page)) == 6_000
    assert [tag for tag, it in page.elements if it.get("class") == "finding"].count("p") == 5_700
    assert "The last 5,700 findings are shortened" in page.text
    assert "And 3 more findings; --format json shows all." in page.text


def test_the_first_step_is_about_the_worst() -> None:
    """The verdict is followed by what to do first, and a link to it."""
    worst_finding = build_finding(severity=Severity.CRITICAL, name="carts", reason="Bad.", remediation="Do this.")
    page = parse_page(replace(build_report(), findings=(build_finding(), worst_finding)))
    assert page.text.index("Do this.") < page.text.index("At a glance")
    assert f"#finding-{worst_finding.fingerprint}" in page.links


def test_the_first_step_is_an_unknown_finding_if_none_is_open() -> None:
    """A page without open findings shows the first unknown one as the first step."""
    unknown_finding = build_finding(
        compliance=Compliance.INSUFFICIENT_DATA, reason="Its age is unknown.", remediation="Find out."
    )
    page = parse_page(replace(build_report(), findings=(unknown_finding,)))
    assert page.text.index("First: orders: Its age is unknown.") < page.text.index("Find out.")


def test_many_projects_are_one_page() -> None:
    """The reports of a registry follow each other, each with its own sections."""
    page = parse_page(build_last_report(), replace(build_report(), project="other"))
    assert {"glance-1", "glance-2", "title-2"} <= set(page.ids)
    assert [tag for tag, _ in page.elements].count("article") == 2


def build_reports(count: int) -> list[Report]:
    """Build the reports of neglected projects of 20 indexes."""
    inventory = build_inventory(*(build_bare_index(f"index-{it:02}") for it in range(20)))
    reports = []
    for number in range(count):
        project = f"project-{number:04}"
        reports.append(build_report(replace(inventory, project=project)))
    return reports


def test_a_fleet_leads_to_the_section_of_each_project() -> None:
    """Each row links to the head of its project, in the same order, and the whole is one page."""
    reports = build_reports(3)
    page = parse_page(*reports, fleet=build_fleet(map(summarize_project, reports), ()))
    check_page(page)
    assert page.ids[0:2] == ["page", "fleet"]
    assert [it for it in page.links if it.startswith("#title-")] == ["#title-1", "#title-2", "#title-3"]
    rows = re.findall(r"Backup audit of (project-\d+)", page.text)
    assert rows == ["project-0000", "project-0001", "project-0002"]


def test_a_fleet_without_sections_leads_nowhere() -> None:
    """An overview alone has no links but those of the page itself, and shows hostile names as text."""
    page = ParsedPage("".join(render_html((), fleet=build_mixed_fleet(), has_sections=False)))
    check_page(page)
    assert not [it for it in page.links if it.startswith("#title-")]
    assert MARKUP.splitlines()[0][:25] in page.text


def test_projects_are_brief_once_the_page_is_large() -> None:
    """200 neglected projects of 20 indexes are less than 3 MB: the worst have all details, the last only the worst."""
    reports = build_reports(200)
    text = render_text(*reports, fleet=build_fleet(map(summarize_project, reports), ()))
    assert len(text.encode()) < 3_000_000
    page = ParsedPage(text)
    check_page(page)
    classes = [str(it.get("class")) for tag, it in page.elements if tag == "article"]
    assert classes == sorted(classes)
    assert set(classes) == {"project", "project brief"}
    assert f"And {len([it for it in reports[-1].findings if it.is_open]) - 5:,} more findings." in page.text


def test_reports_without_a_fleet_are_never_brief() -> None:
    """The page of a single project has every detail, whatever its size."""
    assert "project brief" not in render_text(*build_reports(60))


def test_it_comes_in_pieces() -> None:
    """No piece grows with the number of findings."""

    def find_longest(pieces: Iterable[str]) -> int:
        return max(map(len, pieces))

    assert find_longest(render_html([build_large_report(1_000)])) == find_longest(render_html([build_large_report(10)]))
