"""Audit the projects of a registry, several at once, and report them together."""

import os
import pickle
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from threading import TIMEOUT_MAX

from backup_auditor.adapters.documents import STANDARD_INPUT, parse_source
from backup_auditor.adapters.files import AtomicFile
from backup_auditor.adapters.pinecone.flow_control import CallSlots
from backup_auditor.cli import INCOMPLETE, NOT_AUDITED
from backup_auditor.cli.error_text import format_error_line
from backup_auditor.cli.exit_codes import choose_audit_exit_code, choose_worst_exit_code
from backup_auditor.cli.options import (
    DEFAULT_POLICY_FILE,
    AuditOptions,
    choose_policy,
    find_default_state_file,
    find_policy_folder,
    load_entry_policy,
    read_now,
    read_project_settings,
    refuse_shared_output_file,
    refuse_shared_standard_input,
    refuse_used_files,
    run_with_options,
)
from backup_auditor.cli.output import (
    FleetProgress,
    describe_notes,
    log_stderr,
    make_render_options,
    open_output,
    show_fleet_progress,
    write_pieces,
)
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
from backup_auditor.domain.reporting.fleet import Fleet, FleetProject, UnauditedProject, build_fleet
from backup_auditor.domain.reporting.fleet_rows import summarize_project
from backup_auditor.domain.reporting.report import Report
from backup_auditor.errors import BackupAuditorError, RegistryError, UsageError
from backup_auditor.rendering.formats import FORMATS, ReportFormat
from backup_auditor.settings.pinecone import read_max_concurrency
from backup_auditor.worker_pool import WorkerPool

_MAX_AUDITS = 8
"""The number of audits that run at once: enough to use one processor while calls wait for their answers."""
_MAX_MEMORY_BYTES = 64 * 1024 * 1024
"""The limit of bytes in memory; a temporary file holds more. A large project takes some 2 MB."""

type Entry = RegisteredProject | EntryError


class ReportSpool:
    """The reports of a run, each pickled: that takes less memory than the report.

    They are kept until all are made: only then are their order and their warnings known.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._file = SpooledTemporaryFile(_MAX_MEMORY_BYTES)  # noqa: SIM115  closed with the spool
        self._offsets: dict[str, int] = {}

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def add(self, project: str, pickled_report: bytes) -> None:
        """Keep the report of a project. Raises `UsageError` if the temporary file cannot be written."""
        with _translate_spool_errors():
            self._offsets[project] = self._file.tell()
            self._file.write(pickled_report)

    def read_reports(self, projects: Iterable[str], warnings: Mapping[str, tuple[str, ...]]) -> Iterator[Report]:
        """Return the reports of projects, each with its warnings."""
        for project in projects:
            with _translate_spool_errors():  # what is still in a buffer is written first
                self._file.seek(self._offsets[project])
                report: Report = pickle.load(self._file)  # noqa: S301  this very process wrote it
            yield report.with_warnings(*warnings.get(project, ()))


@contextmanager
def _translate_spool_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = f"the reports of the projects cannot be kept in a temporary file: {error.strerror or error}"
        raise UsageError(f"{reason}; set TMPDIR to a folder with enough space") from None


@dataclass(frozen=True, slots=True)
class EntryResult:
    """The result of one entry: where it led, and the report, or why there is none."""

    exit_code: int
    messages: tuple[str, ...]
    """What standard error says about it."""
    target: EntryTarget | None = None
    """`None` if its key is unknown."""
    project: FleetProject | None = None
    pickled_report: bytes = b""
    failure: UnauditedProject | None = None


def run_registry_audit(arguments: Namespace) -> int:
    """Audit the projects of a registry. One that cannot be audited does not keep the others.

    The reports are written when all are made: only then is their order known, and which entries open the same Pinecone
    project.
    """
    refuse_shared_output_file(arguments)
    with ExitStack() as stack:
        output = stack.enter_context(open_output(arguments.output))
        audit = _open_registry(arguments)
        writer = _FleetWriter(arguments, output, len(audit.entries), stack)
        refuse_used_files(writer.paths, audit.list_used_files())
        spool = stack.enter_context(closing(ReportSpool()))
        results = audit.run(spool, has_timelines=writer.format.has_timelines)
        shared_groups = find_shared_by_target(it.target for it in results if it.target is not None)
        if output is not None:  # the reports have the warnings too, but a file may stay unread
            for group in shared_groups:
                log_stderr(group.sentence)
        projects = [it.project for it in results if it.project is not None]
        failures = [it.failure for it in results if it.failure is not None]
        fleet = build_fleet(projects, failures, (it.sentence for it in shared_groups))
        names = [it.name for it in (fleet.projects if writer.format.is_worst_first else projects)]
        writer.write(fleet, len(names), spool.read_reports(names, build_warnings(shared_groups)))
    return choose_worst_exit_code([*(it.exit_code for it in results), *(INCOMPLETE for _ in shared_groups)])


class _FleetWriter:
    """Writes the documents of a run: all of them or none. Its files are opened before anything is read."""

    def __init__(self, arguments: Namespace, output: AtomicFile | None, entry_count: int, stack: ExitStack) -> None:
        """Open the files beside the output that the format needs for so many entries. Raises `UsageError`."""
        self.format = FORMATS[arguments.format]
        self._arguments = arguments
        self._max_projects = self.format.max_projects or max(1, entry_count)
        self._further_paths = _list_further_paths(arguments, output, -(-entry_count // self._max_projects), entry_count)
        self._files = [output, *(stack.enter_context(AtomicFile(it)) for it in self._further_paths)]
        self._fleet_file = _open_fleet_file(arguments, output, self.format, stack)

    @property
    def paths(self) -> list[Path]:
        """The files, without standard output and other streams."""
        files = (*self._files, self._fleet_file)
        return [it.path for it in files if it is not None and not it.is_stream]

    def write(self, fleet: Fleet, report_count: int, reports: Iterator[Report]) -> None:
        """Write the fleet and its reports, and say so if the reports need several files."""
        used_files = self._files[: max(1, -(-report_count // self._max_projects))]
        is_one_of_many = len(self._files) > 1 or self._fleet_file is not None
        make_options = partial(make_render_options, self._arguments, report_count=report_count, fleet=fleet)
        for file in used_files:
            pieces = self.format.render(islice(reports, self._max_projects), make_options(is_file=file is not None))
            write_pieces(pieces, file, is_one_of_many=is_one_of_many)
        if self._fleet_file is not None:
            pieces = self.format.render_fleet(make_options(is_file=True))
            write_pieces(pieces, self._fleet_file, is_one_of_many=True)
        for file in (*used_files, self._fleet_file) if is_one_of_many else ():
            if file is not None:
                file.replace_target()
        if len(used_files) > 1:
            last_path = self._further_paths[len(used_files) - 2]
            log_stderr(
                f"{len(used_files)} files hold at most {self._max_projects} projects each:"
                f" {self._arguments.output} to {last_path}"
            )


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
    call_slots = CallSlots(read_max_concurrency(os.environ))
    return _RegistryAudit(arguments, registry, choose_policy(arguments.policy), find_policy_folder(source), call_slots)


@dataclass(frozen=True, slots=True)
class _RegistryAudit:
    """The audit of a registry, several entries at once."""

    arguments: Namespace
    registry: Registry
    default_policy: Policy
    folder: Path
    """The folder of the policy files of entries."""
    call_slots: CallSlots
    """The limit of calls in flight over all projects."""

    @property
    def entries(self) -> Sequence[Entry]:
        """The entries in their order: those with an error first."""
        return (*self.registry.errors, *self.registry.projects)

    def list_used_files(self) -> Iterator[Path]:
        """Return the files that the audit reads, and those of the states of its projects."""
        flags = (self.arguments.registry, self.arguments.policy or DEFAULT_POLICY_FILE)
        yield from (Path(it) for it in flags if it != STANDARD_INPUT)
        for entry in self.registry.projects:
            if entry.policy is not None and not is_on_aws(entry.policy):
                yield self.folder / entry.policy
            if not self.arguments.no_state:
                yield find_default_state_file(os.environ, entry.name)

    def run(self, spool: ReportSpool, *, has_timelines: bool) -> list[EntryResult]:
        """Audit all entries, keep their reports, and return the results in the order of the entries."""
        results = OrderedResults()
        with show_fleet_progress(len(self.entries)) as progress, WorkerPool(_MAX_AUDITS) as pool:

            def accept_result(position: int, result: EntryResult | None) -> None:
                if result is None:
                    return
                if result.project is not None:
                    spool.add(result.project.name, result.pickled_report)
                results.add(position, replace(result, pickled_report=b""))
                progress.count_project()

            for position, entry in enumerate(self.entries):
                audit = partial(self._audit, entry, progress, has_timelines=has_timelines)
                pool.submit(audit, partial(accept_result, position), None)
            pool.finish(lambda: TIMEOUT_MAX)  # each audit has its own deadline
        return results.in_order

    def _audit(self, entry: Entry, progress: FleetProgress, *, has_timelines: bool) -> EntryResult:
        """Audit the project of one entry. A failure concerns only this entry; a defect with `--debug` ends the run."""
        if isinstance(entry, EntryError):
            return _make_failure(entry.name, RegistryError(self.registry.format_error(entry)))
        target = None
        try:
            options = self._read_options(entry)
            settings = read_project_settings(options)
            target = EntryTarget(entry.name, options.key_place, settings.key, None)
            audit = run_with_options(
                options,
                settings=settings,
                progress=progress.show_project(entry.name),
                call_slots=self.call_slots,
            )
            report = audit.report
            kept_report = replace(report, timelines=tuple(report.timelines) if has_timelines else ())
            return EntryResult(
                choose_audit_exit_code(report, self.arguments.fail_on, has_record_error=audit.record_error is not None),
                tuple(f"{entry.name}: {it}" for it in describe_notes(audit)),
                replace(target, project_id=report.project_id),
                summarize_project(report),
                pickle.dumps(kept_report, pickle.HIGHEST_PROTOCOL),
            )
        except Exception as error:
            if self.arguments.debug and not isinstance(error, BackupAuditorError):
                raise
            return _make_failure(entry.name, error, target)

    def _read_options(self, entry: RegisteredProject) -> AuditOptions:
        """Return the options of an entry."""
        policy = self.default_policy if entry.policy is None else load_entry_policy(entry.policy, self.folder)
        state = None if self.arguments.no_state else find_default_state_file(os.environ, entry.name)
        now, registered_id = read_now(self.arguments.now), entry.project_id
        options = AuditOptions(policy, entry.name, now, None, state, registered_id=registered_id)
        if entry.key_variable is not None:
            return replace(options, key_variable=entry.key_variable)
        return replace(options, secret=entry.secret)


def _make_failure(name: str, error: Exception, target: EntryTarget | None = None) -> EntryResult:
    reason = format_error_line(error)
    return EntryResult(NOT_AUDITED, (f"{name}: {reason}",), target, failure=UnauditedProject(name, reason))


@dataclass(slots=True)
class OrderedResults:
    """Results that are put into the order of their entries, whichever comes first; their messages likewise."""

    in_order: list[EntryResult] = field(default_factory=list)
    _waiting: dict[int, EntryResult] = field(default_factory=dict)

    def add(self, position: int, result: EntryResult) -> None:
        """Add the result of an entry, and log the messages of all whose turn has come."""
        self._waiting[position] = result
        while (next_result := self._waiting.pop(len(self.in_order), None)) is not None:
            self.in_order.append(next_result)
            for message in next_result.messages:
                log_stderr(message)


def _open_fleet_file(
    arguments: Namespace, output: AtomicFile | None, report_format: ReportFormat, stack: ExitStack
) -> AtomicFile | None:
    """Open the file of the fleet beside the output: `NAME-fleet`; `None` if the format or the output has none."""
    if not report_format.has_fleet_file or output is None or output.is_stream:
        return None
    path = Path(arguments.output)
    fleet_path = path.with_name(f"{path.stem}-fleet{path.suffix}")
    return stack.enter_context(AtomicFile(fleet_path))


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
    return [path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(2, file_count + 1)]
