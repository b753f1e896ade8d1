"""How a page looks: to everybody, in the dark, on a phone, and on paper."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from support.browser import opened
from support.pages import Written

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
WIDTHS = {"phone": 390, "tablet": 820, "desk": 1440}


def violations(page: Page) -> list[str]:
    """Return what axe-core finds, each with the elements it finds it in."""
    page.evaluate(AXE)
    found: list[Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(it => it.violations)")
    return [f"{it['id']}: {json.dumps([node['target'] for node in it['nodes']][:5])}" for it in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["phone", "desk"])
def test_nobody_is_kept_out(written: Written, browser: Browser, scheme: Any, width: str) -> None:
    """axe-core finds nothing, contrast included, with everything open and nothing left out of sight."""
    size = {"width": WIDTHS[width], "height": 900}
    with opened(browser, written.page, color_scheme=scheme, viewport=size) as found:
        found.page.evaluate("for (const it of document.querySelectorAll('details')) it.open = true")
        found.page.evaluate(
            "for (const it of document.querySelectorAll('.group, .index')) it.style.contentVisibility = 'visible'"
        )
        assert violations(found.page) == []


def test_axe_would_find_something(neglected: Written, browser: Browser) -> None:
    """A picture without a name is noticed."""
    with opened(browser, neglected.page) as found:
        found.page.evaluate("document.querySelector('.nights').removeAttribute('aria-label')")
        assert [it.partition(":")[0] for it in violations(found.page)] == ["svg-img-alt"]


def test_it_is_dark_in_the_dark(written: Written, browser: Browser) -> None:
    """As the reader's system is: dark text on light paper, or light on dark."""
    brightness = {}
    for scheme in ("light", "dark"):
        with opened(browser, written.page, color_scheme=scheme) as found:
            style = "getComputedStyle(document.documentElement)"
            colours = found.page.evaluate(f"[{style}.backgroundColor, {style}.color]")
            brightness[scheme] = [sum(map(int, it.removeprefix("rgb(").removesuffix(")").split(","))) for it in colours]
    paper, ink = brightness["light"]
    assert paper - ink > 600
    paper, ink = brightness["dark"]
    assert ink - paper > 600


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_every_width(written: Written, browser: Browser, width: str) -> None:
    """Nothing is wider than the page; what is to be seen is kept as a picture, light and dark."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        options: dict[str, Any] = {"color_scheme": scheme, "viewport": {"width": WIDTHS[width], "height": 900}}
        with opened(browser, written.page, **options) as found:
            assert found.page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width]
            for part in ("title", "findings", "indexes"):
                found.page.evaluate(f"document.querySelector('[id={part}-1]').scrollIntoView()")
                found.page.screenshot(path=SCREENSHOTS / f"{written.name}-{part}-{width}-{scheme}.png")


def test_on_paper_everything_is_open(neglected: Written, browser: Browser) -> None:
    """Evidence of findings that are closed is printed, without what only a screen can use."""
    with opened(browser, neglected.page) as found:
        found.page.emulate_media(media="print")
        assert not found.page.locator(".filters").is_visible()
        assert not found.page.locator(".copy").first.is_visible()
        closed = found.page.locator("details.finding:not([open])").last.locator(".figures")
        box = closed.bounding_box()
        assert box is not None
        assert box["height"] > 10
        printed = found.page.pdf(format="A4")
        assert printed.startswith(b"%PDF")
        assert printed.count(b"/Type /Page\n") > 5
