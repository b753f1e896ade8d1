"""Reads the fields of events and payloads. What is not known there is refused, so that no slip of the pen is lost."""

from collections.abc import Mapping

from backup_auditor.errors import RequestError

LONGEST = 1000


def refuse_unknown(mapping: Mapping[object, object], what: str, known: tuple[str, ...]) -> None:
    """Raise `RequestError` where there is a field that nobody reads."""
    unknown = sorted(str(it)[:80] for it in mapping if it not in known)
    if unknown:
        raise RequestError(f"{what} holds {', '.join(map(repr, unknown[:5]))}; known there are {', '.join(known)}")


def text_in(mapping: Mapping[object, object], key: str, longest: int = LONGEST) -> str | None:
    """Return the text of a field, `None` where there is none. Raises `RequestError`."""
    value = mapping.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        raise RequestError(f"{key} is no text of 1 to {longest} characters; write one, or leave it out")
    return value
