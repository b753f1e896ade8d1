"""What the tests in a browser share: the browser, and the pages."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from support import pages
from support.browser import CHROMIUM, MISSING, browsing


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let all of them share one browser; where there is none one of them says so, unless they have to pass."""
    ours = [it for it in items if it.path.is_relative_to(Path(__file__).parent)]
    for item in ours:
        item.add_marker(pytest.mark.xdist_group("browser"))
    if ours and CHROMIUM is None and not os.environ.get("CI"):
        ours[0].add_marker(pytest.mark.skip(reason=f"{len(ours)} tests of pages: {MISSING}"))
        items[:] = [it for it in items if it not in ours[1:]]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a running browser."""
    if CHROMIUM is None:
        pytest.fail(MISSING)
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
