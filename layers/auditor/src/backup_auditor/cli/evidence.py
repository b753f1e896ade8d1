"""`backup-auditor evidence list | verify`: which audits were made, and what became of their reports."""

import os
from argparse import Namespace
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from backup_auditor.adapters.policy_file.schema import parse_day, parse_duration
from backup_auditor.application.evidence import FileStatus, verify_audits
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.local import audits_in_file, audits_in_table
from backup_auditor.bootstrap.reports import report_places
from backup_auditor.cli.options import PROJECT, check_name
from backup_auditor.cli.output import join_lines, terminal_width, write_pieces
from backup_auditor.cli.state_path import state_file
from backup_auditor.domain.audit_record import AuditRecord, DayStatus, Span, audit_days, span_of, within
from backup_auditor.domain.text import quote_text
from backup_auditor.errors import UsageError
from backup_auditor.ports.stores import AuditLog
from backup_auditor.rendering.evidence import audit_days_json, audit_days_table, reports_json, reports_table

WELL = 0
WANTING = 1
UNREADABLE = 3
_SHORTEST = timedelta(hours=1)
_YEARS = range(2000, 3000)
_EVER = datetime.min.replace(tzinfo=UTC)


def run(arguments: Namespace) -> int:
    """Look at the audits of one project."""
    project = PROJECT if arguments.project is None else arguments.project
    check_name(project)
    since, until = _day("since", arguments.since), _day("until", arguments.until)
    if since is not None and until is not None and until < since:
        raise UsageError(f"--until {until} is before --since {since}; give the earlier day to --since")
    every = _interval(arguments.every) if arguments.action == "list" else None
    state = None if arguments.table is not None else _state(arguments, project)
    with _log(arguments.table, state) as log:
        audits = list(log.audits(project, _EVER))
    if every is not None:
        return _list(arguments, project, audits, span_of(since, until), every)
    return _verify(arguments, project, audits, span_of(since, until), state)


def _state(arguments: Namespace, project: str) -> Path:
    path = Path(arguments.state) if arguments.state is not None else state_file(os.environ, project)
    if not os.path.lexists(path):
        raise UsageError(
            f"{path}: no audit of {project} was recorded there; name it with --state, --table or --project"
        )
    return path


def _log(table: str | None, state: Path | None) -> AbstractContextManager[AuditLog]:
    return audits_in_table(table or "") if state is None else audits_in_file(state)


def _list(arguments: Namespace, project: str, audits: list[AuditRecord], span: Span, every: timedelta) -> int:
    nights = audit_days(audits, span, every, runtime.now())
    if nights is None:
        raise _nothing(project)
    if arguments.format == "json":
        write_pieces([audit_days_json(project, nights)], None)
    else:
        write_pieces(join_lines(audit_days_table(project, nights, terminal_width())), None)
    return WANTING if nights.count(DayStatus.MISSING) else WELL


def _verify(arguments: Namespace, project: str, audits: list[AuditRecord], span: Span, state: Path | None) -> int:
    places = report_places(state, None if arguments.reports is None else Path(arguments.reports))
    fates = [(it.audit, it.report, it.page) for it in verify_audits(within(audits, span), audits, places)]
    if not fates:
        raise _nothing(project)
    if arguments.format == "json":
        write_pieces([reports_json(project, fates)], None)
    else:
        write_pieces(join_lines(reports_table(project, fates, terminal_width())), None)
    found = {it[0] for _, *both in fates for it in both if it is not None}
    if FileStatus.UNREADABLE in found:
        return UNREADABLE
    return WANTING if found & {FileStatus.ALTERED, FileStatus.GONE} else WELL


def _nothing(project: str) -> UsageError:
    return UsageError(f"no audit of {project} is recorded for this time; check --project, --since and --until")


def _day(flag: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        day = parse_day(text)
    except ValueError:
        raise UsageError(f"invalid --{flag} {quote_text(text, 80)} (expected YYYY-MM-DD, such as 2026-11-22)") from None
    if day.year not in _YEARS:
        raise UsageError(f"invalid --{flag} {quote_text(text, 80)} (expected a year from {_YEARS[0]} to {_YEARS[-1]})")
    return day


def _interval(text: str) -> timedelta:
    try:
        every = parse_duration(text)
    except ValueError:
        raise UsageError(
            f"invalid --every {quote_text(text, 80)} (expected a duration such as 90m, 26h or 8d)"
        ) from None
    if every < _SHORTEST:
        raise UsageError(f"invalid --every {quote_text(text, 80)} (expected at least 1h)")
    return every
