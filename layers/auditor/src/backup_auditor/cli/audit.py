"""`backup-auditor audit`: collect, evaluate, record, report, for one project or a registry."""

import os
from argparse import Namespace
from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from backup_auditor.adapters.files import PRIVATE, AtomicFile
from backup_auditor.adapters.input_file import source_named
from backup_auditor.adapters.inventory_file import save_inventory
from backup_auditor.adapters.policy_file.loader import load_policy
from backup_auditor.adapters.registry_file import load_registry
from backup_auditor.application.audit import AuditResult
from backup_auditor.bootstrap import aws, local
from backup_auditor.cli.error_text import sentence
from backup_auditor.cli.exit_codes import INCOMPLETE, NON_COMPLIANT, NOT_AUDITED, OK
from backup_auditor.cli.options import (
    AuditOptions,
    chosen_policy,
    read_now,
    read_options,
    refuse_one_file_for_two,
    refuse_one_input_for_two,
    run_options,
    settings_of,
    state_of,
)
from backup_auditor.cli.output import WITH_TIMELINES, log_stderr, open_output, render_reports, write_pieces
from backup_auditor.cli.report_spool import ReportSpool
from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.identifiers import is_on_aws
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import RegisteredProject
from backup_auditor.domain.remediation.plan import APPLIED_STATES, ActionResult, ActionState, Plan
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.shared_projects import Lead, shared_by_leads, warnings_of
from backup_auditor.errors import BackupAuditorError, RegistryError, UsageError
from backup_auditor.ports.stores import EvidenceStore

_WORST_FIRST = (NOT_AUDITED, INCOMPLETE, NON_COMPLIANT, OK)


def exit_code(report: Report, fail_on: str) -> int:
    """Return 3 where anything is not known, else 1 where anything at or above `fail_on` is open, else 0."""
    unknown = any(it.compliance is Compliance.INSUFFICIENT_DATA and it.exemption is None for it in report.findings)
    if unknown or not report.is_complete:
        return INCOMPLETE
    if fail_on == "never":
        return OK
    least = Severity(fail_on).rank
    return NON_COMPLIANT if any(it.is_open and it.severity.rank >= least for it in report.findings) else OK


def worst(codes: Iterable[int]) -> int:
    """Return the code of several audits: the one that leaves most unknown."""
    return min(codes, key=_WORST_FIRST.index)


def plan_code(plan: Plan) -> int:
    """Return 3 where a plan leaves something out because it could not be read, else 0."""
    return INCOMPLETE if any(it.is_unknown for it in plan.left_out) else OK


def remediation_code(results: Collection[ActionResult], *, is_refused: bool) -> int:
    """Return 3 where an outcome is unknown, 2 where the project refused before anything was written, else 0 or 1.

    0 says that the policy is satisfied by what stands there, as far as the actions of the plan go.
    """
    states = {it.state for it in results}
    if ActionState.UNKNOWN in states:
        return INCOMPLETE
    if is_refused and not states & APPLIED_STATES:
        return NOT_AUDITED
    return OK if all(it.is_well for it in results) else NON_COMPLIANT


class Key(NamedTuple):
    """A key that opened a project, and where it was read from."""

    place: str
    text: str


class RegistryEntry(NamedTuple):
    """One project of a registry, or a mistake in its stead."""

    project: str
    audited: Callable[[], AuditResult]
    """Audits it. Raises whatever keeps this project from being audited."""
    key: Callable[[], Key | None]
    """Returns the key that it was audited with; `None` where there is none."""


def read_entries(arguments: Namespace) -> list[RegistryEntry]:
    """Read the registry that the flags name. Raises `UsageError` where that keeps all from being audited."""
    for flag in ("project", "state", "inventory", "save_inventory"):
        if getattr(arguments, flag) is not None:
            name = flag.replace("_", "-")
            raise UsageError(f"--{name} speaks of one project and --registry of many; leave one of them out")
    read_now(arguments.now)
    refuse_one_input_for_two(registry=arguments.registry, policy=arguments.policy)
    source = source_named(arguments.registry)
    registry = load_registry(source)
    usual = chosen_policy(arguments.policy)
    # beside a pipe there are no files: what an entry names is looked for in the working directory
    folder = source.parent if isinstance(source, Path) and source.is_file() else Path()
    keys: dict[str, Key] = {}
    found = [
        RegistryEntry(
            it.name, partial(_audit_entry, it, arguments, folder, usual, keys), partial(keys.get, it.name, None)
        )
        for it in registry.projects
    ]
    mistaken = [RegistryEntry(it.name, partial(_refuse, registry.told(it)), lambda: None) for it in registry.mistakes]
    return mistaken + found


def _audit_entry(
    project: RegisteredProject, arguments: Namespace, folder: Path, usual: Policy, keys: dict[str, Key]
) -> AuditResult:
    """Audit a project, and note its key as soon as it is known."""
    policy = usual if project.policy is None else _policy(project.policy, folder)
    state = state_of(arguments, project.name, is_usual=True)
    asked = AuditOptions(policy, project.name, read_now(arguments.now), None, state)
    if project.key_variable is not None:
        asked, place = replace(asked, key_variable=project.key_variable), f"the variable {project.key_variable}"
    else:
        asked, place = replace(asked, secret=project.secret), f"the secret {project.secret}"
    settings = settings_of(asked)
    keys[project.name] = Key(place, settings.key)
    return run_options(asked, settings=settings)


def _policy(address: str, folder: Path) -> Policy:
    return aws.fetched_policy(address) if is_on_aws(address) else load_policy(folder / address)


def _refuse(problem: str) -> AuditResult:
    raise RegistryError(problem)


MOST_IN_SARIF = 20
"""Projects in one file, each of which is a run: code scanning takes no more."""


def run(arguments: Namespace) -> int:
    """Audit one project, or all of a registry."""
    return _run_one(arguments) if arguments.registry is None else _run_many(arguments)


def _run_one(arguments: Namespace) -> int:
    with ExitStack() as stack:  # what cannot be written in the end is found out before anything is read
        refuse_one_file_for_two(arguments)
        output = stack.enter_context(open_output(arguments.output))
        saved = None
        if arguments.save_inventory is not None:
            saved = stack.enter_context(AtomicFile(Path(arguments.save_inventory), PRIVATE))
        audit = run_options(read_options(arguments), evidence=_evidence(arguments))
        _tell(audit)
        if saved is not None:
            save_inventory(audit.inventory, saved)
        write_pieces(render_reports([audit.report], arguments, is_file=output is not None), output)
        return _code(audit, arguments.fail_on)


def _evidence(arguments: Namespace) -> EvidenceStore | None:
    """Return the file that can be shown later: one that the report is written to as JSON, and no pipe or device."""
    if arguments.format != "json" or arguments.output in (None, "-"):
        return None
    path = Path(arguments.output)
    return local.evidence_file(path) if path.is_file() or not path.exists() else None


def _code(audit: AuditResult, fail_on: str) -> int:
    """Return the exit code; an audit that the next one will not know of is not whole."""
    return INCOMPLETE if audit.unrecorded else exit_code(audit.report, fail_on)


def _tell(audit: AuditResult, before: str = "") -> None:
    """Say what is neither a finding nor unread."""
    for note in audit.notes:
        log_stderr(before + note)
    if audit.unrecorded is not None:
        log_stderr(f"{before}this audit could not be recorded: {sentence(audit.unrecorded)}")


def _run_many(arguments: Namespace) -> int:
    """Audit the projects of a registry one after the other; one that cannot be audited does not keep the others.

    The reports are written when all are made: only then is it known which entries lead to one Pinecone project.
    """
    codes: list[int] = []
    with ExitStack() as stack:
        output = stack.enter_context(open_output(arguments.output))
        wanted = read_entries(arguments)
        most = max(1, len(wanted)) if arguments.format != "sarif" else MOST_IN_SARIF
        further = _further_files(arguments, output, -(-len(wanted) // most), len(wanted))
        files = [output, *(stack.enter_context(AtomicFile(it)) for it in further)]
        spool = stack.enter_context(ReportSpool(has_timelines=arguments.format in WITH_TIMELINES))
        leads = [_led(one, arguments, spool, codes) for one in wanted]
        shared = shared_by_leads(it for it in leads if it is not None)
        for it in shared:
            codes.append(INCOMPLETE)
            if output is not None:  # the reports say it too, where nobody may look
                log_stderr(it.sentence)
        reports = spool.reports(warnings_of(shared))
        used = files[: max(1, -(-spool.count // most))]
        for file in used:
            pieces = render_reports(islice(reports, most), arguments, is_file=file is not None, number=spool.count)
            write_pieces(pieces, file, is_one_of_many=bool(further))
        for file in used if further else ():
            if file is not None:
                file.take_place()
    if len(used) > 1:
        last = further[len(used) - 2]
        log_stderr(f"{len(used)} files hold at most {MOST_IN_SARIF} projects each: {arguments.output} to {last}")
    return worst(codes)


def _further_files(arguments: Namespace, output: AtomicFile | None, files: int, projects: int) -> list[Path]:
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


def _led(one: RegistryEntry, arguments: Namespace, spool: ReportSpool, codes: list[int]) -> Lead | None:
    """Audit one project, keep its report, and return where it led; `None` where not even its key is known."""
    project_id = None
    try:
        audit = one.audited()
    except BackupAuditorError as error:
        log_stderr(f"{one.project}: {sentence(error)}")
        codes.append(NOT_AUDITED)
    else:
        _tell(audit, f"{one.project}: ")
        codes.append(_code(audit, arguments.fail_on))
        project_id = audit.report.project_id
        spool.add(audit.report)
    key = one.key()
    return None if key is None else Lead(one.project, key.place, key.text, project_id)
