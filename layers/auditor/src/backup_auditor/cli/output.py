"""Where results go, and in which format: standard output, or a file written whole or not at all."""

import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from importlib import import_module
from itertools import chain
from pathlib import Path
from shlex import join
from shutil import get_terminal_size

from backup_auditor.adapters.files import AtomicFile
from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.reporting.report import Report
from backup_auditor.errors import UsageError
from backup_auditor.rendering.formats.json import render_json
from backup_auditor.rendering.formats.table import render_table
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
        raise UsageError("standard output is closed; open it, or name a file with --output")


def join_with_newlines(lines: Iterable[str]) -> Iterable[str]:
    """Join lines, the last without its end."""
    separator = ""
    for line in lines:
        yield separator + line
        separator = "\n"


def get_terminal_width() -> int:
    """Return how wide standard output is, or is said to be by COLUMNS."""
    return get_terminal_size((_DEFAULT_WIDTH, 24)).columns


def is_colored() -> bool:
    """Tell whether standard output may be coloured: a terminal, whose owner does not mind."""
    return sys.stdout is not None and sys.stdout.isatty() and allows_color(os.environ)


def log_stderr(text: str) -> None:
    """Say something that is no result."""
    sys.stderr.write(f"backup-auditor: {escape_text(text)}\n")


FORMATS_WITH_TIMELINES = ("json", "html")
"""The forms that show the nights of each index."""
_SINGLE_DOCUMENT_FORMATS = ("csv", "junit", "sarif", "ocsf", "html")
"""The forms that have room for many reports in one document."""


def render_reports(
    reports: Iterable[Report], arguments: Namespace, *, is_file: bool, report_count: int = 1
) -> Iterable[str]:
    """Write reports, at most so many, as the flags want them; into a file no width and no colours."""
    format_name = arguments.format
    full_command = _build_full_report_command(arguments)
    if format_name in _SINGLE_DOCUMENT_FORMATS:
        return _render_single_document(reports, format_name, full_command, is_file=is_file)
    if format_name == "markdown" and report_count > 1:
        markdown = import_module("backup_auditor.rendering.formats.markdown")
        return join_with_newlines(markdown.render_markdown_of_many(reports, report_count, full_command=full_command))
    pages = (_render_page(report, format_name, full_command, is_file=is_file) for report in reports)
    return (
        _join_json_array(pages) if format_name == "json" and arguments.registry is not None else _separate_pages(pages)
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


def _render_single_document(
    reports: Iterable[Report], format_name: str, full_command: str, *, is_file: bool
) -> Iterable[str]:
    package = "backup_auditor.rendering"
    module = import_module(f"{package}.html.page" if format_name == "html" else f"{package}.formats.{format_name}")
    pieces: Iterable[str]
    match format_name:
        case "csv":
            pieces = chain(
                [module.BYTE_ORDER_MARK] if is_file else [], module.render_csv(reports, full_command=full_command)
            )
        case "html":
            pieces = module.render_html(reports)
        case "junit":
            pieces = module.render_junit(reports)
        case "sarif":
            pieces = module.render_sarif(reports, CATALOG.all_controls)
        case _:
            pieces = module.render_ocsf(reports, CATALOG.all_controls)
    return pieces


def _render_page(report: Report, format_name: str, full_command: str, *, is_file: bool) -> Iterable[str]:
    if format_name == "json":
        return render_json(report)
    if format_name == "markdown":
        markdown = import_module("backup_auditor.rendering.formats.markdown")
        pieces: Iterable[str] = markdown.render_markdown(report, full_command=full_command)
        return join_with_newlines(pieces)
    if is_file:
        return join_with_newlines(render_table(report, full_command=full_command))
    return join_with_newlines(
        render_table(report, width=get_terminal_width(), is_colored=is_colored(), full_command=full_command)
    )


def _separate_pages(pages: Iterable[Iterable[str]]) -> Iterator[str]:
    separator = ""
    for page in pages:
        yield separator
        yield from page
        separator = "\n\n"


def _join_json_array(pages: Iterable[Iterable[str]]) -> Iterator[str]:
    separator = "[\n"
    for page in pages:
        yield separator
        yield from page
        separator = ",\n"
    yield "\n]" if separator != "[\n" else "[]"
