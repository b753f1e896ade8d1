"""What `backup-auditor policy` does: prints the default policy, judges a policy file, prints its schema."""

import json
import os
import sys
from argparse import Namespace
from pathlib import Path

from backup_auditor.adapters.policy_file.default_text import default_policy_text
from backup_auditor.adapters.policy_file.loading import load_policy
from backup_auditor.adapters.policy_file.schema import policy_schema
from backup_auditor.cli.exit_codes import NOTHING_AUDITED, WELL
from backup_auditor.cli.output import put
from backup_auditor.errors import PolicyError
from backup_auditor.settings import redacted


def run(arguments: Namespace) -> int:
    """Run one action and return the exit code."""
    match arguments.action:
        case "init":
            put([default_policy_text().removesuffix("\n")], None)
        case "schema":
            put([json.dumps(policy_schema(), indent=2)], None)
        case _:
            return _validate(Path(arguments.file))
    return WELL


def _validate(path: Path) -> int:
    try:
        policy = load_policy(path)
    except PolicyError as error:
        for problem in error.problems:
            sys.stderr.write(f"{redacted(problem, os.environ)}\n")
        return NOTHING_AUDITED
    rules, exemptions = _counted(len(policy.rules), "rule"), _counted(len(policy.exemptions), "exemption")
    put([f"{policy.source}: valid; {rules}, {exemptions}"], None)
    return WELL


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"
