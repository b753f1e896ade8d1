"""Opens pages in Debian's Chromium, and listens to whatever they say or ask for."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Dialog, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
"""Where it is; `None` where it is not."""
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
    """Start the browser. Raises `RuntimeError` where there is none."""
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
    """An open page, its messages and its requests."""

    page: Page
    messages: list[str] = field(default_factory=list)
    """The lines of the console, errors, and dialogs."""
    requested_urls: list[str] = field(default_factory=list)
    """What was requested, beside the page itself."""

    def dismiss(self, dialog: Dialog) -> None:
        """Note a dialog, and close it."""
        self.messages.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def read_texts(self, selector: str) -> list[str]:
        """Return the texts of elements, hidden or not, with single blanks."""
        element_texts: list[str] = self.page.eval_on_selector_all(
            selector, "found => found.map(it => it.textContent.replace(/\\s+/g, ' ').trim())"
        )
        return element_texts

    def find_visible_ids(self, selector: str = ".finding") -> set[str]:
        """Return the ids of elements that are to be seen."""
        element_ids: list[str] = self.page.eval_on_selector_all(
            selector, "found => found.filter(it => it.getClientRects().length).map(it => it.id)"
        )
        return set(element_ids)


@contextmanager
def open_page(browser: Browser, path: Path, *, fragment: str = "", **options: Any) -> Iterator[OpenPage]:
    """Open a file in a context of its own."""
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
