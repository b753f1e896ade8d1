"""Progress on a terminal: what is being read, how much of it, and for how long."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from typing import Any

from backup_auditor.ports.pinecone import NoProgress, Progress
from backup_auditor.settings.pinecone import supports_cursor_control


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


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Show progress while the block runs, if standard error is a terminal that can be drawn on, and `rich` is there."""
    if not sys.stderr.isatty() or not supports_cursor_control(os.environ) or find_spec("rich") is None:
        yield NoProgress()
        return
    rich_progress = import_module("rich.progress")
    console = import_module("rich.console").Console(stderr=True)
    columns = (
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TimeElapsedColumn(),
    )
    with rich_progress.Progress(*columns, console=console, transient=True) as display:
        yield ProgressBars(display)
