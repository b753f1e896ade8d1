"""The recorded audits and restore drills: which audits are missing, the status of files, what a discard removes."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
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
from backup_auditor.domain.drills.drill import DrillRecord
from backup_auditor.domain.exported_state import ExportedState
from backup_auditor.domain.fleet_record import FleetPage
from backup_auditor.domain.lifecycle.discard import Discard
from backup_auditor.domain.project_state import DrillResult
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_length, format_moment, to_hours, to_seconds
from backup_auditor.rendering.formats.json import build_stored_file_json
from backup_auditor.rendering.text import escape_text, format_columns, wrap_text

type CheckedFile = tuple[StrEnum, str | None]
"""The status of a file, and its reason."""
type AuditCheck = tuple[AuditRecord, CheckedFile, CheckedFile | None]
"""An audit, its report, and its page if it has one."""
type PageCheck = tuple[FleetPage, CheckedFile, CheckedFile | None]
"""A page of the fleet, its document, and its HTML if it has one."""
type DrillCheck = tuple[DrillRecord, CheckedFile]
"""A restore drill, and its document."""


def render_evidence_table(project: str, days: AuditDays, drills: Sequence[DrillRecord], width: int) -> Iterator[str]:
    """Show a line with the counts, and a line for each audit, each gap and each restore drill."""
    counts = ", ".join(f"{days.count(it):,} {it}" for it in DayStatus)
    heading = f"{escape_text(project)}: {counts} (one complete audit at least every {format_interval(days.interval)})"
    yield from wrap_text(heading, width, "  ")
    yield ""
    yield from format_columns([_format_day_cells(it) for it in days.rows], width)
    if drills:
        yield ""
        counts = _format_counts(_label_result(it) for it in drills)
        yield from wrap_text(f"{pluralize(len(drills), 'restore drill')}: {counts}", width, "  ")
        yield ""
        yield from format_columns([_format_drill_cells(it) for it in drills], width)


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


def _label_result(drill: DrillRecord) -> str:
    return "no result" if drill.result is None else drill.result.label


def _format_drill_cells(drill: DrillRecord) -> tuple[str, str]:
    result, length = _label_result(drill), drill.restore_time
    end = "not ended" if drill.verified_at is None else f"ended {format_moment(drill.verified_at)}"
    restore = "not restored" if length is None else f"restored in {format_length(length)}"
    location = "document not stored" if drill.evidence is None else drill.evidence.location
    text = (
        f"{drill.index_name}, backup {drill.point.backup_id}, started {format_moment(drill.chosen_at)}, {end},"
        f" {restore}  {location}"
    )
    return f"{drill.chosen_at.astimezone(UTC).date()}  {result:{_RESULT_WIDTH}}", escape_text(text)


_RESULT_WIDTH = max(len(it.label) for it in DrillResult)


def render_evidence_json(project: str, days: AuditDays, drills: Sequence[DrillRecord]) -> str:
    """Show every audit, every missing one and every restore drill as one JSON document."""
    document = {
        "project": project,
        "every_hours": to_hours(days.interval),
        "summary": {str(it): days.count(it) for it in DayStatus},
        "audits": [row for it in days.rows for row in _build_day_rows(it)],
        "restore_drills": list(map(_build_drill, drills)),
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


def render_evidence_checks_table(
    project: str, audits: Sequence[AuditCheck], drills: Sequence[DrillCheck], width: int
) -> Iterator[str]:
    """Show a line with the counts, and a line for each report, each page and each document of a drill."""
    checks_by_kind = {
        "reports": [report for _, report, _ in audits],
        "pages": [page for _, _, page in audits if page],
        "documents of drills": [document for _, document in drills],
    }
    counts = "; ".join(
        f"{kind} {_format_counts(status for status, _ in checks)}" for kind, checks in checks_by_kind.items() if checks
    )
    yield from wrap_text(f"{escape_text(project)}: {pluralize(len(audits), 'audit')}: {counts}", width, "  ")
    yield ""
    rows = [
        (f"{format_moment(audit.observed_at)}  {check[0]:10}", _describe_file(stored_file, check[1]))
        for audit, report, page in audits
        for stored_file, check in _list_files(audit, report, page)
    ]
    rows += [
        (f"{format_moment(drill.verified_at or drill.chosen_at)}  {check[0]:10}", _describe_document(drill, check[1]))
        for drill, check in drills
    ]
    yield from format_columns(rows, width)


def render_page_checks_table(pages: Sequence[PageCheck], width: int) -> Iterator[str]:
    """Show a line with the counts, and a line for each file of the pages of the fleet."""
    documents = _format_counts(status for _, (status, _), _ in pages)
    html = _format_counts(check[0] for _, _, check in pages if check)
    html_clause = f"; HTML {html}" if html else ""
    yield from wrap_text(f"fleet: {pluralize(len(pages), 'page')}: JSON {documents}{html_clause}", width, "  ")
    yield ""
    rows = [
        (f"{format_moment(page.night)}  {check[0]:10}", _describe_file(file, check[1]))
        for page, document_check, html_check in pages
        for file, check in ((page.document, document_check), (page.document.page, html_check))
        if file and check
    ]
    yield from format_columns(rows, width)


def render_page_checks_json(pages: Sequence[PageCheck]) -> str:
    """Show every page of the fleet with the status of its files as one JSON document."""
    rows = [
        {
            "night": format_moment(page.night),
            "revision": page.revision,
            **_build_checked_file(page.document, document_check),
            "page": _build_checked_file(page.document.page, html_check) if page.document.page and html_check else None,
        }
        for page, document_check, html_check in pages
    ]
    return json.dumps({"pages": rows}, indent=1)


def _build_checked_file(file: StoredFile, check: CheckedFile) -> dict[str, object]:
    status, reason = check
    return {**build_stored_file_json(file), "status": status, "reason": reason}


def _format_counts(words: Iterable[str]) -> str:
    return ", ".join(f"{count:,} {word}" for word, count in Counter(words).items())


def _list_files(
    audit: AuditRecord, report: CheckedFile, page: CheckedFile | None
) -> Iterator[tuple[StoredFile | None, CheckedFile]]:
    yield audit.report, report
    if page:
        yield audit.report and audit.report.page, page


def _describe_file(stored_file: StoredFile | None, reason: str | None) -> str:
    location = stored_file.location if stored_file else "no report was written to a file"
    return _describe_location(location, reason)


def _describe_document(drill: DrillRecord, reason: str | None) -> str:
    location = drill.evidence.location if drill.evidence else f"no document of drill {drill.drill_id} is stored"
    return _describe_location(location, reason)


def _describe_location(location: str, reason: str | None) -> str:
    if reason is None:
        return escape_text(location)
    return escape_text(reason if location in reason else f"{location}: {reason}")


def render_evidence_checks_json(project: str, audits: Sequence[AuditCheck], drills: Sequence[DrillCheck]) -> str:
    """Show every audit and every restore drill with the status of its files as one JSON document."""
    rows = []
    for audit, (status, reason), page_check in audits:
        page, page_row = audit.report and audit.report.page, None
        if page and page_check:
            page_row = _build_checked_file(page, page_check)
        rows.append({**_build_audit(audit), "status": status, "reason": reason, "page": page_row})
    drill_rows = [{**_build_drill(drill), "status": status, "reason": reason} for drill, (status, reason) in drills]
    return json.dumps({"project": project, "reports": rows, "restore_drills": drill_rows}, indent=1)


def _build_audit(audit: AuditRecord) -> dict[str, object]:
    return {
        "audit_id": audit.audit_id,
        "observed_at": format_moment(audit.observed_at),
        "complete": audit.is_complete,
        "compliance": audit.compliance,
        "report": build_stored_file_json(audit.report) if audit.report else None,
    }


def _build_drill(drill: DrillRecord) -> dict[str, object]:
    return {
        "drill_id": drill.drill_id,
        "index": {"name": drill.index_name, "id": drill.index_id},
        "backup": {"id": drill.point.backup_id},
        "started_at": format_moment(drill.chosen_at),
        "ended_at": None if drill.verified_at is None else format_moment(drill.verified_at),
        "result": drill.result,
        "restore_seconds": to_seconds(drill.restore_time),
        "document": None if drill.evidence is None else build_stored_file_json(drill.evidence),
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
