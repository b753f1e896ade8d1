"""`backup-auditor doctor`: check whether everything is set up and works, on this machine or on AWS."""

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from backup_auditor.adapters.documents import parse_source
from backup_auditor.adapters.http import describe_store, make_tls_context
from backup_auditor.adapters.pinecone.connection import Connection, find_proxy
from backup_auditor.adapters.sqlite.state_store import open_state_read_only
from backup_auditor.application.doctor import LocalSetup, ProjectSetup, StateFile, check_local_setup
from backup_auditor.application.stack_checks import check_stack
from backup_auditor.bootstrap import local, runtime
from backup_auditor.bootstrap.pinecone import open_project
from backup_auditor.cli.exit_codes import choose_doctor_exit_code
from backup_auditor.cli.options import (
    choose_policy,
    explain_failure,
    find_default_state_file,
    find_policy_folder,
    find_state_file,
    load_entry_policy,
    read_project_name,
    refuse_shared_standard_input,
)
from backup_auditor.cli.output import get_terminal_width, print_lines
from backup_auditor.domain.checkup import Check
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import RegisteredProject, Registry
from backup_auditor.errors import SettingsError, UsageError
from backup_auditor.ports.pinecone import TimedReader
from backup_auditor.rendering.checkup import render_checks_json, render_checks_table
from backup_auditor.settings.pinecone import KEY_VARIABLE, read_settings, read_settings_with_key, redact

_DEADLINE = timedelta(minutes=1)
"""How long one project is read at most."""
_SAMPLE_KEY = "no-key-is-sent"
"""The key of settings that are only checked."""


def run(arguments: Namespace) -> int:
    """Check this machine, or a stack, and return the exit code."""
    _refuse_contradictions(arguments)
    checks = _check_machine(arguments) if arguments.stack is None else _check_stack(arguments)
    checks = [_redact_check(it) for it in checks]
    if arguments.format == "json":
        print_lines([render_checks_json(checks, arguments.stack)])
    else:
        print_lines(render_checks_table(checks, get_terminal_width()))
    return choose_doctor_exit_code(checks)


def _refuse_contradictions(arguments: Namespace) -> None:
    """Raise `UsageError` for flags that do not go together."""
    if arguments.stack is None and arguments.send_test:
        raise UsageError("--send-test needs --stack: only a stack has channels; name it with --stack NAME")
    for flag in ("policy", "project", "state", "registry"):
        if arguments.stack is not None and getattr(arguments, flag) is not None:
            raise UsageError(f"--{flag} is for this machine and --stack for AWS; use only one of them")
    for flag in ("project", "state"):
        if arguments.registry is not None and getattr(arguments, flag) is not None:
            raise UsageError(f"--{flag} is for one project and --registry for many; use only one of them")
    refuse_shared_standard_input(policy=arguments.policy, registry=arguments.registry)


def _redact_check(check: Check) -> Check:
    """Return a check without a key, whatever a service or a file wrote into its texts."""
    remedy = None if check.remedy is None else redact(check.remedy, os.environ)
    return replace(check, detail=redact(check.detail, os.environ), remedy=remedy)


def _check_stack(arguments: Namespace) -> list[Check]:
    stack = local.open_stack(arguments.stack)
    return check_stack(stack, runtime.compute_code_hash(), sends_test=arguments.send_test)


def _check_machine(arguments: Namespace) -> list[Check]:
    return check_local_setup(_LocalMachine(arguments))


class _LocalMachine(LocalSetup):
    """A `LocalSetup` of this machine, as the flags and the environment describe it."""

    def __init__(self, arguments: Namespace) -> None:
        """Read the host. An invalid one is reported by the check of the variables."""
        self._arguments = arguments
        self.host, self.is_encrypted, self.api_version = "Pinecone", True, ""
        try:
            connection = self._make_connection()
        except SettingsError:
            return
        self.host, self.api_version = connection.host, connection.api_version
        self.is_encrypted = not connection.host.startswith("http:")

    def describe_runtime(self) -> str:
        version = import_module("importlib.metadata").version("backup-auditor")
        return f"Python {sys.version.partition(' ')[0]} on {sys.platform}; backup-auditor {version}"

    def check_variables(self) -> None:
        self._make_connection()

    def load_policy(self) -> Policy:
        return choose_policy(self._arguments.policy)

    def load_registry(self) -> Registry | None:
        if self._arguments.registry is None:
            return None
        from backup_auditor.adapters.registry_file import load_registry  # noqa: PLC0415  only a registry needs it

        return load_registry(parse_source(self._arguments.registry))

    def list_projects(self, registry: Registry | None) -> Sequence[ProjectSetup]:
        if registry is None:
            project = RegisteredProject(read_project_name(self._arguments), key_variable=KEY_VARIABLE)
            return [self._make_project(project, lambda: find_state_file(self._arguments, project.name))]
        return [
            self._make_project(it, partial(find_default_state_file, os.environ, it.name)) for it in registry.projects
        ]

    def describe_store(self) -> str:
        make_tls_context()
        return describe_store()

    def find_proxy(self) -> str | None:
        parts = urlsplit(self.host)
        proxy = find_proxy(parts.hostname or "", parts.port) if self.is_encrypted else None
        return None if proxy is None else str(proxy)

    def now(self) -> datetime:
        return runtime.now()

    def _make_connection(self) -> Connection:
        settings = read_settings_with_key(os.environ, _SAMPLE_KEY)
        return Connection(
            _SAMPLE_KEY,
            settings.host,
            api_version=settings.api_version,
            schedules_api_version=settings.schedules_api_version,
        )

    def _make_project(self, project: RegisteredProject, find_state: Callable[[], Path]) -> ProjectSetup:
        variable, secret = project.key_variable or KEY_VARIABLE, project.secret
        is_secret = secret is not None and project.key_variable is None

        def read_key() -> str:
            if secret is not None and is_secret:
                return local.fetch_key(secret)
            return read_settings(os.environ, key_variable=variable).key

        return ProjectSetup(
            name=project.name,
            key_place=f"the secret {secret}" if is_secret else f"the variable {variable}",
            read_key=read_key,
            load_policy=lambda: None if project.policy is None else self._load_own_policy(project.policy),
            open_reader=_open_reader,
            explain=lambda error: explain_failure(error, self.host, variable, secret if is_secret else None),
            load_state=lambda: _load_state(find_state(), project.name),
            registered_id=project.project_id,
        )

    def _load_own_policy(self, address: str) -> Policy:
        return load_entry_policy(address, find_policy_folder(parse_source(self._arguments.registry)))


def _open_reader(key: str) -> AbstractContextManager[TimedReader]:
    settings = read_settings_with_key(os.environ, key)
    return open_project(replace(settings, deadline=min(settings.deadline, _DEADLINE)))


def _load_state(path: Path, project: str) -> StateFile:
    """Return the state without creating or upgrading its file."""
    if not os.path.lexists(path):
        folder = next(it for it in path.absolute().parents if os.path.lexists(it))
        return StateFile(str(path), None, folder.is_dir() and os.access(folder, os.W_OK | os.X_OK))
    with open_state_read_only(path) as store:
        state = store.load(project)
    file = Path(os.path.realpath(path))
    return StateFile(str(path), state, all(os.access(it, os.W_OK) for it in (file, file.parent)))
