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
MISSING = "Chromium is not installed: apt-get install chromium"
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


@contextmanager
def browsing() -> Iterator[Browser]:
    """Start the browser. Raises `RuntimeError` where there is none."""
    if CHROMIUM is None:
        raise RuntimeError(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Opened:
    """A page that is open, and what it said and asked for."""

    page: Page
    said: list[str] = field(default_factory=list)
    """What stands in the console, errors, and dialogs."""
    asked: list[str] = field(default_factory=list)
    """What was requested, beside the page itself."""

    def dismiss(self, dialog: Dialog) -> None:
        """Note a dialog, and close it."""
        self.said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def texts(self, selector: str) -> list[str]:
        """Return the texts of elements, hidden or not, with single blanks."""
        found: list[str] = self.page.eval_on_selector_all(
            selector, "found => found.map(it => it.textContent.replace(/\\s+/g, ' ').trim())"
        )
        return found

    def visible(self, selector: str = ".finding") -> set[str]:
        """Return the ids of elements that are to be seen."""
        found: list[str] = self.page.eval_on_selector_all(
            selector, "found => found.filter(it => it.getClientRects().length).map(it => it.id)"
        )
        return set(found)


@contextmanager
def opened(browser: Browser, path: Path, *, fragment: str = "", **options: Any) -> Iterator[Opened]:
    """Open a file in a context of its own."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    try:
        found = Opened(context.new_page())
        page = found.page
        page.on("console", lambda it: found.said.append(f"{it.type}: {it.text}"))
        page.on("pageerror", lambda it: found.said.append(f"error: {it}"))
        page.on("dialog", found.dismiss)
        page.on("request", lambda it: found.asked.append(it.url))
        page.goto(path.as_uri() + fragment)
        found.asked = [it for it in found.asked if it.partition("#")[0] != path.as_uri()]
        yield found
    finally:
        context.close()
