"""Says in a few lines what a state loses by a discard."""

from collections.abc import Iterator
from datetime import datetime

from backup_auditor.domain.audit_record import AuditRecord
from backup_auditor.domain.lifecycle.discard import Discard
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.rendering.text import escape_text

_MOST = 20
"""How many audits are listed."""


def discard_text(discard: Discard, project: str, place: str, now: datetime) -> Iterator[str]:
    """Return the lines."""
    yield escape_text(f"State of {project}: {place}")
    yield f"Clock of this machine: {format_moment(now)}"
    yield f"To be discarded: {pluralize(len(discard.audits), 'recorded audit')}"
    for audit in discard.audits[:_MOST]:
        yield f"  {_audit(audit)}"
    if len(discard.audits) > _MOST:
        yield f"  and {len(discard.audits) - _MOST:,} more"
    yield f"  {pluralize(discard.dropped, 'finding')} that no other audit found"
    if discard.taken_back:
        yield f"  the last change of {pluralize(discard.taken_back, 'finding')}"
    last = discard.after.observed_at
    if last is None:
        yield "After that no audit is recorded: the next one is the first."
    else:
        yield f"After that the last recorded audit is of {format_moment(last)}."
    kept = discard.after
    if kept.backups or kept.schedules or kept.indexes:
        known = f"{pluralize(len(kept.backups), 'backup')}, {pluralize(len(kept.schedules), 'schedule')} and"
        yield f"Kept: {known} {pluralize(len(kept.indexes), 'index', 'indexes')} that the state knows."


def _audit(audit: AuditRecord) -> str:
    completeness = "complete" if audit.is_complete else "incomplete"
    return f"{format_moment(audit.observed_at)}  {completeness}, {audit.compliance}, audit {audit.audit_id}"
