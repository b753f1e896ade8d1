"""Writes how much the last audits found as one short text, which every store can keep, and reads it back."""

import json

from backup_auditor.adapters.ticks import certain_moment, ticks
from backup_auditor.domain.finding import Severity
from backup_auditor.domain.history import PastAudit


def history_text(history: tuple[PastAudit, ...]) -> str:
    """Write audits as JSON: of each its moment, whether it was complete, and its counts, the worst first."""
    rows = [[ticks(it.observed_at), int(it.is_complete), *(it.open[at] for at in reversed(Severity))] for it in history]
    return json.dumps(rows, separators=(",", ":"))


def history_of(text: str) -> tuple[PastAudit, ...]:
    """Read audits that were written so."""
    return tuple(
        PastAudit(certain_moment(at), bool(is_complete), dict(zip(reversed(Severity), counts, strict=True)))
        for at, is_complete, *counts in json.loads(text)
    )
