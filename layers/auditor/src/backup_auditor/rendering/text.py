"""Text for people: escaped, truncated, wrapped and coloured."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from unicodedata import category

from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.text import cut, escape_controls, is_wide, split_clusters, width_of

_BATCH = 1 << 16


def encoded(pieces: Iterable[str]) -> Iterator[bytes]:
    """Encode a text that comes in pieces. The same text gives the same bytes, whatever its pieces."""
    batch: list[str] = []
    size = 0
    for piece in pieces:
        batch.append(piece)
        size += len(piece)
        if size >= _BATCH:
            yield "".join(batch).encode(errors="backslashreplace")
            batch, size = [], 0
    yield ("".join(batch) + "\n").encode(errors="backslashreplace")


_CODES = {
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
    """Colours a text, where colours are wanted."""

    is_coloured: bool

    def of(self, meaning: Severity | Compliance, text: str) -> str:
        """Return a text in the colour of a severity or a verdict."""
        return self._in(_CODES[meaning], text)

    def strong(self, text: str) -> str:
        """Return a text that stands out."""
        return self._in("1", text)

    def faint(self, text: str) -> str:
        """Return a text that stands back."""
        return self._in("2", text)

    def _in(self, codes: str, text: str) -> str:
        return f"\x1b[{codes}m{text}\x1b[0m" if self.is_coloured and text else text


_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~&$@-])")
_REFERENCES = re.compile(r"[@#](?=\w)|\bgh-(?=\d)|:(?=//|[a-z][\w+-]*:|[+-]1:|100:|1234:)|\bwww(?=\.)", re.IGNORECASE)
_CONTROL_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""What `escape_controls` escapes and JSON does not; of C0, JSON has escapes of its own."""
_BREAK = "<!-- -->"
"""What keeps GitHub from seeing a name, a number, an address or an emoji in what follows each other."""


escape_text = escape_controls
truncate = cut


def format_json(value: object) -> str:
    """Return a value as JSON for people: text in any script as it is written, only controls as escapes."""
    return _CONTROL_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def escape_truncated(text: str, length: int) -> str:
    """Return a text fit to be shown, of at most a length."""
    return truncate(escape_text(truncate(text, length)), length)


def markdown(text: str) -> str:
    """Return a text in which nothing is markup, on one line, and which calls nobody and links to nothing."""
    shown = escape_text(text)
    ends = [0, *(it.end() for it in _REFERENCES.finditer(shown)), len(shown)]
    return _BREAK.join(_MARKDOWN.sub(r"\\\1", shown[start:end]) for start, end in pairwise(ends))


def code(text: str) -> str:
    """Return a text as Markdown code, whatever backticks and bars it holds."""
    inner = escape_text(text)
    longest = max((len(it) for it in re.findall(r"`+", inner)), default=0)
    fence = "`" * (longest + 1)
    blank = " " if inner[:1] in ("`", "") or inner[-1:] == "`" else ""
    return f"{fence}{blank}{inner}{blank}{fence}"


NARROWEST = 40
"""How many columns a line may have at least, however narrow a terminal is."""
_GAP = 2
_WORD = re.compile(r"( *)([^ ]+)")
_BREAK_AFTER = frozenset("-/_.,;:=&?@|+")
"""Where a name, a path or an address is broken that is longer than a line."""
_NEVER_FIRST = ("Pe", "Pf", "Po", "Lm")
_NEVER_LAST = ("Ps", "Pi")
"""By their category: closing marks and signs of length do not begin a line, opening ones do not end one."""
_WIDE_BLANK = "\u3000"


def hanging(text: str, width: int, indent: str) -> list[str]:
    """Break a text into lines of at most so many columns; those after the first begin with the indent.

    A word stays whole where a line has room for it. A longer one is broken where it reads best, never within what a
    person takes for one character.
    """
    width = max(width, NARROWEST)
    if len(text) <= width and text.isascii():
        return [text.rstrip(" ")]
    lines: list[str] = []
    line = text[: len(text) - len(text.lstrip(" "))]
    taken, is_begun = len(line), False
    for blanks, word in _WORD.findall(text.lstrip(" ")):
        size, room = width_of(word), width - len(indent)
        left = width - taken - len(blanks)
        if is_begun and size > left and (size <= room or left <= room // 2):
            lines.append(line)
            line, taken, is_begun = indent, len(indent), False
        if is_begun:
            line, taken = line + blanks, taken + len(blanks)
        *parts, last = _parts(word, width - taken, room) if taken + size > width else [word]
        for part in parts:
            lines.append(line + part)
            line, taken = indent, len(indent)
        line, taken, is_begun = line + last, taken + width_of(last), True
    return [*lines, line]


def _parts(word: str, left: int, room: int) -> list[str]:
    """Break a word into parts: the first for what is left of a line, the others for lines of their own."""
    parts: list[str] = []
    clusters = split_clusters(word)
    widths = list(map(width_of, clusters))
    start, space = 0, left
    while start < len(clusters):
        end, taken = start, 0
        while end < len(clusters) and (taken + widths[end] <= space or end == start):
            taken += widths[end]
            end += 1
        if end < len(clusters):
            end = _best_end(clusters, start, end)
        parts.append("".join(clusters[start:end]).rstrip(_WIDE_BLANK))
        while end < len(clusters) and clusters[end] == _WIDE_BLANK:
            end += 1
        start, space = end, room
    return parts


def _best_end(clusters: Sequence[str], start: int, end: int) -> int:
    """Return where a part ends best that may end no later: in its second half, unless nothing there is good."""
    for at in range(end, start + (end - start) // 2, -1):
        if _is_good_end(clusters[at - 1], clusters[at]):
            return at
    return end


def _is_good_end(before: str, after: str) -> bool:
    if before in _BREAK_AFTER:
        return after not in _BREAK_AFTER
    is_between_wide = is_wide(before) or is_wide(after)
    return is_between_wide and category(after[0]) not in _NEVER_FIRST and category(before[0]) not in _NEVER_LAST


def columns(rows: Sequence[tuple[str, str]], width: int, indent: str = "  ") -> Iterator[str]:
    """Lay rows out as a column of labels and one of text; a label that is too wide has its text on the next line."""
    width = max(width, NARROWEST)
    widths = [width_of(label) for label, _ in rows]
    column = min(max(widths, default=0), max(12, width // 3))
    hang = " " * (len(indent) + column + _GAP)
    for (label, text), taken in zip(rows, widths, strict=True):
        if taken > column:
            yield from hanging(indent + label, width, indent * 2)
            yield from hanging(hang + text, width, hang)
        else:
            yield from hanging(f"{indent}{label}{' ' * (column - taken + _GAP)}{text}", width, hang)
