"""Reads the moment that `--now` gives."""

import re
from datetime import UTC, datetime

from backup_auditor.domain.text import quote_text
from backup_auditor.errors import UsageError

_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_YEARS = range(2000, 3000)


def read_now(text: str | None) -> datetime | None:
    """Return the moment that `--now` names; `None` when it was not given. Raises `UsageError`."""
    if text is None:
        return None
    if _RFC3339.fullmatch(text) is None:
        raise UsageError(f"--now {quote_text(text, 80)} is no moment; one looks like 2026-11-22T06:00:00Z")
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise UsageError(f"--now {quote_text(text, 80)} is no moment: {error}") from None
    if moment.year not in _YEARS:
        raise UsageError(
            f"--now {quote_text(text, 80)} is out of reach; its year must lie between {_YEARS[0]} and {_YEARS[-1]}"
        )
    return moment.astimezone(UTC)
