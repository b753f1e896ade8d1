"""The pictures in the README."""

from playwright.sync_api import Browser

import take_pictures
from support.browser import opened
from support.pages import Written


def test_the_pictures_are_current(neglected: Written, browser: Browser) -> None:
    """What they show is what the page shows now."""
    with opened(browser, neglected.page) as found:
        kept = take_pictures.HASH_FILE.read_text(encoding="utf-8").strip()
        assert kept == take_pictures.hash_page(found.page), "take them anew: .venv/bin/python scripts/take_pictures.py"
