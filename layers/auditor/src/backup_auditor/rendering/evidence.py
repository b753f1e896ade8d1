"""Shows which nights were audited, and what became of their reports, as a table or as JSON."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum

from backup_auditor.domain.audit_record import AuditRecord, KeptFile
from backup_auditor.domain.moments import format_moment
from backup_auditor.domain.nights import Night, NightStanding
from backup_auditor.domain.wording import counted
from backup_auditor.rendering.text import plain
from backup_auditor.rendering.wrapping import columns

type Fate = tuple[StrEnum, str | None]
"""What became of a file, and what is to be said of that."""
type Fates = tuple[AuditRecord, Fate, Fate | None]
"""An audit, what became of its report, and of its page where it has one."""


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


def reports_table(project: str, audits: Sequence[Fates], width: int) -> Iterator[str]:
    """Show a line for each report and for each page, after one that counts them."""
    pages = [page for _, _, page in audits if page]
    counts = f"reports {_counts([report for _, report, _ in audits])}" + (f"; pages {_counts(pages)}" if pages else "")
    yield f"{plain(project)}: {counted(len(audits), 'audit')}: {counts}"
    yield ""
    rows = [
        (f"{format_moment(audit.observed_at)}  {fate[0]:10}", _said(kept, fate[1]))
        for audit, report, page in audits
        for kept, fate in _files(audit, report, page)
    ]
    yield from columns(rows, width)


def _counts(fates: Sequence[Fate]) -> str:
    return ", ".join(f"{number:,} {standing}" for standing, number in Counter(it[0] for it in fates).items())


def _files(audit: AuditRecord, report: Fate, page: Fate | None) -> Iterator[tuple[KeptFile | None, Fate]]:
    yield audit.report, report
    if page:
        yield audit.report and audit.report.page, page


def _said(kept: KeptFile | None, why: str | None) -> str:
    place = kept.location if kept else "no report was written where it could be kept"
    if why is None:
        return plain(place)
    return plain(why if place in why else f"{place}: {why}")


def reports_json(project: str, audits: Sequence[Fates]) -> str:
    """Show every audit and what became of its report and page as one JSON document."""
    rows = [
        {**_audit(audit), "standing": standing, "why": why, "page": _page(audit, page)}
        for audit, (standing, why), page in audits
    ]
    return json.dumps({"project": project, "reports": rows}, indent=1)


def _page(audit: AuditRecord, fate: Fate | None) -> dict[str, object] | None:
    page = audit.report and audit.report.page
    return {**_kept(page), "standing": fate[0], "why": fate[1]} if page and fate else None


def _audit(audit: AuditRecord) -> dict[str, object]:
    return {
        "audit_id": audit.audit_id,
        "observed_at": format_moment(audit.observed_at),
        "complete": audit.is_complete,
        "compliance": audit.compliance,
        "report": _kept(audit.report) if audit.report else None,
    }


def _kept(kept: KeptFile) -> dict[str, str]:
    return {"location": kept.location, "sha256": kept.sha256}
