"""Text that is fit to be shown: nothing in a name can move a cursor or end a table's cell."""

import re
from itertools import pairwise

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~&$@-])")
_REFERENCES = re.compile(r"[@#](?=\w)|\bgh-(?=\d)|:(?=//|[a-z][\w+-]*:|[+-]1:|100:|1234:)|\bwww(?=\.)", re.IGNORECASE)
_BREAK = "<!-- -->"
"""What keeps GitHub from seeing a name, a number, an address or an emoji in what follows each other."""


def plain(text: str) -> str:
    """Return a text with every character that does not print, such as an escape, written out."""
    if text.isprintable():
        return text
    return "".join(it if it.isprintable() else it.encode("unicode_escape").decode() for it in text)


def clipped(text: str, length: int) -> str:
    """Return a text of at most a length; one that was cut ends in an ellipsis."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def shortened(text: str, length: int) -> str:
    """Return a text fit to be shown, of at most a length."""
    return clipped(plain(clipped(text, length)), length)


def markdown(text: str) -> str:
    """Return a text in which nothing is markup, on one line, and which calls nobody and links to nothing."""
    shown = plain(text)
    ends = [0, *(it.end() for it in _REFERENCES.finditer(shown)), len(shown)]
    return _BREAK.join(_MARKDOWN.sub(r"\\\1", shown[start:end]) for start, end in pairwise(ends))


def code(text: str) -> str:
    """Return a text as Markdown code, whatever backticks and bars it holds."""
    inner = plain(text)
    longest = max((len(it) for it in re.findall(r"`+", inner)), default=0)
    fence = "`" * (longest + 1)
    blank = " " if inner[:1] in ("`", "") or inner[-1:] == "`" else ""
    return f"{fence}{blank}{inner}{blank}{fence}"
