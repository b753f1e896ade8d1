"""The pictures in the README."""

from playwright.sync_api import Browser

import take_pictures
from browsing import opened
from pages import Written


def test_the_pictures_are_current(neglected: Written, browser: Browser) -> None:
    """What they show is what the page shows now."""
    with opened(browser, neglected.page) as found:
        assert take_pictures.is_current(found.page), "take them anew: .venv/bin/python scripts/take_pictures.py"
