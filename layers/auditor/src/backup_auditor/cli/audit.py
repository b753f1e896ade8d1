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

from backup_auditor.adapters.documents import parse_source
from backup_auditor.adapters.files import PRIVATE_MODE, AtomicFile, EvidenceFile
from backup_auditor.application.audit import AuditResult
from backup_auditor.bootstrap import local
from backup_auditor.cli.error_text import format_error_line
from backup_auditor.cli.exit_codes import INCOMPLETE, NON_COMPLIANT, NOT_AUDITED, OK
from backup_auditor.cli.options import (
    AuditOptions,
    choose_policy,
    choose_state_file,
    read_now,
    read_options,
    read_project_settings,
    refuse_shared_output_file,
    refuse_shared_standard_input,
    run_with_options,
)
from backup_auditor.cli.output import log_stderr, make_render_options, open_output, write_pieces
from backup_auditor.cli.report_spool import ReportSpool
from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.identifiers import is_on_aws
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import EntryTarget, RegisteredProject, build_warnings, find_shared_by_target
from backup_auditor.domain.remediation.plan import APPLIED_STATES, ActionResult, ActionState, RemediationPlan
from backup_auditor.domain.reporting.report import Report
from backup_auditor.errors import BackupAuditorError, RegistryError, UsageError
from backup_auditor.ports.stores import EvidenceStore
from backup_auditor.rendering.formats import FORMATS

_CODES_WORST_FIRST = (NOT_AUDITED, INCOMPLETE, NON_COMPLIANT, OK)


def choose_audit_exit_code(report: Report, fail_on: str) -> int:
    """Return 3 where anything is not known, else 1 where anything at or above `fail_on` is open, else 0."""
    has_unknown = any(it.compliance is Compliance.INSUFFICIENT_DATA and it.exemption is None for it in report.findings)
    if has_unknown or not report.is_complete:
        return INCOMPLETE
    if fail_on == "never":
        return OK
    min_rank = Severity(fail_on).rank
    return NON_COMPLIANT if any(it.is_open and it.severity.rank >= min_rank for it in report.findings) else OK


def choose_worst_exit_code(codes: Iterable[int]) -> int:
    """Return the code of several audits: the one that leaves most unknown."""
    return min(codes, key=_CODES_WORST_FIRST.index)


def choose_plan_exit_code(plan: RemediationPlan) -> int:
    """Return 3 where a plan leaves something out because it could not be read, else 0."""
    return INCOMPLETE if any(it.is_unknown for it in plan.skipped_actions) else OK


def choose_remediation_exit_code(results: Collection[ActionResult], *, is_refused: bool) -> int:
    """Return 3 where an outcome is unknown, 2 where the project refused before anything was written, else 0 or 1.

    0 says that the policy is satisfied by the schedules that exist, as far as the actions of the plan go.
    """
    states = {it.state for it in results}
    if ActionState.UNKNOWN in states:
        return INCOMPLETE
    if is_refused and not states & APPLIED_STATES:
        return NOT_AUDITED
    return OK if all(it.is_successful for it in results) else NON_COMPLIANT


class ProjectKey(NamedTuple):
    """A key that opened a project, and where it was read from."""

    place: str
    text: str


class RegistryEntry(NamedTuple):
    """One project of a registry, or a mistake in its stead."""

    project: str
    run_audit: Callable[[], AuditResult]
    """Audits it. Raises whatever keeps this project from being audited."""
    find_key: Callable[[], ProjectKey | None]
    """Returns the key that it was audited with; `None` where there is none."""


def read_entries(arguments: Namespace) -> list[RegistryEntry]:
    """Read the registry that the flags name. Raises `UsageError` where that keeps all from being audited."""
    for flag in ("project", "state", "inventory", "save_inventory"):
        if getattr(arguments, flag) is not None:
            name = flag.replace("_", "-")
            raise UsageError(f"--{name} is for one project and --registry for many; use only one of them")
    read_now(arguments.now)
    refuse_shared_standard_input(registry=arguments.registry, policy=arguments.policy)
    source = parse_source(arguments.registry)
    from backup_auditor.adapters.registry_file import load_registry  # noqa: PLC0415  only a registry needs it

    registry = load_registry(source)
    default_policy = choose_policy(arguments.policy)
    # beside a pipe there are no files: what an entry names is looked for in the working directory
    folder = source.parent if isinstance(source, Path) and source.is_file() else Path()
    keys: dict[str, ProjectKey] = {}
    entries = [
        RegistryEntry(
            entry.name,
            partial(_audit_entry, entry, arguments, folder, default_policy, keys),
            partial(keys.get, entry.name, None),
        )
        for entry in registry.projects
    ]
    invalid_entries = [
        RegistryEntry(it.name, partial(_refuse, registry.format_error(it)), lambda: None) for it in registry.errors
    ]
    return invalid_entries + entries


def _audit_entry(
    project: RegisteredProject, arguments: Namespace, folder: Path, default_policy: Policy, keys: dict[str, ProjectKey]
) -> AuditResult:
    """Audit a project, and note its key as soon as it is known."""
    policy = default_policy if project.policy is None else _load_policy(project.policy, folder)
    state = choose_state_file(arguments, project.name, has_default=True)
    options = AuditOptions(policy, project.name, read_now(arguments.now), None, state)
    if project.key_variable is not None:
        options, place = replace(options, key_variable=project.key_variable), f"the variable {project.key_variable}"
    else:
        options, place = replace(options, secret=project.secret), f"the secret {project.secret}"
    settings = read_project_settings(options)
    keys[project.name] = ProjectKey(place, settings.key)
    return run_with_options(options, settings=settings)


def _load_policy(address: str, folder: Path) -> Policy:
    if is_on_aws(address):
        return local.fetch_policy(address)
    from backup_auditor.adapters.policy_file.loader import load_policy  # noqa: PLC0415  pydantic, only for a file

    return load_policy(folder / address)


def _refuse(problem: str) -> AuditResult:
    raise RegistryError(problem)


def run(arguments: Namespace) -> int:
    """Audit one project, or all of a registry."""
    return _run_one(arguments) if arguments.registry is None else _run_many(arguments)


def _run_one(arguments: Namespace) -> int:
    with ExitStack() as stack:  # what cannot be written in the end is found out before anything is read
        refuse_shared_output_file(arguments)
        output = stack.enter_context(open_output(arguments.output))
        inventory_file = None
        if arguments.save_inventory is not None:
            inventory_file = stack.enter_context(AtomicFile(Path(arguments.save_inventory), PRIVATE_MODE))
        audit = run_with_options(read_options(arguments), evidence=_choose_evidence_store(arguments))
        _log_notes(audit)
        if inventory_file is not None:
            from backup_auditor.adapters.inventory_file import save_inventory  # noqa: PLC0415  only on request

            save_inventory(audit.inventory, inventory_file)
        options = make_render_options(arguments, is_file=output is not None)
        write_pieces(FORMATS[arguments.format].render([audit.report], options), output)
        return _choose_exit_code(audit, arguments.fail_on)


def _choose_evidence_store(arguments: Namespace) -> EvidenceStore | None:
    """Return the file that can be shown later: one that the report is written to as JSON, and no pipe or device."""
    if arguments.format != "json" or arguments.output in (None, "-"):
        return None
    path = Path(arguments.output)
    return EvidenceFile(path) if path.is_file() or not path.exists() else None


def _choose_exit_code(audit: AuditResult, fail_on: str) -> int:
    """Return the exit code; an audit that the next one will not know of is not whole."""
    return INCOMPLETE if audit.record_error else choose_audit_exit_code(audit.report, fail_on)


def _log_notes(audit: AuditResult, prefix: str = "") -> None:
    """Say what is neither a finding nor unread."""
    for note in audit.notes:
        log_stderr(prefix + note)
    if audit.record_error is not None:
        log_stderr(f"{prefix}this audit could not be recorded: {format_error_line(audit.record_error)}")


def _run_many(arguments: Namespace) -> int:
    """Audit the projects of a registry one after the other; one that cannot be audited does not keep the others.

    The reports are written when all are made: only then is it known which entries lead to one Pinecone project.
    """
    codes: list[int] = []
    with ExitStack() as stack:
        output = stack.enter_context(open_output(arguments.output))
        entries = read_entries(arguments)
        report_format = FORMATS[arguments.format]
        max_projects = report_format.max_projects or max(1, len(entries))
        further_paths = _list_further_paths(arguments, output, -(-len(entries) // max_projects), len(entries))
        files = [output, *(stack.enter_context(AtomicFile(it)) for it in further_paths)]
        spool = stack.enter_context(ReportSpool(has_timelines=report_format.has_timelines))
        leads = [_audit_into_spool(entry, arguments, spool, codes) for entry in entries]
        shared_groups = find_shared_by_target(it for it in leads if it is not None)
        for group in shared_groups:
            codes.append(INCOMPLETE)
            if output is not None:  # the reports say it too, where nobody may look
                log_stderr(group.sentence)
        reports = spool.read_reports(build_warnings(shared_groups))
        used_files = files[: max(1, -(-spool.count // max_projects))]
        for file in used_files:
            options = make_render_options(arguments, is_file=file is not None, report_count=spool.count)
            write_pieces(
                report_format.render(islice(reports, max_projects), options), file, is_one_of_many=bool(further_paths)
            )
        for file in used_files if further_paths else ():
            if file is not None:
                file.replace_target()
    if len(used_files) > 1:
        last_path = further_paths[len(used_files) - 2]
        log_stderr(
            f"{len(used_files)} files hold at most {max_projects} projects each: {arguments.output} to {last_path}"
        )
    return choose_worst_exit_code(codes)


def _list_further_paths(
    arguments: Namespace, output: AtomicFile | None, file_count: int, project_count: int
) -> list[Path]:
    """Return the files for the projects that exceed the limit of one file: `NAME-2`, `NAME-3`.

    Raises `UsageError` where the results go to no file that could have others beside it.
    """
    if file_count <= 1:
        return []
    if output is None or output.is_stream:
        raise UsageError(
            f"a file in the format {arguments.format} holds at most {FORMATS[arguments.format].max_projects} projects"
            f" and the registry has {project_count}; name a file with --output: the others are written beside it"
        )
    path = Path(arguments.output)
    further_paths = [path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(2, file_count + 1)]
    input_paths = {os.path.realpath(it) for it in (arguments.registry, arguments.policy) if it is not None}
    for file in further_paths:
        if os.path.realpath(file) in input_paths:
            raise UsageError(f"{file}: would overwrite a file that the audit reads; choose another --output")
    return further_paths


def _audit_into_spool(
    entry: RegistryEntry, arguments: Namespace, spool: ReportSpool, codes: list[int]
) -> EntryTarget | None:
    """Audit one project, keep its report, and return where it led; `None` where not even its key is known."""
    project_id = None
    try:
        audit = entry.run_audit()
    except BackupAuditorError as error:
        log_stderr(f"{entry.project}: {format_error_line(error)}")
        codes.append(NOT_AUDITED)
    else:
        _log_notes(audit, f"{entry.project}: ")
        codes.append(_choose_exit_code(audit, arguments.fail_on))
        project_id = audit.report.project_id
        spool.add(audit.report)
    key = entry.find_key()
    return None if key is None else EntryTarget(entry.project, key.place, key.text, project_id)
