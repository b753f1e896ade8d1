"""Shows which nights were audited, and what became of their reports, as a table or as JSON."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from backup_auditor.domain.audit_record import AuditDay, AuditRecord, DayStatus, Gap, Nights, StoredFile, standing_of
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_length, format_moment, hours
from backup_auditor.rendering.text import columns, escape_text, hanging

type FileCheck = tuple[StrEnum, str | None]
"""What became of a file, and what is to be said of that."""
type FileChecks = tuple[AuditRecord, FileCheck, FileCheck | None]
"""An audit, what became of its report, and of its page where it has one."""


def audit_days_table(project: str, nights: Nights, width: int) -> Iterator[str]:
    """Show a line for each audit and each gap, after one that counts them."""
    counts = ", ".join(f"{nights.count(it):,} {it}" for it in DayStatus)
    counted_by = f"{escape_text(project)}: {counts} (one complete audit at least every {format_interval(nights.every)})"
    yield from hanging(counted_by, width, "  ")
    yield ""
    yield from columns([_night_cells(it) for it in nights.rows], width)


def format_interval(length: timedelta) -> str:
    """Write a length as a flag takes it: `26h`, `7d`, `90m`."""
    for unit, size in (("d", timedelta(days=1)), ("h", timedelta(hours=1))):
        if not length % size:
            return f"{length // size}{unit}"
    return f"{length // timedelta(minutes=1)}m"


def _night_cells(night: AuditDay) -> tuple[str, str]:
    if isinstance(night, Gap):
        missing = pluralize(len(night.due), "audit")
        length = format_length(night.before - night.after)
        why = f"no complete audit from {format_moment(night.after)} to {format_moment(night.before)} ({length})"
        return _first_cell(night.due[0], DayStatus.MISSING), f"{missing}: {why}"
    place = escape_text(night.report.location) if night.report else "report not kept"
    said = f"{format_moment(night.observed_at)}  {night.compliance}  {place}"
    return _first_cell(night.observed_at, standing_of(night)), said


def _first_cell(moment: datetime, standing: DayStatus) -> str:
    return f"{moment.astimezone(UTC).date()}  {standing:10}"


def audit_days_json(project: str, nights: Nights) -> str:
    """Show every audit, and each that is missing, as one JSON document."""
    document = {
        "project": project,
        "every_hours": hours(nights.every),
        "summary": {str(it): nights.count(it) for it in DayStatus},
        "nights": [row for it in nights.rows for row in _night_rows(it)],
    }
    return json.dumps(document, indent=1)


def _night_rows(night: AuditDay) -> Iterator[dict[str, object]]:
    if not isinstance(night, Gap):
        day = night.observed_at.astimezone(UTC).date().isoformat()
        yield {"day": day, "standing": standing_of(night), "audits": [_audit(night)]}
        return
    gap = {"after": format_moment(night.after), "before": format_moment(night.before)}
    for due in night.due:
        day = due.astimezone(UTC).date().isoformat()
        yield {"day": day, "standing": DayStatus.MISSING, "audits": [], "due": format_moment(due), **gap}


def reports_table(project: str, audits: Sequence[FileChecks], width: int) -> Iterator[str]:
    """Show a line for each report and for each page, after one that counts them."""
    pages = [page for _, _, page in audits if page]
    counts = f"reports {_counts([report for _, report, _ in audits])}" + (f"; pages {_counts(pages)}" if pages else "")
    yield from hanging(f"{escape_text(project)}: {pluralize(len(audits), 'audit')}: {counts}", width, "  ")
    yield ""
    rows = [
        (f"{format_moment(audit.observed_at)}  {fate[0]:10}", _said(kept, fate[1]))
        for audit, report, page in audits
        for kept, fate in _files(audit, report, page)
    ]
    yield from columns(rows, width)


def _counts(fates: Sequence[FileCheck]) -> str:
    return ", ".join(f"{number:,} {standing}" for standing, number in Counter(it[0] for it in fates).items())


def _files(
    audit: AuditRecord, report: FileCheck, page: FileCheck | None
) -> Iterator[tuple[StoredFile | None, FileCheck]]:
    yield audit.report, report
    if page:
        yield audit.report and audit.report.page, page


def _said(kept: StoredFile | None, why: str | None) -> str:
    place = kept.location if kept else "no report was written where it could be kept"
    if why is None:
        return escape_text(place)
    return escape_text(why if place in why else f"{place}: {why}")


def reports_json(project: str, audits: Sequence[FileChecks]) -> str:
    """Show every audit and what became of its report and page as one JSON document."""
    rows = [
        {**_audit(audit), "standing": standing, "why": why, "page": _page(audit, page)}
        for audit, (standing, why), page in audits
    ]
    return json.dumps({"project": project, "reports": rows}, indent=1)


def _page(audit: AuditRecord, fate: FileCheck | None) -> dict[str, object] | None:
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


def _kept(kept: StoredFile) -> dict[str, str]:
    return {"location": kept.location, "sha256": kept.sha256}
