"""Test the status of a backup that several rows contain."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from backup_auditor.domain.backup_status import BackupPhase, BackupRecord, merge_backup_rows, sort_newest_first
from backup_auditor.domain.model import Backup
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE
from support.builders.facts import (
    DAY,
    GRACE,
    HOUR,
    NOW,
    SECOND,
    ago,
    build_backup,
    build_run,
    build_schedule,
    build_unnamed_run,
)

NIGHTLY_SCHEDULE = build_schedule()


def merge_single_backup(listed_backups: Sequence[Backup] = (), runs: Sequence[Backup] = ()) -> BackupRecord:
    """Merge rows of one backup."""
    (record,) = merge_backup_rows(listed_backups, [(NIGHTLY_SCHEDULE, row) for row in runs], NOW, GRACE).values()
    return record


@pytest.mark.parametrize(
    "listed_status,history,phase",
    [
        ("Ready", "Initializing", BackupPhase.READY),
        ("Initializing", "Ready", BackupPhase.READY),
        ("Initializing", "Failed", BackupPhase.FAILED),
        ("Scheduled", "Pending", BackupPhase.IN_PROGRESS),
        ("Failed", "Ready", BackupPhase.READY),
        ("Ready", "Archived", BackupPhase.READY),
        ("Archived", "Ready", BackupPhase.UNKNOWN),
        ("Archived", "Failed", BackupPhase.UNKNOWN),
    ],
)
def test_the_more_advanced_phase_wins(listed_status: str, history: str, phase: BackupPhase) -> None:
    """The more advanced phase wins, but a backup with an unknown status in the backup listing is never ready."""
    record = merge_single_backup([build_run(DAY, status=listed_status)], [build_run(DAY, status=history)])
    assert record.phase is phase
    assert (record.unknown_status == "Archived") is ("Archived" in {listed_status, history})


def test_the_capture_time_comes_from_any_row() -> None:
    """The capture time is the execution time, else the time in the name, else the creation time."""
    bare_run = build_run(DAY, name=None, scheduled_for=None, created_at=ago(2 * DAY))
    assert merge_single_backup([bare_run], [build_run(DAY, scheduled_for=ago(DAY - SECOND))]).captured_at == ago(
        DAY - SECOND
    )
    assert merge_single_backup(
        [build_run(DAY, scheduled_for=None)], [build_run(DAY, scheduled_for=ago(HOUR))]
    ).captured_at == ago(HOUR)
    assert merge_single_backup([bare_run], [build_run(DAY, scheduled_for=None)]).captured_at == ago(DAY)
    assert merge_single_backup([bare_run]).captured_at == ago(2 * DAY)
    assert merge_single_backup([bare_run]).run_at is None


@pytest.mark.parametrize("status", ["Ready", "Failed", "InitializationFailed"])
@pytest.mark.parametrize(
    "future_offset, captured_at",
    [
        pytest.param(SECOND, NOW, id="one-second"),
        pytest.param(CLOCK_TOLERANCE, NOW, id="at-limit"),
        pytest.param(CLOCK_TOLERANCE + SECOND, NOW + CLOCK_TOLERANCE + SECOND, id="one-second-past"),
    ],
)
def test_a_capture_time_slightly_ahead_counts_as_now(
    status: str, future_offset: timedelta, captured_at: datetime
) -> None:
    """A finished backup up to 15 minutes in the future was taken now: clocks differ."""
    assert merge_single_backup([build_run(-future_offset, status=status)]).captured_at == captured_at
    assert merge_single_backup((), [build_run(-future_offset, status=status)]).captured_at == captured_at
    assert merge_single_backup([build_backup(-future_offset, status=status)]).captured_at == captured_at


@pytest.mark.parametrize("status", ["Scheduled", "Initializing", "Archived"])
def test_a_capture_time_of_an_unfinished_backup_stays_in_the_future(status: str) -> None:
    """A planned run and a backup of unknown status have a capture time in the future."""
    record = merge_single_backup([build_run(-SECOND, status=status)])
    assert record.captured_at == NOW + SECOND
    assert record.phase in {BackupPhase.SCHEDULED, BackupPhase.UNKNOWN}


def test_backups_slightly_ahead_keep_their_order() -> None:
    """The newest of two backups whose capture times both count as now is the one that was captured later."""
    rows = [
        build_backup(-SECOND, backup_id="b"),
        build_backup(-2 * SECOND, backup_id="a"),
        build_backup(0 * SECOND, backup_id="c"),
    ]
    ordered_records = sort_newest_first(merge_backup_rows(rows, (), NOW, GRACE).values())
    assert [it.backup.backup_id for it in ordered_records] == ["a", "b", "c"]


def test_a_row_only_in_a_history_is_not_listed() -> None:
    """A row that is only in a history is not listed, and a backup that no history contains has no schedule."""
    assert not merge_single_backup((), [build_run(DAY)]).is_listed
    assert merge_single_backup((), [build_run(DAY)]).schedule is NIGHTLY_SCHEDULE
    assert merge_single_backup([build_backup()]).is_listed
    assert merge_single_backup([build_backup()]).schedule is None


@pytest.mark.parametrize(
    "row,phase",
    [
        pytest.param(build_run(-SECOND, status="Initializing"), BackupPhase.SCHEDULED, id="one-second-before"),
        pytest.param(build_run(0 * SECOND, status="Initializing"), BackupPhase.IN_PROGRESS, id="due"),
        pytest.param(build_unnamed_run(DAY + GRACE - SECOND), BackupPhase.SCHEDULED, id="unnamed-and-young"),
        pytest.param(build_unnamed_run(DAY + GRACE), BackupPhase.IN_PROGRESS, id="unnamed-and-old"),
        pytest.param(build_unnamed_run(DAY, created_at=None), BackupPhase.IN_PROGRESS, id="no-time-at-all"),
    ],
)
def test_a_run_in_progress_may_be_planned(row: Backup, phase: BackupPhase) -> None:
    """A run in progress is planned until its time; without a time, until it is older than interval and grace."""
    assert merge_single_backup((), [row]).phase is phase


def test_a_manual_backup_without_a_name_is_in_progress_at_once() -> None:
    """A manual backup is never a planned run."""
    assert merge_single_backup([build_backup(SECOND, status="Initializing")]).phase is BackupPhase.IN_PROGRESS


def test_backups_are_sorted_by_capture_time_and_id() -> None:
    """Backups without a time are left out, and the order of the rows does not matter."""
    rows = [build_backup(DAY, backup_id="b"), build_backup(None), build_backup(HOUR), build_backup(DAY, backup_id="a")]
    for order in (rows, rows[::-1]):
        ordered_records = sort_newest_first(merge_backup_rows(order, (), NOW, GRACE).values())
        assert [it.backup.backup_id for it in ordered_records] == ["manual-1:00:00", "b", "a"]
