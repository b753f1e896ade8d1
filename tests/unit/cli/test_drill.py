"""Test the progress of restore drills: lines without a terminal, and the lines of a display."""

from types import SimpleNamespace
from typing import Any

import pytest

from backup_auditor.cli.drill import DrillDisplay, DrillLog, show_drills
from backup_auditor.domain.drills.drill import DeletionState, RestoreState
from support.builders.drills import TARGET_NAME, build_drill
from support.builders.facts import HOUR, NOW

RESTORING = build_drill(restore=RestoreState.REQUESTED, requested_at=NOW)
RESTORING_TEXT = f"main: restoring run-1 into {TARGET_NAME} (deadline 2026-11-22 18:00 UTC)"


def test_a_change_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A record that changes nothing that a person sees is not written again."""
    log = DrillLog()
    log.show(RESTORING)
    log.show(build_drill(restore=RestoreState.REQUESTED, requested_at=NOW, is_accepted=True))
    assert capsys.readouterr().err == f"backup-auditor: {RESTORING_TEXT}\n"


def test_without_a_terminal_lines_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard error is no terminal here."""
    with show_drills(lambda: NOW) as show:
        show(RESTORING)
    assert capsys.readouterr().err == f"backup-auditor: {RESTORING_TEXT}\n"


class FakeDisplay:
    """A display that keeps its tasks."""

    def __init__(self) -> None:
        """Start without tasks."""
        self.tasks: list[Any] = []
        self.stopped_ids: list[int] = []

    def add_task(self, description: str, total: object) -> int:
        """Add a task that starts at the second 5,000."""
        assert total is None
        self.tasks.append(SimpleNamespace(description=description, start_time=5000.0))
        return len(self.tasks) - 1

    def update(self, task_id: int, *, description: str) -> None:
        """Change the text of a task."""
        self.tasks[task_id].description = description

    def stop_task(self, task_id: int) -> None:
        """Stop the clock of a task."""
        self.stopped_ids.append(task_id)


def test_a_display_has_a_line_for_each_drill_with_the_time_since_its_request() -> None:
    """The drill of an earlier run has run for an hour; the clock stops when nothing more can be done."""
    fake_display = FakeDisplay()
    display = DrillDisplay(fake_display, lambda: NOW + HOUR)
    display.show(RESTORING)
    display.show(build_drill(number=2))
    assert [(it.description, it.start_time) for it in fake_display.tasks] == [
        (RESTORING_TEXT, 1400.0),
        ("main: recorded as drill 5f5f5f5f5f5f5f5f", 5000.0),
    ]
    display.show(build_drill(deletion=DeletionState.FAILED))
    assert (len(fake_display.tasks), fake_display.stopped_ids) == (2, [0])
