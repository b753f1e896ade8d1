"""The command `backup-auditor`: runs one subcommand, and turns every error into one line and an exit code."""

import os
import signal
import sys
from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module

from backup_auditor.cli import INTERRUPTED, NOT_AUDITED
from backup_auditor.cli.parser import make_parser
from backup_auditor.cli.streams import redirect_to_null, write_stderr

TYPE_CHECKING = False  # typing's own costs a tenth of the start
if TYPE_CHECKING:
    from typing import NoReturn


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    if sys.stderr is None:  # a job scheduler may close it: the command runs without messages
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  it stays open; no pathlib at a start
    if sys.platform == "win32":
        _log_error("Windows is not supported; run it in the Windows Subsystem for Linux (WSL)")
        return NOT_AUDITED
    try:
        code = _run(argv)
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        redirect_to_null(sys.stdout)
        if isinstance(error, BrokenPipeError):  # the reader left
            return 0
        _log_error(f"standard output cannot be written: {error.strerror or error}")
        return NOT_AUDITED
    except KeyboardInterrupt:
        _log_error("interrupted")
        return INTERRUPTED
    return code


def _run(argv: Sequence[str] | None) -> int:
    """Read the command line and run its command."""
    try:
        arguments = make_parser().parse_args(argv)
    except SystemExit:  # after help, or what was wrong
        if sys.stdout is not None:
            sys.stdout.flush()
        raise
    _handle_signals()
    return _run_command(arguments)


def _log_error(line: str) -> None:
    write_stderr(f"backup-auditor: {line}\n")


def _handle_signals() -> None:
    for name in ("SIGTERM", "SIGHUP"):  # not every platform has each
        number = getattr(signal, name, None)
        try:
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _exit_on_signal)
        except ValueError:  # only the first thread may
            return


def _exit_on_signal(number: int, _frame: object) -> "NoReturn":
    """Exit with the code that shells use for a signal, so that unfinished files are removed first."""
    sys.exit(128 + number)


def _run_command(arguments: Namespace) -> int:
    """Run the subcommand. Its module is imported only now, so that `--help` costs next to nothing."""
    try:
        return int(import_module(f"backup_auditor.cli.{arguments.command}").run(arguments))
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001  the last place where an error can still become a sentence
        text = import_module("backup_auditor.cli.error_text").format_error(error, has_traceback=arguments.debug)
        write_stderr(f"{text}\n")
        return NOT_AUDITED
