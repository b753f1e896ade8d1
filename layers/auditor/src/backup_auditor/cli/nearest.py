"""Names what a user may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches

from backup_auditor.domain.text import quote_text


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that names the nearest known name, or nothing when none is near."""
    close = get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"; did you mean {quote_text(close[0])}?" if close else ""
