"""`backup-auditor registry discover`: the projects of the organization beside those of a registry."""

import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from backup_auditor.adapters.documents import parse_source
from backup_auditor.adapters.registry_file import load_registry
from backup_auditor.adapters.sqlite.state_store import open_state_read_only
from backup_auditor.application.discovery import discover_projects
from backup_auditor.bootstrap import local, runtime
from backup_auditor.bootstrap.pinecone import open_organization_of
from backup_auditor.cli import NOT_AUDITED
from backup_auditor.cli.error_text import format_error_line
from backup_auditor.cli.exit_codes import choose_discovery_exit_code
from backup_auditor.cli.options import (
    choose_policy,
    find_default_state_file,
    find_policy_folder,
    load_entry_policy,
    refuse_shared_standard_input,
)
from backup_auditor.cli.output import get_terminal_width, log_problems, log_stderr, print_lines
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import Registry
from backup_auditor.errors import BackupAuditorError, PineconeError, RegistryError, StateError
from backup_auditor.rendering.registry import (
    list_discovery_notes,
    render_discovery_json,
    render_discovery_table,
    render_discovery_yaml,
)
from backup_auditor.settings.pinecone import read_organization_settings, redact


def run(arguments: Namespace) -> int:
    """List the projects of the organization, compare them with the registry, and return the exit code."""
    refuse_shared_standard_input(registry=arguments.registry, policy=arguments.policy)
    settings = read_organization_settings(os.environ)
    try:
        registry = Registry(()) if arguments.registry is None else load_registry(parse_source(arguments.registry))
    except RegistryError as error:
        log_problems(error.problems)
        return NOT_AUDITED
    policies = _load_policies(registry, arguments)
    known_ids = _load_known_ids(registry) if arguments.table is None else _load_known_ids_in_table(registry, arguments)
    now = runtime.now()
    try:
        with open_organization_of(settings) as reader:
            discovery = discover_projects(registry, reader, known_ids, policies, now)
    except PineconeError as error:
        raise PineconeError(f"nothing was compared, because the projects could not be listed: {error}") from error
    if arguments.format == "json":
        lines = [render_discovery_json(discovery, now)]
    elif arguments.format == "yaml":
        for note in list_discovery_notes(discovery):  # standard output has nothing but entries
            log_stderr(redact(note, os.environ))
        lines = list(render_discovery_yaml(discovery, None if arguments.registry is None else registry))
    else:
        lines = list(render_discovery_table(discovery, get_terminal_width()))
    print_lines(redact(it, os.environ) for it in lines)
    return choose_discovery_exit_code(discovery)


def _load_policies(registry: Registry, arguments: Namespace) -> Mapping[str, Policy]:
    """Return the policy of each entry whose policy can be read: only the check of the plan needs it."""
    if not registry.projects:
        return {}
    folder = find_policy_folder(parse_source(arguments.registry))
    policies: dict[str | None, Policy] = {None: choose_policy(arguments.policy)}
    for address in sorted({it.policy for it in registry.projects if it.policy is not None}):
        try:
            policies[address] = load_entry_policy(address, folder)
        except BackupAuditorError as error:
            log_stderr(f"warning: project.plan is not compared: {format_error_line(error)}")
    return {it.name: policies[it.policy] for it in registry.projects if it.policy in policies}


def _load_known_ids(registry: Registry) -> Mapping[str, str]:
    """Return Pinecone's ids of the projects that the states of this machine have."""
    ids = {it: _load_known_id(find_default_state_file(os.environ, it), it) for it in registry.names}
    return {name: project_id for name, project_id in ids.items() if project_id is not None}


def _load_known_id(path: Path, project: str) -> str | None:
    if not os.path.lexists(path):
        return None
    try:
        with open_state_read_only(path) as store:
            return store.load(project).pinecone_project_id
    except StateError as error:
        log_stderr(f"warning: {project}: its project id is unknown: {format_error_line(error)}")
        return None


def _load_known_ids_in_table(registry: Registry, arguments: Namespace) -> Mapping[str, str]:
    return local.load_project_ids_in_table(arguments.table, registry.names)
