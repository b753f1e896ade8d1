"""Problems of a document that a person wrote, with their lines, and the size limit of documents."""

from collections.abc import Collection
from dataclasses import dataclass

from backup_auditor.domain.text import cut_text, escape_control_characters

MAX_DOCUMENT_BYTES = 1024 * 1024
"""The size limit of policies, registries and other documents."""


_MAX_EXCERPT_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a document."""

    text: str
    """The problem and what to do, on one line."""
    line: int | None = None
    """The line, counted from 1; `None` for the document as a whole."""


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """A kind of document, as messages name it."""

    name: str
    start_hint: str
    """How to get one to start from."""


class DocumentProblemError(Exception):
    """A document that cannot be read. Each loader translates it into its own error."""

    def __init__(self, text: str, line: int | None = None) -> None:
        """Take the problem and its line."""
        super().__init__(text)
        self.problem = Problem(text, line)


def make_visible(text: str) -> str:
    """Return a text on one line, in any script, with an escape for every control character."""
    return escape_control_characters(text)


def quote_excerpt(text: str) -> str:
    """Return a text of the document in quotes, cut to 61 characters."""
    return f'"{make_visible(cut_text(text, _MAX_EXCERPT_LENGTH + 1))}"'


def describe_value(value: object) -> str:
    """Return how a message names a value of the document."""
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
