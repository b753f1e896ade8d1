"""What the tests in a browser share: the browser, and the pages."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from support import pages
from support.browser import CHROMIUM, MISSING_MESSAGE, OpenPage, open_page, start_browser


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let all of them share one browser; where there is none one of them says so, unless they have to pass."""
    folder = Path(__file__).parent
    browser_items = [it for it in items if it.path.parent == folder]
    for item in browser_items:
        item.add_marker(pytest.mark.xdist_group("browser"))
    if browser_items and CHROMIUM is None and not os.environ.get("CI"):
        browser_items[0].add_marker(pytest.mark.skip(reason=f"{len(browser_items)} tests of pages: {MISSING_MESSAGE}"))
        items[:] = [it for it in items if it not in browser_items[1:]]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a running browser."""
    if CHROMIUM is None:
        pytest.fail(MISSING_MESSAGE)
    with start_browser() as running_browser:
        yield running_browser


@pytest.fixture(scope="session")
def report_pages(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pages.ReportPage]:
    """Return the reports, by scenario, where there is a browser."""
    assert browser.is_connected()
    folder = tmp_path_factory.mktemp("pages")
    return {name: pages.write_report_page(name, folder) for name in pages.SCENARIOS}


@pytest.fixture(params=pages.SCENARIOS)
def report_page(request: pytest.FixtureRequest, report_pages: dict[str, pages.ReportPage]) -> pages.ReportPage:
    """Return each of the reports."""
    return report_pages[request.param]


@pytest.fixture
def neglected_page(report_pages: dict[str, pages.ReportPage]) -> pages.ReportPage:
    """Return the report in which most is wrong."""
    return report_pages["neglected"]


@pytest.fixture(scope="session")
def opened_pages(browser: Browser, report_pages: dict[str, pages.ReportPage]) -> Iterator[dict[str, OpenPage]]:
    """Open each report once, for the tests that change nothing in it."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(open_page(browser, it.page)) for name, it in report_pages.items()}


@pytest.fixture
def opened_page(report_page: pages.ReportPage, opened_pages: dict[str, OpenPage]) -> OpenPage:
    """Return each of the reports, opened; the test changes nothing in it."""
    return opened_pages[report_page.name]
