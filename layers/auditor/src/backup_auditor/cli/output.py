"""The output of a command: results on standard output or in a file, errors and progress on standard error."""

import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from shlex import join
from shutil import get_terminal_size
from threading import Lock
from typing import Any, cast

from backup_auditor.adapters.files import AtomicFile
from backup_auditor.application.audit import AuditResult
from backup_auditor.cli import INCOMPLETE
from backup_auditor.cli.error_text import format_error_line
from backup_auditor.cli.streams import redirect_to_null, write_stderr
from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.reporting.fleet import Fleet
from backup_auditor.domain.text import cut_text
from backup_auditor.errors import UsageError
from backup_auditor.ports.pinecone import NoProgress, Progress
from backup_auditor.rendering.formats import RenderOptions
from backup_auditor.rendering.text import encode_pieces, escape_text, join_lines
from backup_auditor.settings.pinecone import allows_color, redact, supports_cursor_control

_OUTPUT_REMEDY = "use --output FILE"
"""The remedy of the commands that have that option."""
_DEFAULT_WIDTH = 100
"""The columns of a table if no terminal has a width."""
_MAX_LABEL_LENGTH = 24
"""The characters of a project's name beside its bar; in wide characters that is half a terminal of 80 columns."""


def open_output(path: str | None) -> "AtomicFile | nullcontext[None]":
    """Open the file for the results; `None` and `-` are standard output. Raises `UsageError`."""
    if path is not None and path != "-":
        return AtomicFile(Path(path))
    require_output(_OUTPUT_REMEDY)
    return nullcontext()


def write_pieces(pieces: Iterable[str], file: AtomicFile | None, *, is_one_of_many: bool = False) -> None:
    """Write results to the file of `open_output`, or to standard output if it is `None`.

    One file of many is written, but replaces its target only when all are.
    """
    if file is None:
        _write_to_stdout(pieces, _OUTPUT_REMEDY)
    else:
        (file.write_part if is_one_of_many else file.write_all)(encode_pieces(pieces))


def print_lines(lines: Iterable[str]) -> None:
    """Write lines to standard output. Commands without `--output` use it."""
    _write_to_stdout(join_lines(lines), None)


def print_outcome(lines: Iterable[str], code: int, remedy: str | None) -> int:
    """Write the results of calls that may have changed something, and return the exit code.

    It is 3 if they could not be written: the outcome is then unknown, and `remedy` is what shows it. Without a remedy
    nothing was changed, and the error is raised.
    """
    try:
        print_lines(lines)
    except UsageError as error:
        if remedy is None:
            raise
        log_stderr(f"{format_error_line(error)}; {remedy}")
        return INCOMPLETE
    return code


def _write_to_stdout(pieces: Iterable[str], remedy: str | None) -> None:
    """Write results, and the end of their last line. A closed pipe is no error: the exit code stays."""
    require_output(remedy)
    sys.stdout.flush()
    try:
        for piece in encode_pieces(pieces):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        redirect_to_null(sys.stdout)
    except OSError as error:
        raise make_output_error(error, remedy) from None


def is_terminal() -> bool:
    """Return whether a person can be asked."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def require_consent(*, is_applied: bool, is_agreed: bool) -> None:
    """Raise `UsageError` if there is neither consent nor a terminal to ask for it."""
    if is_agreed and not is_applied:
        raise UsageError("--yes needs --apply; use both, or neither")
    if is_applied and not is_agreed and not is_terminal():
        raise UsageError(
            "--apply needs a terminal to ask for confirmation; review the plan without --apply, then add --yes"
        )


def ask_about_plan(question: str, lines: Iterable[str]) -> bool:
    """Show lines of a plan on standard error, and ask a question about it."""
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    return ask_for_consent(question)


def ask_for_consent(question: str) -> bool:
    """Ask a question on the terminal. Anything but yes is no."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold() in {"y", "yes"}


def log_problems(problems: Iterable[str]) -> None:
    """Write every problem of a file to standard error, a line each and without a key."""
    for problem in problems:
        sys.stderr.write(f"{redact(problem, os.environ)}\n")


def make_output_error(error: OSError, remedy: str | None = None) -> UsageError:
    """Return the error of a standard output that cannot be written, and write nothing there from now on."""
    redirect_to_null(sys.stdout)
    remedy_clause = "" if remedy is None else f"; {remedy}"
    return UsageError(f"standard output cannot be written: {error.strerror or error}{remedy_clause}")


def require_output(remedy: str | None = None) -> None:
    """Raise `UsageError` where standard output is closed."""
    if sys.stdout is None:
        raise UsageError("standard output is closed; open it" + ("" if remedy is None else f", or {remedy}"))


def get_terminal_width() -> int:
    """Return the columns of standard output, or the value of COLUMNS."""
    return get_terminal_size((_DEFAULT_WIDTH, 24)).columns


def is_colored() -> bool:
    """Return whether standard output may be colored: a terminal, unless a variable forbids it."""
    return sys.stdout is not None and sys.stdout.isatty() and allows_color(os.environ)


def log_stderr(text: str) -> None:
    """Write a message that is no result. If that fails, the command goes on."""
    write_stderr(f"backup-auditor: {escape_text(text)}\n")


def describe_notes(audit: AuditResult) -> Iterator[str]:
    """Return the notes of an audit, and why it could not be recorded."""
    yield from audit.notes
    if audit.record_error is not None:
        yield f"this audit could not be recorded: {format_error_line(audit.record_error)}"


class ProgressBars:
    """Shows a bar for each thing that is being read."""

    def __init__(self, display: object) -> None:
        """Draw on a `rich.progress.Progress`."""
        self._display: Any = display
        self._lock = Lock()
        self._tasks: dict[str, Any] = {}
        self._totals: dict[str, int] = {}

    def expect(self, label: str, count: int) -> None:
        """Make a bar, or lengthen it."""
        with self._lock:
            self._totals[label] = self._totals.get(label, 0) + count
            if label in self._tasks:
                self._display.update(self._tasks[label], total=self._totals[label])
            else:
                self._tasks[label] = self._display.add_task(f"reading {label}", total=count)

    def advance(self, label: str) -> None:
        """Fill a bar by one."""
        with self._lock:
            if label in self._tasks:
                self._display.advance(self._tasks[label])


def supports_progress() -> bool:
    """Return whether standard error is a terminal that can be drawn on, and `rich` is there."""
    return sys.stderr.isatty() and supports_cursor_control(os.environ) and find_spec("rich") is not None


class ProjectBar:
    """Shows one bar for a project that is being read."""

    def __init__(self, display: object, task: object) -> None:
        """Draw the bar of a task on a `rich.progress.Progress`."""
        self._display: Any = display
        self._task = task
        self._total = 0
        self._lock = Lock()

    def expect(self, label: str, count: int) -> None:
        """Lengthen the bar, whatever is read."""
        del label
        with self._lock:
            self._total += count
            self._display.update(self._task, total=self._total)

    def advance(self, label: str) -> None:
        """Fill the bar by one."""
        del label
        self._display.advance(self._task)


class FleetProgress:
    """Shows how many projects are audited, and a bar for each that is being read. Safe to use from many threads."""

    def __init__(self, display: object | None = None, project_count: int = 0) -> None:
        """Draw on a `rich.progress.Progress`; `None` shows nothing."""
        self._display = cast("Any", display)
        if self._display is not None:
            self._task = self._display.add_task("audited projects", total=project_count)

    @contextmanager
    def show_project(self, name: str) -> Iterator[Progress]:
        """Show the progress of a project while the block runs."""
        if self._display is None:
            yield NoProgress()
            return
        label = escape_text(cut_text(name, _MAX_LABEL_LENGTH))  # a longer one would leave no room for any bar
        task = self._display.add_task(f"reading {label}", total=None)
        try:
            yield ProjectBar(self._display, task)
        finally:
            self._display.remove_task(task)

    def count_project(self) -> None:
        """Count a project as audited, or as one that cannot be."""
        if self._display is not None:
            self._display.advance(self._task)


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Show the progress of one audit while the block runs, if that is supported."""
    with _open_display() as display:
        yield NoProgress() if display is None else ProgressBars(display)


@contextmanager
def show_fleet_progress(project_count: int) -> Iterator[FleetProgress]:
    """Show the progress of many audits while the block runs, if that is supported."""
    with _open_display() as display:
        yield FleetProgress(display, project_count)


@contextmanager
def _open_display() -> Iterator[object | None]:
    """Open a display of bars; `None` if that is not supported."""
    if not supports_progress():
        yield None
        return
    rich_progress = import_module("rich.progress")
    console = import_module("rich.console").Console(stderr=True)
    columns = (
        rich_progress.TextColumn("{task.description}", markup=False),
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TimeElapsedColumn(),
    )
    with rich_progress.Progress(*columns, console=console, transient=True) as display:
        yield display


def make_render_options(
    arguments: Namespace, *, is_file: bool, report_count: int = 1, fleet: Fleet | None = None
) -> RenderOptions:
    """Return the options for the documents that the flags name."""
    return RenderOptions(
        controls=CATALOG.all_controls,
        full_command=_build_full_report_command(arguments),
        report_count=report_count,
        fleet=fleet,
        is_file=is_file,
        width=_DEFAULT_WIDTH if is_file else get_terminal_width(),
        is_colored=not is_file and is_colored(),
    )


def _build_full_report_command(arguments: Namespace) -> str:
    """Return the command that shows, for the same project and policy, what a format leaves out."""
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
