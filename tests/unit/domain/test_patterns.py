"""Test whether sets of shell patterns match every index name."""

from string import ascii_lowercase, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.domain.patterns import MAX_NAME_LENGTH, NAME_CHARACTERS, fit_every_name, fits_any

NAMES = st.text(sorted(NAME_CHARACTERS), min_size=1, max_size=MAX_NAME_LENGTH)
_PATTERN_PIECES = st.sampled_from(
    ["*", "?", "[a-m]", "[!a-m]", "[a-z0-9-]", "a", "-", "[", "]", "[!", "!", "[]a]", "q7", "A"]
)
PATTERNS = st.lists(st.lists(_PATTERN_PIECES, max_size=5).map("".join), max_size=4)


@pytest.mark.parametrize(
    "patterns",
    [
        pytest.param(["*"], id="star"),
        pytest.param(["**", "x"], id="stars-and-another"),
        pytest.param(["?*"], id="one-or-more"),
        pytest.param(["?", "??*"], id="one-and-more"),
        pytest.param(["?" * it for it in range(1, MAX_NAME_LENGTH + 1)], id="every-length"),
        pytest.param(["[a-z]*", "[0-9]*", "-*"], id="by-the-first-character"),
        pytest.param([f"{it}*" for it in ascii_lowercase + digits + "-"], id="a-pattern-for-each-character"),
        pytest.param(["*a*", "*[!a]*"], id="with-and-without"),
        pytest.param(["a*", "?[!b]*", "[!a]*", "?b*", "a"], id="by-the-second-character"),
        pytest.param(["[]a-z0-9-]*"], id="bracket-in-brackets"),
        pytest.param(["[!A-Z_]*"], id="none-of-what-no-name-has"),
        pytest.param(["[!]a]*", "a*"], id="bracket-after-an-exclamation-mark"),
        pytest.param(["[a]*", "[!a]*"], id="one-character-in-brackets"),
        pytest.param(["?", "[a-z0-9-][a-z0-9-]*"], id="two-brackets"),
        pytest.param(["*", "[a"], id="star-and-an-unclosed-bracket"),
        pytest.param(["**a", "*[!a]"], id="two-stars-before-a-letter"),
        pytest.param([*("?" * it for it in range(1, MAX_NAME_LENGTH)), "*" + "?*" * MAX_NAME_LENGTH], id="many-stars"),
    ],
)
def test_patterns_match_every_name(patterns: list[str]) -> None:
    """One pattern or several together match every name."""
    assert fit_every_name(patterns)


@pytest.mark.parametrize(
    "patterns",
    [
        pytest.param([], id="none"),
        pytest.param([""], id="empty"),
        pytest.param(["??*"], id="not-of-one-character"),
        pytest.param(["?" * it for it in range(1, MAX_NAME_LENGTH)], id="not-of-the-longest-name"),
        pytest.param(["?", "???*"], id="not-of-two-characters"),
        pytest.param(["[a-z]*", "[0-9]*"], id="not-those-that-begin-with-a-hyphen"),
        pytest.param([f"{it}*" for it in ascii_lowercase + digits], id="a-pattern-for-all-but-the-hyphen"),
        pytest.param(["[!a]*", "a?*"], id="not-a-alone"),
        pytest.param(["[*]"], id="a-star-that-is-none"),
        pytest.param(["[", "[]"], id="unclosed-brackets"),
        pytest.param(["*a*b*c*d*e*f*", "*f*e*d*c*b*a*", "*[!f]"], id="many-stars"),
        pytest.param(["*-*", "prod*", "*1", "[a-c]??*"], id="a-usual-policy"),
    ],
)
def test_patterns_do_not_match_every_name(patterns: list[str]) -> None:
    """A set of patterns does not match every name if one name matches none of them."""
    assert not fit_every_name(patterns)


@given(PATTERNS, st.lists(NAMES, min_size=1))
def test_patterns_that_match_every_name_match_each_name(patterns: list[str], names: list[str]) -> None:
    """Patterns that match every name match each sample name."""
    if fit_every_name(patterns):
        assert all(fits_any(it, patterns) for it in names)


@given(st.lists(st.text("ab*?", max_size=4), max_size=4))
def test_short_patterns_are_decided_by_short_names(patterns: list[str]) -> None:
    """For short patterns, the result equals the comparison with all short names."""
    names = [
        first_letter + second_letter + suffix
        for first_letter in "abc"
        for second_letter in ("", *"abc")
        for suffix in ("", *"abc")
    ]
    short_names = {it for base in names for it in (base, base + "a", base + "b", base + "cc", base + "c" * 9)}
    assert fit_every_name(patterns) is all(fits_any(it, patterns) for it in short_names | {"c" * MAX_NAME_LENGTH})


def test_very_many_patterns_are_decided_quickly() -> None:
    """A policy of the largest size is checked in a short time."""
    assert not fit_every_name([f"*{it}*x*y*z*" for it in range(20_000)])
    assert fit_every_name([*(f"*{it}*x*y*z*" for it in range(2_000)), "*"])


def test_patterns_that_need_too_many_states_do_not_match_every_name() -> None:
    """A result that would take too long is `False`, although the patterns match every name."""
    suffix = "?" * 9
    short_names = ["?" * it for it in range(1, 10)]
    assert fit_every_name([*short_names, "*a" + suffix[:4], "*[!a]" + suffix[:4]])
    assert not fit_every_name([*short_names, "*a" + suffix, "*[!a]" + suffix])
