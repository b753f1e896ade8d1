"""The flags of `backup-auditor state`. What the actions take is imported when one runs, for the sake of `--help`."""

from importlib import import_module

TYPE_CHECKING = False  # typing's own costs a tenth of the start
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

_EXITS = """\
exit codes:
  0  it was discarded, or there is nothing to discard
  2  nothing was changed: usage, no state, or nobody agreed

An audit lies in the future when it is more than 15 minutes ahead of this machine's clock. Reports, plans and the
records of remediation stay where they are.
"""


def add_parser(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the subcommand and its action."""
    summary = "repair what is stored about a project between audits"
    parser = commands.add_parser("state", help=summary, description=f"{summary.capitalize()}.")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    summary = "discard the audits that were recorded in the future, so that audits are recorded again"
    discard = actions.add_parser("discard", help=summary, description=f"{summary.capitalize()}.", epilog=_EXITS)
    discard.add_argument("--project", metavar="NAME", help="the project (default: default)")
    place = discard.add_mutually_exclusive_group()
    place.add_argument(
        "--state", metavar="FILE", help="where audits are stored (default: a file per project, in XDG_STATE_HOME)"
    )
    place.add_argument("--table", metavar="NAME", help="the DynamoDB table of the application on AWS")
    discard.add_argument("--all", action="store_true", help="discard every audit: the next one is the first")
    discard.add_argument("--yes", action="store_true", help="do not ask before anything is discarded")


def run(arguments: "Namespace") -> int:
    """Run the action and return the exit code."""
    return int(import_module("backup_auditor.cli.state_actions").run(arguments))
