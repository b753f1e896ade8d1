"""What schedules, backups and indexes of the simulated service do to each other."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from backup_auditor_simulator.errors import ApiError
from backup_auditor_simulator.model import BackupState, RunOutcome, Schedule
from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject

START = datetime(2026, 3, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def world() -> SimulatedProject:
    """Hold a project with one index."""
    found = SimulatedProject(START)
    found.create_index("orders")
    return found


def _refused(call: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(ApiError) as refused:
        call()
    return refused.value.status, refused.value.message


def _states(schedule: Schedule) -> list[BackupState]:
    return [it.state for it in schedule.runs.values()]


def test_a_run_is_written_down_when_the_one_before_it_begins(world: SimulatedProject) -> None:
    """`created_at` of a run lies a whole period before its capture."""
    schedule = world.create_schedule("orders", "nightly")
    world.advance(3 * DAY)
    last, planned = list(schedule.runs.values())[-2:]
    assert planned.state is BackupState.SCHEDULED
    assert planned.created_at == last.captured_at
    assert planned.scheduled_for is not None
    assert planned.scheduled_for - planned.created_at > DAY - timedelta(seconds=1)


def test_a_run_is_ready_only_after_a_while(world: SimulatedProject) -> None:
    """Until then it is under way, and its counts are not known."""
    schedule = world.create_schedule("orders", "nightly")
    world.advance(DAY + timedelta(minutes=5))
    (run, _) = schedule.runs.values()
    assert (run.state, run.record_count) == (BackupState.IN_PROGRESS, None)
    world.advance(timedelta(minutes=6))
    assert run.state is BackupState.READY
    assert run.record_count


def test_pausing_withdraws_the_planned_run(world: SimulatedProject) -> None:
    """Nothing is planned, and nothing runs, until it is resumed."""
    schedule = world.create_schedule("orders", "nightly")
    world.update_schedule(schedule.id, enabled=False)
    world.advance(3 * DAY)
    assert schedule.runs == {}


def test_resuming_begins_an_extra_backup_and_counts_anew(world: SimulatedProject) -> None:
    """The cadence goes on from the moment of the resumption."""
    schedule = world.create_schedule("orders", "nightly")
    world.update_schedule(schedule.id, enabled=False)
    world.advance(timedelta(hours=5))
    world.update_schedule(schedule.id, enabled=True)
    assert _states(schedule) == [BackupState.IN_PROGRESS, BackupState.SCHEDULED]
    assert schedule.next_run == START + timedelta(hours=5) + DAY


def test_a_name_that_is_too_long_is_accepted_and_then_every_run_fails(world: SimulatedProject) -> None:
    """Twenty-eight characters are the most that the name of a run leaves room for."""
    world.create_index("invoices")
    long, short = world.create_schedule("orders", "n" * 29), world.create_schedule("invoices", "n" * 28)
    world.advance(2 * DAY + timedelta(hours=1))
    assert _states(long) == [BackupState.FAILED, BackupState.FAILED, BackupState.SCHEDULED]
    assert _states(short) == [BackupState.READY, BackupState.READY, BackupState.SCHEDULED]


def test_a_second_enabled_schedule_is_refused(world: SimulatedProject) -> None:
    """The refusal is worded in more than one way; its status is always the same."""
    world.create_schedule("orders", "nightly")
    refusals = []
    for number in range(3):
        refusals.append(_refused(lambda: world.create_schedule("orders", "second")))
        world.create_index(f"other-{number}")
    assert {status for status, _ in refusals} == {409}
    assert len({message for _, message in refusals}) == 3


def test_a_paused_schedule_protects_from_nothing(world: SimulatedProject) -> None:
    """One can be created beside it, and then it is the paused one that cannot be resumed."""
    paused = world.create_schedule("orders", "nightly")
    world.update_schedule(paused.id, enabled=False)
    world.create_schedule("orders", "second")
    assert _refused(lambda: world.update_schedule(paused.id, enabled=True))[0] == 409


@pytest.mark.parametrize(
    "days,is_accepted",
    [
        pytest.param(0, False, id="one-below"),
        pytest.param(1, True, id="least"),
        pytest.param(400, True, id="most"),
        pytest.param(401, False, id="one-above"),
    ],
)
def test_retention_has_limits(world: SimulatedProject, days: int, is_accepted: bool) -> None:
    """At least a day, and at most what the service allows."""
    if is_accepted:
        assert world.create_schedule("orders", "nightly", retention_days=days).retention == days * DAY
    else:
        assert _refused(lambda: world.create_schedule("orders", "nightly", retention_days=days))[0] == 400


def test_deleting_an_index_deletes_its_schedules_and_keeps_its_backups(world: SimulatedProject) -> None:
    """An index of the same name has another id, no schedule and no backup."""
    earlier = world.get_index("orders")
    world.create_schedule("orders", "nightly")
    world.advance(3 * DAY + timedelta(hours=1))
    world.delete_index("orders")
    later = world.create_index("orders")
    assert world.schedules == {}
    assert len(earlier.backups) == 3
    assert later.id != earlier.id
    assert (later.schedules, later.backups) == ({}, {})


def test_what_a_deleted_schedule_made_expires_as_it_last_had_it(world: SimulatedProject) -> None:
    """Deleting a schedule deletes no backup."""
    schedule = world.create_schedule("orders", "nightly", retention_days=5)
    world.advance(2 * DAY + timedelta(hours=1))
    world.delete_schedule(schedule.id)
    assert len(world.backups) == 2
    world.advance(5 * DAY)
    assert world.backups == {}


def test_a_full_project_takes_no_more_backups() -> None:
    """A manual one is refused, a scheduled one fails, and planned runs take no room."""
    world = SimulatedProject(START, options=SimulatorOptions(backup_quota=2))
    world.create_index("orders")
    schedule = world.create_schedule("orders", "nightly")
    for _ in range(2):
        world.create_backup("orders")
    assert _refused(lambda: world.create_backup("orders")) == (
        403,
        "Increase your quota or upgrade to create more backups.",
    )
    world.advance(DAY + timedelta(hours=1))
    assert _states(schedule) == [BackupState.FAILED, BackupState.SCHEDULED]


def test_a_deletion_takes_effect_a_little_later(world: SimulatedProject) -> None:
    """It is accepted at once."""
    backup = world.create_backup("orders")
    world.delete_backup(backup.id)
    assert backup.id in world.backups
    world.advance(timedelta(seconds=6))
    assert backup.id not in world.backups


def test_a_backup_is_not_deleted_while_an_index_is_made_from_it(world: SimulatedProject) -> None:
    """Once the restore job has completed, it can be."""
    backup = world.create_backup("orders")
    assert _refused(lambda: world.create_index_from_backup(backup.id, "copy"))[0] == 412
    world.advance(timedelta(minutes=10))
    job = world.create_index_from_backup(backup.id, "copy")
    assert _refused(lambda: world.delete_backup(backup.id))[0] == 412
    world.advance(timedelta(minutes=10))
    assert job.completed_at == world.now
    world.delete_backup(backup.id)
    world.advance(timedelta(minutes=1))
    assert world.backups == {}


def test_expired_runs_can_stay_in_the_history() -> None:
    """The backup is gone, and the run is still told of."""
    world = SimulatedProject(START, options=SimulatorOptions(keeps_expired_in_history=True))
    world.create_index("orders")
    schedule = world.create_schedule("orders", "nightly", retention_days=2)
    world.advance(6 * DAY + timedelta(hours=1))
    assert len(schedule.runs) == 7
    assert len(world.backups) == 3


@pytest.mark.parametrize(
    "fate,states",
    [
        pytest.param(RunOutcome.FAILED, [BackupState.FAILED, BackupState.READY, BackupState.SCHEDULED], id="fails"),
        pytest.param(RunOutcome.STUCK, [BackupState.IN_PROGRESS, BackupState.READY, BackupState.SCHEDULED], id="hangs"),
        pytest.param(RunOutcome.SKIPPED, [BackupState.READY, BackupState.SCHEDULED], id="is-skipped"),
        pytest.param(RunOutcome.NOT_STARTED, [BackupState.SCHEDULED], id="never-starts"),
    ],
)
def test_runs_meet_their_fate(world: SimulatedProject, fate: RunOutcome, states: list[BackupState]) -> None:
    """Only one that never starts keeps those after it from being planned."""
    schedule = world.create_schedule("orders", "nightly")
    world.script_runs(schedule, [fate])
    world.advance(2 * DAY + timedelta(hours=1))
    assert _states(schedule) == states


def test_another_frequency_plans_anew(world: SimulatedProject) -> None:
    """The run that was planned is withdrawn; the new cadence is counted from the same anchor."""
    schedule = world.create_schedule("orders", "nightly")
    world.advance(DAY + timedelta(hours=1))
    world.update_schedule(schedule.id, frequency="weekly")
    assert schedule.next_run == START + 7 * DAY
    assert _states(schedule) == [BackupState.READY, BackupState.SCHEDULED]
