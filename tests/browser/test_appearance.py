"""How a page looks: to everybody, in the dark, on a phone, and on paper."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from support.browser import find_violations, open_page
from support.pages import ReportPage

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
WIDTHS = {"phone": 390, "tablet": 820, "desk": 1440}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["phone", "desk"])
def test_the_page_has_no_accessibility_violations(
    report_page: ReportPage, browser: Browser, scheme: Any, width: str
) -> None:
    """axe-core finds nothing, contrast included, with everything open and nothing left out of sight."""
    size = {"width": WIDTHS[width], "height": 900}
    with open_page(browser, report_page.page, color_scheme=scheme, viewport=size) as opened_page:
        opened_page.page.evaluate("for (const it of document.querySelectorAll('details')) it.open = true")
        opened_page.page.evaluate(
            "for (const it of document.querySelectorAll('.group, .index')) it.style.contentVisibility = 'visible'"
        )
        assert find_violations(opened_page.page) == []


def test_axe_would_find_something(neglected_page: ReportPage, browser: Browser) -> None:
    """A picture without a name is noticed."""
    with open_page(browser, neglected_page.page) as opened_page:
        opened_page.page.evaluate("document.querySelector('.nights').removeAttribute('aria-label')")
        assert [it.partition(":")[0] for it in find_violations(opened_page.page)] == ["svg-img-alt"]


def test_it_is_dark_in_the_dark(report_page: ReportPage, browser: Browser) -> None:
    """As the reader's system is: dark text on light paper, or light on dark."""
    brightness = {}
    for scheme in ("light", "dark"):
        with open_page(browser, report_page.page, color_scheme=scheme) as opened_page:
            style = "getComputedStyle(document.documentElement)"
            colors = opened_page.page.evaluate(f"[{style}.backgroundColor, {style}.color]")
            brightness[scheme] = [sum(map(int, it.removeprefix("rgb(").removesuffix(")").split(","))) for it in colors]
    background_color, text_color = brightness["light"]
    assert background_color - text_color > 600
    background_color, text_color = brightness["dark"]
    assert text_color - background_color > 600


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_every_width(report_page: ReportPage, browser: Browser, width: str) -> None:
    """Nothing is wider than the page; what is to be seen is kept as a picture, light and dark."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        options: dict[str, Any] = {"color_scheme": scheme, "viewport": {"width": WIDTHS[width], "height": 900}}
        with open_page(browser, report_page.page, **options) as opened_page:
            assert opened_page.page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width]
            for part in ("title", "findings", "indexes", "drills"):
                opened_page.page.evaluate(f"document.querySelector('[id={part}-1]').scrollIntoView()")
                opened_page.page.screenshot(path=SCREENSHOTS / f"{report_page.name}-{part}-{width}-{scheme}.png")


def test_on_paper_everything_is_open(neglected_page: ReportPage, browser: Browser) -> None:
    """Evidence of findings that are closed is printed, without what only a screen can use."""
    with open_page(browser, neglected_page.page) as opened_page:
        opened_page.page.emulate_media(media="print")
        assert not opened_page.page.locator(".filters").is_visible()
        assert not opened_page.page.locator(".copy").first.is_visible()
        closed_figures = opened_page.page.locator("details.finding:not([open])").last.locator(".figures")
        box = closed_figures.bounding_box()
        assert box is not None
        assert box["height"] > 10
        pdf_content = opened_page.page.pdf(format="A4")
        assert pdf_content.startswith(b"%PDF")
        assert pdf_content.count(b"/Type /Page\n") > 5
