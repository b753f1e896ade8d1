"""How a page looks: to everybody, in the dark, on a phone, and on paper."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from support.browser import find_violations, find_violations_in_the_dark, open_page
from support.pages import ReportPage

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
WIDTHS = {"phone": 390, "tablet": 820, "desk": 1440}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.mark.parametrize("width", ["phone", "desk"])
def test_the_page_has_no_accessibility_violations(report_page: ReportPage, browser: Browser, width: str) -> None:
    """axe-core finds nothing, contrast included, with everything open and nothing left out of sight.

    A narrow page has the colors of a wide one, so that one width is enough in the dark.
    """
    with open_page(browser, report_page.page, viewport={"width": WIDTHS[width], "height": 900}) as opened_page:
        opened_page.page.evaluate("for (const it of document.querySelectorAll('details')) it.open = true")
        opened_page.page.evaluate(
            "for (const it of document.querySelectorAll('.group, .index')) it.style.contentVisibility = 'visible'"
        )
        assert find_violations(opened_page.page) == []
        if width == "desk":
            assert find_violations_in_the_dark(opened_page.page) == []


def test_axe_would_find_something(neglected_page: ReportPage, browser: Browser) -> None:
    """A picture without a name is noticed."""
    with open_page(browser, neglected_page.page) as opened_page:
        opened_page.page.evaluate("document.querySelector('.nights').removeAttribute('aria-label')")
        assert [it.partition(":")[0] for it in find_violations(opened_page.page)] == ["svg-img-alt"]


def test_colors_that_only_the_dark_has_are_checked(neglected_page: ReportPage, browser: Browser) -> None:
    """A text that cannot be read in the dark is noticed, where it can be read in the light."""
    with open_page(browser, neglected_page.page) as opened_page:
        opened_page.page.evaluate("for (const it of document.body.children) if (it.id !== 'glance-1') it.remove()")
        opened_page.page.evaluate("document.body.style.color = 'black'")
        assert find_violations(opened_page.page) == []
        assert [it.partition(":")[0] for it in find_violations_in_the_dark(opened_page.page)] == ["color-contrast"]


def test_it_is_dark_in_the_dark(report_page: ReportPage, browser: Browser) -> None:
    """As the reader's system is: dark text on light paper, or light on dark."""
    brightness = {}
    with open_page(browser, report_page.page) as opened_page:
        for scheme in SCHEMES:
            opened_page.page.emulate_media(color_scheme=scheme)
            style = "getComputedStyle(document.documentElement)"
            colors = opened_page.page.evaluate(f"[{style}.backgroundColor, {style}.color]")
            brightness[scheme] = [sum(map(int, it.removeprefix("rgb(").removesuffix(")").split(","))) for it in colors]
    background_color, text_color = brightness["light"]
    assert background_color - text_color > 600
    background_color, text_color = brightness["dark"]
    assert text_color - background_color > 600


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_every_width(report_page: ReportPage, browser: Browser, width: str) -> None:
    """Nothing is wider than the page, light and dark."""
    with open_page(browser, report_page.page, viewport={"width": WIDTHS[width], "height": 900}) as opened_page:
        for scheme in SCHEMES:
            opened_page.page.emulate_media(color_scheme=scheme)
            assert opened_page.page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width]


@pytest.mark.soak
@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_seen_is_kept_as_pictures(report_page: ReportPage, browser: Browser, width: str) -> None:
    """Each part of the page has a picture, light and dark, for a person to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with open_page(browser, report_page.page, viewport={"width": WIDTHS[width], "height": 900}) as opened_page:
        for scheme in SCHEMES:
            opened_page.page.emulate_media(color_scheme=scheme)
            for part in ("title", "findings", "indexes", "drills"):
                path = SCREENSHOTS / f"{report_page.name}-{part}-{width}-{scheme}.png"
                opened_page.page.evaluate(f"document.querySelector('[id={part}-1]').scrollIntoView()")
                assert opened_page.page.screenshot(path=path).startswith(b"\x89PNG")


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
