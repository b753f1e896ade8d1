"""Test that the pictures in the README are current."""

from playwright.sync_api import Browser

import screenshots
from support.browser import open_page
from support.pages import ReportPage


def test_the_pictures_are_current(neglected_page: ReportPage, browser: Browser) -> None:
    """The pictures show what the page shows now."""
    with open_page(browser, neglected_page.page) as opened_page:
        recorded_hash = screenshots.HASH_FILE.read_text(encoding="utf-8").strip()
        assert recorded_hash == screenshots.hash_page(opened_page.page), (
            "take them again: .venv/bin/python scripts/screenshots.py"
        )
