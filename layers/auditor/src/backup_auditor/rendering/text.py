"""Text that is fit to be shown: nothing in a name can move a cursor or end a table's cell."""

import json
import re
from itertools import pairwise

from backup_auditor.domain.text import cut, escape_controls

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~&$@-])")
_REFERENCES = re.compile(r"[@#](?=\w)|\bgh-(?=\d)|:(?=//|[a-z][\w+-]*:|[+-]1:|100:|1234:)|\bwww(?=\.)", re.IGNORECASE)
_CONTROL_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""What `escape_controls` escapes and JSON does not; of C0, JSON has escapes of its own."""
_BREAK = "<!-- -->"
"""What keeps GitHub from seeing a name, a number, an address or an emoji in what follows each other."""


plain = escape_controls
clipped = cut


def format_json(value: object) -> str:
    """Return a value as JSON for people: text in any script as it is written, only controls as escapes."""
    return _CONTROL_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


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
