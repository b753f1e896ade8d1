"""Write texts as YAML 1.2 scalars."""

import re

from backup_auditor.rendering.text import format_json

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = frozenset({"false", "n", "no", "null", "off", "on", "true", "y", "yes"})
"""What YAML 1.1 or 1.2 does not read as text."""


def format_scalar(text: str) -> str:
    """Return a text as a scalar that every version of YAML reads as the same text, in quotes where needed."""
    is_plain = _PLAIN.fullmatch(text) is not None and text.casefold() not in _WORDS
    return text if is_plain else format_json(text)
