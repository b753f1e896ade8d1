"""Text for people: escaped, cut and measured in any script; counts, sizes and lists in words."""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from unicodedata import category, combining, east_asian_width

_CONTROL_CHARACTER = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""C0 and C1 controls, line separators, bidirectional controls, and characters that XML forbids: lone surrogates."""
_BLANKS = re.compile(r"[\t\n\v\f\r ]+")
"""ASCII white space. No-break and full-width spaces do not count."""
_ZWJ, _ZWNJ, _EMOJI_STYLE = "\u200d", "\u200c", "\ufe0f"
_VIRAMA = 9
_EXTENDERS = re.compile("[\u200c\u200d\u0e33\u0eb3\uff9e\uff9f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
"""Extenders that are no combining marks: joiners, vowels, skin tones, tags of flags."""
_FLAG_LETTER = re.compile("[\U0001f1e6-\U0001f1ff]")
_PREPENDERS = re.compile("[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\U000110bd\U000110cd\U000111c2\U000111c3]")
_LEADING_JAMO = re.compile("[\u1100-\u115f\ua960-\ua97c]")
_HANGUL = re.compile("[\u1100-\u11ff\ua960-\ua97c\uac00-\ud7fb]")
_FOLLOWING_JAMO = re.compile("[\u1160-\u11ff\ud7b0-\ud7fb]")
_WIDE_BY_LATER_UNICODE = re.compile(
    "[\u2630-\u2637\u31e4\u31e5\u268a-\u268f\u4dc0-\u4dff\U00016ff0-\U000191ff\U0001b000-\U0001b2ff"
    "\U0001d300-\U0001d376\U0001f1ad-\U0001f1ff\U0001f300-\U0001faff\U00020000-\U0003fffd]"
)
"""Characters that terminals draw in two columns, although the Unicode data of older Pythons calls them narrow."""
_SOFT_HYPHEN = "\xad"
_SKIN_TONES = re.compile("[\U0001f3fb-\U0001f3ff]")
_SKIN_BASES = re.compile(
    "[\u261d\u26f9\u270a-\u270d\U0001f385\U0001f3c2-\U0001f3cc\U0001f442-\U0001f4aa\U0001f574-\U0001f596"
    "\U0001f645-\U0001f64f\U0001f6a3\U0001f6b4-\U0001f6b6\U0001f6c0\U0001f6cc\U0001f90c-\U0001f9dd\U0001fac3-\U0001fac5\U0001faf0-\U0001faf8]"
)
"""Emoji of people and hands. A skin tone does not make them wider."""


def escape_control_characters(text: str) -> str:
    """Return a text with escapes for control characters and direction characters."""
    if text.isprintable():
        return text
    return _CONTROL_CHARACTER.sub(lambda it: it[0].encode("unicode_escape").decode(), text)


def quote_text(text: str, max_length: int = 120) -> str:
    """Return a text in quotes for a message, cut to `max_length` characters."""
    escaped_text = escape_control_characters(cut_text(text, max_length))
    quotation_mark = '"' if "'" in escaped_text and '"' not in escaped_text else "'"
    return f"{quotation_mark}{escaped_text}{quotation_mark}"


def quote_segment(name: str) -> str:
    """Return a name as one segment of a URL's path, whatever characters it has."""
    from urllib.parse import quote  # noqa: PLC0415  most commands build no URL

    return name.replace(".", "%2E") if name in {".", ".."} else quote(name, safe="")


def collapse_whitespace(text: str) -> str:
    """Return a text on one line: each run of ASCII white space becomes one space."""
    return _BLANKS.sub(" ", text).strip(" ")


def cut_text(text: str, max_length: int) -> str:
    """Return a text of at most `max_length` characters. A longer text is cut between clusters and ends in `…`."""
    return text if len(text) <= max_length else f"{text[: find_cluster_end(text, max_length - 1)]}…"


def find_cluster_end(text: str, max_length: int) -> int:
    """Return the end of the last cluster within `max_length` characters; `max_length` if one cluster is longer."""
    position = max_length
    while position > 0 and _is_joined(text, position):
        position -= 1
    return position or max_length


def split_clusters(text: str) -> list[str]:
    """Split a text into grapheme clusters: what a person sees as one character.

    In unclear cases, such as around joiners, a cluster is too long rather than too short.
    """
    if text.isascii():
        return list(text)
    clusters: list[str] = []
    start = 0
    for position in range(1, len(text) + 1):
        if position == len(text) or not _is_joined(text, position):
            clusters.append(text[start:position])
            start = position
    return clusters


def measure_width(text: str) -> int:
    """Return the width of a text in terminal columns; if terminals differ, the larger number."""
    return len(text) if text.isascii() else sum(map(_measure_cluster, split_clusters(text)))


def is_wide(cluster: str) -> bool:
    """Return whether a cluster is wide: its script uses two columns for a character and no spaces."""
    return not cluster.isascii() and _measure_character(cluster[0]) > 1


def _is_joined(text: str, position: int) -> bool:
    """Return whether a cluster continues at a position, by the rules of Unicode Standard Annex 29."""
    if position >= len(text):
        return False
    previous_character, next_character = text[position - 1], text[position]
    if previous_character.isascii() and next_character.isascii():
        return False
    if previous_character == " " and next_character in (_ZWJ, _ZWNJ):
        return True
    if _is_extender(next_character):
        return True
    if previous_character == _ZWJ:
        return next_character != " "
    return _is_joined_by_script(text, position, previous_character, next_character)


def _is_joined_by_script(text: str, position: int, previous_character: str, next_character: str) -> bool:
    if _FLAG_LETTER.match(next_character):
        first_flag = position
        while first_flag and _FLAG_LETTER.match(text[first_flag - 1]):
            first_flag -= 1
        return (position - first_flag) % 2 == 1
    if _HANGUL.match(next_character) and _HANGUL.match(previous_character):
        return bool(_LEADING_JAMO.match(previous_character) or _FOLLOWING_JAMO.match(next_character))
    return bool(_PREPENDERS.match(previous_character)) or (
        combining(previous_character) == _VIRAMA and category(next_character) == "Lo"
    )


@lru_cache(maxsize=4096)
def _is_extender(character: str) -> bool:
    return category(character) in ("Mn", "Me", "Mc") or _EXTENDERS.match(character) is not None


@lru_cache(maxsize=4096)
def _measure_character(character: str) -> int:
    if _WIDE_BY_LATER_UNICODE.match(character):
        return 2
    kind = category(character)
    if kind in ("Mn", "Me") or _FOLLOWING_JAMO.match(character):
        return 0
    if kind == "Cf":
        return 1 if character == _SOFT_HYPHEN or _PREPENDERS.match(character) else 0
    return 2 if east_asian_width(character) in ("W", "F") else 1


@lru_cache(maxsize=4096)
def _measure_cluster(cluster: str) -> int:
    if _FLAG_LETTER.match(cluster):
        return 2
    width, base = 0, " "
    for previous_character, character in pairwise(f" {cluster}"):
        is_drawn_with_base = (previous_character == _ZWJ and category(character) == category(base) == "So") or (
            _SKIN_TONES.match(character) and _SKIN_BASES.match(base)
        )
        if not is_drawn_with_base and (character_width := _measure_character(character)):
            width += character_width
            base = character
    return max(width, 2) if _EMOJI_STYLE in cluster else width


def pluralize(count: int, noun: str, plural: str | None = None) -> str:
    """Return a count with its noun: `1 schedule`, `2 schedules`, `1,000 indexes`."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def join_sentences(sentences: list[str]) -> str:
    """Join sentences into one, separated by semicolons."""
    return "; ".join(sentence.removesuffix(".") for sentence in sentences) + "."


_MAX_NAMES = 5


def join_names(names: Iterable[str]) -> str:
    """Return names as a part of a sentence: `a, b and c`, of more than five the first ones and how many more."""
    names = list(names)
    shown_names = names[:_MAX_NAMES]
    if len(names) > _MAX_NAMES:
        shown_names.append(f"{len(names) - _MAX_NAMES:,} more")
    *first_names, last_name = shown_names
    return f"{', '.join(first_names)} and {last_name}" if first_names else last_name


GIB = 1 << 30
_SIZES = (("GiB", GIB), ("MiB", 1 << 20), ("KiB", 1 << 10))


def format_size(size_bytes: int) -> str:
    """Return a size in the largest unit of which it has at least one: `30.5 GiB`, `1 byte`."""
    for unit, unit_size in _SIZES:
        if size_bytes >= unit_size:
            return f"{size_bytes / unit_size:,.1f} {unit}"
    return pluralize(size_bytes, "byte")


def format_sizes(actual: int, limit: int) -> tuple[str, str]:
    """Return two sizes as text. If they differ but look alike, they are in bytes."""
    texts = format_size(actual), format_size(limit)
    if texts[0] == texts[1] and actual != limit:
        return pluralize(actual, "byte"), pluralize(limit, "byte")
    return texts
