"""Generate the description of every command from its argument parser."""

import re
from argparse import SUPPRESS, Action, ArgumentParser
from collections.abc import Iterator
from unittest.mock import patch

from backup_auditor.cli.parser import make_parser
from docs.markdown import table

_EXIT_CODES = re.compile(r"^exit codes:\n((?:  \d.*\n)+)\n?", re.MULTILINE)
_EXIT_CODE = re.compile(r"^  (\d+)  (.*)$", re.MULTILINE)


def describe_commands() -> str:
    """Return one section for each command: its usage, arguments and exit codes."""
    with patch.dict("os.environ", {"COLUMNS": "100"}):
        return "\n".join(map(_describe, _leaves(make_parser())))


def list_exit_codes() -> str:
    """Return the table of the exit codes of an audit."""
    [audit] = (it for it in _leaves(make_parser()) if it.prog.endswith(" audit"))
    return table(("exit code", "meaning"), _EXIT_CODE.findall(audit.epilog or ""))


def _leaves(parser: ArgumentParser) -> Iterator[ArgumentParser]:
    """Yield the parser of each command that can be run."""
    choices = [it.choices for it in _actions(parser) if isinstance(it.choices, dict)]
    if not choices:
        yield parser
    for parsers in choices:
        for it in parsers.values():
            yield from _leaves(it)


def _actions(parser: ArgumentParser) -> list[Action]:
    return parser._actions  # noqa: SLF001  argparse has no public list of them


def _describe(parser: ArgumentParser) -> str:
    usage = parser.format_usage().removeprefix("usage: ").replace("\n       ", "\n")
    epilog = f"{parser.epilog or ''}\n"
    parts = [f"## {parser.prog}", parser.description or "", f"```text\n{usage}```", _list_arguments(parser)]
    if found := _EXIT_CODES.search(epilog):
        parts.append(table(("exit code", "meaning"), _EXIT_CODE.findall(found[1])))
    parts.append(_EXIT_CODES.sub("", epilog))
    return "\n\n".join(it.strip() for it in parts if it.strip()) + "\n"


def _list_arguments(parser: ArgumentParser) -> str:
    shown = [it for it in _actions(parser) if it.help != SUPPRESS and it.dest not in {"help", "debug"}]
    return table(("argument", "meaning"), ((_name(it), it.help or "") for it in shown)) if shown else ""


def _name(action: Action) -> str:
    value = action.metavar if isinstance(action.metavar, str) else None
    if value is None and action.choices is not None:
        value = "|".join(action.choices)
    if not action.option_strings:
        return f"`{value or action.dest}`"
    return f"`{action.option_strings[-1]}{f' {value}' if value and action.nargs != 0 else ''}`"
