"""Text that is fit to be shown: nothing in a name can move a cursor or end a table's cell."""

import re

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~&$@-])")


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
    """Return a text in which nothing is markup, on one line."""
    return _MARKDOWN.sub(r"\\\1", plain(text))


def code(text: str) -> str:
    """Return a text as Markdown code, whatever backticks and bars it holds."""
    inner = plain(text)
    longest = max((len(it) for it in re.findall(r"`+", inner)), default=0)
    fence = "`" * (longest + 1)
    blank = " " if inner[:1] in ("`", "") or inner[-1:] == "`" else ""
    return f"{fence}{blank}{inner}{blank}{fence}"
