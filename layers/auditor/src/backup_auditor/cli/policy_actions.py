"""What `backup-auditor policy` does: prints the default policy, judges and compares policy files, prints the schema."""

import json
import os
import sys
from argparse import Namespace

from backup_auditor.adapters.input_file import Source, source_named
from backup_auditor.adapters.inventory_file import load_inventory
from backup_auditor.adapters.policy_file.default_text import default_policy_text
from backup_auditor.adapters.policy_file.loading import load_policy
from backup_auditor.adapters.policy_file.schema import policy_schema
from backup_auditor.bootstrap import clock
from backup_auditor.cli.asked import refuse_one_input_for_two
from backup_auditor.cli.exit_codes import NOTHING_AUDITED, WELL
from backup_auditor.cli.output import is_coloured, lines, put, say, terminal_width
from backup_auditor.domain.feasibility import feasibility
from backup_auditor.domain.policy_warnings import value_warnings
from backup_auditor.errors import PolicyError
from backup_auditor.rendering.feasibility import told_feasibility
from backup_auditor.rendering.policy_difference import render_difference
from backup_auditor.service.auditing import check_usable, compare
from backup_auditor.settings.pinecone import redacted


def run(arguments: Namespace) -> int:
    """Run one action and return the exit code."""
    match arguments.action:
        case "init":
            put([default_policy_text().removesuffix("\n")], None)
        case "schema":
            put([json.dumps(policy_schema(), indent=2)], None)
        case "diff":
            _compare(arguments)
        case _:
            return _validate(source_named(arguments.file), arguments.indexes)
    return WELL


def _compare(arguments: Namespace) -> None:
    refuse_one_input_for_two(OLD=arguments.old, NEW=arguments.new, inventory=arguments.inventory)
    old, new = load_policy(source_named(arguments.old)), load_policy(source_named(arguments.new))
    inventory = load_inventory(source_named(arguments.inventory))
    for policy in (old, new):
        check_usable(policy, inventory.observed_at)
    found = compare(inventory, old, new)
    put(lines(render_difference(found, width=terminal_width(), is_coloured=is_coloured())), None)


def _validate(source: Source, indexes: int | None) -> int:
    try:
        policy = load_policy(source)
        check_usable(policy, clock.now())
    except PolicyError as error:
        for problem in error.problems:
            sys.stderr.write(f"{redacted(problem, os.environ)}\n")
        return NOTHING_AUDITED
    found = None if indexes is None else feasibility(policy, indexes)
    if found is not None and found.is_impossible:
        raise PolicyError(f"{policy.source}: {told_feasibility(found)}")
    rules, exemptions = _counted(len(policy.rules), "rule"), _counted(len(policy.exemptions), "exemption")
    told = [f"{policy.source}: valid; {rules}, {exemptions}"]
    if found is not None:
        told.append(f"{policy.source}: {told_feasibility(found)}")
    for sentence in value_warnings(policy):
        say(f"{policy.source}: warning: {sentence}")
    put(lines(told), None)
    return WELL


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"
