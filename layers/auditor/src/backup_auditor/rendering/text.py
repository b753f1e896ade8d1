"""Text for people: escaped, truncated, wrapped and colored."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from unicodedata import category

from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.text import cut_text, escape_control_characters, is_wide, measure_width, split_clusters

_BATCH_SIZE = 1 << 16


def encode_pieces(pieces: Iterable[str]) -> Iterator[bytes]:
    """Encode a text that comes in pieces. The same text gives the same bytes, whatever its pieces."""
    batch: list[str] = []
    size = 0
    for piece in pieces:
        batch.append(piece)
        size += len(piece)
        if size >= _BATCH_SIZE:
            yield "".join(batch).encode(errors="backslashreplace")
            batch, size = [], 0
    yield ("".join(batch) + "\n").encode(errors="backslashreplace")


def join_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines as pieces of one text; the last line has no end."""
    separator = ""
    for line in lines:
        yield separator + line
        separator = "\n"


_COLOR_CODES = {
    Severity.CRITICAL: "1;31",
    Severity.HIGH: "31",
    Severity.MEDIUM: "33",
    Severity.LOW: "36",
    Compliance.NON_COMPLIANT: "1;31",
    Compliance.INSUFFICIENT_DATA: "1;33",
    Compliance.COMPLIANT: "1;32",
    Compliance.NOT_APPLICABLE: "2",
}


@dataclass(frozen=True, slots=True)
class Style:
    """Colors texts, if colors are allowed."""

    is_colored: bool

    def color(self, meaning: Severity | Compliance, text: str) -> str:
        """Return a text in the color of a severity or a verdict."""
        return self._apply(_COLOR_CODES[meaning], text)

    def bold(self, text: str) -> str:
        """Return a bold text."""
        return self._apply("1", text)

    def dim(self, text: str) -> str:
        """Return a dim text."""
        return self._apply("2", text)

    def _apply(self, codes: str, text: str) -> str:
        return f"\x1b[{codes}m{text}\x1b[0m" if self.is_colored and text else text


_MARKDOWN_SYNTAX = re.compile(r"([\\`*_{}\[\]()<>#+!|~&$@-])")
_REFERENCE_STARTS = re.compile(
    r"[@#](?=\w)|\bgh-(?=\d)|:(?=//|[a-z][\w+-]*:|[+-]1:|100:|1234:)|\bwww(?=\.)", re.IGNORECASE
)
_CONTROL_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""The characters that `escape_control_characters` escapes and JSON does not; JSON escapes C0 itself."""
_REFERENCE_BREAK = "<!-- -->"
"""Keeps GitHub from turning the text around it into a mention, a reference, a link or an emoji."""


escape_text = escape_control_characters
truncate = cut_text


def count_units(text: str) -> int:
    """Count a text as JavaScript does, which is never less than its characters."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def format_json(value: object) -> str:
    """Return a value as JSON for people: text in any script as it is written, only controls as escapes."""
    text = json.dumps(value, ensure_ascii=False)
    return _CONTROL_IN_JSON.sub(lambda occurrence: f"\\u{ord(occurrence[0]):04x}", text)


def format_value(value: object) -> str:
    """Return a text as it is, and any other value as JSON."""
    return value if isinstance(value, str) else format_json(value)


def escape_truncated(text: str, length: int) -> str:
    """Return an escaped text of at most a length."""
    return truncate(escape_text(truncate(text, length)), length)


def escape_markdown(text: str) -> str:
    """Return a text on one line without markup, mentions and links."""
    escaped_text = escape_text(text)
    ends = [0, *(it.end() for it in _REFERENCE_STARTS.finditer(escaped_text)), len(escaped_text)]
    return _REFERENCE_BREAK.join(
        _MARKDOWN_SYNTAX.sub(r"\\\1", escaped_text[start:end]) for start, end in pairwise(ends)
    )


def format_code(text: str) -> str:
    """Return a text as Markdown code, whatever backticks and bars it holds."""
    escaped_text = escape_text(text)
    longest_fence = max((len(it) for it in re.findall(r"`+", escaped_text)), default=0)
    fence = "`" * (longest_fence + 1)
    padding = " " if escaped_text[:1] in ("`", "") or escaped_text[-1:] == "`" else ""
    return f"{fence}{padding}{escaped_text}{padding}{fence}"


MIN_WIDTH = 40
"""The least number of columns of a line, however narrow a terminal is."""
_COLUMN_GAP = 2
_WORD_PATTERN = re.compile(r"( *)([^ ]+)")
_BREAK_AFTER = frozenset("-/_.,;:=&?@|+")
"""A name, a path or an address that is longer than a line is broken after these."""
_NEVER_FIRST_CATEGORIES = ("Pe", "Pf", "Po", "Lm")
_NEVER_LAST_CATEGORIES = ("Ps", "Pi")
"""By their category: closing marks and signs of length do not begin a line, opening ones do not end one."""
_WIDE_BLANK = "\u3000"


def wrap_text(text: str, width: int, indent: str) -> list[str]:
    """Break a text into lines of at most so many columns; those after the first begin with the indent.

    A word that fits a line is not broken. A longer one is broken where it reads best, never within what a person takes
    for one character.
    """
    width = max(width, MIN_WIDTH)
    if len(text) <= width and text.isascii():
        return [text.rstrip(" ")]
    lines: list[str] = []
    line = text[: len(text) - len(text.lstrip(" "))]
    line_width, has_word = len(line), False
    for spaces, word in _WORD_PATTERN.findall(text.lstrip(" ")):
        word_width, full_width = measure_width(word), width - len(indent)
        remaining_width = width - line_width - len(spaces)
        if (
            has_word
            and word_width > remaining_width
            and (word_width <= full_width or remaining_width <= full_width // 2)
        ):
            lines.append(line)
            line, line_width, has_word = indent, len(indent), False
        if has_word:
            line, line_width = line + spaces, line_width + len(spaces)
        *parts, last_part = (
            _split_word(word, width - line_width, full_width) if line_width + word_width > width else [word]
        )
        for part in parts:
            lines.append(line + part)
            line, line_width = indent, len(indent)
        line, line_width, has_word = line + last_part, line_width + measure_width(last_part), True
    return [*lines, line]


def _split_word(word: str, first_width: int, full_width: int) -> list[str]:
    """Break a word into parts: the first for the rest of a line, the others for lines of their own."""
    parts: list[str] = []
    clusters = split_clusters(word)
    widths = list(map(measure_width, clusters))
    start, available_width = 0, first_width
    while start < len(clusters):
        end, part_width = start, 0
        while end < len(clusters) and (part_width + widths[end] <= available_width or end == start):
            part_width += widths[end]
            end += 1
        if end < len(clusters):
            end = _find_best_end(clusters, start, end)
        parts.append("".join(clusters[start:end]).rstrip(_WIDE_BLANK))
        while end < len(clusters) and clusters[end] == _WIDE_BLANK:
            end += 1
        start, available_width = end, full_width
    return parts


def _find_best_end(clusters: Sequence[str], start: int, end: int) -> int:
    """Return the best end of a part, at most `end`: in its second half, else `end` itself."""
    for position in range(end, start + (end - start) // 2, -1):
        if _is_good_end(clusters[position - 1], clusters[position]):
            return position
    return end


def _is_good_end(before: str, after: str) -> bool:
    if before in _BREAK_AFTER:
        return after not in _BREAK_AFTER
    return (
        (is_wide(before) or is_wide(after))
        and category(after[0]) not in _NEVER_FIRST_CATEGORIES
        and category(before[0]) not in _NEVER_LAST_CATEGORIES
    )


def format_columns(rows: Sequence[tuple[str, str]], width: int, indent: str = "  ") -> Iterator[str]:
    """Lay rows out as a column of labels and one of text; a label that is too wide has its text on the next line."""
    width = max(width, MIN_WIDTH)
    widths = [measure_width(label) for label, _ in rows]
    column_width = min(max(widths, default=0), max(12, width // 3))
    text_indent = " " * (len(indent) + column_width + _COLUMN_GAP)
    for (label, text), label_width in zip(rows, widths, strict=True):
        if label_width > column_width:
            yield from wrap_text(indent + label, width, indent * 2)
            yield from wrap_text(text_indent + text, width, text_indent)
        else:
            yield from wrap_text(
                f"{indent}{label}{' ' * (column_width - label_width + _COLUMN_GAP)}{text}", width, text_indent
            )
