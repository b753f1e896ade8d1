"""Test that the troubleshooting page quotes the messages of the product."""

import re
from pathlib import Path

import pytest

from docs.messages import check_messages, fill_messages

PAGE = Path(__file__).parents[2] / "docs" / "operations" / "troubleshooting.md"


def test_rows_quote_messages() -> None:
    """Every row of a table of messages starts with a message of the code or with words of a report."""
    text = PAGE.read_text(encoding="utf-8")
    tables = re.findall(r"^\| message \|.*\n\|---.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    rows = [row for table in tables for row in table.splitlines()]
    assert len(rows) > 40
    assert [it for it in rows if not re.match(r"\| (<!-- message: |`)", it)] == []


def test_every_mark_fits_one_message() -> None:
    """Each mark of the page fits exactly one message of the product."""
    assert check_messages(PAGE.read_text(encoding="utf-8")) == []


def test_a_mark_is_followed_by_its_message() -> None:
    """The quotation after a mark is replaced by the current message, with a gap for each inserted value."""
    text = "| <!-- message: main WSL -->`an old message` | cause |"
    filled = fill_messages(text)
    assert "-->`Windows is not supported" in filled
    assert "an old message" not in filled
    assert fill_messages(filled) == filled


@pytest.mark.parametrize(
    "mark", ["main no such words", "no_such_function", "main"], ids=["no-words", "no-function", "many-messages"]
)
def test_a_mark_that_fits_no_single_message_is_reported(mark: str) -> None:
    """A mark that fits no message or several messages keeps its quotation and is reported."""
    text = f"<!-- message: {mark} -->`as it was`"
    assert fill_messages(text) == text
    assert check_messages(text) == [f"<!-- message: {mark} -->"]
