"""The page of a night of the fleet in a browser: its links lead to the pages of projects, and it sorts by audit."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Browser, expect

from backup_auditor.domain.audit_record import StoredFile, StoredReport
from backup_auditor.domain.discovery_notice import UnregisteredProject
from backup_auditor.domain.reporting.fleet import UnauditedProject, UnregisteredProjects, build_fleet
from backup_auditor.rendering.html.fleet import NightPages
from backup_auditor.rendering.html.page import render_html
from support.browser import find_violations, open_page
from support.builders.audit_sequence_report import MARKUP
from support.builders.facts import NOW
from support.builders.fleets import build_project

NAMES = ("search", "support", MARKUP)


def build_link(location: str) -> str:
    """Return the URL of a stored file."""
    return f"https://reports.example.com/{location.removeprefix('s3://evidence/')}?a=1&b=2"


def write_page(path: Path) -> None:
    """Write the page of a night with three projects, the first of which was audited last, and one without an audit."""
    page = StoredFile("s3://evidence/report.html", "7c" * 32)
    report = StoredReport("s3://evidence/report.json", "5f" * 32, page)
    rows = [
        replace(build_project(name, observed_at=NOW - timedelta(minutes=number)), report=report)
        for number, name in enumerate(NAMES)
    ]
    unregistered = UnregisteredProjects((UnregisteredProject("p-9", "payments", NOW),), NOW, is_current=True)
    fleet = build_fleet(rows, [UnauditedProject("billing", "401: Invalid API key; fix the cause")], (), unregistered)
    pages = NightPages(NOW, 2, build_link)
    path.write_text("".join(render_html((), fleet=fleet, has_sections=False, pages=pages)), encoding="utf-8")


def test_the_page_of_a_night_leads_to_projects_and_is_accessible(tmp_path: Path, browser: Browser) -> None:
    """Each project has the URL of its page, the audits sort by their time, and axe-core finds nothing."""
    path = tmp_path / "fleet.html"
    write_page(path)
    with open_page(browser, path) as opened_page:
        page = opened_page.page
        assert page.locator(".fleet .meta").inner_text() == "Night of 2026-11-22 12:00 UTC, correction 1"
        links = {it.get_attribute("href") for it in page.locator(".projects tbody a").all()}
        assert links == {"https://reports.example.com/report.html?a=1&b=2"}
        page.locator(".projects thead th", has_text="audited").get_by_role("button").click()
        times = page.locator(".projects tbody td:last-child").all_inner_texts()
        assert times == sorted(times)
        assert len(times) == len(NAMES)
        page.locator(".fleet .filters").get_by_role("searchbox").fill("support")
        assert page.locator(".unregistered tbody tr:visible").count() == 0
        page.locator(".fleet .filters").get_by_role("button", name="Show all").click()
        expect(page.locator(".unregistered tbody tr")).to_have_text("paymentsp-9first seen 2026-11-22")
        assert find_violations(page) == []
        assert (opened_page.messages, opened_page.requested_urls) == ([], [])
