"""What is wrong with a document that people write, on which line, and how large a document may be."""

from collections.abc import Collection
from dataclasses import dataclass

from backup_auditor.domain.text import cut_text, escape_control_characters

MAX_DOCUMENT_BYTES = 1024 * 1024
"""In bytes."""


_MAX_EXCERPT_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    text: str
    """What is wrong and what to do, on one line."""
    line: int | None = None
    """Counted from 1; `None` where the file as a whole is meant."""


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """What sort of file is read, as messages call it."""

    name: str
    start_hint: str
    """How to come by one to start from."""


class DocumentProblemError(Exception):
    """The text cannot be read any further. Whoever loads the file makes it an error of its own."""

    def __init__(self, text: str, line: int | None = None) -> None:
        """Say what is wrong, and on which line."""
        super().__init__(text)
        self.problem = Problem(text, line)


def make_visible(text: str) -> str:
    """Write a text on one line, in any script, with an escape for every control character."""
    return escape_control_characters(text)


def quote_excerpt(text: str) -> str:
    """Write a text of the file in quotes, cut where it is long."""
    return f'"{make_visible(cut_text(text, _MAX_EXCERPT_LENGTH + 1))}"'


def describe_value(value: object) -> str:
    """Write a value of the file the way a person would name it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return quote_excerpt(value)
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            text = f"{value}"
            return cut_text(text, _MAX_EXCERPT_LENGTH + 1)


def suggest_key(key: str, known_keys: Collection[str]) -> str:
    """Return a hint for an unknown key: the nearest known key, else all known keys."""
    from difflib import get_close_matches  # noqa: PLC0415  a valid document does not need it

    matches = get_close_matches(key, known_keys, n=1, cutoff=0.5)
    return f"did you mean {quote_excerpt(matches[0])}?" if matches else f"known there: {', '.join(known_keys)}"
