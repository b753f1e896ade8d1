"""The parser of the command line. It imports argparse alone, so that `--help` stays fast."""

import sys
from argparse import SUPPRESS, Action, ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from importlib import import_module

from backup_auditor.domain.text import collapse_whitespace, escape_control_characters, quote_text
from backup_auditor.rendering.formats import FORMATS

TYPE_CHECKING = False  # typing's own costs a tenth of the start
if TYPE_CHECKING:
    from argparse import _ActionsContainer, _SubParsersAction
    from typing import NoReturn

    from _typeshed import SupportsWrite


_EVIDENCE_EXIT_CODES = """\
exit codes:
  0  no audit is missing; no report is altered or gone
  1  at least one is
  2  nothing was examined: usage, or no audit is recorded
  3  a report could not be read (wins over 1)
"""


def _add_evidence(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the subcommand and its actions."""
    summary = "show which audits were made, which are missing, and whether their reports are what was written then"
    parser = commands.add_parser("evidence", help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    list_parser = _add_evidence_action(
        actions, "list", "show which audits were made, and which are missing between them"
    )
    list_parser.add_argument(
        "--every",
        metavar="DURATION",
        default="26h",  # a night, the hour that a clock change adds, and room for a flexible window
        help="how far apart complete audits may be, such as 26h or 8d; longer leaves audits missing (default: 26h)",
    )
    verify_parser = _add_evidence_action(
        actions, "verify", "read each report again, and compare it with the hash that was recorded"
    )
    verify_parser.add_argument(
        "--reports",
        metavar="DIR",
        help="the folder that holds the reports now (default: where they were written, else beside the state)",
    )


def _add_evidence_action(actions: "_SubParsersAction[ArgumentParser]", name: str, summary: str) -> "ArgumentParser":
    parser = actions.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", epilog=_EVIDENCE_EXIT_CODES
    )
    parser.add_argument("--project", metavar="NAME", help="the project (default: default)")
    store_group = parser.add_mutually_exclusive_group()
    store_group.add_argument(
        "--state", metavar="FILE", help="where audits are remembered (default: a file per project, in XDG_STATE_HOME)"
    )
    store_group.add_argument("--table", metavar="NAME", help="the DynamoDB table of the application on AWS")
    parser.add_argument("--since", metavar="YYYY-MM-DD", help="the first day, UTC (default: from the first audit on)")
    until_default = "until now" if name == "list" else "to the last audit"
    parser.add_argument(
        "--until", metavar="YYYY-MM-DD", help=f"the last day, UTC, to its end (default: {until_default})"
    )
    parser.add_argument("--format", choices=("table", "json"), default="table", help="default: table")
    return parser


_CONTROL_FORMATS = ("table", "json", "markdown")
_MAX_LATENCY_SECONDS = 60
_MAX_COUNT_DIGITS = 6


class CommandParser(ArgumentParser):
    """Says what is wrong with a command line in one line."""

    def __init__(self, **options: object) -> None:
        """Take no abbreviated flags: they would change their meaning with the next flag that is added."""
        super().__init__(allow_abbrev=False, formatter_class=RawDescriptionHelpFormatter, **options)  # type: ignore[arg-type]  # passed on
        self.add_argument("--debug", action="store_true", default=SUPPRESS, help="show the traceback of an error")

    def _print_message(self, message: str, file: "SupportsWrite[str] | None" = None) -> None:
        """Print, and let what keeps standard output from being written end the command: argparse hides it."""
        if file is not None and file is sys.stdout:
            file.write(message)
        else:
            super()._print_message(message, file)

    def error(self, message: str) -> "NoReturn":
        """Exit with 2 and one line."""
        line = escape_control_characters(collapse_whitespace(message))
        self.exit(2, f"{self.prog}: {line}; see {self.prog} --help\n")


def parse_report_format(text: str) -> str:
    """Read the name of a form of the report."""
    if text in FORMATS:
        return text
    raise ArgumentTypeError(f"unknown format {quote_text(text)} (expected {', '.join(FORMATS)})")


def parse_count(text: str) -> int:
    """Read how many of something there are, at least one."""
    if text.isascii() and text.isdigit() and int(text[:9]) > 0 and len(text) <= _MAX_COUNT_DIGITS:
        return int(text)
    raise ArgumentTypeError(
        f"{quote_text(text)} is no number of indexes; use a whole number from 1 to {10**_MAX_COUNT_DIGITS - 1}"
    )


def parse_port(text: str) -> int:
    """Read the number of a port; 0 is any that is free."""
    if text.isascii() and text.isdigit() and int(text[:6]) < 1 << 16:
        return int(text)
    raise ArgumentTypeError(f"{quote_text(text)} is no port; use a number from 0 to 65535")


def parse_seconds(text: str) -> float:
    """Read a length of time in seconds."""
    try:
        length = float(text)
    except ValueError:
        length = -1.0
    if 0 <= length <= _MAX_LATENCY_SECONDS:
        return length
    raise ArgumentTypeError(
        f"{quote_text(text)} is no latency; use a number of seconds from 0 to {_MAX_LATENCY_SECONDS}"
    )


def _add_policy(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the subcommand and its actions."""
    summary = "print the default policy, judge or compare policy files, or print their JSON Schema"
    parser = commands.add_parser("policy", help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_policy_action(actions, "init", "print the default policy, with comments, to start from")
    validate_parser = _add_policy_action(actions, "validate", "say every problem of a policy file, or that it has none")
    validate_parser.add_argument("file", metavar="FILE", help="the policy file")
    validate_parser.add_argument(
        "--indexes",
        metavar="N",
        type=parse_count,
        help="say also whether so many indexes could meet it within the quota",
    )
    _add_policy_action(actions, "schema", "print the JSON Schema of the policy file")
    diff_parser = _add_policy_action(
        actions, "diff", "say which findings another policy would open and close, and its slots"
    )
    diff_parser.add_argument("old", metavar="OLD", help="the policy file that holds")
    diff_parser.add_argument("new", metavar="NEW", help="the one that would take its place")
    diff_parser.add_argument("--inventory", metavar="FILE", required=True, help="the saved inventory to judge by both")


def _add_policy_action(actions: "_SubParsersAction[ArgumentParser]", name: str, summary: str) -> "ArgumentParser":
    return actions.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")


def _add_registry(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the subcommand and its actions."""
    summary = "judge a registry, the list of many projects, or print its JSON Schema"
    parser = commands.add_parser("registry", help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    validate_parser = _add_registry_action(actions, "validate", "say every mistake of a registry, or that it has none")
    validate_parser.add_argument("file", metavar="FILE", help="the registry")
    _add_registry_action(actions, "schema", "print the JSON Schema of the registry")


def _add_registry_action(actions: "_SubParsersAction[ArgumentParser]", name: str, summary: str) -> "ArgumentParser":
    return actions.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")


_REMEDIATE_EXIT_CODES = """\
exit codes:
  0  the plan was shown or applied, or there is nothing to do
  1  it was applied in part: something that the policy requires is still missing
  2  it was refused before anything was written
  3  an outcome is unknown, or the plan left something out that could not be read (wins over 1)

The key of the project is read from PINECONE_API_KEY. To show a plan a viewer's key is enough.
"""


def _add_remediate(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the subcommand."""
    summary = "show which schedules would put a project right, and with --apply make them"
    parser = commands.add_parser(
        "remediate", help=summary, description=f"{summary.capitalize()}.", epilog=_REMEDIATE_EXIT_CODES
    )
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


_STATE_EXIT_CODES = """\
exit codes:
  0  it was discarded, or there is nothing to discard
  2  nothing was changed: usage, no state, or nobody agreed

An audit lies in the future when it is more than 15 minutes ahead of this machine's clock. Reports, plans and the
records of remediation stay where they are.
"""


def _add_state_command(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the subcommand and its action."""
    summary = "repair what is stored about a project between audits"
    parser = commands.add_parser("state", help=summary, description=f"{summary.capitalize()}.")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    summary = "discard the audits that were recorded in the future, so that audits are recorded again"
    discard_parser = actions.add_parser(
        "discard", help=summary, description=f"{summary.capitalize()}.", epilog=_STATE_EXIT_CODES
    )
    discard_parser.add_argument("--project", metavar="NAME", help="the project (default: default)")
    store_group = discard_parser.add_mutually_exclusive_group()
    store_group.add_argument(
        "--state", metavar="FILE", help="where audits are stored (default: a file per project, in XDG_STATE_HOME)"
    )
    store_group.add_argument("--table", metavar="NAME", help="the DynamoDB table of the application on AWS")
    discard_parser.add_argument("--all", action="store_true", help="discard every audit: the next one is the first")
    discard_parser.add_argument("--yes", action="store_true", help="do not ask before anything is discarded")


_AUDIT_EXIT_CODES = """\
exit codes:
  0  the audit is complete and nothing at or above --fail-on is non-compliant
  1  it is complete, and something is
  2  nothing was audited: usage, policy, credentials, the state of another Pinecone project
  3  something could not be read, judged or recorded (wins over 1)

The key of the project is read from PINECONE_API_KEY.
"""


class _VersionAction(Action):
    """Prints the version; what looks it up is imported only then."""

    def __call__(self, parser: ArgumentParser, *_: object) -> None:
        version = import_module("importlib.metadata").version("backup-auditor")
        (sys.stdout or sys.stderr).write(f"backup-auditor {version}\n")  # as argparse does with help
        parser.exit()


def make_parser() -> ArgumentParser:
    """Make the parser of the whole command line."""
    parser: ArgumentParser = CommandParser(
        prog="backup-auditor", description="Knowing, every morning, that every Pinecone index can be restored."
    )
    parser.set_defaults(debug=False)
    parser.add_argument("--version", action=_VersionAction, nargs=0, help="print the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_audit(commands)
    _add_remediate(commands)
    _add_explain(commands)
    _add_policy(commands)
    _add_registry(commands)
    _add_evidence(commands)
    _add_state_command(commands)
    _add_controls(commands)
    _add_simulate(commands)
    return parser


def _add_audit(commands: "_SubParsersAction[ArgumentParser]") -> None:
    summary = "read a project, judge it against a policy, and report"
    parser = commands.add_parser(
        "audit", help=summary, description=f"{summary.capitalize()}.", epilog=_AUDIT_EXIT_CODES
    )
    _add_project_options(parser)
    state_group = parser.add_mutually_exclusive_group()
    _add_state_option(state_group)
    state_group.add_argument(
        "--no-state", action="store_true", help="remember nothing, and tell new from old by nothing"
    )
    parser.add_argument(
        "--format", type=parse_report_format, default="table", metavar="|".join(FORMATS), help="default: table"
    )
    parser.add_argument("--output", metavar="FILE", help="write the report there instead of standard output")
    parser.add_argument(
        "--fail-on",
        choices=("low", "medium", "high", "critical", "never"),
        default="low",
        help="the least severity that makes the exit code 1 (default: low)",
    )
    inventory_group = parser.add_mutually_exclusive_group()
    inventory_group.add_argument("--save-inventory", metavar="FILE", help="keep everything that was read")
    _add_inventory_option(inventory_group)
    parser.add_argument("--registry", metavar="FILE", help="audit many projects: one report each, the worst exit code")


def _add_explain(commands: "_SubParsersAction[ArgumentParser]") -> None:
    summary = "show the facts about one index, the rule that applied, and every verdict with its arithmetic"
    parser = commands.add_parser("explain", help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument("--index", metavar="NAME", required=True, help="the index")
    parser.add_argument("--control", metavar="ID", help="only this control")
    _add_project_options(parser)
    _add_inventory_option(parser)
    _add_state_option(parser)
    parser.set_defaults(no_state=False)


def _add_project_options(parser: ArgumentParser) -> None:
    parser.add_argument("--policy", metavar="FILE", help="default: backup-auditor.yaml if it is here, else built-in")
    parser.add_argument("--project", metavar="NAME", help="what reports call the project (default: default)")
    parser.add_argument("--now", metavar="RFC3339", help="judge, and remember, as if it were this moment")


def _add_inventory_option(parser: "_ActionsContainer") -> None:
    parser.add_argument("--inventory", metavar="FILE", help="judge a saved inventory, without a call")


def _add_state_option(parser: "_ActionsContainer") -> None:
    parser.add_argument(
        "--state", metavar="FILE", help="where audits are remembered (default: a file per project, in XDG_STATE_HOME)"
    )


def _add_controls(commands: "_SubParsersAction[ArgumentParser]") -> None:
    summary = "list the controls, or show one"
    parser = commands.add_parser("controls", help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument("id", metavar="ID", nargs="?", help="a control's id")
    parser.add_argument("--format", choices=_CONTROL_FORMATS, default="table", help="default: table")


def _add_simulate(commands: "_SubParsersAction[ArgumentParser]") -> None:
    summary = "serve a simulated Pinecone control plane on loopback"
    parser = commands.add_parser("simulate", help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    parser.add_argument("--scenario", metavar="NAME", default="neglected", help="default: neglected")
    parser.add_argument("--port", metavar="N", type=parse_port, default=0, help="default: any that is free")
    parser.add_argument("--now", metavar="RFC3339", help="the simulator's moment (default: the present)")
    parser.add_argument("--latency", metavar="SECONDS", type=parse_seconds, default=0.0, help="wait before each answer")
