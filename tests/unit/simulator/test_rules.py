"""The rules of schedules, backups and indexes of the simulated service."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from backup_auditor_simulator.model import ApiError, BackupState, RunOutcome, Schedule
from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject

START = datetime(2026, 3, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def project() -> SimulatedProject:
    """Hold a project with one index."""
    simulated_project = SimulatedProject(START)
    simulated_project.create_index("orders")
    return simulated_project


def _call_and_fail(call: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(ApiError) as error_info:
        call()
    return error_info.value.status, error_info.value.message


def _list_states(schedule: Schedule) -> list[BackupState]:
    return [it.state for it in schedule.runs.values()]


def test_a_run_is_written_down_when_the_one_before_it_begins(project: SimulatedProject) -> None:
    """`created_at` of a run is a whole period before its capture."""
    schedule = project.create_schedule("orders", "nightly")
    project.advance(3 * DAY)
    last_run, planned_run = list(schedule.runs.values())[-2:]
    assert planned_run.state is BackupState.SCHEDULED
    assert planned_run.created_at == last_run.captured_at
    assert planned_run.scheduled_for is not None
    assert planned_run.scheduled_for - planned_run.created_at > DAY - timedelta(seconds=1)


def test_a_run_is_ready_only_after_a_while(project: SimulatedProject) -> None:
    """Before that the run is in progress, and its counts are unknown."""
    schedule = project.create_schedule("orders", "nightly")
    project.advance(DAY + timedelta(minutes=5))
    (run, _) = schedule.runs.values()
    assert (run.state, run.record_count) == (BackupState.IN_PROGRESS, None)
    project.advance(timedelta(minutes=6))
    assert run.state is BackupState.READY
    assert run.record_count


def test_pausing_withdraws_the_planned_run(project: SimulatedProject) -> None:
    """A paused schedule plans no run, and none runs, until it is resumed."""
    schedule = project.create_schedule("orders", "nightly")
    project.update_schedule(schedule.id, enabled=False)
    project.advance(3 * DAY)
    assert schedule.runs == {}


def test_resuming_begins_an_extra_backup_and_counts_again(project: SimulatedProject) -> None:
    """The cadence goes on from the moment of the resumption."""
    schedule = project.create_schedule("orders", "nightly")
    project.update_schedule(schedule.id, enabled=False)
    project.advance(timedelta(hours=5))
    project.update_schedule(schedule.id, enabled=True)
    assert _list_states(schedule) == [BackupState.IN_PROGRESS, BackupState.SCHEDULED]
    assert schedule.next_run == START + timedelta(hours=5) + DAY


def test_a_name_that_is_too_long_is_accepted_and_then_every_run_fails(project: SimulatedProject) -> None:
    """A name of more than 28 characters leaves no room for the rest of the name of a run."""
    project.create_index("invoices")
    long_name_schedule, short_name_schedule = (
        project.create_schedule("orders", "n" * 29),
        project.create_schedule("invoices", "n" * 28),
    )
    project.advance(2 * DAY + timedelta(hours=1))
    assert _list_states(long_name_schedule) == [BackupState.FAILED, BackupState.FAILED, BackupState.SCHEDULED]
    assert _list_states(short_name_schedule) == [BackupState.READY, BackupState.READY, BackupState.SCHEDULED]


def test_a_second_enabled_schedule_is_refused(project: SimulatedProject) -> None:
    """The refusal has several wordings, and always the same status."""
    project.create_schedule("orders", "nightly")
    refusals = []
    for number in range(3):
        refusals.append(_call_and_fail(lambda: project.create_schedule("orders", "second")))
        project.create_index(f"other-{number}")
    assert {status for status, _ in refusals} == {409}
    assert len({message for _, message in refusals}) == 3


def test_a_paused_schedule_protects_from_nothing(project: SimulatedProject) -> None:
    """A schedule can be created beside a paused one, which then cannot be resumed."""
    paused_schedule = project.create_schedule("orders", "nightly")
    project.update_schedule(paused_schedule.id, enabled=False)
    project.create_schedule("orders", "second")
    assert _call_and_fail(lambda: project.update_schedule(paused_schedule.id, enabled=True))[0] == 409


@pytest.mark.parametrize(
    "days,is_accepted",
    [
        pytest.param(0, False, id="one-below"),
        pytest.param(1, True, id="least"),
        pytest.param(400, True, id="most"),
        pytest.param(401, False, id="one-above"),
    ],
)
def test_retention_has_limits(project: SimulatedProject, days: int, is_accepted: bool) -> None:
    """The retention is at least a day, and at most the limit of the service."""
    if is_accepted:
        assert project.create_schedule("orders", "nightly", retention_days=days).retention == days * DAY
    else:
        assert _call_and_fail(lambda: project.create_schedule("orders", "nightly", retention_days=days))[0] == 400


def test_deleting_an_index_deletes_its_schedules_and_keeps_its_backups(project: SimulatedProject) -> None:
    """An index of the same name has another id, no schedule and no backup."""
    earlier_index = project.get_index("orders")
    project.create_schedule("orders", "nightly")
    project.advance(3 * DAY + timedelta(hours=1))
    project.delete_index("orders")
    later_index = project.create_index("orders")
    assert project.schedules == {}
    assert len(earlier_index.backups) == 3
    assert later_index.id != earlier_index.id
    assert (later_index.schedules, later_index.backups) == ({}, {})


def test_backups_of_a_deleted_schedule_expire_after_its_last_retention(project: SimulatedProject) -> None:
    """Deleting a schedule deletes no backup."""
    schedule = project.create_schedule("orders", "nightly", retention_days=5)
    project.advance(2 * DAY + timedelta(hours=1))
    project.delete_schedule(schedule.id)
    assert len(project.backups) == 2
    project.advance(5 * DAY)
    assert project.backups == {}


def test_a_full_project_takes_no_more_backups() -> None:
    """A full project refuses a manual backup, a scheduled one fails, and planned runs take no room."""
    project = SimulatedProject(START, options=SimulatorOptions(backup_quota=2))
    project.create_index("orders")
    schedule = project.create_schedule("orders", "nightly")
    for _ in range(2):
        project.create_backup("orders")
    assert _call_and_fail(lambda: project.create_backup("orders")) == (
        403,
        "Increase your quota or upgrade to create more backups.",
    )
    project.advance(DAY + timedelta(hours=1))
    assert _list_states(schedule) == [BackupState.FAILED, BackupState.SCHEDULED]


def test_a_deletion_takes_effect_a_little_later(project: SimulatedProject) -> None:
    """A deletion is accepted at once, and takes effect a little later."""
    backup = project.create_backup("orders")
    project.delete_backup(backup.id)
    assert backup.id in project.backups
    project.advance(timedelta(seconds=6))
    assert backup.id not in project.backups


def test_a_backup_is_not_deleted_while_an_index_is_made_from_it(project: SimulatedProject) -> None:
    """A backup can be deleted once the restore job is complete."""
    backup = project.create_backup("orders")
    assert _call_and_fail(lambda: project.create_index_from_backup(backup.id, "copy"))[0] == 412
    project.advance(timedelta(minutes=10))
    job = project.create_index_from_backup(backup.id, "copy")
    assert _call_and_fail(lambda: project.delete_backup(backup.id))[0] == 412
    project.advance(timedelta(minutes=10))
    assert job.completed_at == project.now
    project.delete_backup(backup.id)
    project.advance(timedelta(minutes=1))
    assert project.backups == {}


def test_expired_runs_can_stay_in_the_history() -> None:
    """The backup is gone, and the history still lists the run."""
    project = SimulatedProject(START, options=SimulatorOptions(keeps_expired_in_history=True))
    project.create_index("orders")
    schedule = project.create_schedule("orders", "nightly", retention_days=2)
    project.advance(6 * DAY + timedelta(hours=1))
    assert len(schedule.runs) == 7
    assert len(project.backups) == 3


@pytest.mark.parametrize(
    "run_outcome,states",
    [
        pytest.param(RunOutcome.FAILED, [BackupState.FAILED, BackupState.READY, BackupState.SCHEDULED], id="fails"),
        pytest.param(RunOutcome.STUCK, [BackupState.IN_PROGRESS, BackupState.READY, BackupState.SCHEDULED], id="stuck"),
        pytest.param(RunOutcome.SKIPPED, [BackupState.READY, BackupState.SCHEDULED], id="is-skipped"),
        pytest.param(RunOutcome.NOT_STARTED, [BackupState.SCHEDULED], id="never-starts"),
    ],
)
def test_runs_have_their_scripted_outcome(
    project: SimulatedProject, run_outcome: RunOutcome, states: list[BackupState]
) -> None:
    """Only a run that never starts prevents the planning of later ones."""
    schedule = project.create_schedule("orders", "nightly")
    project.script_runs(schedule, [run_outcome])
    project.advance(2 * DAY + timedelta(hours=1))
    assert _list_states(schedule) == states


def test_another_frequency_plans_again(project: SimulatedProject) -> None:
    """Another frequency replaces the planned run; the new cadence is counted from the same anchor."""
    schedule = project.create_schedule("orders", "nightly")
    project.advance(DAY + timedelta(hours=1))
    project.update_schedule(schedule.id, frequency="weekly")
    assert schedule.next_run == START + 7 * DAY
    assert _list_states(schedule) == [BackupState.READY, BackupState.SCHEDULED]
