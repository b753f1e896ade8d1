"""The flags of `backup-auditor registry`. What the actions take is imported when one runs, for the sake of `--help`."""

from importlib import import_module

TYPE_CHECKING = False  # typing's own costs a tenth of the start
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_parser(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the subcommand and its actions."""
    summary = "judge a registry, the list of many projects, or print its JSON Schema"
    parser = commands.add_parser("registry", help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    validate = _add_action(actions, "validate", "say every mistake of a registry, or that it has none")
    validate.add_argument("file", metavar="FILE", help="the registry")
    _add_action(actions, "schema", "print the JSON Schema of the registry")


def _add_action(actions: "_SubParsersAction[ArgumentParser]", name: str, summary: str) -> "ArgumentParser":
    return actions.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")


def run(arguments: "Namespace") -> int:
    """Run one action and return the exit code."""
    return int(import_module("backup_auditor.cli.registry_actions").run(arguments))
