"""Progress on a terminal: what is being read, how much of it, and for how long."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from typing import Any

from backup_auditor.ports.pinecone import Progress
from backup_auditor.settings.pinecone import can_be_drawn_on


class NoBars:
    """Shows nothing."""

    def expect(self, what: str, count: int) -> None:
        """Say nothing."""

    def done(self, what: str) -> None:
        """Say nothing."""


class Bars:
    """Shows a bar for each thing that is being read."""

    def __init__(self, display: object) -> None:
        """Draw on a `rich.progress.Progress`."""
        self._display: Any = display
        self._lock = Lock()
        self._tasks: dict[str, Any] = {}
        self._totals: dict[str, int] = {}

    def expect(self, what: str, count: int) -> None:
        """Make a bar, or lengthen it."""
        with self._lock:
            self._totals[what] = self._totals.get(what, 0) + count
            if what in self._tasks:
                self._display.update(self._tasks[what], total=self._totals[what])
            else:
                self._tasks[what] = self._display.add_task(f"reading {what}", total=count)

    def done(self, what: str) -> None:
        """Fill a bar by one."""
        with self._lock:
            if what in self._tasks:
                self._display.advance(self._tasks[what])


@contextmanager
def progress() -> Iterator[Progress]:
    """Show progress while the block runs, if standard error is a terminal that can be drawn on, and `rich` is there."""
    if not sys.stderr.isatty() or not can_be_drawn_on(os.environ) or find_spec("rich") is None:
        yield NoBars()
        return
    drawing = import_module("rich.progress")
    console = import_module("rich.console").Console(stderr=True)
    columns = (
        drawing.TextColumn("{task.description}"),
        drawing.BarColumn(),
        drawing.MofNCompleteColumn(),
        drawing.TimeElapsedColumn(),
    )
    with drawing.Progress(*columns, console=console, transient=True) as display:
        yield Bars(display)
