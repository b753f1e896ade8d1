"""`backup-auditor evidence list | verify`: which nights were audited, and what became of their reports."""

import os
import re
from argparse import Namespace
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from pathlib import Path

from backup_auditor.bootstrap import clock
from backup_auditor.bootstrap.evidence import audits_in_file, audits_in_table, read_kept
from backup_auditor.cli.asked import PROJECT, check_name
from backup_auditor.cli.output import lines, put, terminal_width
from backup_auditor.cli.state_path import state_file
from backup_auditor.domain.audit_record import AuditRecord
from backup_auditor.domain.nights import NightStanding, nights_of, within
from backup_auditor.errors import UsageError
from backup_auditor.ports.state import AuditLog
from backup_auditor.rendering.evidence import nights_json, nights_table, reports_json, reports_table
from backup_auditor.service.evidence import Standing, verified

WELL = 0
WANTING = 1
UNREADABLE = 3
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EVER = datetime.min.replace(tzinfo=UTC)


def run(arguments: Namespace) -> int:
    """Look at the audits of one project."""
    project = PROJECT if arguments.project is None else arguments.project
    check_name(project)
    since, until = _day("since", arguments.since), _day("until", arguments.until)
    with _log(arguments, project) as log:
        audits = list(log.audits(project, _EVER))
    if arguments.action == "list":
        return _list(arguments, project, audits, (since, until))
    return _verify(arguments, project, audits, (since, until))


def _log(arguments: Namespace, project: str) -> AbstractContextManager[AuditLog]:
    if arguments.table is not None:
        return audits_in_table(arguments.table)
    path = Path(arguments.state) if arguments.state is not None else state_file(os.environ, project)
    if not os.path.lexists(path):
        raise UsageError(
            f"{path}: no audit of {project} was recorded there; name it with --state, --table or --project"
        )
    return audits_in_file(path)


def _list(arguments: Namespace, project: str, audits: list[AuditRecord], days: tuple[date | None, date | None]) -> int:
    nights = nights_of(audits, *days, clock.now().date())
    if not nights:
        raise _nothing(project)
    if arguments.format == "json":
        put([nights_json(project, nights)], None)
    else:
        put(lines(nights_table(project, nights, terminal_width())), None)
    return WANTING if any(it.standing is NightStanding.MISSING for it in nights) else WELL


def _verify(
    arguments: Namespace, project: str, audits: list[AuditRecord], days: tuple[date | None, date | None]
) -> int:
    fates = [(it.audit, it.report, it.page) for it in verified(within(audits, *days), audits, read_kept)]
    if not fates:
        raise _nothing(project)
    if arguments.format == "json":
        put([reports_json(project, fates)], None)
    else:
        put(lines(reports_table(project, fates, terminal_width())), None)
    found = {it[0] for _, *both in fates for it in both if it is not None}
    if Standing.UNREADABLE in found:
        return UNREADABLE
    return WANTING if found & {Standing.ALTERED, Standing.GONE} else WELL


def _nothing(project: str) -> UsageError:
    return UsageError(f"no audit of {project} is recorded for these nights; look at --project, --since and --until")


def _day(flag: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise UsageError(f"--{flag} {text[:80]!r} is no day; one looks like 2026-11-22")
