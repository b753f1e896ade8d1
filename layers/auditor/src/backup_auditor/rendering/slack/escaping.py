"""Text that Slack shows as it is: nothing in a name calls anybody, links anywhere, hides, or turns the line around."""

import re

from backup_auditor.rendering.text import plain

_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""What counts as printable and shows nothing; `plain` writes the rest of its kind out."""


def fitted(text: str, length: int) -> str:
    """Return a text on lines of its own, harmless, of at most a length; one that was cut ends in an ellipsis."""
    pieces = [_MARKUP.get(it, it) for it in visible(text)]
    if sum(map(units, pieces)) <= length:
        return "".join(pieces)
    left = length - 1
    kept = []
    for piece in pieces:
        left -= units(piece)
        if left < 0:
            break
        kept.append(piece)
    return "".join(kept) + "…"


def visible(text: str) -> str:
    """Return a text with all that cannot be seen written out, but for the ends of lines."""
    lines = (plain(_INVISIBLE.sub(_written_out, it)) for it in text.split("\n"))
    return "\n".join(lines)


def units(text: str) -> int:
    """Count a text as JavaScript does, which is never less than its characters."""
    return len(text) + sum(it > "\uffff" for it in text)


def _written_out(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
