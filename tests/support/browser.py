"""Pages in Debian's Chromium, with their console messages and requests."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Dialog, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
"""The path of Chromium; `None` if it is not installed."""
MISSING_MESSAGE = "Chromium is not installed: apt-get install chromium"
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


@contextmanager
def start_browser() -> Iterator[Browser]:
    """Start the browser. Raises `RuntimeError` if it is not installed."""
    if CHROMIUM is None:
        raise RuntimeError(MISSING_MESSAGE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class OpenPage:
    """An open page with its messages and requests."""

    page: Page
    messages: list[str] = field(default_factory=list)
    """Console lines, errors and dialogs."""
    requested_urls: list[str] = field(default_factory=list)
    """The requested URLs, without the page itself."""

    def dismiss(self, dialog: Dialog) -> None:
        """Record a dialog, and close it."""
        self.messages.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def read_texts(self, selector: str) -> list[str]:
        """Return the texts of elements, hidden or not, with whitespace collapsed."""
        element_texts: list[str] = self.page.eval_on_selector_all(
            selector, "found => found.map(it => it.textContent.replace(/\\s+/g, ' ').trim())"
        )
        return element_texts

    def find_visible_ids(self, selector: str = ".finding") -> set[str]:
        """Return the ids of visible elements."""
        element_ids: list[str] = self.page.eval_on_selector_all(
            selector, "found => found.filter(it => it.getClientRects().length).map(it => it.id)"
        )
        return set(element_ids)


@contextmanager
def open_page(browser: Browser, path: Path, *, fragment: str = "", **options: Any) -> Iterator[OpenPage]:
    """Open a file in its own browser context."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    try:
        opened_page = OpenPage(context.new_page())
        page = opened_page.page
        page.on("console", lambda it: opened_page.messages.append(f"{it.type}: {it.text}"))
        page.on("pageerror", lambda it: opened_page.messages.append(f"error: {it}"))
        page.on("dialog", opened_page.dismiss)
        page.on("request", lambda it: opened_page.requested_urls.append(it.url))
        page.goto(path.as_uri() + fragment)
        opened_page.requested_urls = [it for it in opened_page.requested_urls if it.partition("#")[0] != path.as_uri()]
        yield opened_page
    finally:
        context.close()


_COLOR_RULES = ("color-contrast", "link-in-text-block")
"""The rules of axe-core that compare colors."""
_AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def find_violations(page: Page, *rules: str) -> list[str]:
    """Return what axe-core finds, by some of its rules or by all, each with the elements it finds it in."""
    options = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
    page.evaluate(_AXE)
    axe_violations: list[Any] = page.evaluate(
        "options => axe.run(document, options).then(it => it.violations)", options
    )
    return [f"{it['id']}: {json.dumps([node['target'] for node in it['nodes']][:5])}" for it in axe_violations]


def find_violations_in_the_dark(page: Page) -> list[str]:
    """Return what the rules of colors find in the dark, in which nothing but the colors differs."""
    page.emulate_media(color_scheme="dark")
    return find_violations(page, *_COLOR_RULES)
