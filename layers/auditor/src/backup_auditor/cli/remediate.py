"""The flags of `backup-auditor remediate`. What it takes is imported when it runs, for the sake of `--help`."""

from importlib import import_module

TYPE_CHECKING = False  # typing's own costs a tenth of the start
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

_EXITS = """\
exit codes:
  0  the plan was shown or applied, or there is nothing to do
  1  it was applied in part: something that the policy requires is still missing
  2  it was refused before anything was written
  3  an outcome is unknown, or the plan left something out that could not be read (wins over 1)

The key of the project is read from PINECONE_API_KEY. To show a plan a viewer's key is enough.
"""


def add_parser(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the subcommand."""
    summary = "show which schedules would put a project right, and with --apply make them"
    parser = commands.add_parser("remediate", help=summary, description=f"{summary.capitalize()}.", epilog=_EXITS)
    parser.add_argument("--policy", metavar="FILE", help="default: backup-auditor.yaml if it is here, else built-in")
    parser.add_argument("--project", metavar="NAME", help="what reports call the project (default: default)")
    parser.add_argument(
        "--state",
        metavar="FILE",
        help="where audits, plans and actions are remembered (default: a file per project, in XDG_STATE_HOME)",
    )
    parser.add_argument("--plan", metavar="ID", help="a plan that was shown before, at most 24 hours ago")
    parser.add_argument("--apply", action="store_true", help="carry the plan out, as far as the policy says apply")
    parser.add_argument("--yes", action="store_true", help="do not ask before it is carried out")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="default: table")
    parser.set_defaults(no_state=False)


def run(arguments: "Namespace") -> int:
    """Run it and return the exit code."""
    return int(import_module("backup_auditor.cli.remediate_actions").run(arguments))
