"""The flags of `backup-auditor evidence`. What the actions take is imported when one runs, for the sake of `--help`."""

from importlib import import_module

TYPE_CHECKING = False  # typing's own costs a tenth of the start
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

_EXITS = """\
exit codes:
  0  no night is missing; no report is altered or gone
  1  one is
  2  nothing was looked at: usage, or no audit is recorded
  3  a report could not be read (wins over 1)
"""


def add_parser(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the subcommand and its actions."""
    summary = "show which nights were audited, and whether their reports are what was written then"
    parser = commands.add_parser("evidence", help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_action(actions, "list", "show which nights were audited, and which are missing")
    _add_action(actions, "verify", "read each report again, and compare it with the hash that was recorded")


def _add_action(actions: "_SubParsersAction[ArgumentParser]", name: str, summary: str) -> None:
    parser = actions.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", epilog=_EXITS)
    parser.add_argument("--project", metavar="NAME", help="the project (default: default)")
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--state", metavar="FILE", help="where audits are remembered (default: a file per project, in XDG_STATE_HOME)"
    )
    place.add_argument("--table", metavar="NAME", help="the DynamoDB table of the application on AWS")
    parser.add_argument("--since", metavar="YYYY-MM-DD", help="the first night, UTC (default: that of the first audit)")
    until = "yesterday, or that of the last audit" if name == "list" else "that of the last audit"
    parser.add_argument("--until", metavar="YYYY-MM-DD", help=f"the last night, UTC (default: {until})")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="default: table")


def run(arguments: "Namespace") -> int:
    """Run one action and return the exit code."""
    return int(import_module("backup_auditor.cli.evidence_actions").run(arguments))
