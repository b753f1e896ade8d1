"""Test the phase of a single row."""

import pytest

from backup_auditor.domain.backup_status import BackupPhase, find_run_moment, is_scheduled_run, parse_phase
from backup_auditor.domain.model import Backup
from support.builders.facts import DAY, NOW, SECOND, ago, build_backup, build_planned_run, build_run


@pytest.mark.parametrize(
    "status,phase",
    [
        ("Ready", BackupPhase.READY),
        ("READY", BackupPhase.READY),
        ("Initializing", BackupPhase.IN_PROGRESS),
        ("Pending", BackupPhase.IN_PROGRESS),
        ("Scheduled", BackupPhase.SCHEDULED),
        ("Failed", BackupPhase.FAILED),
        ("InitializationFailed", BackupPhase.FAILED),
        ("Terminating", BackupPhase.UNKNOWN),
        ("", BackupPhase.UNKNOWN),
    ],
)
def test_an_unknown_status_has_the_phase_unknown(status: str, phase: BackupPhase) -> None:
    """A status is matched in any case, and an unknown status has the phase unknown."""
    assert parse_phase(status) is phase


def test_execution_time_takes_precedence_over_the_name() -> None:
    """A run that is planned for a full second may execute slightly later; its execution time counts."""
    row = build_run(DAY, scheduled_for=ago(DAY - SECOND))
    assert find_run_moment(row) == ago(DAY - SECOND)
    assert find_run_moment(build_run(DAY, scheduled_for=None)) == ago(DAY)
    assert find_run_moment(build_backup(DAY)) is None


@pytest.mark.parametrize(
    "row,is_planned",
    [
        pytest.param(build_planned_run(), True, id="scheduled"),
        pytest.param(build_planned_run(-DAY), True, id="scheduled-and-overdue"),
        pytest.param(build_run(-SECOND, status="Initializing"), True, id="initializing-one-second-before"),
        pytest.param(build_run(0 * SECOND, status="Initializing"), False, id="initializing-when-due"),
        pytest.param(build_backup(SECOND, status="Initializing"), False, id="manual-under-way"),
        pytest.param(build_run(DAY), False, id="ready"),
    ],
)
def test_a_single_row_may_be_a_planned_run(row: Backup, is_planned: bool) -> None:
    """A planned run uses no quota and is not a backup yet."""
    assert is_scheduled_run(row, NOW) is is_planned
