"""Read the options of a command line: the policy, project, state, time and inventory that it names."""

import os
import re
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from shlex import join, quote

from backup_auditor.adapters.input_file import STANDARD_INPUT, Source, source_named
from backup_auditor.adapters.inventory_file import load_inventory
from backup_auditor.adapters.policy_file.loader import built_in_policy, load_policy
from backup_auditor.application.audit import AuditResult, evaluate_inventory, run_audit
from backup_auditor.bootstrap import aws, local, runtime
from backup_auditor.bootstrap.local import open_project
from backup_auditor.cli.progress import progress
from backup_auditor.cli.state_path import state_file
from backup_auditor.domain.identifiers import project_name
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.text import quote_text
from backup_auditor.errors import (
    BadKeyError,
    FutureAuditError,
    NotFoundError,
    OtherProjectError,
    PineconeError,
    UnreachableError,
    UsageError,
)
from backup_auditor.ports.stores import EvidenceStore, StateStore
from backup_auditor.settings.pinecone import KEY_VARIABLE, Settings, read_settings, settings_with

_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_YEARS = range(2000, 3000)


def read_now(text: str | None) -> datetime | None:
    """Return the moment that `--now` names; `None` when it was not given. Raises `UsageError`."""
    if text is None:
        return None
    if _RFC3339.fullmatch(text) is None:
        raise UsageError(f"--now {quote_text(text, 80)} is no moment; one looks like 2026-11-22T06:00:00Z")
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise UsageError(f"--now {quote_text(text, 80)} is no moment: {error}") from None
    if moment.year not in _YEARS:
        raise UsageError(
            f"--now {quote_text(text, 80)} is out of reach; its year must lie between {_YEARS[0]} and {_YEARS[-1]}"
        )
    return moment.astimezone(UTC)


_POLICY_HERE = "backup-auditor.yaml"
PROJECT = "default"


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """One project, and how it is to be judged."""

    policy: Policy
    project: str | None
    now: datetime | None
    inventory: Source | None
    state: Path | None
    """Where the project is remembered; `None` where it is not to be."""
    key_variable: str = KEY_VARIABLE
    secret: str | None = None
    """The secret on AWS that holds its key, which takes the place of the variable."""

    @property
    def place_of_key(self) -> str:
        """Say how to mend a key that is not accepted."""
        place = f"set {self.key_variable} to" if self.secret is None else f"let the secret {self.secret} hold"
        return f"{place} a key of the project"


def read_options(arguments: Namespace) -> AuditOptions:
    """Read what the flags name. Raises `UsageError`."""
    now = read_now(arguments.now)
    if arguments.project is not None:
        check_name(arguments.project)
    refuse_one_input_for_two(policy=arguments.policy, inventory=arguments.inventory)
    inventory = None if arguments.inventory is None else source_named(arguments.inventory)
    policy = chosen_policy(arguments.policy)
    state = state_of(arguments, arguments.project or PROJECT, is_usual=inventory is None)
    return AuditOptions(policy, arguments.project, now, inventory, state)


def state_of(arguments: Namespace, project: str, *, is_usual: bool) -> Path | None:
    """Return where a project is remembered: the file that is named, else the usual one.

    A saved inventory is judged without, unless one is named.
    """
    if arguments.state is not None:
        return Path(arguments.state)
    return state_file(os.environ, project) if is_usual and not arguments.no_state else None


def refuse_one_file_for_two(arguments: Namespace) -> None:
    """Raise `UsageError` where the report would take the place of an inventory."""
    inventory = None if arguments.inventory == STANDARD_INPUT else arguments.inventory
    for flag, path in (("inventory", inventory), ("save-inventory", arguments.save_inventory)):
        both = (path, arguments.output)
        if None not in both and len({os.path.realpath(it) for it in both if it is not None}) == 1:
            raise UsageError(f"--output and --{flag} name the same file; give each its own")


def refuse_one_input_for_two(**given: str | None) -> None:
    """Raise `UsageError` where more than one flag, or argument in capitals, names standard input."""
    names = [it if it.isupper() else f"--{it}" for it, text in given.items() if text == STANDARD_INPUT]
    if len(names) > 1:
        raise UsageError(f"{names[0]} and {names[1]} both name standard input (-); give one of them a file")


def check_name(project: str) -> None:
    """Raise `UsageError` unless a project may be called that."""
    try:
        project_name(project)
    except ValueError as error:
        raise UsageError(f"{quote_text(project, 120)} {error}") from None


def chosen_policy(path: str | None) -> Policy:
    """Return the policy that was named, else the one in the working directory, else the built-in one."""
    if path is not None:
        return load_policy(source_named(path))
    if os.path.lexists(_POLICY_HERE):
        return load_policy(Path(_POLICY_HERE))
    return built_in_policy()


def run_options(
    wanted: AuditOptions,
    *,
    is_recorded: bool = True,
    evidence: EvidenceStore | None = None,
    settings: Settings | None = None,
) -> AuditResult:
    """Read the project, or its saved inventory, judge it, and unless it is only looked at, record that.

    Without settings, those are read that the environment has for it.
    """
    if wanted.inventory is not None:
        inventory = load_inventory(wanted.inventory)
        inventory = replace(
            inventory,
            observed_at=wanted.now or inventory.observed_at,
            project=wanted.project or inventory.project,
        )
        with _store(wanted, is_recorded=is_recorded) as store, _state_named(wanted):
            done = evaluate_inventory(inventory, wanted.policy, store, evidence, runtime.now if is_recorded else None)
        return _placed(done, wanted)
    settings = settings or settings_of(wanted)
    observed_at = wanted.now or runtime.now()
    project = wanted.project or PROJECT
    with _store(wanted, is_recorded=is_recorded) as store, open_project(settings) as reader, _state_named(wanted):
        try:
            with progress() as shown:
                done = run_audit(
                    reader,
                    wanted.policy,
                    project=project,
                    observed_at=observed_at,
                    progress=shown,
                    store=store,
                    evidence=evidence,
                    clock=runtime.now if is_recorded else None,
                )
        except PineconeError as error:
            raise PineconeError(_why_nothing(error, settings.host, wanted)) from error
    return _placed(done, wanted)


def _placed(done: AuditResult, wanted: AuditOptions) -> AuditResult:
    """Return an audit whose way out of a recorded future names the state."""
    if not isinstance(done.unrecorded, FutureAuditError):
        return done
    return replace(done, unrecorded=done.unrecorded.with_place("--state", str(wanted.state)))


def _store(wanted: AuditOptions, *, is_recorded: bool) -> AbstractContextManager[StateStore | None]:
    """Open the state before anything is read; one that is not there is made only to be recorded in."""
    if wanted.state is None or not (is_recorded or os.path.lexists(wanted.state)):
        return nullcontext()
    return local.open_local_state(wanted.state) if is_recorded else local.open_local_state_read_only(wanted.state)


def settings_of(wanted: AuditOptions) -> Settings:
    """Read how a project is reached. Raises `SettingsError` and `SecretError`."""
    if wanted.secret is None:
        return read_settings(os.environ, key_variable=wanted.key_variable)
    return settings_with(os.environ, aws.fetched_key(wanted.secret))


@contextmanager
def _state_named(wanted: AuditOptions) -> Iterator[None]:
    """Say of a state that belongs to another project which file it is, and what to do."""
    try:
        yield
    except OtherProjectError as error:
        source = "an inventory" if wanted.inventory is not None else "a key"
        remedy = f"use {source} of {error.known}, or audit {error.found} under another project name or with another"
        discard = join(["backup-auditor", "state", "discard", "--all", "--project", error.project])
        raise error.with_remedy(
            f"{remedy} state than {wanted.state}; if that state was recorded with a wrong key, discard it:"
            f" {discard} --state {quote(str(wanted.state))}"
        ) from None


def _why_nothing(error: PineconeError, host: str, wanted: AuditOptions) -> str:
    """Say why nothing was audited, and what to do about it."""
    if isinstance(error, BadKeyError):
        return f"{host} does not accept the key ({error}); {wanted.place_of_key}"
    if isinstance(error, NotFoundError):
        return f"{host} does not answer as Pinecone does ({error}); look at PINECONE_CONTROLLER_HOST"
    if isinstance(error, UnreachableError):
        return str(error)  # it names the host, or the proxy before it, and the remedy
    return f"{host} does not let the key list the indexes ({error}); give it the role ControlPlaneViewer"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that names the nearest known name, or nothing when none is near."""
    close = get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"; did you mean {quote_text(close[0])}?" if close else ""
