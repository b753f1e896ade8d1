"""The progress of restore drills on standard error: bars on a terminal, else one line for each change."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from typing import Any

from backup_auditor.cli.output import log_stderr, supports_progress
from backup_auditor.domain.drills.drill import DrillRecord
from backup_auditor.rendering.drill_plan import describe_phase
from backup_auditor.rendering.text import escape_text

type ShowDrill = Callable[[DrillRecord], None]


@contextmanager
def show_drills(now: Callable[[], datetime]) -> Iterator[ShowDrill]:
    """Yield what shows each stored record while the block runs."""
    if not supports_progress():
        yield DrillLog().show
        return
    rich_progress = import_module("rich.progress")
    console = import_module("rich.console").Console(stderr=True)
    columns = (
        rich_progress.SpinnerColumn(),
        rich_progress.TextColumn("{task.description}", markup=False),
        rich_progress.TimeElapsedColumn(),
    )
    with rich_progress.Progress(*columns, console=console, transient=True) as display:
        yield DrillDisplay(display, now).show


class DrillLog:
    """Writes a line when a drill does something else than before."""

    def __init__(self) -> None:
        """Start without a drill."""
        self._phases: dict[int, str] = {}

    def show(self, record: DrillRecord) -> None:
        """Write what a drill does now, unless that was written last."""
        phase = describe_phase(record)
        if self._phases.get(record.number) != phase:
            self._phases[record.number] = phase
            log_stderr(f"{record.index_name}: {phase}")


class DrillDisplay:
    """Shows a line for each drill, with the time since its request."""

    def __init__(self, display: object, now: Callable[[], datetime]) -> None:
        """Draw on a `rich.progress.Progress`."""
        self._display: Any = display
        self._now = now
        self._tasks: dict[int, Any] = {}

    def show(self, record: DrillRecord) -> None:
        """Show what a drill does now."""
        text = f"{escape_text(record.index_name)}: {escape_text(describe_phase(record))}"
        if record.number not in self._tasks:
            self._tasks[record.number] = self._display.add_task(text, total=None)
            elapsed = self._now() - (record.requested_at or self._now())
            self._display.tasks[-1].start_time -= elapsed.total_seconds()
        self._display.update(self._tasks[record.number], description=text)
        if record.is_stopped:
            self._display.stop_task(self._tasks[record.number])
