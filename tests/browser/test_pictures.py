"""The pictures in the README."""

from playwright.sync_api import Browser

import take_pictures
from support.browser import open_page
from support.pages import ReportPage


def test_the_pictures_are_current(neglected_page: ReportPage, browser: Browser) -> None:
    """What they show is what the page shows now."""
    with open_page(browser, neglected_page.page) as opened_page:
        recorded_hash = take_pictures.HASH_FILE.read_text(encoding="utf-8").strip()
        assert recorded_hash == take_pictures.hash_page(opened_page.page), (
            "take them again: .venv/bin/python scripts/take_pictures.py"
        )
