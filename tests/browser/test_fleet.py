"""The page of a registry in a browser: its overview, filter and sort, with and without its script."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from backup_auditor.domain.reporting.fleet import UnauditedProject, build_fleet
from backup_auditor.domain.reporting.fleet_rows import summarize_project
from backup_auditor.domain.reporting.report import Report
from backup_auditor.rendering.html.page import render_html
from support.browser import OpenPage, find_violations, find_violations_in_the_dark, open_page
from support.builders.audit_sequence_report import MARKUP, build_last_report
from support.builders.facts import build_index, build_inventory
from support.builders.reports import build_bare_index, build_report

PROJECT_COUNT = 200
WIDTHS = (390, 1440)
MAX_SECONDS = 1.0
_FILTER_SCRIPT = """() => new Promise(done => {
  const form = document.querySelector(".fleet .filters");
  const filtered = () => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() / 1000)));
  new MutationObserver(filtered).observe(form.querySelector("output"), {childList: true});
  form.elements.namedItem("project").value = "project-0001";
  form.dispatchEvent(new Event("input"));
})"""
_WAIT_SCRIPT = """() => new Promise(done => {
  const wait = (frames) => frames ? requestAnimationFrame(() => wait(frames - 1)) : done();
  wait(30);
})"""


def build_reports() -> list[Report]:
    """Build the reports of 200 projects, worst first: one with hostile text, then neglected ones, then healthy ones."""
    healthy = build_inventory(*(build_index(),))
    neglected = build_inventory(*(build_bare_index(f"index-{it:02}") for it in range(20)))
    return [
        build_report(replace(neglected if number < PROJECT_COUNT // 2 else healthy, project=f"project-{number:04}"))
        for number in range(PROJECT_COUNT - 1)
    ] + [replace(build_last_report(), project=MARKUP)]


@pytest.fixture(scope="module")
def fleet_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of 200 projects, and two that could not be audited."""
    reports = {it.project: it for it in build_reports()}
    unaudited = [UnauditedProject("billing", "BILLING_KEY is not set"), UnauditedProject("=x", MARKUP)]
    fleet = build_fleet(map(summarize_project, reports.values()), unaudited, ["Two entries open one project."])
    path = tmp_path_factory.mktemp("fleet") / "fleet.html"
    path.write_text("".join(render_html((reports[it.name] for it in fleet.projects), fleet=fleet)), encoding="utf-8")
    return path


@pytest.fixture
def opened_page(fleet_page: Path, browser: Browser) -> Iterator[OpenPage]:
    """Open the page."""
    with open_page(browser, fleet_page) as page:
        yield page


def list_projects(opened_page: OpenPage, selector: str = ".projects tbody tr") -> list[str]:
    """Return the names of the rows that are seen, in their order."""
    names: list[str] = opened_page.page.eval_on_selector_all(
        selector, "found => found.filter(it => it.getClientRects().length).map(it => it.cells[0].textContent)"
    )
    return names


def test_it_is_quiet_and_asks_for_nothing(opened_page: OpenPage) -> None:
    """No word in the console, no error, and no request but for the file itself."""
    opened_page.page.wait_for_load_state("networkidle")
    assert (opened_page.messages, opened_page.requested_urls) == ([], [])


def test_a_row_leads_to_its_project(opened_page: OpenPage) -> None:
    """The link of a brief and of a detailed project shows its head, and its section leads back."""
    for name in ("project-0000", "project-0198"):
        opened_page.page.locator(".projects a", has_text=name).click()
        expect(opened_page.page.locator("h1", has_text=name)).to_be_in_viewport()
    opened_page.page.locator(".project", has_text="project-0198").get_by_role("link", name="All projects").click()
    expect(opened_page.page.locator("#fleet-title")).to_be_in_viewport()


def test_a_link_does_not_hold_the_page(opened_page: OpenPage) -> None:
    """What the reader does next wins over the page, which brings the target of a link into view for a while."""
    opened_page.page.locator(".projects a", has_text="project-0198").click()
    opened_page.page.keyboard.press("Home")
    opened_page.page.evaluate(_WAIT_SCRIPT)
    assert opened_page.page.evaluate("scrollY") == 0


def test_a_filter_leaves_what_fits(opened_page: OpenPage) -> None:
    """A part of the name and the result must both fit; the projects that were not audited are filtered by name."""
    page, form = opened_page.page, opened_page.page.locator(".fleet .filters")
    form.get_by_label("Result").select_option("Compliant")
    assert len(list_projects(opened_page)) == PROJECT_COUNT // 2 - 1
    form.get_by_role("searchbox").fill("PROJECT-015")
    assert list_projects(opened_page) == [f"project-015{it}" for it in range(10)]
    expect(form.locator("output")).to_have_text(f"10 of {PROJECT_COUNT} projects shown")
    form.get_by_role("button", name="Show all").click()
    expect(form.locator("output")).to_have_text(f"{PROJECT_COUNT} of {PROJECT_COUNT} projects shown")
    form.get_by_role("searchbox").fill("billing")
    assert list_projects(opened_page) == []
    assert list_projects(opened_page, ".unaudited tbody tr") == ["billing"]
    assert page.title() == "Backup audit"


def test_a_heading_sorts(opened_page: OpenPage) -> None:
    """A figure puts the worst first, the name the first; a second click turns the order round."""
    worst_first = list_projects(opened_page)
    headings = opened_page.page.locator(".projects thead th")
    for name, order in (("project", "ascending"), ("critical", "descending"), ("worst age", "descending")):
        heading = headings.filter(has_text=name).first
        heading.get_by_role("button").click()
        expect(heading).to_have_attribute("aria-sort", order)
    headings.filter(has_text="project").first.get_by_role("button").click()
    assert list_projects(opened_page) == sorted(worst_first)
    assert opened_page.page.locator(".projects [aria-sort]").count() == 1
    headings.filter(has_text="result").get_by_role("button").click()
    results = opened_page.page.locator(".projects tbody td:nth-child(2)").all_inner_texts()
    assert results == sorted(results, key=["Non-compliant", "Unknown", "Compliant"].index)
    headings.filter(has_text="result").get_by_role("button").click()
    assert opened_page.page.locator(".projects tbody td:nth-child(2)").first.inner_text() == "Compliant"


def test_it_works_without_its_script(fleet_page: Path, browser: Browser) -> None:
    """The rows are there and lead to their projects; the filter and the buttons of the headings are not."""
    with open_page(browser, fleet_page, java_script_enabled=False) as opened_page:
        page = opened_page.page
        assert page.locator(".projects tbody tr").count() == PROJECT_COUNT
        assert not page.locator(".fleet .filters").is_visible()
        assert page.locator(".projects thead button").count() == 0
        link = page.locator(".projects a", has_text="project-0003")
        link.click()
        expect(page.locator(str(link.get_attribute("href")))).to_have_text("Backup audit of project-0003")
        expect(page.locator(str(link.get_attribute("href")))).to_be_in_viewport()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_overview_has_no_accessibility_violations(fleet_page: Path, browser: Browser, width: int) -> None:
    """axe-core finds nothing in the overview and in brief and detailed heads, contrast included."""
    with open_page(browser, fleet_page, viewport={"width": width, "height": 900}) as opened_page:
        for selector in (".project", ".projects tbody tr"):  # more of the same takes long and shows nothing else
            opened_page.page.eval_on_selector_all(
                selector, "found => { for (const it of found.slice(2, -2)) it.remove() }"
            )
        assert find_violations(opened_page.page) == []
        if width == WIDTHS[-1]:
            assert find_violations_in_the_dark(opened_page.page) == []


def test_it_is_small(fleet_page: Path) -> None:
    """A page of 200 projects is less than 3 MB."""
    assert fleet_page.stat().st_size < 3_000_000


@pytest.mark.soak
def test_it_is_quickly_usable(fleet_page: Path, browser: Browser) -> None:
    """The filter of a page of 200 projects works within a second from opening. It is timed, so no usual run has it."""
    seconds = []
    for _ in range(3):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(fleet_page.as_uri(), wait_until="commit")
        page.wait_for_selector(".fleet .filters:not([hidden])")
        seconds.append(float(page.evaluate(_FILTER_SCRIPT)))
        page.close()
    assert min(seconds) < MAX_SECONDS
