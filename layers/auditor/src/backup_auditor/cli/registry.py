"""`backup-auditor registry`: validate a registry, print its schema, or compare it with the organization."""

import json
from argparse import Namespace
from datetime import UTC
from importlib import import_module

from backup_auditor.adapters.documents import InputSource, parse_source
from backup_auditor.adapters.registry_file import build_registry_schema, load_registry
from backup_auditor.bootstrap import runtime
from backup_auditor.cli import NOT_AUDITED, OK
from backup_auditor.cli.output import log_problems, log_stderr, print_lines
from backup_auditor.domain.registry import Registry, find_shared_by_secret, find_shared_by_variable
from backup_auditor.domain.text import quote_text
from backup_auditor.errors import RegistryError
from backup_auditor.rendering.registry import render_effective_entry


def run(arguments: Namespace) -> int:
    """Run one action and return the exit code."""
    if arguments.action == "schema":
        print_lines([json.dumps(build_registry_schema(), indent=2)])
        return OK
    if arguments.action == "discover":
        return int(import_module("backup_auditor.cli.discovery").run(arguments))  # the only one that calls Pinecone
    return _validate(parse_source(arguments.file), arguments.show)


def _validate(source: InputSource, shown_name: str | None) -> int:
    try:
        registry = load_registry(source)
        lines = _describe_registry(registry) if shown_name is None else _show_project(registry, shown_name)
    except RegistryError as error:
        log_problems(error.problems)
        return NOT_AUDITED
    for group in (*find_shared_by_variable(registry.projects), *find_shared_by_secret(registry.projects)):
        log_stderr(f"warning: {registry.source}: {group.sentence}")
    _warn_of_expiry(registry)
    print_lines(lines)
    return OK


def _describe_registry(registry: Registry) -> list[str]:
    """Return the size of a registry, and the entries that AWS cannot use. Raises `RegistryError`."""
    _refuse_errors(registry)
    count, aws_registry = len(registry.projects), registry.filter_for_aws()
    size = f"{count} project{'' if count == 1 else 's'}, {len(aws_registry.projects)} of them for AWS"
    lines = [f"{registry.source}: valid; {size}"]
    if aws_registry.projects:
        lines.extend(f"{registry.format_error(it)} (on a laptop it can be audited)" for it in aws_registry.errors)
    return lines


def _show_project(registry: Registry, name: str) -> list[str]:
    """Return the effective settings of a project. Raises `RegistryError`."""
    if name not in registry.names:
        suggestion = import_module("backup_auditor.cli.options").suggest_nearest(name, registry.names)
        raise RegistryError(f"{registry.source}: does not contain the project {quote_text(name)}{suggestion}")
    _refuse_errors(registry)
    return list(render_effective_entry(registry.find(name)))


def _refuse_errors(registry: Registry) -> None:
    """Raise `RegistryError` with every problem."""
    all_errors = (*registry.errors, *registry.ignore_errors, *registry.fleet_errors)
    errors = sorted(all_errors, key=lambda it: it.line or 0)
    if errors:
        raise RegistryError(*(registry.format_error(it) for it in errors))


def _warn_of_expiry(registry: Registry) -> None:
    today = runtime.now().astimezone(UTC).date()
    for ignored in registry.ignored_projects:
        if ignored.expires < today:
            place = f"{registry.source}:{ignored.line}: ignore names {quote_text(ignored.project)}"
            log_stderr(f"warning: {place}, and has expired on {ignored.expires}; register it, or extend the day")
