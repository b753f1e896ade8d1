"""Text that Slack shows as it is: nothing in a name calls anybody, links anywhere, or turns the line around."""

from backup_auditor.domain.text import split_clusters
from backup_auditor.rendering.text import plain

_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def fitted(text: str, length: int) -> str:
    """Return a text on lines of its own, harmless, of at most a length; one that was cut ends in an ellipsis."""
    pieces = ["".join(_MARKUP.get(it, it) for it in cluster) for cluster in split_clusters(visible(text))]
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
    """Return a text with every control character escaped, but for the ends of lines."""
    return "\n".join(map(plain, text.split("\n")))


def units(text: str) -> int:
    """Count a text as JavaScript does, which is never less than its characters."""
    return len(text) + sum(it > "\uffff" for it in text)
