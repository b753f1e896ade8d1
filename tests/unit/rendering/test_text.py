"""Text that is fit to be shown."""

import pytest

from backup_auditor.domain.text import pluralize
from backup_auditor.rendering.text import escape_markdown, escape_text, format_code, format_columns


@pytest.mark.parametrize(
    "text, expected_text",
    [
        pytest.param("orders", "orders", id="ordinary"),
        pytest.param("café ✓", "café ✓", id="other-scripts"),
        pytest.param("a\x1b[0m", "a\\x1b[0m", id="escape"),
        pytest.param("a\u202eb", "a\\u202eb", id="right-to-left-override"),
        pytest.param("a\ud800b", "a\\ud800b", id="half-surrogate"),
        pytest.param("a\tb\r\n", "a\\tb\\r\\n", id="blanks-that-move"),
        pytest.param("a\x9bb", "a\\x9bb", id="eight-bit-escape"),
        pytest.param("a\x85b", "a\\x85b", id="next-line"),
        pytest.param("a\u2028b\u2029", "a\\u2028b\\u2029", id="line-separators"),
        pytest.param("a\u200fb\u061c\u2066", "a\\u200fb\\u061c\\u2066", id="direction"),
        pytest.param("検索チーム\u3000田中", "検索チーム\u3000田中", id="full-width-blank"),
        pytest.param("guide\xa0: «\u202findex\u202f»", "guide\xa0: «\u202findex\u202f»", id="no-break-blanks"),
        pytest.param("می\u200cشود", "می\u200cشود", id="zero-width-non-joiner"),
        pytest.param("👨\u200d💻 ❤\ufe0f", "👨\u200d💻 ❤\ufe0f", id="emoji-sequences"),
        pytest.param("a\xadb\u200bc\ufeff\ue000", "a\xadb\u200bc\ufeff\ue000", id="invisible-but-harmless"),
    ],
)
def test_what_does_not_print_is_written_out(text: str, expected_text: str) -> None:
    """Printable characters are kept, all others are escaped in ASCII."""
    assert escape_text(text) == expected_text


@pytest.mark.parametrize(
    "text, expected_text",
    [
        pytest.param("a", "`a`", id="ordinary"),
        pytest.param("a`b", "``a`b``", id="backtick-inside"),
        pytest.param("`a", "`` `a ``", id="backtick-in-front"),
        pytest.param("", "`  `", id="empty"),
    ],
)
def test_code_holds_any_name(text: str, expected_text: str) -> None:
    """A name is fenced so that nothing in it ends the fence or the cell."""
    assert format_code(text) == expected_text


def test_markdown_escapes_markup() -> None:
    """What would be markup is escaped, what is not stays readable."""
    assert escape_markdown("a_b <c> d.") == "a\\_b \\<c\\> d."


@pytest.mark.parametrize("number, expected_text", [(0, "0 indexes"), (1, "1 index"), (2000, "2,000 indexes")])
def test_counts_agree_with_their_noun(number: int, expected_text: str) -> None:
    """One is singular, everything else is not."""
    assert pluralize(number, "index", "indexes") == expected_text


def test_a_wide_label_has_its_text_below() -> None:
    """A label wider than a third of the line does not squeeze the text."""
    label = "a-name-of-more-than-thirty-characters"
    assert list(format_columns([(label, "text"), ("b", "text")], 90)) == [
        f"  {label}",
        " " * 34 + "text",
        "  b" + " " * 31 + "text",
    ]
