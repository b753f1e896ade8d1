"""`backup-auditor audit`: collect, judge, report, once."""

import os
from argparse import Namespace
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from backup_auditor.adapters.inventory_file import save_inventory
from backup_auditor.adapters.replacement import PRIVATE, Replacement
from backup_auditor.bootstrap import laptop
from backup_auditor.cli.asked import asked, audited, refuse_one_file_for_two
from backup_auditor.cli.ending import exit_code, worst
from backup_auditor.cli.exit_codes import INCOMPLETE, NOTHING_AUDITED
from backup_auditor.cli.failures import sentence
from backup_auditor.cli.forms import WITH_TIMELINES, written
from backup_auditor.cli.output import opened, put, say
from backup_auditor.cli.registered import Registered, registered
from backup_auditor.cli.report_spool import ReportSpool
from backup_auditor.domain.shared_projects import Lead, shared_by_leads, warnings_of
from backup_auditor.errors import BackupAuditorError, UsageError
from backup_auditor.ports.evidence import Evidence
from backup_auditor.service.auditing import Audit

MOST_IN_SARIF = 20
"""Projects in one file, each of which is a run: code scanning takes no more."""


def run(arguments: Namespace) -> int:
    """Audit one project, or all of a registry."""
    return _run_one(arguments) if arguments.registry is None else _run_many(arguments)


def _run_one(arguments: Namespace) -> int:
    with ExitStack() as stack:  # what cannot be written in the end is found out before anything is read
        refuse_one_file_for_two(arguments)
        output = stack.enter_context(opened(arguments.output))
        saved = None
        if arguments.save_inventory is not None:
            saved = stack.enter_context(Replacement(Path(arguments.save_inventory), PRIVATE))
        audit = audited(asked(arguments), evidence=_evidence(arguments))
        _tell(audit)
        if saved is not None:
            save_inventory(audit.inventory, saved)
        put(written([audit.report], arguments, is_file=output is not None), output)
        return _code(audit, arguments.fail_on)


def _evidence(arguments: Namespace) -> Evidence | None:
    """Return the file that can be shown later: one that the report is written to as JSON, and no pipe or device."""
    if arguments.format != "json" or arguments.output in (None, "-"):
        return None
    path = Path(arguments.output)
    return laptop.evidence_file(path) if path.is_file() or not path.exists() else None


def _code(audit: Audit, fail_on: str) -> int:
    """Return the exit code; an audit that the next one will not know of is not whole."""
    return INCOMPLETE if audit.unrecorded else exit_code(audit.report, fail_on)


def _tell(audit: Audit, before: str = "") -> None:
    """Say what is neither a finding nor unread."""
    for note in audit.notes:
        say(before + note)
    if audit.unrecorded is not None:
        say(f"{before}this audit could not be recorded: {sentence(audit.unrecorded)}")


def _run_many(arguments: Namespace) -> int:
    """Audit the projects of a registry one after the other; one that cannot be audited does not keep the others.

    The reports are written when all are made: only then is it known which entries lead to one Pinecone project.
    """
    codes: list[int] = []
    with ExitStack() as stack:
        output = stack.enter_context(opened(arguments.output))
        wanted = registered(arguments)
        most = max(1, len(wanted)) if arguments.format != "sarif" else MOST_IN_SARIF
        further = _further_files(arguments, output, -(-len(wanted) // most), len(wanted))
        files = [output, *(stack.enter_context(Replacement(it)) for it in further)]
        spool = stack.enter_context(ReportSpool(has_timelines=arguments.format in WITH_TIMELINES))
        leads = [_led(one, arguments, spool, codes) for one in wanted]
        shared = shared_by_leads(it for it in leads if it is not None)
        for it in shared:
            codes.append(INCOMPLETE)
            if output is not None:  # the reports say it too, where nobody may look
                say(it.sentence)
        reports = spool.reports(warnings_of(shared))
        used = files[: max(1, -(-spool.count // most))]
        for file in used:
            pieces = written(islice(reports, most), arguments, is_file=file is not None, number=spool.count)
            put(pieces, file, is_one_of_many=bool(further))
        for file in used if further else ():
            if file is not None:
                file.take_place()
    if len(used) > 1:
        last = further[len(used) - 2]
        say(f"{len(used)} files hold at most {MOST_IN_SARIF} projects each: {arguments.output} to {last}")
    return worst(codes)


def _further_files(arguments: Namespace, output: Replacement | None, files: int, projects: int) -> list[Path]:
    """Return the files that take the projects for which one SARIF file has no room: `NAME-2`, `NAME-3`.

    Raises `UsageError` where the results go to no file that could have others beside it.
    """
    if files <= 1:
        return []
    if output is None or output.is_stream:
        raise UsageError(
            f"a SARIF file holds at most {MOST_IN_SARIF} projects and the registry has {projects};"
            " name a file with --output, which gets others beside it"
        )
    path = Path(arguments.output)
    found = [path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(2, files + 1)]
    taken = {os.path.realpath(it) for it in (arguments.registry, arguments.policy) if it is not None}
    for it in found:
        if os.path.realpath(it) in taken:
            raise UsageError(f"{it}: would take the place of what the audit reads; choose another --output")
    return found


def _led(one: Registered, arguments: Namespace, spool: ReportSpool, codes: list[int]) -> Lead | None:
    """Audit one project, keep its report, and return where it led; `None` where not even its key is known."""
    project_id = None
    try:
        audit = one.audited()
    except BackupAuditorError as error:
        say(f"{one.project}: {sentence(error)}")
        codes.append(NOTHING_AUDITED)
    else:
        _tell(audit, f"{one.project}: ")
        codes.append(_code(audit, arguments.fail_on))
        project_id = audit.report.project_id
        spool.add(audit.report)
    key = one.key()
    return None if key is None else Lead(one.project, key.place, key.text, project_id)
