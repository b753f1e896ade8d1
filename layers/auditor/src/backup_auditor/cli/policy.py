"""What `backup-auditor policy` does: prints the default policy, judges and compares policy files, prints the schema."""

import json
import os
import sys
from argparse import Namespace

from backup_auditor.adapters.input_file import Source, source_named
from backup_auditor.adapters.inventory_file import load_inventory
from backup_auditor.adapters.policy_file.loader import default_policy_text, load_policy
from backup_auditor.adapters.policy_file.schema import policy_schema
from backup_auditor.application.audit import check_usable, compare_policies
from backup_auditor.bootstrap import runtime
from backup_auditor.cli.exit_codes import NOT_AUDITED, OK
from backup_auditor.cli.options import refuse_one_input_for_two
from backup_auditor.cli.output import is_coloured, join_lines, log_stderr, terminal_width, write_pieces
from backup_auditor.domain.capacity import feasibility
from backup_auditor.domain.policy_warnings import value_warnings
from backup_auditor.errors import PolicyError
from backup_auditor.rendering.policy_diff import describe_feasibility, render_difference
from backup_auditor.settings.pinecone import redacted


def run(arguments: Namespace) -> int:
    """Run one action and return the exit code."""
    match arguments.action:
        case "init":
            write_pieces([default_policy_text().removesuffix("\n")], None)
        case "schema":
            write_pieces([json.dumps(policy_schema(), indent=2)], None)
        case "diff":
            _compare(arguments)
        case _:
            return _validate(source_named(arguments.file), arguments.indexes)
    return OK


def _compare(arguments: Namespace) -> None:
    refuse_one_input_for_two(OLD=arguments.old, NEW=arguments.new, inventory=arguments.inventory)
    old, new = load_policy(source_named(arguments.old)), load_policy(source_named(arguments.new))
    inventory = load_inventory(source_named(arguments.inventory))
    for policy in (old, new):
        check_usable(policy, inventory.observed_at)
    found = compare_policies(inventory, old, new)
    write_pieces(join_lines(render_difference(found, width=terminal_width(), is_coloured=is_coloured())), None)


def _validate(source: Source, indexes: int | None) -> int:
    try:
        policy = load_policy(source)
        check_usable(policy, runtime.now())
    except PolicyError as error:
        for problem in error.problems:
            sys.stderr.write(f"{redacted(problem, os.environ)}\n")
        return NOT_AUDITED
    found = None if indexes is None else feasibility(policy, indexes)
    if found is not None and found.is_impossible:
        raise PolicyError(f"{policy.source}: {describe_feasibility(found)}")
    rules, exemptions = _counted(len(policy.rules), "rule"), _counted(len(policy.exemptions), "exemption")
    told = [f"{policy.source}: valid; {rules}, {exemptions}"]
    if found is not None:
        told.append(f"{policy.source}: {describe_feasibility(found)}")
    for sentence in value_warnings(policy):
        log_stderr(f"{policy.source}: warning: {sentence}")
    write_pieces(join_lines(told), None)
    return OK


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"
