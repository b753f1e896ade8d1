"""Where results go: standard output, or a file that is written whole or not at all."""

import os
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from shutil import get_terminal_size

from backup_auditor.adapters.replacement import Replacement
from backup_auditor.errors import UsageError
from backup_auditor.rendering.encoding import encoded
from backup_auditor.rendering.text import plain
from backup_auditor.settings.pinecone import allows_colour

_WIDTH = 100
"""How wide a table is where no terminal says otherwise."""


def opened(path: str | None) -> "Replacement | nullcontext[None]":
    """Open the file that is to hold the results; none, or `-`, is standard output. Raises `UsageError`."""
    if path is not None and path != "-":
        return Replacement(Path(path))
    need_output()
    return nullcontext()


def put(pieces: Iterable[str], file: Replacement | None, *, is_one_of_many: bool = False) -> None:
    """Write results, and the end of their last line. A reader that left is no error: the exit code tells.

    One file of many is written, but does not take its place before all are.
    """
    if file is not None:
        (file.fill if is_one_of_many else file.write)(encoded(pieces))
        return
    need_output()
    sys.stdout.flush()
    try:
        for piece in encoded(pieces):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _discard_output()
    except OSError as error:
        raise output_error(error) from None


def output_error(error: OSError) -> UsageError:
    """Return what is said where standard output takes no more, and write nothing there from now on."""
    _discard_output()
    return UsageError(f"standard output cannot be written: {error.strerror or error}")


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that nothing fails at exit either


def need_output() -> None:
    """Raise `UsageError` where standard output is closed."""
    if sys.stdout is None:
        raise UsageError("standard output is closed; open it, or name a file with --output")


def lines(found: Iterable[str]) -> Iterable[str]:
    """Join lines, the last without its end."""
    separator = ""
    for line in found:
        yield separator + line
        separator = "\n"


def terminal_width() -> int:
    """Return how wide standard output is, or is said to be by COLUMNS."""
    return get_terminal_size((_WIDTH, 24)).columns


def is_coloured() -> bool:
    """Tell whether standard output may be coloured: a terminal, whose owner does not mind."""
    return sys.stdout is not None and sys.stdout.isatty() and allows_colour(os.environ)


def say(text: str) -> None:
    """Say something that is no result."""
    sys.stderr.write(f"backup-auditor: {plain(text)}\n")
