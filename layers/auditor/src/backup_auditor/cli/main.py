"""The command `backup-auditor`: runs one subcommand, and turns every error into one line and an exit code."""

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module

from backup_auditor.cli.parser import make_parser

NOTHING_AUDITED = 2
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    if sys.stderr is None:  # it was closed, as jobs of schedulers do: then nothing is said, and all is done
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  it stays open; no pathlib at a start
    arguments = make_parser().parse_args(argv)
    try:
        code = _run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left; nothing may fail at exit
        return 0
    except KeyboardInterrupt:
        sys.stderr.write("backup-auditor: interrupted\n")
        return INTERRUPTED
    return code


def _run(arguments: Namespace) -> int:
    """Run the subcommand. Its module is imported only now, so that `--help` costs next to nothing."""
    try:
        return int(import_module(f"backup_auditor.cli.{arguments.command}").run(arguments))
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001  the last place where an error can still become a sentence
        told = import_module("backup_auditor.cli.failures").told(error, in_full=arguments.debug)
        sys.stderr.write(f"{told}\n")
        return NOTHING_AUDITED
