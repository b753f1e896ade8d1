"""Read the options of a command line: the policy, project, state, time and inventory that it names."""

import os
import re
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from shlex import join
from shlex import quote as quote_for_shell
from urllib.parse import quote

from backup_auditor.adapters.documents import STANDARD_INPUT, InputSource, parse_source
from backup_auditor.adapters.pinecone.flow_control import CallSlots
from backup_auditor.adapters.policy_file import load_built_in_policy
from backup_auditor.adapters.sqlite.state_store import open_state, open_state_read_only
from backup_auditor.application.audit import AuditResult, evaluate_inventory, run_audit
from backup_auditor.bootstrap import local, runtime
from backup_auditor.bootstrap.pinecone import open_project
from backup_auditor.cli.output import log_stderr, show_progress
from backup_auditor.domain.identifiers import is_on_aws, parse_project_name
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.text import pluralize, quote_text
from backup_auditor.errors import (
    BadKeyError,
    EntryMismatchError,
    FutureAuditError,
    NotFoundError,
    PineconeError,
    ProjectMismatchError,
    SettingsError,
    UnreachableError,
    UsageError,
)
from backup_auditor.ports.pinecone import Progress
from backup_auditor.ports.stores import EvidenceStore, StateStore
from backup_auditor.settings.pinecone import KEY_VARIABLE, PineconeSettings, read_settings, read_settings_with_key

_RFC3339_PATTERN = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_YEARS = range(2000, 3000)


def read_now(text: str | None) -> datetime | None:
    """Return the moment that `--now` names; `None` when it was not given. Raises `UsageError`."""
    if text is None:
        return None
    if _RFC3339_PATTERN.fullmatch(text) is None:
        raise UsageError(f"--now {quote_text(text, 80)} is not a time (expected: 2026-11-22T06:00:00Z)")
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise UsageError(f"--now {quote_text(text, 80)} is not a time: {error}") from None
    if moment.year not in _YEARS:
        raise UsageError(
            f"--now {quote_text(text, 80)} is out of range (expected a year from {_YEARS[0]} to {_YEARS[-1]})"
        )
    return moment.astimezone(UTC)


DEFAULT_POLICY_FILE = "backup-auditor.yaml"
"""The policy in the working directory, which is used if no other is named."""
DEFAULT_PROJECT = "default"


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """One project, and how to audit it."""

    policy: Policy
    project: str | None
    now: datetime | None
    inventory: InputSource | None
    state: Path | None
    """The file of its state; `None` if nothing is stored."""
    key_variable: str = KEY_VARIABLE
    secret: str | None = None
    """The secret on AWS that holds its key; it replaces the variable."""
    registered_id: str | None = None
    """Pinecone's id of the project, if its registry entry names it."""

    @property
    def key_place(self) -> str:
        """The source of the key, for messages."""
        return f"the variable {self.key_variable}" if self.secret is None else f"the secret {self.secret}"


def read_options(arguments: Namespace) -> AuditOptions:
    """Read what the flags name. Raises `UsageError`."""
    now = read_now(arguments.now)
    if arguments.project is not None:
        check_project_name(arguments.project)
    refuse_shared_standard_input(policy=arguments.policy, inventory=arguments.inventory)
    inventory = None if arguments.inventory is None else parse_source(arguments.inventory)
    policy = choose_policy(arguments.policy)
    state = None
    if arguments.state is not None or not (arguments.no_state or inventory is not None):
        state = find_state_file(arguments, arguments.project or DEFAULT_PROJECT)
    return AuditOptions(policy, arguments.project, now, inventory, state)


def read_project_name(arguments: Namespace) -> str:
    """Return the project that `--project` names. Raises `UsageError`."""
    project = DEFAULT_PROJECT if arguments.project is None else str(arguments.project)
    check_project_name(project)
    return project


def find_state_file(arguments: Namespace, project: str) -> Path:
    """Return the file of a project's state: the one that `--state` names, else the default."""
    return find_default_state_file(os.environ, project) if arguments.state is None else Path(arguments.state)


_MAX_NAME_LENGTH = 160


def find_default_state_file(environ: Mapping[str, str], project: str) -> Path:
    """Return the file that stores the state of a project by default, whatever characters its name has.

    Raises `SettingsError` if there is no home directory.
    """
    folder = Path(environ.get("XDG_STATE_HOME", ""))
    if not folder.is_absolute():  # its specification ignores a relative path
        try:
            folder = Path.home() / ".local" / "state"
        except RuntimeError:
            remedy = "set XDG_STATE_HOME, or use --state or --no-state"
            raise SettingsError(f"no home directory for the state; {remedy}") from None
    if len(name := quote(project, safe=" ")) > _MAX_NAME_LENGTH:
        name = f"{name[:_MAX_NAME_LENGTH]}~{sha256(project.encode()).hexdigest()[:16]}"
    return folder / "backup-auditor" / f"{name}.sqlite3"


def refuse_shared_output_file(arguments: Namespace) -> None:
    """Raise `UsageError` if the report would overwrite a file that another flag names."""
    if arguments.output in {None, STANDARD_INPUT}:  # as an output it is standard output
        return
    output_path = os.path.realpath(arguments.output)
    for flag in ("registry", "policy", "inventory", "save_inventory", "state"):
        path = getattr(arguments, flag)
        if path not in {None, STANDARD_INPUT} and os.path.realpath(path) == output_path:
            raise UsageError(f"--output and --{flag.replace('_', '-')} name the same file; use two files")


def refuse_used_files(output_paths: Iterable[str | Path], used_paths: Iterable[str | Path]) -> None:
    """Raise `UsageError` if an output would overwrite a file that the audit uses without a flag that names it."""
    used_files = {os.path.realpath(it) for it in used_paths}
    for path in output_paths:
        if os.path.realpath(path) in used_files:
            raise UsageError(f"{path}: would overwrite a file that the audit uses; choose another --output")


def refuse_shared_standard_input(**inputs: str | None) -> None:
    """Raise `UsageError` if more than one flag, or argument in capitals, names standard input."""
    names = [it if it.isupper() else f"--{it}" for it, text in inputs.items() if text == STANDARD_INPUT]
    if len(names) > 1:
        raise UsageError(f"{names[0]} and {names[1]} both name standard input (-); use a file for one of them")


def check_project_name(project: str) -> None:
    """Raise `UsageError` if the name of a project is not valid."""
    try:
        parse_project_name(project)
    except ValueError as error:
        raise UsageError(f"{quote_text(project, 120)} {error}") from None


def choose_policy(path: str | None) -> Policy:
    """Return the policy that was named, else the one in the working directory, else the built-in one."""
    if path is None and not os.path.lexists(DEFAULT_POLICY_FILE):
        return load_built_in_policy()
    from backup_auditor.adapters.policy_file.loader import load_policy  # noqa: PLC0415  pydantic, only for a file

    return load_policy(Path(DEFAULT_POLICY_FILE) if path is None else parse_source(path))


def find_policy_folder(registry_source: InputSource) -> Path:
    """Return the folder of the policy files of entries: that of the registry.

    Beside a pipe there are no files: the paths in its entries start at the working directory.
    """
    is_file = isinstance(registry_source, Path) and registry_source.is_file()
    return Path(registry_source).parent if is_file else Path()


def load_entry_policy(address: str, folder: Path) -> Policy:
    """Return the policy of an entry, on AWS or in a file. Raises `PolicyError` and `DocumentError`."""
    if is_on_aws(address):
        return local.fetch_policy(address)
    from backup_auditor.adapters.policy_file.loader import load_policy  # noqa: PLC0415  pydantic, only for a file

    return load_policy(folder / address)


def run_with_options(  # noqa: PLR0913  all optional arguments are keywords
    options: AuditOptions,
    *,
    is_recorded: bool = True,
    evidence: EvidenceStore | None = None,
    settings: PineconeSettings | None = None,
    progress: AbstractContextManager[Progress] | None = None,
    call_slots: CallSlots | None = None,
) -> AuditResult:
    """Read the project or its saved inventory, evaluate it, and record the audit if `is_recorded`.

    Without settings, they are read from the environment. Audits that run at the same time have a `progress` each, and
    share their `call_slots`.
    """
    if options.inventory is not None:
        from backup_auditor.adapters.inventory_file import load_inventory  # noqa: PLC0415  only a saved one needs it

        inventory = load_inventory(options.inventory)
        inventory = replace(
            inventory,
            observed_at=options.now or inventory.observed_at,
            project=options.project or inventory.project,
        )
        with _open_store(options, is_recorded=is_recorded) as store, _explain_other_project(options):
            result = evaluate_inventory(
                inventory, options.policy, store, evidence, runtime.now if is_recorded else None
            )
        return _add_state_remedy(result, options)
    settings = settings or read_project_settings(options)
    observed_at = options.now or runtime.now()
    project = options.project or DEFAULT_PROJECT
    with (
        _open_store(options, is_recorded=is_recorded) as store,
        open_project(settings, call_slots) as reader,
        _explain_other_project(options),
    ):
        try:
            with progress or show_progress() as display:
                result = run_audit(
                    reader,
                    options.policy,
                    project=project,
                    observed_at=observed_at,
                    progress=display,
                    store=store,
                    evidence=evidence,
                    clock=runtime.now if is_recorded else None,
                    registered_id=options.registered_id,
                )
        except PineconeError as error:
            raise PineconeError(explain_failure(error, settings.host, options.key_variable, options.secret)) from error
    return _add_state_remedy(result, options)


def audit_for_plan(options: AuditOptions) -> AuditResult:
    """Audit a project without recording it, and log what a plan from it leaves out."""
    audit = run_with_options(options, is_recorded=False)
    for note in audit.notes:
        log_stderr(note)
    if not audit.report.is_complete:
        count_text = pluralize(len(audit.report.read_failures), "read error")
        log_stderr(f"{count_text}; the plan leaves out the affected indexes")
    return audit


def _add_state_remedy(result: AuditResult, options: AuditOptions) -> AuditResult:
    """Return the audit; an error about an audit recorded in the future names the state."""
    if not isinstance(result.record_error, FutureAuditError):
        return result
    return replace(result, record_error=result.record_error.with_state_flag("--state", str(options.state)))


def _open_store(options: AuditOptions, *, is_recorded: bool) -> AbstractContextManager[StateStore | None]:
    """Open the state before anything is read; a missing file is created only to record in it."""
    if options.state is None or not (is_recorded or os.path.lexists(options.state)):
        return nullcontext()
    return open_state(options.state) if is_recorded else open_state_read_only(options.state)


def read_project_settings(options: AuditOptions) -> PineconeSettings:
    """Read the key and the hosts of a project. Raises `SettingsError` and `SecretError`."""
    if options.secret is None:
        return read_settings(os.environ, key_variable=options.key_variable)
    return read_settings_with_key(os.environ, local.fetch_key(options.secret))


@contextmanager
def _explain_other_project(options: AuditOptions) -> Iterator[None]:
    """Add the file and the remedy to the error of a state that belongs to another project."""
    try:
        yield
    except EntryMismatchError as error:
        raise error.with_key_place(options.key_place) from None
    except ProjectMismatchError as error:
        source = "an inventory" if options.inventory is not None else "a key"
        remedy = (
            f"use {source} of {error.recorded_id}, or audit {error.found_id} under another project name or with another"
        )
        discard = join(["backup-auditor", "state", "discard", "--all", "--project", error.project])
        raise error.with_remedy(
            f"{remedy} state than {options.state}; if that state was recorded with a wrong key, discard it:"
            f" {discard} --state {quote_for_shell(str(options.state))}"
        ) from None


def explain_failure(error: PineconeError, host: str, key_variable: str, secret: str | None) -> str:
    """Return why the indexes of a project could not be listed, and what to do about it."""
    if isinstance(error, BadKeyError):
        remedy = f"set {key_variable} to a key of the project"
        if secret is not None:
            remedy = f"store a key of the project in the secret {secret}"
        return f"{host} does not accept the key ({error}); {remedy}"
    if isinstance(error, NotFoundError):
        return f"{host} does not respond like Pinecone ({error}); check PINECONE_CONTROLLER_HOST"
    if isinstance(error, UnreachableError):
        return str(error)  # it names the host, or the proxy before it, and the remedy
    return f"{host} refuses to list the indexes with this key ({error}); give it the role ControlPlaneViewer"


def suggest_nearest(name: str, candidates: Iterable[str]) -> str:
    """Return the end of a sentence that names the nearest known name, or nothing when none is near."""
    matches = get_close_matches(name, sorted(candidates), n=1, cutoff=0.5)
    return f"; did you mean {quote_text(matches[0])}?" if matches else ""
