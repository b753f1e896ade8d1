"""The recorded audits: which are missing, what became of their reports, and what a discard removes."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from backup_auditor.domain.audit_record import (
    AuditDay,
    AuditDays,
    AuditGap,
    AuditRecord,
    DayStatus,
    StoredFile,
    find_day_status,
)
from backup_auditor.domain.exported_state import ExportedState
from backup_auditor.domain.lifecycle.discard import Discard
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_length, format_moment, to_hours
from backup_auditor.rendering.formats.json import build_stored_file_json
from backup_auditor.rendering.text import escape_text, format_columns, wrap_text

type CheckedFile = tuple[StrEnum, str | None]
"""The status of a file, and its reason."""
type AuditCheck = tuple[AuditRecord, CheckedFile, CheckedFile | None]
"""An audit, its report, and its page if it has one."""


def render_audit_days_table(project: str, days: AuditDays, width: int) -> Iterator[str]:
    """Show a line with the counts, and a line for each audit and each gap."""
    counts = ", ".join(f"{days.count(it):,} {it}" for it in DayStatus)
    heading = f"{escape_text(project)}: {counts} (one complete audit at least every {format_interval(days.interval)})"
    yield from wrap_text(heading, width, "  ")
    yield ""
    yield from format_columns([_format_day_cells(it) for it in days.rows], width)


def format_interval(length: timedelta) -> str:
    """Write a length as a flag takes it: `26h`, `7d`, `90m`."""
    for unit, unit_length in (("d", timedelta(days=1)), ("h", timedelta(hours=1))):
        if not length % unit_length:
            return f"{length // unit_length}{unit}"
    return f"{length // timedelta(minutes=1)}m"


def _format_day_cells(audit_day: AuditDay) -> tuple[str, str]:
    if isinstance(audit_day, AuditGap):
        audit_count = pluralize(len(audit_day.due_times), "audit")
        length = format_length(audit_day.end - audit_day.start)
        reason = f"no complete audit from {format_moment(audit_day.start)} to {format_moment(audit_day.end)} ({length})"
        return _format_first_cell(audit_day.due_times[0], DayStatus.MISSING), f"{audit_count}: {reason}"
    location = escape_text(audit_day.report.location) if audit_day.report else "report not stored"
    text = f"{format_moment(audit_day.observed_at)}  {audit_day.compliance}  {location}"
    return _format_first_cell(audit_day.observed_at, find_day_status(audit_day)), text


def _format_first_cell(moment: datetime, status: DayStatus) -> str:
    return f"{moment.astimezone(UTC).date()}  {status:10}"


def render_audit_days_json(project: str, days: AuditDays) -> str:
    """Show every audit and every missing one as one JSON document."""
    document = {
        "project": project,
        "every_hours": to_hours(days.interval),
        "summary": {str(it): days.count(it) for it in DayStatus},
        "audits": [row for it in days.rows for row in _build_day_rows(it)],
    }
    return json.dumps(document, indent=1)


def _build_day_rows(audit_day: AuditDay) -> Iterator[dict[str, object]]:
    if not isinstance(audit_day, AuditGap):
        day = audit_day.observed_at.astimezone(UTC).date().isoformat()
        yield {"day": day, "status": find_day_status(audit_day), "audit": _build_audit(audit_day)}
        return
    gap = {"after": format_moment(audit_day.start), "before": format_moment(audit_day.end)}
    for due_at in audit_day.due_times:
        day = due_at.astimezone(UTC).date().isoformat()
        yield {"day": day, "status": DayStatus.MISSING, "audit": None, "due_at": format_moment(due_at), **gap}


def render_reports_table(project: str, audits: Sequence[AuditCheck], width: int) -> Iterator[str]:
    """Show a line with the counts, and a line for each report and each page."""
    page_checks = [page for _, _, page in audits if page]
    counts = f"reports {_format_counts([report for _, report, _ in audits])}" + (
        f"; pages {_format_counts(page_checks)}" if page_checks else ""
    )
    yield from wrap_text(f"{escape_text(project)}: {pluralize(len(audits), 'audit')}: {counts}", width, "  ")
    yield ""
    rows = [
        (f"{format_moment(audit.observed_at)}  {check[0]:10}", _describe_file(stored_file, check[1]))
        for audit, report, page in audits
        for stored_file, check in _list_files(audit, report, page)
    ]
    yield from format_columns(rows, width)


def _format_counts(checks: Sequence[CheckedFile]) -> str:
    return ", ".join(f"{count:,} {status}" for status, count in Counter(it[0] for it in checks).items())


def _list_files(
    audit: AuditRecord, report: CheckedFile, page: CheckedFile | None
) -> Iterator[tuple[StoredFile | None, CheckedFile]]:
    yield audit.report, report
    if page:
        yield audit.report and audit.report.page, page


def _describe_file(stored_file: StoredFile | None, reason: str | None) -> str:
    location = stored_file.location if stored_file else "no report was written to a file"
    if reason is None:
        return escape_text(location)
    return escape_text(reason if location in reason else f"{location}: {reason}")


def render_reports_json(project: str, audits: Sequence[AuditCheck]) -> str:
    """Show every audit with the status of its report and page as one JSON document."""
    rows = []
    for audit, (status, reason), page_check in audits:
        page, page_row = audit.report and audit.report.page, None
        if page and page_check:
            page_row = {**build_stored_file_json(page), "status": page_check[0], "reason": page_check[1]}
        rows.append({**_build_audit(audit), "status": status, "reason": reason, "page": page_row})
    return json.dumps({"project": project, "reports": rows}, indent=1)


def _build_audit(audit: AuditRecord) -> dict[str, object]:
    return {
        "audit_id": audit.audit_id,
        "observed_at": format_moment(audit.observed_at),
        "complete": audit.is_complete,
        "compliance": audit.compliance,
        "report": build_stored_file_json(audit.report) if audit.report else None,
    }


def describe_records(exported: ExportedState) -> str:
    """Return how many records of each kind an exported state has, and its last audit."""
    state = exported.state
    counts = [
        pluralize(len(state.findings), "finding"),
        pluralize(len(state.backups), "backup"),
        pluralize(len(state.schedules), "schedule"),
        pluralize(len(state.indexes), "index", "indexes"),
        pluralize(len(exported.audits), "audit"),
        pluralize(len(exported.plans), "plan"),
        pluralize(len(exported.attempts), "attempt"),
        pluralize(len(exported.drills), "drill"),
    ]
    last_audit = "no last audit" if state.observed_at is None else f"last audit of {format_moment(state.observed_at)}"
    return f"{', '.join(counts)}; {last_audit}"


_MAX_AUDITS = 20
"""The limit of audits in the list."""


def render_discard(discard: Discard, project: str, location: str, now: datetime) -> Iterator[str]:
    """Describe in a few lines what a state loses by a discard."""
    yield escape_text(f"State of {project}: {location}")
    yield f"Clock of this machine: {format_moment(now)}"
    yield f"To be discarded: {pluralize(len(discard.audits), 'recorded audit')}"
    for audit in discard.audits[:_MAX_AUDITS]:
        completeness = "complete" if audit.is_complete else "incomplete"
        yield f"  {format_moment(audit.observed_at)}  {completeness}, {audit.compliance}, audit {audit.audit_id}"
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
