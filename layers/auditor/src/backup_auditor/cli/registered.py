"""What a registry asks to have judged: its projects, each with a way to audit it."""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from backup_auditor.adapters.input_file import source_named
from backup_auditor.adapters.policy_file.loading import load_policy
from backup_auditor.adapters.registry.reading import load_registry
from backup_auditor.bootstrap import reading_aws
from backup_auditor.cli.asked import (
    Asked,
    audited,
    chosen_policy,
    refuse_one_input_for_two,
    settings_of,
    state_of,
)
from backup_auditor.cli.moment import read_now
from backup_auditor.domain.naming import is_on_aws
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import RegisteredProject
from backup_auditor.errors import RegistryError, UsageError
from backup_auditor.service.auditing import Audit


class Key(NamedTuple):
    """A key that opened a project, and where it was read from."""

    place: str
    text: str


class Registered(NamedTuple):
    """One project of a registry, or a mistake in its stead."""

    project: str
    audited: Callable[[], Audit]
    """Audits it. Raises whatever keeps this project from being audited."""
    key: Callable[[], Key | None]
    """Returns the key that it was audited with; `None` where there is none."""


def registered(arguments: Namespace) -> list[Registered]:
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
        Registered(it.name, partial(_audited, it, arguments, folder, usual, keys), partial(keys.get, it.name, None))
        for it in registry.projects
    ]
    mistaken = [Registered(it.name, partial(_refuse, registry.told(it)), lambda: None) for it in registry.mistakes]
    return mistaken + found


def _audited(
    project: RegisteredProject, arguments: Namespace, folder: Path, usual: Policy, keys: dict[str, Key]
) -> Audit:
    """Audit a project, and note its key as soon as it is known."""
    policy = usual if project.policy is None else _policy(project.policy, folder)
    state = state_of(arguments, project.name, is_usual=True)
    asked = Asked(policy, project.name, read_now(arguments.now), None, state)
    if project.key_variable is not None:
        asked, place = replace(asked, key_variable=project.key_variable), f"the variable {project.key_variable}"
    else:
        asked, place = replace(asked, secret=project.secret), f"the secret {project.secret}"
    settings = settings_of(asked)
    keys[project.name] = Key(place, settings.key)
    return audited(asked, settings=settings)


def _policy(address: str, folder: Path) -> Policy:
    return reading_aws.fetched_policy(address) if is_on_aws(address) else load_policy(folder / address)


def _refuse(problem: str) -> Audit:
    raise RegistryError(problem)
