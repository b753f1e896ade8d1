"""`backup-auditor audit`: collect, judge, report, once."""

from argparse import Namespace
from contextlib import ExitStack
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
from backup_auditor.errors import BackupAuditorError
from backup_auditor.ports.evidence import Evidence
from backup_auditor.service.auditing import Audit


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
    with opened(arguments.output) as output:
        wanted = registered(arguments)
        spool = ReportSpool(has_timelines=arguments.format in WITH_TIMELINES)
        leads = [_led(one, arguments, spool, codes) for one in wanted]
        shared = shared_by_leads(it for it in leads if it is not None)
        for it in shared:
            codes.append(INCOMPLETE)
            if output is not None:  # the reports say it too, where nobody may look
                say(it.sentence)
        put(written(spool.reports(warnings_of(shared)), arguments, is_file=output is not None), output)
    return worst(codes)


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
