"""`backup-auditor policy`: print the default policy or the schema, validate or compare policy files."""

import json
from argparse import Namespace

from backup_auditor.adapters.documents import InputSource, parse_source
from backup_auditor.adapters.inventory_file import load_inventory
from backup_auditor.adapters.policy_file import read_default_policy
from backup_auditor.adapters.policy_file.loader import load_policy
from backup_auditor.adapters.policy_file.schema import build_policy_schema
from backup_auditor.application.audit import check_policy_dates, compare_policies
from backup_auditor.bootstrap import runtime
from backup_auditor.cli import NOT_AUDITED, OK
from backup_auditor.cli.options import refuse_shared_standard_input
from backup_auditor.cli.output import get_terminal_width, is_colored, log_problems, log_stderr, print_lines
from backup_auditor.domain.target_schedule import assess_feasibility
from backup_auditor.domain.warnings import find_value_warnings
from backup_auditor.errors import PolicyError
from backup_auditor.rendering.policy_diff import describe_feasibility, render_policy_diff


def run(arguments: Namespace) -> int:
    """Run one action and return the exit code."""
    match arguments.action:
        case "init":
            print_lines([read_default_policy().removesuffix("\n")])
        case "schema":
            print_lines([json.dumps(build_policy_schema(), indent=2)])
        case "diff":
            _compare_policies(arguments)
        case _:
            return _validate(parse_source(arguments.file), arguments.indexes)
    return OK


def _compare_policies(arguments: Namespace) -> None:
    refuse_shared_standard_input(OLD=arguments.old, NEW=arguments.new, inventory=arguments.inventory)
    old_policy, new_policy = load_policy(parse_source(arguments.old)), load_policy(parse_source(arguments.new))
    inventory = load_inventory(parse_source(arguments.inventory))
    for policy in (old_policy, new_policy):
        check_policy_dates(policy, inventory.observed_at)
    diff = compare_policies(inventory, old_policy, new_policy)
    print_lines(render_policy_diff(diff, width=get_terminal_width(), is_colored=is_colored()))


def _validate(source: InputSource, indexes: int | None) -> int:
    try:
        policy = load_policy(source)
        check_policy_dates(policy, runtime.now())
    except PolicyError as error:
        log_problems(error.problems)
        return NOT_AUDITED
    quota_fit = None if indexes is None else assess_feasibility(policy, indexes)
    if quota_fit is not None and quota_fit.is_impossible:
        raise PolicyError(f"{policy.source}: {describe_feasibility(quota_fit)}")
    rules, exemptions = _format_count(len(policy.rules), "rule"), _format_count(len(policy.exemptions), "exemption")
    lines = [f"{policy.source}: valid; {rules}, {exemptions}"]
    if quota_fit is not None:
        lines.append(f"{policy.source}: {describe_feasibility(quota_fit)}")
    for warning in find_value_warnings(policy):
        log_stderr(f"{policy.source}: warning: {warning}")
    print_lines(lines)
    return OK


def _format_count(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"
