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

_MAX_LATENCY_SECONDS = 60
_MAX_COUNT_DIGITS = 6


class CommandParser(ArgumentParser):
    """Reports an error of the command line in one line."""

    def __init__(self, **options: object) -> None:
        """Take no abbreviated flags: they would change their meaning with the next flag that is added."""
        super().__init__(allow_abbrev=False, formatter_class=RawDescriptionHelpFormatter, **options)  # type: ignore[arg-type]  # passed on
        self.add_argument("--debug", action="store_true", default=SUPPRESS, help="show the traceback of an error")

    def _print_message(self, message: str, file: "SupportsWrite[str] | None" = None) -> None:
        """Print, and let an error of standard output end the command: argparse hides it."""
        if file is not None and file is sys.stdout:
            file.write(message)
        else:
            super()._print_message(message, file)

    def error(self, message: str) -> "NoReturn":
        """Exit with 2 and one line."""
        line = escape_control_characters(collapse_whitespace(message))
        self.exit(2, f"{self.prog}: {line}; see {self.prog} --help\n")


class _VersionAction(Action):
    """Prints the version; what looks it up is imported only then."""

    def __call__(self, parser: ArgumentParser, *_: object) -> None:
        version = import_module("importlib.metadata").version("backup-auditor")
        (sys.stdout or sys.stderr).write(f"backup-auditor {version}\n")  # as argparse does with help
        parser.exit()


def make_parser() -> ArgumentParser:
    """Make the parser of the whole command line."""
    parser: ArgumentParser = CommandParser(
        prog="backup-auditor",
        description="Audit the backups of Pinecone indexes, and correct their schedules.",
    )
    parser.set_defaults(debug=False)
    parser.add_argument("--version", action=_VersionAction, nargs=0, help="print the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_audit(commands)
    _add_remediate(commands)
    _add_drill(commands)
    _add_explain(commands)
    _add_policy(commands)
    _add_registry(commands)
    _add_evidence(commands)
    _add_state_command(commands)
    _add_doctor(commands)
    _add_controls(commands)
    _add_simulate(commands)
    return parser


def _add_command(
    commands: "_SubParsersAction[ArgumentParser]", name: str, summary: str, epilog: str | None = None
) -> ArgumentParser:
    description = f"{summary[0].upper()}{summary[1:]}."
    return commands.add_parser(name, help=summary, description=description, epilog=epilog)


def _add_command_of_actions(
    commands: "_SubParsersAction[ArgumentParser]", name: str, summary: str
) -> "_SubParsersAction[ArgumentParser]":
    return _add_command(commands, name, summary).add_subparsers(dest="action", metavar="ACTION", required=True)


def _add_report_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--policy",
        metavar="FILE",
        help="the policy file (default: backup-auditor.yaml in the working directory, else built-in)",
    )
    parser.add_argument("--project", metavar="NAME", help="the name of the project in reports (default: default)")


def _add_state_option(parser: "_ActionsContainer", content: str = "audits") -> None:
    parser.add_argument(
        "--state", metavar="FILE", help=f"where {content} are stored (default: a file per project, in XDG_STATE_HOME)"
    )


def _add_store_options(parser: ArgumentParser) -> None:
    parser.add_argument("--project", metavar="NAME", help="the project (default: default)")
    store_group = parser.add_mutually_exclusive_group()
    _add_state_option(store_group)
    store_group.add_argument("--table", metavar="NAME", help="the DynamoDB table of the application on AWS")


def _add_inventory_option(parser: "_ActionsContainer") -> None:
    parser.add_argument("--inventory", metavar="FILE", help="evaluate a saved inventory, without API calls")


def _add_now_option(parser: ArgumentParser, meaning: str) -> None:
    parser.add_argument("--now", metavar="RFC3339", help=meaning)


def _add_format_option(parser: ArgumentParser, *formats: str) -> None:
    parser.add_argument("--format", choices=formats, default="table", help="default: table")


_AUDIT_EXIT_CODES = """\
exit codes:
  0  the audit is complete and nothing at or above --fail-on is non-compliant
  1  the audit is complete, and something is
  2  nothing was audited: wrong usage, policy, credentials, the state of another Pinecone project
  3  something could not be read, evaluated or recorded (wins over 1)

The API key of the project is read from PINECONE_API_KEY.
"""


def _add_audit(commands: "_SubParsersAction[ArgumentParser]") -> None:
    parser = _add_command(
        commands, "audit", "read a project, evaluate it against a policy, and report", _AUDIT_EXIT_CODES
    )
    _add_report_options(parser)
    _add_now_option(parser, "evaluate and record as of this time")
    state_group = parser.add_mutually_exclusive_group()
    _add_state_option(state_group)
    state_group.add_argument("--no-state", action="store_true", help="store nothing; findings have no lifecycle")
    parser.add_argument(
        "--format", type=parse_report_format, default="table", metavar="|".join(FORMATS), help="default: table"
    )
    parser.add_argument("--output", metavar="FILE", help="write the report to this file instead of standard output")
    parser.add_argument(
        "--fail-on",
        choices=("low", "medium", "high", "critical", "never"),
        default="low",
        help="the lowest severity that sets exit code 1 (default: low)",
    )
    inventory_group = parser.add_mutually_exclusive_group()
    inventory_group.add_argument("--save-inventory", metavar="FILE", help="write everything that was read to a file")
    _add_inventory_option(inventory_group)
    parser.add_argument("--registry", metavar="FILE", help="audit many projects; the exit code is the worst of all")


_REMEDIATE_EXIT_CODES = """\
exit codes:
  0  the plan was shown or applied, or there is nothing to do
  1  the plan was applied in part: something that the policy requires is still missing
  2  the command was refused before the first write
  3  a result is unknown or could not be written, or the plan skipped something because of a read error (wins over 1)

The API key of the project is read from PINECONE_API_KEY. A plan needs only a read-only key (ControlPlaneViewer).
"""


def _add_remediate(commands: "_SubParsersAction[ArgumentParser]") -> None:
    summary = "show the schedules and first backups that would correct a project, and apply them with --apply"
    parser = _add_command(commands, "remediate", summary, _REMEDIATE_EXIT_CODES)
    _add_report_options(parser)
    _add_state_option(parser, "audits, plans and actions")
    parser.add_argument("--plan", metavar="ID", help="a plan that was shown in the last 24 hours")
    parser.add_argument("--apply", action="store_true", help="apply the actions that the policy allows to apply")
    parser.add_argument("--yes", action="store_true", help="apply without asking")
    _add_format_option(parser, "table", "json")


_DRILL_EXIT_CODES = """\
exit codes:
  0  the plan was shown, every drill passed, or there is nothing to do
  1  a drill failed or could not make a check that decides, a temporary index is left, or a due drill was not started
  2  the command was refused before the first write
  3  a result is unknown or could not be written, or the plan skipped something because of a read error (wins over 1)

The API key of the project is read from PINECONE_API_KEY. A plan needs only a read-only key (ControlPlaneViewer);
--apply needs a key with the roles ControlPlaneEditor and DataPlaneViewer.
"""


def _add_drill(commands: "_SubParsersAction[ArgumentParser]") -> None:
    summary = (
        "show which backups would be restored to prove that they can be, and with --apply restore, verify and delete"
    )
    parser = _add_command(commands, "drill", summary, _DRILL_EXIT_CODES)
    target_group = parser.add_mutually_exclusive_group()
    target_group.add_argument("--index", metavar="NAME", help="drill this index, whether it is due or not")
    target_group.add_argument("--backup", metavar="ID", help="drill this backup, whether its index is due or not")
    _add_report_options(parser)
    _add_state_option(parser, "audits and drills")
    parser.add_argument("--apply", action="store_true", help="run the drills that the plan shows")
    parser.add_argument("--yes", action="store_true", help="run them without asking")
    _add_format_option(parser, "table", "json")


def _add_explain(commands: "_SubParsersAction[ArgumentParser]") -> None:
    summary = "show the facts about one index, the rule that applies, and every finding with its evidence"
    parser = _add_command(commands, "explain", summary)
    parser.add_argument("--index", metavar="NAME", required=True, help="the index")
    parser.add_argument("--control", metavar="ID", help="only this control")
    _add_report_options(parser)
    _add_now_option(parser, "evaluate as of this time")
    _add_inventory_option(parser)
    _add_state_option(parser)
    parser.set_defaults(no_state=False)


def _add_policy(commands: "_SubParsersAction[ArgumentParser]") -> None:
    summary = "print the default policy, validate or compare policy files, or print their JSON Schema"
    actions = _add_command_of_actions(commands, "policy", summary)
    _add_command(actions, "init", "print the default policy, with comments, as a starting point")
    validate_parser = _add_command(actions, "validate", "list every problem of a policy file")
    validate_parser.add_argument("file", metavar="FILE", help="the policy file")
    validate_parser.add_argument(
        "--indexes",
        metavar="N",
        type=parse_count,
        help="check also whether N indexes fit the backup quota under this policy",
    )
    _add_command(actions, "schema", "print the JSON Schema of the policy file")
    diff_parser = _add_command(
        actions, "diff", "show which findings another policy would open and close, and how many backups it needs"
    )
    diff_parser.add_argument("old", metavar="OLD", help="the current policy file")
    diff_parser.add_argument("new", metavar="NEW", help="the new policy file")
    diff_parser.add_argument("--inventory", metavar="FILE", required=True, help="the saved inventory to evaluate")


_DISCOVER_EXIT_CODES = """\
exit codes:
  0  every project of the organization is registered or ignored, and every entry leads to one
  1  a project is not registered, or an entry leads to a project that is gone
  2  nothing was compared: wrong usage, credentials, or the projects could not be listed
  3  something is unknown: an entry without a project id, no access, or a read error (wins over 1)

The service account is read from PINECONE_CLIENT_ID and PINECONE_CLIENT_SECRET. Nothing is changed, at Pinecone or in
the registry.
"""


def _add_registry(commands: "_SubParsersAction[ArgumentParser]") -> None:
    summary = "validate a registry, the list of many projects, or compare it with the organization"
    actions = _add_command_of_actions(commands, "registry", summary)
    validate_parser = _add_command(actions, "validate", "list every problem of a registry")
    validate_parser.add_argument("file", metavar="FILE", help="the registry file")
    validate_parser.add_argument(
        "--show", metavar="NAME", help="show the settings of this project, with those from the defaults"
    )
    _add_command(actions, "schema", "print the JSON Schema of the registry")
    summary = "list the projects of the organization beside those of the registry"
    discover_parser = _add_command(actions, "discover", summary, _DISCOVER_EXIT_CODES)
    discover_parser.add_argument(
        "--registry", metavar="FILE", help="the registry file (default: nothing is registered)"
    )
    discover_parser.add_argument(
        "--policy",
        metavar="FILE",
        help="the policy of entries without one (default: backup-auditor.yaml in the working directory, else built-in)",
    )
    discover_parser.add_argument(
        "--table", metavar="NAME", help="read the states in this DynamoDB table instead of this machine's files"
    )
    discover_parser.add_argument("--format", choices=("table", "json", "yaml"), default="table", help="default: table")


_EVIDENCE_LIST_EXIT_CODES = """\
exit codes:
  0  no audit is missing
  1  at least one audit is missing
  2  nothing was examined: wrong usage, or no audit is recorded
"""
_EVIDENCE_VERIFY_EXIT_CODES = """\
exit codes:
  0  no report, no document of a restore drill and no page of the fleet is altered or missing
  1  at least one is altered or missing
  2  nothing was examined: wrong usage, or no audit or page is recorded
  3  a report, a document or a page could not be read (wins over 1)
"""


def _add_evidence(commands: "_SubParsersAction[ArgumentParser]") -> None:
    summary = "list the recorded audits, the missing ones and the restore drills, or verify their files"
    actions = _add_command_of_actions(commands, "evidence", summary)
    list_summary = "list the recorded audits, the missing ones between them, and the restore drills"
    list_parser = _add_evidence_action(actions, "list", list_summary, _EVIDENCE_LIST_EXIT_CODES, "until now")
    list_parser.add_argument(
        "--every",
        metavar="DURATION",
        default="26h",  # a night, the hour that a clock change adds, and room for a flexible window
        help="maximum time between complete audits, such as 26h or 8d; a longer gap counts as missing audits"
        " (default: 26h)",
    )
    verify_summary = "read each report and each document of a restore drill again and compare its hash"
    verify_parser = _add_evidence_action(
        actions, "verify", verify_summary, _EVIDENCE_VERIFY_EXIT_CODES, "to the last audit"
    )
    verify_parser.add_argument(
        "--fleet",
        action="store_true",
        help="verify the pages of the fleet instead of the reports of a project; needs --table",
    )
    verify_parser.add_argument(
        "--reports",
        metavar="DIR",
        help="the folder of the reports and documents (default: where they were written, else beside the state)",
    )


def _add_evidence_action(
    actions: "_SubParsersAction[ArgumentParser]", name: str, summary: str, exit_codes: str, default_end: str
) -> ArgumentParser:
    parser = _add_command(actions, name, summary, exit_codes)
    _add_store_options(parser)
    parser.add_argument("--since", metavar="YYYY-MM-DD", help="the first day, UTC (default: from the first audit on)")
    parser.add_argument("--until", metavar="YYYY-MM-DD", help=f"the last day, UTC, to its end (default: {default_end})")
    _add_format_option(parser, "table", "json")
    return parser


_DISCARD_EXIT_CODES = """\
exit codes:
  0  the audits were discarded, or there is nothing to discard
  2  nothing was changed: wrong usage, no state, or not confirmed

An audit is in the future if it is more than 15 minutes ahead of this machine's clock. Reports, plans and the
records of remediation stay where they are.
"""


_EXPORT_EXIT_CODES = """\
exit codes:
  0  the state was written
  2  nothing was written: wrong usage, no state, or the state cannot be read

The exported state has findings, known backups, settings, audit records, plans and actions. It has no messages that wait
to be sent, and no key.
"""
_IMPORT_EXIT_CODES = """\
exit codes:
  0  the state was imported, or is already stored
  2  nothing was imported: wrong usage, a damaged file, another project, or a stored state that is newer
"""


def _add_state_command(commands: "_SubParsersAction[ArgumentParser]") -> None:
    actions = _add_command_of_actions(commands, "state", "move or repair what is stored about a project between audits")
    summary = "discard audits that were recorded in the future, so that new audits are recorded again"
    discard_parser = _add_command(actions, "discard", summary, _DISCARD_EXIT_CODES)
    _add_store_options(discard_parser)
    discard_parser.add_argument("--all", action="store_true", help="discard every audit: the next one is the first")
    discard_parser.add_argument("--yes", action="store_true", help="discard without asking")
    summary = "write the state of one project as JSON lines, to move it to another file or table"
    export_parser = _add_command(actions, "export", summary, _EXPORT_EXIT_CODES)
    _add_store_options(export_parser)
    export_parser.add_argument("--output", metavar="FILE", help="write there instead of standard output")
    summary = "read an exported state, and store it completely or not at all"
    import_parser = _add_command(actions, "import", summary, _IMPORT_EXIT_CODES)
    import_parser.add_argument("file", metavar="FILE", help="the exported state; - is standard input")
    _add_store_options(import_parser)
    import_parser.add_argument(
        "--replace", action="store_true", help="replace another state of the project that is not newer"
    )
    import_parser.add_argument(
        "--retention-days",
        metavar="N",
        type=parse_count,
        help="when the table deletes imported audit records: the parameter EvidenceRetentionDays of its stack"
        " (default: never)",
    )


_DOCTOR_EXIT_CODES = """\
exit codes:
  0  no check failed
  1  at least one check failed
  2  nothing was checked: wrong usage, no such stack, boto3 or AWS credentials missing, \
or no permission to read the stack

Nothing is changed, at Pinecone or on AWS. Only --send-test sends messages.
"""


def _add_doctor(commands: "_SubParsersAction[ArgumentParser]") -> None:
    summary = "check whether everything is set up and works, on this machine or on AWS"
    parser = _add_command(commands, "doctor", summary, _DOCTOR_EXIT_CODES)
    parser.add_argument("--stack", metavar="NAME", help="check this stack on AWS instead of this machine")
    parser.add_argument(
        "--send-test", action="store_true", help="also send a test message to each channel of the stack"
    )
    _add_report_options(parser)
    _add_state_option(parser)
    parser.add_argument("--registry", metavar="FILE", help="check the keys and states of many projects")
    _add_format_option(parser, "table", "json")


def _add_controls(commands: "_SubParsersAction[ArgumentParser]") -> None:
    parser = _add_command(commands, "controls", "list the controls, or show one")
    parser.add_argument("id", metavar="ID", nargs="?", help="the id of a control")
    _add_format_option(parser, "table", "json", "markdown")


def _add_simulate(commands: "_SubParsersAction[ArgumentParser]") -> None:
    parser = _add_command(commands, "simulate", "serve a simulated Pinecone, control plane and data plane, on loopback")
    parser.add_argument("--scenario", metavar="NAME", default="neglected", help="default: neglected")
    parser.add_argument("--port", metavar="N", type=parse_port, default=0, help="default: any free port")
    parser.add_argument("--now", metavar="RFC3339", help="the time of the simulator (default: now)")
    parser.add_argument(
        "--latency", metavar="SECONDS", type=parse_seconds, default=0.0, help="wait before each response"
    )


def parse_report_format(text: str) -> str:
    """Return the name of a format of the report."""
    if text in FORMATS:
        return text
    raise ArgumentTypeError(f"unknown format {quote_text(text)} (expected {', '.join(FORMATS)})")


def parse_count(text: str) -> int:
    """Return a whole number of at least 1."""
    if text.isascii() and text.isdigit() and int(text[:9]) > 0 and len(text) <= _MAX_COUNT_DIGITS:
        return int(text)
    raise ArgumentTypeError(
        f"{quote_text(text)} is not a whole number in range (expected 1 to {10**_MAX_COUNT_DIGITS - 1})"
    )


def parse_port(text: str) -> int:
    """Return the number of a port; 0 is any free one."""
    if text.isascii() and text.isdigit() and int(text[:6]) < 1 << 16:
        return int(text)
    raise ArgumentTypeError(f"{quote_text(text)} is not a port (expected 0 to 65535)")


def parse_seconds(text: str) -> float:
    """Return a length of time in seconds."""
    try:
        length = float(text)
    except ValueError:
        length = -1.0
    if 0 <= length <= _MAX_LATENCY_SECONDS:
        return length
    raise ArgumentTypeError(f"{quote_text(text)} is not a latency (expected seconds from 0 to {_MAX_LATENCY_SECONDS})")
