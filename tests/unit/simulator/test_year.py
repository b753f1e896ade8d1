"""A schedule that is run forward for a year makes the backups and the expiries that the service would make."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from backup_auditor_simulator.model import BackupState, Frequency, Schedule
from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject

START = datetime(2027, 1, 31, 6, tzinfo=UTC)
TWO_YEARS = timedelta(days=731)
"""Two of them, so that they include a leap day."""


def _build_project(frequency: Frequency, retention_days: int) -> tuple[SimulatedProject, Schedule]:
    project = SimulatedProject(START, options=SimulatorOptions(backup_quota=None, max_retention=TWO_YEARS * 2))
    project.create_index("orders")
    return project, project.create_schedule("orders", "kept", frequency, retention_days)


def _list_captures(schedule: Schedule) -> list[datetime]:
    return [it.captured_at.replace(microsecond=0) for it in schedule.runs.values() if it.captured_at]


@pytest.mark.parametrize(
    "frequency,count",
    [
        pytest.param(Frequency.DAILY, 731, id="daily"),
        pytest.param(Frequency.WEEKLY, 104, id="weekly"),
        pytest.param(Frequency.MONTHLY, 24, id="monthly"),
    ],
)
def test_a_schedule_makes_every_run(frequency: Frequency, count: int) -> None:
    """No run is missing and none is made twice, through months of every length and a leap day."""
    project, schedule = _build_project(frequency, 800)
    project.advance(TWO_YEARS + timedelta(hours=1))
    captures = _list_captures(schedule)
    assert len(captures) == count
    day_gaps = {(later_capture - earlier_capture).days for earlier_capture, later_capture in pairwise(captures)}
    assert day_gaps == {Frequency.DAILY: {1}, Frequency.WEEKLY: {7}, Frequency.MONTHLY: {29, 30, 31}}[frequency]


def test_a_monthly_schedule_of_the_thirty_first_runs_on_the_last_day_of_every_month() -> None:
    """The schedule keeps its day in months that have it, and does not move to the shortest one."""
    project, schedule = _build_project(Frequency.MONTHLY, 400)
    project.advance(timedelta(days=396))
    assert [f"{it:%m-%d}" for it in _list_captures(schedule)] == [
        "02-28", "03-31", "04-30", "05-31", "06-30", "07-31", "08-31", "09-30", "10-31", "11-30", "12-31", "01-31",
        "02-29",
    ]  # fmt: skip


def test_only_what_is_retained_is_left() -> None:
    """A daily schedule that keeps 35 days always has 35 backups, and its planned run."""
    project, schedule = _build_project(Frequency.DAILY, 35)
    project.advance(TWO_YEARS)
    assert len(_list_captures(schedule)) == 35
    assert [it.state for it in project.backups.values()].count(BackupState.SCHEDULED) == 1


@pytest.mark.parametrize(
    "second_offset,remaining_count",
    [pytest.param(-1, 1, id="one-second-before"), pytest.param(1, 0, id="one-second-past")],
)
def test_a_backup_expires_when_its_retention_has_passed_since_its_capture(
    second_offset: int, remaining_count: int
) -> None:
    """The retention counts neither from the planning nor from the time at which the backup is ready."""
    project, schedule = _build_project(Frequency.MONTHLY, 3)
    project.advance(timedelta(days=29))
    (backup,) = [it for it in schedule.runs.values() if it.captured_at]
    assert backup.captured_at is not None
    project.advance_to(backup.captured_at + timedelta(days=3, seconds=second_offset))
    assert len(_list_captures(schedule)) == remaining_count


def test_lowering_the_retention_deletes_early() -> None:
    """A backup of the longer retention is deleted at once when it exceeds the shorter one."""
    project, schedule = _build_project(Frequency.DAILY, 35)
    project.advance(timedelta(days=20, hours=1))
    project.update_schedule(schedule.id, retention_days=5)
    assert len(_list_captures(schedule)) == 5


def test_raising_the_retention_rescues() -> None:
    """A backup that was about to expire is kept as long as the new retention says."""
    project, schedule = _build_project(Frequency.DAILY, 5)
    project.advance(timedelta(days=5, hours=1))
    project.update_schedule(schedule.id, retention_days=30)
    project.advance(timedelta(days=20))
    assert len(_list_captures(schedule)) == 25


def test_manual_backups_never_expire() -> None:
    """A manual backup still exists two years later."""
    project = SimulatedProject(START)
    project.create_index("orders")
    backup = project.create_backup("orders")
    project.advance(TWO_YEARS)
    assert project.backups == {backup.id: backup}
