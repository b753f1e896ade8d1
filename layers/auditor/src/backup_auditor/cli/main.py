"""The command `backup-auditor`: runs one subcommand, and turns every error into one line and an exit code."""

import os
import signal
import sys
from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module

from backup_auditor.cli.exit_codes import INTERRUPTED, NOTHING_AUDITED
from backup_auditor.cli.parser import make_parser

TYPE_CHECKING = False  # typing's own costs a tenth of the start
if TYPE_CHECKING:
    from typing import NoReturn


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    if sys.stderr is None:  # it was closed, as jobs of schedulers do: then nothing is said, and all is done
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  it stays open; no pathlib at a start
    try:
        code = _run(argv)
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that nothing fails at exit either
        if isinstance(error, BrokenPipeError):  # the reader left, and has what it wants
            return 0
        sys.stderr.write(f"backup-auditor: standard output cannot be written: {error.strerror or error}\n")
        return NOTHING_AUDITED
    except KeyboardInterrupt:
        sys.stderr.write("backup-auditor: interrupted\n")
        return INTERRUPTED
    return code


def _run(argv: Sequence[str] | None) -> int:
    """Read the command line and obey it."""
    try:
        arguments = make_parser().parse_args(argv)
    except SystemExit:  # after help, or what was wrong
        if sys.stdout is not None:
            sys.stdout.flush()
        raise
    _expect_signals()
    return _obey(arguments)


def _expect_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        try:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _end)
        except ValueError:  # only the first thread may
            return


def _end(number: int, _frame: object) -> "NoReturn":
    """End as the shell expects of whom a signal ended, but take away unfinished files first."""
    sys.exit(128 + number)


def _obey(arguments: Namespace) -> int:
    """Run the subcommand. Its module is imported only now, so that `--help` costs next to nothing."""
    try:
        return int(import_module(f"backup_auditor.cli.{arguments.command}").run(arguments))
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001  the last place where an error can still become a sentence
        told = import_module("backup_auditor.cli.failures").told(error, in_full=arguments.debug)
        sys.stderr.write(f"{told}\n")
        return NOTHING_AUDITED
