"""The flags of `backup-auditor evidence`. What the actions take is imported when one runs, for the sake of `--help`."""

from importlib import import_module

TYPE_CHECKING = False  # typing's own costs a tenth of the start
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

_EXITS = """\
exit codes:
  0  no audit is missing; no report is altered or gone
  1  at least one is
  2  nothing was examined: usage, or no audit is recorded
  3  a report could not be read (wins over 1)
"""


def add_parser(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the subcommand and its actions."""
    summary = "show which audits were made, which are missing, and whether their reports are what was written then"
    parser = commands.add_parser("evidence", help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = _add_action(actions, "list", "show which audits were made, and which are missing between them")
    listed.add_argument(
        "--every",
        metavar="DURATION",
        default="26h",  # a night, the hour that a clock change adds, and room for a flexible window
        help="how far apart complete audits may be, such as 26h or 8d; longer leaves audits missing (default: 26h)",
    )
    verify = _add_action(actions, "verify", "read each report again, and compare it with the hash that was recorded")
    verify.add_argument(
        "--reports",
        metavar="DIR",
        help="the folder that holds the reports now (default: where they were written, else beside the state)",
    )


def _add_action(actions: "_SubParsersAction[ArgumentParser]", name: str, summary: str) -> "ArgumentParser":
    parser = actions.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", epilog=_EXITS)
    parser.add_argument("--project", metavar="NAME", help="the project (default: default)")
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--state", metavar="FILE", help="where audits are remembered (default: a file per project, in XDG_STATE_HOME)"
    )
    place.add_argument("--table", metavar="NAME", help="the DynamoDB table of the application on AWS")
    parser.add_argument("--since", metavar="YYYY-MM-DD", help="the first day, UTC (default: from the first audit on)")
    until = "until now" if name == "list" else "to the last audit"
    parser.add_argument("--until", metavar="YYYY-MM-DD", help=f"the last day, UTC, to its end (default: {until})")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="default: table")
    return parser


def run(arguments: "Namespace") -> int:
    """Run one action and return the exit code."""
    return int(import_module("backup_auditor.cli.evidence_actions").run(arguments))
