"""Says in a few lines what a state loses by a discard."""

from collections.abc import Iterator
from datetime import datetime

from backup_auditor.domain.audit_record import AuditRecord
from backup_auditor.domain.lifecycle.discard import Discard
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.rendering.text import escape_text

_MAX_AUDITS = 20
"""How many audits are listed."""


def render_discard(discard: Discard, project: str, location: str, now: datetime) -> Iterator[str]:
    """Return the lines."""
    yield escape_text(f"State of {project}: {location}")
    yield f"Clock of this machine: {format_moment(now)}"
    yield f"To be discarded: {pluralize(len(discard.audits), 'recorded audit')}"
    for audit in discard.audits[:_MAX_AUDITS]:
        yield f"  {_format_audit(audit)}"
    if len(discard.audits) > _MAX_AUDITS:
        yield f"  and {len(discard.audits) - _MAX_AUDITS:,} more"
    yield f"  {pluralize(discard.dropped_count, 'finding')} that no other audit found"
    if discard.reverted_count:
        yield f"  the last change of {pluralize(discard.reverted_count, 'finding')}"
    last_observed_at = discard.after.observed_at
    if last_observed_at is None:
        yield "After that no audit is recorded: the next one is the first."
    else:
        yield f"After that the last recorded audit is of {format_moment(last_observed_at)}."
    state = discard.after
    if state.backups or state.schedules or state.indexes:
        counts = f"{pluralize(len(state.backups), 'backup')}, {pluralize(len(state.schedules), 'schedule')} and"
        yield f"Kept: {counts} {pluralize(len(state.indexes), 'index', 'indexes')} that the state knows."


def _format_audit(audit: AuditRecord) -> str:
    completeness = "complete" if audit.is_complete else "incomplete"
    return f"{format_moment(audit.observed_at)}  {completeness}, {audit.compliance}, audit {audit.audit_id}"
