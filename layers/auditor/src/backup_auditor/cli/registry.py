"""What `backup-auditor registry` does: judges a registry, prints the schema."""

import json
import os
import sys
from argparse import Namespace

from backup_auditor.adapters.input_file import Source, source_named
from backup_auditor.adapters.registry_file import load_registry, registry_schema
from backup_auditor.cli.exit_codes import NOT_AUDITED, OK
from backup_auditor.cli.output import join_lines, log_stderr, write_pieces
from backup_auditor.domain.registry import Registry
from backup_auditor.domain.shared_projects import shared_by_secret, shared_by_variable
from backup_auditor.errors import RegistryError
from backup_auditor.settings.pinecone import redacted


def run(arguments: Namespace) -> int:
    """Run one action and return the exit code."""
    if arguments.action == "schema":
        write_pieces([json.dumps(registry_schema(), indent=2)], None)
        return OK
    return _validate(source_named(arguments.file))


def _validate(source: Source) -> int:
    try:
        registry = load_registry(source)
        told = _told(registry)
    except RegistryError as error:
        for problem in error.problems:
            sys.stderr.write(f"{redacted(problem, os.environ)}\n")
        return NOT_AUDITED
    for it in (*shared_by_variable(registry.projects), *shared_by_secret(registry.projects)):
        log_stderr(f"warning: {registry.source}: {it.sentence}")
    write_pieces(join_lines(told), None)
    return OK


def _told(registry: Registry) -> list[str]:
    """Say what a registry holds, and what of it is not for AWS, where some of it is. Raises `RegistryError`."""
    if registry.mistakes:
        raise RegistryError(*(registry.told(it) for it in registry.mistakes))
    count, on_aws = len(registry.projects), registry.on_aws()
    told = [
        f"{registry.source}: valid; {count} project{'' if count == 1 else 's'}, {len(on_aws.projects)} of them for AWS"
    ]
    if on_aws.projects:
        told.extend(f"{registry.told(it)} (on a laptop it can be audited)" for it in on_aws.mistakes)
    return told
