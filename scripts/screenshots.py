"""Take the README's pictures of the neglected project's report. Chromium is required."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from simulator_process import COMMAND, run_simulator

PICTURE_FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
NOW = "2026-11-02T06:00:00Z"
_WIDTH, _HEIGHT = 1100, 1000
_PICTURE_PARTS = {"report-glance.png": ("light", ".verdict"), "report-indexes.png": ("dark", "#indexes-1")}
_ELEMENTS_SCRIPT = "[...document.querySelectorAll('style, .verdict, #glance-1, .legend, .index:nth-of-type(-n+5)')]"
HASH_FILE = PICTURE_FOLDER / "of.sha256"
"""The file with the hash of the page parts in the stored pictures."""


def hash_page(page: Page) -> str:
    """Return the hash of the page parts in the pictures; pictures with another hash are outdated."""
    html: str = page.evaluate(f"{_ELEMENTS_SCRIPT}.map(it => it.outerHTML).join('\\n')")
    return hashlib.sha256(html.encode()).hexdigest()


def _write_page(folder: Path) -> Path:
    """Write the report from a saved inventory, as the tests do."""
    command = [str(COMMAND), "audit", "--fail-on", "never"]
    with run_simulator("neglected", now=NOW) as environment:
        for flags in (
            [
                "--project",
                "neglected",
                "--now",
                NOW,
                "--no-state",
                "--save-inventory",
                "seen",
                "--output",
                "report.txt",
            ],
            ["--inventory", "seen", "--format", "html", "--output", "report.html"],
        ):
            subprocess.run([*command, *flags], cwd=folder, env={**os.environ, **environment}, check=True)
    return folder / "report.html"


def _take_pictures(browser: Browser, url: str) -> None:
    PICTURE_FOLDER.mkdir(exist_ok=True)
    for name, (scheme, selector) in _PICTURE_PARTS.items():
        context = browser.new_context(
            viewport={"width": _WIDTH, "height": _HEIGHT}, color_scheme="dark" if scheme == "dark" else "light"
        )
        page = context.new_page()
        page.goto(url)
        page.evaluate(f"document.querySelector('{selector}').scrollIntoView()")
        page.wait_for_timeout(300)
        page.screenshot(path=PICTURE_FOLDER / name)
        HASH_FILE.write_text(f"{hash_page(page)}\n", encoding="utf-8")
        context.close()


def main() -> int:
    """Take the pictures, and return the exit code."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("Chromium is not installed", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--hide-scrollbars"])
        _take_pictures(browser, _write_page(Path(folder)).as_uri())
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
