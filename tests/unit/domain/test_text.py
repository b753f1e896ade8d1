"""Test the measuring, cutting and quoting of text in any script."""

import pytest

from backup_auditor.domain.text import (
    GIB,
    collapse_whitespace,
    cut_text,
    escape_control_characters,
    find_cluster_end,
    format_size,
    format_sizes,
    is_wide,
    join_names,
    join_sentences,
    measure_width,
    quote_segment,
    quote_text,
    split_clusters,
)

FAMILY = "👨\u200d👩\u200d👧"


@pytest.mark.parametrize(
    "name, expected_segment",
    [
        pytest.param("orders-1", "orders-1", id="ordinary"),
        pytest.param(".", "%2E", id="one-dot"),
        pytest.param("..", "%2E%2E", id="two-dots"),
        pytest.param("a.b", "a.b", id="dot-inside"),
        pytest.param("...", "...", id="three-dots"),
        pytest.param("a/b?c=d&e#f", "a%2Fb%3Fc%3Dd%26e%23f", id="characters-of-urls"),
        pytest.param("a b%", "a%20b%25", id="space-and-percent"),
        pytest.param("AXBX", "AXBX", id="capitals"),
        pytest.param("ü", "%C3%BC", id="letter-outside-ascii"),
    ],
)
def test_a_name_is_one_segment_of_a_path(name: str, expected_segment: str) -> None:
    """A name in a URL cannot end its segment, and dots cannot select another folder."""
    assert quote_segment(name) == expected_segment


@pytest.mark.parametrize(
    "text, expected_text",
    [
        pytest.param("orders", "'orders'", id="ordinary"),
        pytest.param("it's", '"it\'s"', id="apostrophe"),
        pytest.param('a "b"', "'a \"b\"'", id="double-quotes"),
        pytest.param('it\'s "b"', "'it's \"b\"'", id="both"),
        pytest.param("x" * 120, f"'{'x' * 120}'", id="at-limit"),
        pytest.param("x" * 121, f"'{'x' * 119}…'", id="one-character-past-the-limit"),
        pytest.param("a\x1bb", "'a\\x1bb'", id="control-character"),
    ],
)
def test_a_quoted_text_has_the_quotation_marks_that_it_does_not_contain(text: str, expected_text: str) -> None:
    """A quoted text has single quotation marks, unless only these occur in it, and at most 120 characters."""
    assert quote_text(text) == expected_text


@pytest.mark.parametrize(
    "text, expected_text",
    [
        pytest.param(" a\t\r\n b ", "a b", id="ascii-white-space"),
        pytest.param("\xa0a\u3000", "\xa0a\u3000", id="no-break-and-full-width-spaces"),
        pytest.param("XaX", "XaX", id="letters"),
    ],
)
def test_ascii_white_space_collapses(text: str, expected_text: str) -> None:
    """Only ASCII white space collapses; a no-break or full-width space stays, also at the ends."""
    assert collapse_whitespace(text) == expected_text


@pytest.mark.parametrize(
    "text, expected_clusters",
    [
        pytest.param("ab", ["a", "b"], id="ascii"),
        pytest.param("", [], id="empty"),
        pytest.param("ä", ["ä"], id="one-character"),
        pytest.param("éa", ["é", "a"], id="letters"),
        pytest.param("e\u0301a", ["e\u0301", "a"], id="combining-accent"),
        pytest.param(f"a{FAMILY}b", ["a", FAMILY, "b"], id="emoji-of-several-characters"),
        pytest.param("👍🏽👍", ["👍🏽", "👍"], id="skin-tone"),
        pytest.param("🇩🇪🇫🇷", ["🇩🇪", "🇫🇷"], id="two-flags"),
        pytest.param("🇩🇪🇫", ["🇩🇪", "🇫"], id="flag-and-half-a-flag"),
        pytest.param("a🇩🇪🇫🇷", ["a", "🇩🇪", "🇫🇷"], id="flags-after-a-letter"),
        pytest.param("ab🇩🇪🇫🇷🇮🇹", ["a", "b", "🇩🇪", "🇫🇷", "🇮🇹"], id="flags-after-two-letters"),
        pytest.param("각각", ["각", "각"], id="syllables-of-hangul"),
        pytest.param("\u1100\u1161\u11a8\u1100", ["\u1100\u1161\u11a8", "\u1100"], id="jamo-of-a-syllable"),
        pytest.param("\u1100\u1100", ["\u1100\u1100"], id="leading-jamo"),
        pytest.param("\u1100漢", ["\u1100", "漢"], id="jamo-before-another-script"),
        pytest.param("漢\u1161", ["漢", "\u1161"], id="jamo-after-another-script"),
        pytest.param("\u0600\u0661", ["\u0600\u0661"], id="sign-that-belongs-to-the-next-number"),
        pytest.param("\u0915\u094d\u0937", ["\u0915\u094d\u0937"], id="conjunct-of-devanagari"),
        pytest.param("\u0915\u094d ", ["\u0915\u094d", " "], id="virama-before-a-space"),
        pytest.param(" \u200da", [" \u200da"], id="joiner-after-a-space"),
        pytest.param("é\u200d ", ["é\u200d", " "], id="joiner-before-a-space"),
        pytest.param(" é", [" ", "é"], id="space-before-a-letter"),
    ],
)
def test_a_text_is_split_into_what_people_see_as_characters(text: str, expected_clusters: list[str]) -> None:
    """A cluster contains marks, joined emoji, pairs of flag letters and syllables as a whole."""
    assert split_clusters(text) == expected_clusters


@pytest.mark.parametrize(
    "text, max_length, expected_text",
    [
        pytest.param("abcd", 4, "abcd", id="at-limit"),
        pytest.param("abcde", 4, "abc…", id="one-character-past-the-limit"),
        pytest.param("a\u0301bcd", 3, "a\u0301…", id="after-a-mark"),
        pytest.param("ba\u0301cd", 3, "b…", id="before-a-mark"),
        pytest.param("cba\u0301\u0302de", 5, "cb…", id="before-two-marks"),
        pytest.param("a\u0301\u0302\u0303b", 3, "a\u0301…", id="cluster-longer-than-the-limit"),
    ],
)
def test_a_text_is_cut_between_clusters(text: str, max_length: int, expected_text: str) -> None:
    """A cut text ends before the cluster that does not fit, unless this is its first cluster."""
    assert cut_text(text, max_length) == expected_text


@pytest.mark.parametrize(
    "text, max_length, expected_end",
    [
        pytest.param("ab", 2, 2, id="end-of-the-text"),
        pytest.param("ä", 1, 1, id="end-of-one-letter"),
        pytest.param("ab", 5, 5, id="text-shorter-than-the-limit"),
        pytest.param("a\u0301b", 1, 1, id="first-cluster-is-longer"),
        pytest.param("ab\u0301c", 2, 1, id="before-a-mark"),
        pytest.param("\u0301\u0301", 1, 1, id="only-marks"),
    ],
)
def test_the_end_of_the_last_cluster_that_fits_is_found(text: str, max_length: int, expected_end: int) -> None:
    """The end is between two clusters, or at the limit if one cluster is longer."""
    assert find_cluster_end(text, max_length) == expected_end


@pytest.mark.parametrize(
    "text, expected_width",
    [
        pytest.param("abc", 3, id="ascii"),
        pytest.param("a\x1bb", 3, id="ascii-control-character"),
        pytest.param("a\nb\x00", 4, id="ascii-control-characters"),
        pytest.param("漢字", 4, id="wide"),
        pytest.param("e\u0301", 1, id="combining-accent"),
        pytest.param("🇩🇪", 2, id="flag"),
        pytest.param(FAMILY, 2, id="emoji-of-several-characters"),
        pytest.param("\u1100\u1161\u11a8", 2, id="jamo-of-a-syllable"),
        pytest.param("a\xadb", 3, id="soft-hyphen"),
        pytest.param("❤\ufe0f", 2, id="emoji-style"),
    ],
)
def test_the_width_of_a_text_is_measured_in_columns(text: str, expected_width: int) -> None:
    """A mark has no width of its own, and a character of a wide script has two columns."""
    assert measure_width(text) == expected_width


@pytest.mark.parametrize(
    "cluster, expected",
    [
        pytest.param("a", False, id="ascii"),
        pytest.param("é", False, id="narrow-letter"),
        pytest.param("漢", True, id="wide-letter"),
        pytest.param("👍", True, id="emoji"),
    ],
)
def test_a_cluster_of_two_columns_is_wide(cluster: str, expected: bool) -> None:
    """A letter of a script with spaces is narrow, whether ASCII or not."""
    assert is_wide(cluster) is expected


def test_control_characters_are_escaped() -> None:
    """Control and direction characters become escapes; all other characters stay."""
    assert escape_control_characters("é\x07\u202e\ud800漢") == "é\\x07\\u202e\\ud800漢"


def test_sentences_are_joined_by_semicolons() -> None:
    """Only the last sentence keeps its full stop."""
    assert join_sentences(["It is paused.", "It has no run."]) == "It is paused; It has no run."


@pytest.mark.parametrize(
    "count,text",
    [
        (1, "a"),
        (2, "a and b"),
        (5, "a, b, c, d and e"),
        (6, "a, b, c, d, e and 1 more"),
        (7, "a, b, c, d, e and 2 more"),
    ],
)
def test_many_names_are_cut_in_a_sentence(count: int, text: str) -> None:
    """Of more than five names a sentence has the first five, and how many more there are."""
    assert join_names("abcdefg"[:count]) == text


@pytest.mark.parametrize(
    "size_bytes,text",
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1,023 bytes"),
        (1024, "1.0 KiB"),
        (10_737, "10.5 KiB"),
        (3 << 19, "1.5 MiB"),
        (GIB - 1, "1,024.0 MiB"),
        (2000 * GIB, "2,000.0 GiB"),
    ],
)
def test_a_size_has_the_largest_unit_that_fits(size_bytes: int, text: str) -> None:
    """A small size is not zero of a large unit."""
    assert format_size(size_bytes) == text


@pytest.mark.parametrize(
    "actual,texts",
    [
        pytest.param(21 * GIB, ("21.0 GiB", "20.0 GiB"), id="different"),
        pytest.param(20 * GIB, ("20.0 GiB", "20.0 GiB"), id="equal"),
        pytest.param(20 * GIB + 1, ("21,474,836,481 bytes", "21,474,836,480 bytes"), id="alike"),
    ],
)
def test_sizes_that_look_alike_are_in_bytes(actual: int, texts: tuple[str, str]) -> None:
    """A size above its limit never looks like the limit."""
    assert format_sizes(actual, 20 * GIB) == texts
