"""The flags of `backup-auditor policy`. What the actions take is imported when one runs, for the sake of `--help`."""

from importlib import import_module

TYPE_CHECKING = False  # typing's own costs a tenth of the start
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_parser(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the subcommand and its actions."""
    summary = "print the default policy, judge or compare policy files, or print their JSON Schema"
    parser = commands.add_parser("policy", help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_action(actions, "init", "print the default policy, with comments, to start from")
    validate = _add_action(actions, "validate", "say every problem of a policy file, or that it has none")
    validate.add_argument("file", metavar="FILE", help="the policy file")
    count = import_module("backup_auditor.cli.flags").count
    validate.add_argument(
        "--indexes", metavar="N", type=count, help="say also whether so many indexes could meet it within the quota"
    )
    _add_action(actions, "schema", "print the JSON Schema of the policy file")
    diff = _add_action(actions, "diff", "say which findings another policy would open and close, and its slots")
    diff.add_argument("old", metavar="OLD", help="the policy file that holds")
    diff.add_argument("new", metavar="NEW", help="the one that would take its place")
    diff.add_argument("--inventory", metavar="FILE", required=True, help="the saved inventory to judge by both")


def _add_action(actions: "_SubParsersAction[ArgumentParser]", name: str, summary: str) -> "ArgumentParser":
    return actions.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")


def run(arguments: "Namespace") -> int:
    """Run one action and return the exit code."""
    return int(import_module("backup_auditor.cli.policy_actions").run(arguments))
