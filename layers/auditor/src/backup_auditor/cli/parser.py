"""The flags of every subcommand. It imports argparse alone, for the sake of `--help`."""

import sys
from argparse import Action, ArgumentParser
from importlib import import_module

from backup_auditor.cli import evidence, policy, registry, remediate, state
from backup_auditor.cli.flags import FORMATS, FORMATS_OF_CONTROLS, Parser, port, report_format, seconds

TYPE_CHECKING = False  # typing's own costs a tenth of the start
if TYPE_CHECKING:
    from argparse import _ActionsContainer, _SubParsersAction

_EXITS = """\
exit codes:
  0  the audit is complete and nothing at or above --fail-on is non-compliant
  1  it is complete, and something is
  2  nothing was audited: usage, policy, credentials, the state of another Pinecone project
  3  something could not be read, judged or recorded (wins over 1)

The key of the project is read from PINECONE_API_KEY.
"""


class _Version(Action):
    """Prints the version; what looks it up is imported only then."""

    def __call__(self, parser: ArgumentParser, *_: object) -> None:
        version = import_module("importlib.metadata").version("backup-auditor")
        (sys.stdout or sys.stderr).write(f"backup-auditor {version}\n")  # as argparse does with help
        parser.exit()


def make_parser() -> ArgumentParser:
    """Make the parser of the whole command line."""
    parser: ArgumentParser = Parser(
        prog="backup-auditor", description="Knowing, every morning, that every Pinecone index can be restored."
    )
    parser.set_defaults(debug=False)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_audit(commands)
    remediate.add_parser(commands)
    _add_explain(commands)
    policy.add_parser(commands)
    registry.add_parser(commands)
    evidence.add_parser(commands)
    state.add_parser(commands)
    _add_controls(commands)
    _add_simulate(commands)
    return parser


def _add_audit(commands: "_SubParsersAction[ArgumentParser]") -> None:
    summary = "read a project, judge it against a policy, and report"
    parser = commands.add_parser("audit", help=summary, description=f"{summary.capitalize()}.", epilog=_EXITS)
    _add_subject(parser)
    place = parser.add_mutually_exclusive_group()
    _add_state(place)
    place.add_argument("--no-state", action="store_true", help="remember nothing, and tell new from old by nothing")
    parser.add_argument(
        "--format", type=report_format, default="table", metavar="|".join(FORMATS), help="default: table"
    )
    parser.add_argument("--output", metavar="FILE", help="write the report there instead of standard output")
    parser.add_argument(
        "--fail-on",
        choices=("low", "medium", "high", "critical", "never"),
        default="low",
        help="the least severity that makes the exit code 1 (default: low)",
    )
    saved = parser.add_mutually_exclusive_group()
    saved.add_argument("--save-inventory", metavar="FILE", help="keep everything that was read")
    _add_inventory(saved)
    parser.add_argument("--registry", metavar="FILE", help="audit many projects: one report each, the worst exit code")


def _add_explain(commands: "_SubParsersAction[ArgumentParser]") -> None:
    summary = "show the facts about one index, the rule that applied, and every verdict with its arithmetic"
    parser = commands.add_parser("explain", help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument("--index", metavar="NAME", required=True, help="the index")
    parser.add_argument("--control", metavar="ID", help="only this control")
    _add_subject(parser)
    _add_inventory(parser)
    _add_state(parser)
    parser.set_defaults(no_state=False)


def _add_subject(parser: ArgumentParser) -> None:
    parser.add_argument("--policy", metavar="FILE", help="default: backup-auditor.yaml if it is here, else built-in")
    parser.add_argument("--project", metavar="NAME", help="what reports call the project (default: default)")
    parser.add_argument("--now", metavar="RFC3339", help="judge, and remember, as if it were this moment")


def _add_inventory(parser: "_ActionsContainer") -> None:
    parser.add_argument("--inventory", metavar="FILE", help="judge a saved inventory, without a call")


def _add_state(parser: "_ActionsContainer") -> None:
    parser.add_argument(
        "--state", metavar="FILE", help="where audits are remembered (default: a file per project, in XDG_STATE_HOME)"
    )


def _add_controls(commands: "_SubParsersAction[ArgumentParser]") -> None:
    summary = "list the controls, or show one"
    parser = commands.add_parser("controls", help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument("id", metavar="ID", nargs="?", help="a control's id")
    parser.add_argument("--format", choices=FORMATS_OF_CONTROLS, default="table", help="default: table")


def _add_simulate(commands: "_SubParsersAction[ArgumentParser]") -> None:
    summary = "serve a simulated Pinecone control plane on loopback"
    parser = commands.add_parser("simulate", help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    parser.add_argument("--scenario", metavar="NAME", default="neglected", help="default: neglected")
    parser.add_argument("--port", metavar="N", type=port, default=0, help="default: any that is free")
    parser.add_argument("--now", metavar="RFC3339", help="the simulator's moment (default: the present)")
    parser.add_argument("--latency", metavar="SECONDS", type=seconds, default=0.0, help="wait before each answer")
