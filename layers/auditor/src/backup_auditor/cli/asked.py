"""What a command line asks to have judged: which inventory, under which policy."""

import os
import re
from argparse import Namespace
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from backup_auditor.adapters.inventory_file import load_inventory
from backup_auditor.adapters.policy_file.loading import built_in_policy, load_policy
from backup_auditor.adapters.registry_file import load_registry
from backup_auditor.bootstrap import clock, laptop
from backup_auditor.cli.moment import read_now
from backup_auditor.cli.progress import progress
from backup_auditor.cli.state_path import state_file
from backup_auditor.domain.policy import Policy
from backup_auditor.errors import BadKeyError, NotFoundError, PineconeError, UnreachableError, UsageError
from backup_auditor.ports.state import StateStore
from backup_auditor.service.auditing import Audit, audit, judge
from backup_auditor.settings.pinecone import KEY_VARIABLE, read_settings

_POLICY_HERE = "backup-auditor.yaml"
_PROJECT = "default"
_NAME = re.compile(r"[^\s/\\](?:[^/\\]{0,98}[^\s/\\])?")


@dataclass(frozen=True, slots=True)
class Asked:
    """One project, and how it is to be judged."""

    policy: Policy
    project: str | None
    now: datetime | None
    inventory: Path | None
    state: Path | None
    """Where the project is remembered; `None` where it is not to be."""
    key_variable: str = KEY_VARIABLE


def asked(arguments: Namespace) -> Asked:
    """Read what the flags name. Raises `UsageError`."""
    now = read_now(arguments.now)
    if arguments.project is not None:
        check_name(arguments.project)
    inventory = None if arguments.inventory is None else Path(arguments.inventory)
    policy = chosen_policy(arguments.policy)
    state = _state(arguments, arguments.project or _PROJECT, is_usual=inventory is None)
    return Asked(policy, arguments.project, now, inventory, state)


def _state(arguments: Namespace, project: str, *, is_usual: bool) -> Path | None:
    """Return the file that is named, else the usual one; a saved inventory is judged without, unless one is named."""
    if arguments.state is not None:
        return Path(arguments.state)
    return state_file(os.environ, project) if is_usual and not arguments.no_state else None


def refuse_one_file_for_two(arguments: Namespace) -> None:
    """Raise `UsageError` where the report would take the place of an inventory."""
    for flag, path in (("inventory", arguments.inventory), ("save-inventory", arguments.save_inventory)):
        both = (path, arguments.output)
        if None not in both and len({os.path.realpath(it) for it in both if it is not None}) == 1:
            raise UsageError(f"--output and --{flag} name the same file; give each its own")


def registered(arguments: Namespace) -> list[Asked]:
    """Read the projects of the registry that the flags name, each with its policy. Raises `UsageError`."""
    for flag in ("project", "state", "inventory", "save_inventory"):
        if getattr(arguments, flag) is not None:
            name = flag.replace("_", "-")
            raise UsageError(f"--{name} speaks of one project and --registry of many; leave one of them out")
    now = read_now(arguments.now)
    found = []
    for entry in load_registry(Path(arguments.registry)):
        check_name(entry.name)
        policy = chosen_policy(str(entry.policy) if entry.policy else arguments.policy)
        state = _state(arguments, entry.name, is_usual=True)
        found.append(Asked(policy, entry.name, now, None, state, entry.key_variable))
    return found


def check_name(project: str) -> None:
    """Raise `UsageError` unless a project may be called that: the name stands in reports and in names of files."""
    if _NAME.fullmatch(project) is None or not project.isprintable() or project.startswith("."):
        why = "use 1 to 100 printable characters, without slashes, and no dot or blank in front"
        raise UsageError(f"{project[:120]!r} is no name for a project: {why}")


def chosen_policy(path: str | None) -> Policy:
    """Return the policy that was named, else the one in the working directory, else the built-in one."""
    if path is not None:
        return load_policy(Path(path))
    if os.path.lexists(_POLICY_HERE):
        return load_policy(Path(_POLICY_HERE))
    return built_in_policy()


def audited(wanted: Asked, *, is_recorded: bool = True) -> Audit:
    """Read the project, or its saved inventory, judge it, and unless it is only looked at, record that."""
    if wanted.inventory is not None:
        inventory = load_inventory(wanted.inventory)
        inventory = replace(
            inventory,
            observed_at=wanted.now or inventory.observed_at,
            project=wanted.project or inventory.project,
        )
        with _store(wanted, is_recorded=is_recorded) as store:
            return judge(inventory, wanted.policy, store)
    settings = read_settings(os.environ, key_variable=wanted.key_variable)
    observed_at = wanted.now or clock.now()
    project = wanted.project or _PROJECT
    with (
        _store(wanted, is_recorded=is_recorded) as store,
        laptop.open_project(settings) as reader,
    ):
        try:
            with progress() as shown:
                return audit(
                    reader, wanted.policy, project=project, observed_at=observed_at, progress=shown, store=store
                )
        except PineconeError as error:
            raise PineconeError(_why_nothing(error, settings.host, wanted.key_variable)) from error


def _store(wanted: Asked, *, is_recorded: bool) -> AbstractContextManager[StateStore | None]:
    """Open the state before anything is read; one that is not there is made only to be recorded in."""
    if wanted.state is None or not (is_recorded or os.path.lexists(wanted.state)):
        return nullcontext()
    return laptop.open_state(wanted.state) if is_recorded else laptop.look_into_state(wanted.state)


def _why_nothing(error: PineconeError, host: str, key_variable: str) -> str:
    """Say why nothing was audited, and what to do about it."""
    if isinstance(error, BadKeyError):
        return f"{host} does not accept the key ({error}); set {key_variable} to a key of the project"
    if isinstance(error, NotFoundError):
        return f"{host} does not answer as Pinecone does ({error}); look at PINECONE_CONTROLLER_HOST"
    if isinstance(error, UnreachableError):
        return f"{host}: {error}; look at PINECONE_CONTROLLER_HOST and at the network"
    return f"{host} does not let the key list the indexes ({error}); give it the role ControlPlaneViewer"
