"""A schedule that is run forward for a year makes the backups and the expiries that the service would make."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from backup_auditor_simulator.model import BackupState, Frequency, Schedule
from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject

START = datetime(2027, 1, 31, 6, tzinfo=UTC)
YEARS = timedelta(days=731)
"""Two of them, so that a leap day lies within."""


def _world_with(frequency: Frequency, retention_days: int) -> tuple[SimulatedProject, Schedule]:
    world = SimulatedProject(START, options=SimulatorOptions(backup_quota=None, max_retention=YEARS * 2))
    world.create_index("orders")
    return world, world.create_schedule("orders", "kept", frequency, retention_days)


def _captured(schedule: Schedule) -> list[datetime]:
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
    """None is missing and none is made twice, months of every length and a leap day included."""
    world, schedule = _world_with(frequency, 800)
    world.advance(YEARS + timedelta(hours=1))
    made = _captured(schedule)
    assert len(made) == count
    apart = {(later - earlier).days for earlier, later in pairwise(made)}
    assert apart == {Frequency.DAILY: {1}, Frequency.WEEKLY: {7}, Frequency.MONTHLY: {29, 30, 31}}[frequency]


def test_a_monthly_schedule_of_the_thirty_first_runs_on_the_last_day_of_every_month() -> None:
    """It keeps its day where the month has it, and does not slide towards the shortest one."""
    world, schedule = _world_with(Frequency.MONTHLY, 400)
    world.advance(timedelta(days=396))
    assert [f"{it:%m-%d}" for it in _captured(schedule)] == [
        "02-28", "03-31", "04-30", "05-31", "06-30", "07-31", "08-31", "09-30", "10-31", "11-30", "12-31", "01-31",
        "02-29",
    ]  # fmt: skip


def test_only_what_is_retained_is_left() -> None:
    """A daily schedule that keeps 35 days has 35 backups for ever, and its planned run."""
    world, schedule = _world_with(Frequency.DAILY, 35)
    world.advance(YEARS)
    assert len(_captured(schedule)) == 35
    assert [it.state for it in world.backups.values()].count(BackupState.SCHEDULED) == 1


@pytest.mark.parametrize(
    "second,left",
    [pytest.param(-1, 1, id="one-second-before"), pytest.param(1, 0, id="one-second-past")],
)
def test_a_backup_expires_when_its_retention_has_passed_since_its_capture(second: int, left: int) -> None:
    """It is not the time of its planning that counts, nor the time at which it became ready."""
    world, schedule = _world_with(Frequency.MONTHLY, 3)
    world.advance(timedelta(days=29))
    (backup,) = [it for it in schedule.runs.values() if it.captured_at]
    assert backup.captured_at is not None
    world.advance_to(backup.captured_at + timedelta(days=3, seconds=second))
    assert len(_captured(schedule)) == left


def test_lowering_the_retention_deletes_early() -> None:
    """What was made under the longer retention goes at once when the shorter one has passed."""
    world, schedule = _world_with(Frequency.DAILY, 35)
    world.advance(timedelta(days=20, hours=1))
    world.update_schedule(schedule.id, retention_days=5)
    assert len(_captured(schedule)) == 5


def test_raising_the_retention_rescues() -> None:
    """What was about to expire is kept as long as the new retention says."""
    world, schedule = _world_with(Frequency.DAILY, 5)
    world.advance(timedelta(days=5, hours=1))
    world.update_schedule(schedule.id, retention_days=30)
    world.advance(timedelta(days=20))
    assert len(_captured(schedule)) == 25


def test_manual_backups_never_expire() -> None:
    """Two years later it is still there."""
    world = SimulatedProject(START)
    world.create_index("orders")
    backup = world.create_backup("orders")
    world.advance(YEARS)
    assert world.backups == {backup.id: backup}
