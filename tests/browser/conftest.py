"""What the tests in a browser share: the browser, and the pages."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import pages
from browsing import CHROMIUM, MISSING, browsing


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let all of them share one browser."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a running browser; where there is none these tests are skipped, but not where they have to pass."""
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with browsing() as found:
        yield found


@pytest.fixture(scope="session")
def audited(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pages.Written]:
    """Return the reports, by scenario, where there is a browser."""
    assert browser.is_connected()
    folder = tmp_path_factory.mktemp("pages")
    return {name: pages.written(name, folder) for name in pages.SCENARIOS}


@pytest.fixture(params=pages.SCENARIOS)
def written(request: pytest.FixtureRequest, audited: dict[str, pages.Written]) -> pages.Written:
    """Return each of the reports."""
    return audited[request.param]


@pytest.fixture
def neglected(audited: dict[str, pages.Written]) -> pages.Written:
    """Return the report in which most is wrong."""
    return audited["neglected"]
