"""`backup-auditor registry`: validate a registry, or print the schema."""

import json
from argparse import Namespace

from backup_auditor.adapters.documents import InputSource, parse_source
from backup_auditor.adapters.registry_file import build_registry_schema, load_registry
from backup_auditor.cli import NOT_AUDITED, OK
from backup_auditor.cli.output import log_problems, log_stderr, print_lines
from backup_auditor.domain.registry import Registry, find_shared_by_secret, find_shared_by_variable
from backup_auditor.errors import RegistryError


def run(arguments: Namespace) -> int:
    """Run one action and return the exit code."""
    if arguments.action == "schema":
        print_lines([json.dumps(build_registry_schema(), indent=2)])
        return OK
    return _validate(parse_source(arguments.file))


def _validate(source: InputSource) -> int:
    try:
        registry = load_registry(source)
        lines = _describe_registry(registry)
    except RegistryError as error:
        log_problems(error.problems)
        return NOT_AUDITED
    for group in (*find_shared_by_variable(registry.projects), *find_shared_by_secret(registry.projects)):
        log_stderr(f"warning: {registry.source}: {group.sentence}")
    print_lines(lines)
    return OK


def _describe_registry(registry: Registry) -> list[str]:
    """Return the size of a registry, and the entries that AWS cannot use. Raises `RegistryError`."""
    if registry.errors:
        raise RegistryError(*(registry.format_error(it) for it in registry.errors))
    count, aws_registry = len(registry.projects), registry.filter_for_aws()
    size = f"{count} project{'' if count == 1 else 's'}, {len(aws_registry.projects)} of them for AWS"
    lines = [f"{registry.source}: valid; {size}"]
    if aws_registry.projects:
        lines.extend(f"{registry.format_error(it)} (on a laptop it can be audited)" for it in aws_registry.errors)
    return lines
