"""`backup-auditor audit`: collect, evaluate, record, report, for one project or a registry."""

import os
import pickle
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from tempfile import SpooledTemporaryFile

from backup_auditor.adapters.documents import parse_source
from backup_auditor.adapters.files import PRIVATE_MODE, AtomicFile, EvidenceFile
from backup_auditor.application.audit import AuditResult
from backup_auditor.bootstrap import local
from backup_auditor.cli import INCOMPLETE, NOT_AUDITED
from backup_auditor.cli.error_text import format_error_line
from backup_auditor.cli.exit_codes import choose_audit_exit_code, choose_worst_exit_code
from backup_auditor.cli.options import (
    AuditOptions,
    choose_policy,
    find_default_state_file,
    read_now,
    read_options,
    read_project_settings,
    refuse_shared_output_file,
    refuse_shared_standard_input,
    run_with_options,
)
from backup_auditor.cli.output import log_stderr, make_render_options, open_output, write_pieces
from backup_auditor.domain.identifiers import is_on_aws
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import (
    EntryError,
    EntryTarget,
    RegisteredProject,
    Registry,
    build_warnings,
    find_shared_by_target,
)
from backup_auditor.domain.reporting.report import Report
from backup_auditor.errors import BackupAuditorError, RegistryError, UsageError
from backup_auditor.ports.stores import EvidenceStore
from backup_auditor.rendering.formats import FORMATS

_MAX_MEMORY_BYTES = 64 * 1024 * 1024
"""The limit of bytes in memory; a temporary file holds more. A large project takes some 2 MB."""


class ReportSpool:
    """Reports in their order, each pickled: that takes less memory than the report.

    They are kept until all are made: only the last one may show what an earlier one must warn of.
    """

    def __init__(self, *, has_timelines: bool) -> None:
        """Keep the timelines of the indexes only if they are shown: they are most of a report."""
        self._file = SpooledTemporaryFile(_MAX_MEMORY_BYTES)  # noqa: SIM115  closed with the spool
        self._has_timelines = has_timelines
        self.count = 0
        """How many reports it holds."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def add(self, report: Report) -> None:
        """Keep a report."""
        timelines = tuple(report.timelines) if self._has_timelines else ()
        pickle.dump(replace(report, timelines=timelines), self._file, pickle.HIGHEST_PROTOCOL)
        self.count += 1

    def read_reports(self, warnings: Mapping[str, tuple[str, ...]]) -> Iterator[Report]:
        """Return the reports, each with the warnings of its project."""
        self._file.seek(0)
        for _ in range(self.count):
            report: Report = pickle.load(self._file)  # noqa: S301  this very process wrote it
            yield report.with_warnings(*warnings.get(report.project, ()))


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
    """Return the file that `evidence verify` can read later: a JSON report that is no pipe or device."""
    if arguments.format != "json" or arguments.output in (None, "-"):
        return None
    path = Path(arguments.output)
    return EvidenceFile(path) if path.is_file() or not path.exists() else None


def _choose_exit_code(audit: AuditResult, fail_on: str) -> int:
    """Return the exit code; an audit that could not be recorded is incomplete."""
    return INCOMPLETE if audit.record_error else choose_audit_exit_code(audit.report, fail_on)


def _log_notes(audit: AuditResult, prefix: str = "") -> None:
    """Write the notes of an audit, and why it could not be recorded."""
    for note in audit.notes:
        log_stderr(prefix + note)
    if audit.record_error is not None:
        log_stderr(f"{prefix}this audit could not be recorded: {format_error_line(audit.record_error)}")


def _run_many(arguments: Namespace) -> int:
    """Audit the projects of a registry one after the other; one that cannot be audited does not keep the others.

    The reports are written when all are made: only then is it known which entries open the same Pinecone project.
    """
    with ExitStack() as stack:
        output = stack.enter_context(open_output(arguments.output))
        registry_audit = _open_registry(arguments)
        registry, codes = registry_audit.registry, registry_audit.codes
        entries: list[RegisteredProject | EntryError] = [*registry.errors, *registry.projects]
        report_format = FORMATS[arguments.format]
        max_projects = report_format.max_projects or max(1, len(entries))
        further_paths = _list_further_paths(arguments, output, -(-len(entries) // max_projects), len(entries))
        files = [output, *(stack.enter_context(AtomicFile(it)) for it in further_paths)]
        spool = stack.enter_context(closing(ReportSpool(has_timelines=report_format.has_timelines)))
        targets = [registry_audit.audit(it, spool) for it in entries]
        shared_groups = find_shared_by_target(it for it in targets if it is not None)
        for group in shared_groups:
            codes.append(INCOMPLETE)
            if output is not None:  # the reports have the warning too, but a file may stay unread
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


def _open_registry(arguments: Namespace) -> "_RegistryAudit":
    """Read the registry that the flags name. Raises `UsageError` and `RegistryError` if nothing can be audited."""
    for flag in ("project", "state", "inventory", "save_inventory"):
        if getattr(arguments, flag) is not None:
            name = flag.replace("_", "-")
            raise UsageError(f"--{name} is for one project and --registry for many; use only one of them")
    read_now(arguments.now)
    refuse_shared_standard_input(registry=arguments.registry, policy=arguments.policy)
    source = parse_source(arguments.registry)
    from backup_auditor.adapters.registry_file import load_registry  # noqa: PLC0415  only a registry needs it

    registry = load_registry(source)
    # beside a pipe there are no files: the paths in its entries start at the working directory
    folder = source.parent if isinstance(source, Path) and source.is_file() else Path()
    return _RegistryAudit(arguments, registry, choose_policy(arguments.policy), folder)


@dataclass(frozen=True, slots=True)
class _RegistryAudit:
    """The audit of a registry, entry by entry."""

    arguments: Namespace
    registry: Registry
    default_policy: Policy
    folder: Path
    """The folder of the policy files of entries."""
    codes: list[int] = field(default_factory=list)
    """The exit codes so far."""

    def audit(self, entry: RegisteredProject | EntryError, spool: ReportSpool) -> EntryTarget | None:
        """Audit one project, keep its report, and return where it led; `None` if its key is unknown."""
        key = project_id = None
        place = ""
        try:
            if isinstance(entry, EntryError):
                raise RegistryError(self.registry.format_error(entry))
            options, place = self._read_options(entry)
            settings = read_project_settings(options)
            key = settings.key
            audit = run_with_options(options, settings=settings)
        except BackupAuditorError as error:
            log_stderr(f"{entry.name}: {format_error_line(error)}")
            self.codes.append(NOT_AUDITED)
        else:
            _log_notes(audit, f"{entry.name}: ")
            self.codes.append(_choose_exit_code(audit, self.arguments.fail_on))
            project_id = audit.report.project_id
            spool.add(audit.report)
        return None if key is None else EntryTarget(entry.name, place, key, project_id)

    def _read_options(self, entry: RegisteredProject) -> tuple[AuditOptions, str]:
        """Return the options of an entry, and the source of its key for messages."""
        policy = self.default_policy if entry.policy is None else self._load_policy(entry.policy)
        state = None if self.arguments.no_state else find_default_state_file(os.environ, entry.name)
        options = AuditOptions(policy, entry.name, read_now(self.arguments.now), None, state)
        if entry.key_variable is not None:
            return replace(options, key_variable=entry.key_variable), f"the variable {entry.key_variable}"
        return replace(options, secret=entry.secret), f"the secret {entry.secret}"

    def _load_policy(self, address: str) -> Policy:
        if is_on_aws(address):
            return local.fetch_policy(address)
        from backup_auditor.adapters.policy_file.loader import load_policy  # noqa: PLC0415  pydantic, only for a file

        return load_policy(self.folder / address)


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
