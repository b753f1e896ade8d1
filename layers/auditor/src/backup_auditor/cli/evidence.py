"""`backup-auditor evidence list | verify`: the recorded audits and restore drills, and their files."""

import os
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from backup_auditor.adapters.policy_file.schema import parse_duration
from backup_auditor.adapters.sqlite.drill_ledger import open_drill_ledger_read_only
from backup_auditor.adapters.sqlite.state_store import open_state_read_only
from backup_auditor.application.evidence import (
    FileCheck,
    FileStatus,
    ReportLocator,
    verify_audits,
    verify_drills,
    verify_pages,
)
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.local import (
    make_report_locator,
    open_audits_in_table,
    open_drills_in_table,
    open_pages_in_table,
)
from backup_auditor.cli import INCOMPLETE, NON_COMPLIANT, OK
from backup_auditor.cli.options import find_state_file, read_project_name
from backup_auditor.cli.output import get_terminal_width, print_lines
from backup_auditor.domain.audit_record import (
    AuditRecord,
    DayStatus,
    TimeRange,
    build_audit_days,
    build_time_range,
    filter_audits,
)
from backup_auditor.domain.drills.drill import DrillRecord, filter_drills
from backup_auditor.domain.text import quote_text
from backup_auditor.domain.timefmt import parse_day
from backup_auditor.errors import UsageError
from backup_auditor.ports.stores import EARLIEST_OBSERVED_AT
from backup_auditor.rendering.evidence import (
    render_evidence_checks_json,
    render_evidence_checks_table,
    render_evidence_json,
    render_evidence_table,
    render_page_checks_json,
    render_page_checks_table,
)

_MIN_INTERVAL = timedelta(hours=1)
_YEARS = range(2000, 3000)


def run(arguments: Namespace) -> int:
    """List the audits and restore drills of one project, or verify their files or the pages of the fleet."""
    since, until = _parse_day_option("since", arguments.since), _parse_day_option("until", arguments.until)
    if since is not None and until is not None and until < since:
        raise UsageError(f"--until {until} is before --since {since}; give the earlier day to --since")
    if arguments.action == "verify" and arguments.fleet:
        return _verify_fleet(arguments, build_time_range(since, until))
    project = read_project_name(arguments)
    interval = _parse_interval(arguments.every) if arguments.action == "list" else None
    state = None if arguments.table is not None else _find_state_file(arguments, project)
    evidence = _load_evidence(project, state, arguments.table, build_time_range(since, until))
    if interval is not None:
        return _list_evidence(arguments, evidence, interval)
    return _verify_evidence(arguments, evidence, state)


@dataclass(frozen=True, slots=True)
class _Evidence:
    project: str
    span: TimeRange
    audits: list[AuditRecord]
    """All recorded audits."""
    drills: list[DrillRecord]
    """The restore drills in the range."""


def _load_evidence(project: str, state: Path | None, table: str, span: TimeRange) -> _Evidence:
    with open_audits_in_table(table) if state is None else open_state_read_only(state) as audit_log:
        audits = list(audit_log.list_audits(project, EARLIEST_OBSERVED_AT))
    with open_drills_in_table(table) if state is None else open_drill_ledger_read_only(state) as ledger:
        return _Evidence(project, span, audits, filter_drills(ledger.list_drills(project), span))


def _find_state_file(arguments: Namespace, project: str) -> Path:
    path = find_state_file(arguments, project)
    if not os.path.lexists(path):
        remedy = "choose another state with --state or --table, or another project with --project"
        raise UsageError(f"{path}: no audit of {project} was recorded there; {remedy}")
    return path


def _list_evidence(arguments: Namespace, evidence: _Evidence, interval: timedelta) -> int:
    days = build_audit_days(evidence.audits, evidence.span, interval, runtime.now())
    if days is None:
        raise _make_no_audit_error(evidence.project)
    if arguments.format == "json":
        print_lines([render_evidence_json(evidence.project, days, evidence.drills)])
    else:
        print_lines(render_evidence_table(evidence.project, days, evidence.drills, get_terminal_width()))
    return NON_COMPLIANT if days.count(DayStatus.MISSING) else OK


def _verify_fleet(arguments: Namespace, span: TimeRange) -> int:
    if arguments.table is None:
        raise UsageError("--fleet needs --table: only a stack on AWS writes pages of the fleet")
    if arguments.project is not None:
        raise UsageError("--project is for one project and --fleet for all; use only one of them")
    pages = open_pages_in_table(arguments.table).list_pages(runtime.now())
    checks = list(verify_pages((it for it in pages if it.night in span), _make_locator(arguments, None)))
    if not checks:
        raise UsageError("no page of the fleet is recorded for this time; check --table, --since and --until")
    if arguments.format == "json":
        print_lines([render_page_checks_json(checks)])
    else:
        print_lines(render_page_checks_table(checks, get_terminal_width()))
    return _choose_exit_code(check[0] for _, *file_checks in checks for check in file_checks if check is not None)


def _make_locator(arguments: Namespace, state: Path | None) -> ReportLocator:
    return make_report_locator(state, None if arguments.reports is None else Path(arguments.reports))


def _verify_evidence(arguments: Namespace, evidence: _Evidence, state: Path | None) -> int:
    places = _make_locator(arguments, state)
    audits = filter_audits(evidence.audits, evidence.span)
    checks = [(it.audit, it.report, it.page) for it in verify_audits(audits, evidence.audits, places)]
    drill_checks = list(verify_drills(evidence.drills, places))
    if state is None:
        drill_checks = _leave_out_expired(drill_checks, evidence.audits)
    if not checks and not drill_checks:
        raise _make_no_audit_error(evidence.project)
    if arguments.format == "json":
        print_lines([render_evidence_checks_json(evidence.project, checks, drill_checks)])
    else:
        print_lines(render_evidence_checks_table(evidence.project, checks, drill_checks, get_terminal_width()))
    statuses = [it[0] for _, *file_checks in checks for it in file_checks if it is not None]
    return _choose_exit_code((*statuses, *(status for _, (status, _) in drill_checks)))


def _leave_out_expired(
    checks: list[tuple[DrillRecord, FileCheck]], audits: list[AuditRecord]
) -> list[tuple[DrillRecord, FileCheck]]:
    """Return the checks without missing documents from before the first audit.

    On AWS documents expire as reports do, and with them the records of audits, but not those of drills.
    """
    since_first_audit = TimeRange(min((it.observed_at for it in audits), default=None), None)
    return [
        (drill, check)
        for drill, check in checks
        if check[0] is not FileStatus.MISSING or filter_drills([drill], since_first_audit)
    ]


def _choose_exit_code(statuses: Iterable[FileStatus]) -> int:
    found = set(statuses)
    if FileStatus.UNREADABLE in found:
        return INCOMPLETE
    return NON_COMPLIANT if found & {FileStatus.ALTERED, FileStatus.MISSING} else OK


def _make_no_audit_error(project: str) -> UsageError:
    return UsageError(f"no audit of {project} is recorded for this time; check --project, --since and --until")


def _parse_day_option(flag: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        day = parse_day(text)
    except ValueError:
        raise UsageError(f"invalid --{flag} {quote_text(text, 80)} (expected YYYY-MM-DD, such as 2026-11-22)") from None
    if day.year not in _YEARS:
        raise UsageError(f"invalid --{flag} {quote_text(text, 80)} (expected a year from {_YEARS[0]} to {_YEARS[-1]})")
    return day


def _parse_interval(text: str) -> timedelta:
    try:
        interval = parse_duration(text)
    except ValueError:
        raise UsageError(
            f"invalid --every {quote_text(text, 80)} (expected a duration such as 90m, 26h or 8d)"
        ) from None
    if interval < _MIN_INTERVAL:
        raise UsageError(f"invalid --every {quote_text(text, 80)} (expected at least 1h)")
    return interval
