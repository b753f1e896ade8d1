"""Where results go, and in which format: standard output, or a file written whole or not at all."""

import os
import sys
from argparse import Namespace
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from shlex import join
from shutil import get_terminal_size

from backup_auditor.adapters.files import AtomicFile
from backup_auditor.controls.catalog import CATALOG
from backup_auditor.errors import UsageError
from backup_auditor.rendering.formats.options import RenderOptions
from backup_auditor.rendering.text import encode_pieces, escape_text
from backup_auditor.settings.pinecone import allows_color

_DEFAULT_WIDTH = 100
"""How wide a table is where no terminal says otherwise."""


def open_output(path: str | None) -> "AtomicFile | nullcontext[None]":
    """Open the file that is to hold the results; none, or `-`, is standard output. Raises `UsageError`."""
    if path is not None and path != "-":
        return AtomicFile(Path(path))
    require_output()
    return nullcontext()


def write_pieces(pieces: Iterable[str], file: AtomicFile | None, *, is_one_of_many: bool = False) -> None:
    """Write results, and the end of their last line. A reader that left is no error: the exit code tells.

    One file of many is written, but does not take its place before all are.
    """
    if file is not None:
        (file.write_part if is_one_of_many else file.write_all)(encode_pieces(pieces))
        return
    require_output()
    sys.stdout.flush()
    try:
        for piece in encode_pieces(pieces):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _discard_output()
    except OSError as error:
        raise make_output_error(error) from None


def make_output_error(error: OSError) -> UsageError:
    """Return what is said where standard output takes no more, and write nothing there from now on."""
    _discard_output()
    return UsageError(f"standard output cannot be written: {error.strerror or error}")


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that nothing fails at exit either


def require_output() -> None:
    """Raise `UsageError` where standard output is closed."""
    if sys.stdout is None:
        raise UsageError("standard output is closed; open it, or use --output FILE")


def get_terminal_width() -> int:
    """Return how wide standard output is, or is said to be by COLUMNS."""
    return get_terminal_size((_DEFAULT_WIDTH, 24)).columns


def is_colored() -> bool:
    """Tell whether standard output may be coloured: a terminal, whose owner does not mind."""
    return sys.stdout is not None and sys.stdout.isatty() and allows_color(os.environ)


def log_stderr(text: str) -> None:
    """Say something that is no result."""
    sys.stderr.write(f"backup-auditor: {escape_text(text)}\n")


def make_render_options(arguments: Namespace, *, is_file: bool, report_count: int = 1) -> RenderOptions:
    """Return the options for the documents that the flags ask for."""
    return RenderOptions(
        controls=CATALOG.all_controls,
        full_command=_build_full_report_command(arguments),
        report_count=report_count,
        is_registry=arguments.registry is not None,
        is_file=is_file,
        width=_DEFAULT_WIDTH if is_file else get_terminal_width(),
        is_colored=not is_file and is_colored(),
    )


def _build_full_report_command(arguments: Namespace) -> str:
    """Return the command that shows of the same project, under the same policy, what a form folds."""
    words = ["backup-auditor", "audit"]
    for flag in ("registry", "policy", "project", "inventory", "state", "now"):
        value = getattr(arguments, flag)
        if value is not None:
            words += [f"--{flag}", value]
    if arguments.save_inventory is not None:
        words += ["--inventory", arguments.save_inventory]
    if arguments.no_state:
        words.append("--no-state")
    return join([*words, "--format", "json"])
