"""Shows which nights were audited, and what became of their reports, as a table or as JSON."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum

from backup_auditor.domain.audit_record import AuditRecord
from backup_auditor.domain.moments import format_moment
from backup_auditor.domain.nights import Night, NightStanding
from backup_auditor.domain.wording import counted
from backup_auditor.rendering.text import plain
from backup_auditor.rendering.wrapping import columns

type Fate = tuple[AuditRecord, StrEnum, str | None]
"""An audit, what became of its report, and what is to be said of that."""


def nights_table(project: str, nights: Sequence[Night], width: int) -> Iterator[str]:
    """Show a line for each night, after one that counts them."""
    found = Counter(it.standing for it in nights)
    parts = [f"{found[it]:,} {it}" for it in NightStanding]
    yield f"{plain(project)}: {counted(len(nights), 'night')}: {', '.join(parts)}"
    yield ""
    yield from columns([(f"{it.day}  {it.standing:10}", _night(it)) for it in nights], width)


def _night(night: Night) -> str:
    best = night.best
    if best is None:
        return "no audit is recorded"
    many = "" if len(night.audits) == 1 else f"  (the best of {len(night.audits)} audits)"
    place = plain(best.report.location) if best.report else "report not kept"
    return f"{format_moment(best.observed_at)}  {best.compliance}  {place}{many}"


def nights_json(project: str, nights: Sequence[Night]) -> str:
    """Show every audit of every night as one JSON document."""
    rows = [
        {"day": it.day.isoformat(), "standing": it.standing, "audits": [_audit(audit) for audit in it.audits]}
        for it in nights
    ]
    return json.dumps({"project": project, "nights": rows}, indent=1)


def reports_table(project: str, fates: Sequence[Fate], width: int) -> Iterator[str]:
    """Show a line for each report, after one that counts them."""
    found = Counter(standing for _, standing, _ in fates)
    parts = [f"{number:,} {standing}" for standing, number in found.items()]
    yield f"{plain(project)}: {counted(len(fates), 'audit')}: reports {', '.join(parts)}"
    yield ""
    rows = [(f"{format_moment(it.observed_at)}  {standing:10}", _fate(it, why)) for it, standing, why in fates]
    yield from columns(rows, width)


def _fate(audit: AuditRecord, why: str | None) -> str:
    place = audit.report.location if audit.report else "no report was written where it could be kept"
    if why is None:
        return plain(place)
    return plain(why if place in why else f"{place}: {why}")


def reports_json(project: str, fates: Sequence[Fate]) -> str:
    """Show every audit and what became of its report as one JSON document."""
    rows = [{**_audit(audit), "standing": standing, "why": why} for audit, standing, why in fates]
    return json.dumps({"project": project, "reports": rows}, indent=1)


def _audit(audit: AuditRecord) -> dict[str, object]:
    report = audit.report
    return {
        "audit_id": audit.audit_id,
        "observed_at": format_moment(audit.observed_at),
        "complete": audit.is_complete,
        "compliance": audit.compliance,
        "report": {"location": report.location, "sha256": report.sha256} if report else None,
    }
