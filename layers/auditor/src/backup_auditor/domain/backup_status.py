"""The status of one backup at the time of the audit, merged from every listing that shows it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from backup_auditor.domain.listing import ReadFailure
from backup_auditor.domain.model import Backup, Frequency, Schedule
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE, parse_run_name


class BackupPhase(IntEnum):
    """How far a backup has come, least first."""

    UNKNOWN = 0
    SCHEDULED = 1
    IN_PROGRESS = 2
    FAILED = 3
    READY = 4


_PHASES = {
    "ready": BackupPhase.READY,
    "initializing": BackupPhase.IN_PROGRESS,
    "pending": BackupPhase.IN_PROGRESS,
    "scheduled": BackupPhase.SCHEDULED,
    "failed": BackupPhase.FAILED,
    "initializationfailed": BackupPhase.FAILED,
}
_FINAL_PHASES = (BackupPhase.READY, BackupPhase.FAILED)
_COMMON_PHASES = {"Ready": BackupPhase.READY}
"""What nearly every row says, as Pinecone writes it: there are many rows."""


def parse_phase(status: str) -> BackupPhase:
    """Return the phase that a status alone names, without regard to case; the set of statuses is open."""
    return _COMMON_PHASES.get(status) or _PHASES.get(status.casefold(), BackupPhase.UNKNOWN)


def find_run_moment(backup: Backup) -> datetime | None:
    """Return when a scheduled run is, or was, due to capture; `None` where the row carries no run's moment."""
    return backup.scheduled_for or parse_run_name(backup.name)


def compute_capture_time(phase: BackupPhase, moment: datetime | None, observed_at: datetime) -> datetime | None:
    """Return when the data was taken, by the auditor's clock, if the rows of a backup say that it was at a moment.

    What is finished was not taken in the future: a moment that lies ahead by no more than clocks may differ is now.
    """
    if moment is None or moment <= observed_at or phase not in _FINAL_PHASES:
        return moment
    return observed_at if moment - observed_at <= CLOCK_TOLERANCE else moment


def is_scheduled_run(backup: Backup, observed_at: datetime) -> bool:
    """Tell whether a row alone shows a run that is still to come; it may stand as `Initializing` before its time."""
    phase = parse_phase(backup.status)
    if phase is BackupPhase.IN_PROGRESS:
        run_at = find_run_moment(backup)
        return run_at is not None and run_at > observed_at
    return phase is BackupPhase.SCHEDULED


@dataclass(frozen=True, slots=True)
class BackupRecord:
    """A backup as it stands at the moment of the audit."""

    backup: Backup
    """The row that shows it furthest along."""
    phase: BackupPhase
    captured_at: datetime | None
    """When the data was, or is to be, taken; `None` where no row tells any time.

    Of a finished backup it is not later than the audit, where no more than a difference of clocks is in the way.
    """
    run_at: datetime | None
    """When its run was, or is, due; `None` where no row tells a run's moment."""
    is_listed: bool
    """Whether it stands in a backup listing; a row of a history alone is a run, not a recovery point."""
    is_listed_ready: bool
    """Whether a backup listing itself shows it as `Ready`."""
    schedule: Schedule | None
    """The schedule whose history lists it; the first, should there be more."""
    unknown_status: str | None = None
    """A status that any of its rows has and that is not known."""
    reported_at: datetime | None = None
    """When the data was taken as its rows say, by the service's clock: the order of backups goes by it."""

    def may_be_scheduled(self, histories_failure: ReadFailure | None) -> bool:
        """Tell whether it is shown as under way, and may be the planned run of a schedule that is not wholly known."""
        if self.phase is not BackupPhase.IN_PROGRESS or self.run_at is not None or self.captured_at is None:
            return False
        if self.schedule is None:
            return histories_failure is not None
        return Frequency.parse(self.schedule.frequency) is None


def merge_backup_rows(
    listed_backups: Iterable[Backup],
    runs: Iterable[tuple[Schedule, Backup]],
    observed_at: datetime,
    grace: timedelta,
) -> dict[str, BackupRecord]:
    """Put the rows of backup listings and of histories together, by backup id."""
    rows_by_id = {backup.backup_id: [backup] for backup in listed_backups}
    listed_ids = frozenset(rows_by_id)
    schedules_by_id: dict[str, Schedule] = {}
    for schedule, backup in runs:
        rows_by_id.setdefault(backup.backup_id, []).append(backup)
        schedules_by_id.setdefault(backup.backup_id, schedule)
    return {
        backup_id: _merge_rows(backup_rows, backup_id in listed_ids, schedules_by_id.get(backup_id), observed_at, grace)
        for backup_id, backup_rows in rows_by_id.items()
    }


def _merge_rows(
    rows: Sequence[Backup], is_listed: bool, schedule: Schedule | None, observed_at: datetime, grace: timedelta
) -> BackupRecord:
    row = rows[0]
    phase = parse_phase(row.status)
    is_listed_ready = is_listed and phase is BackupPhase.READY
    unknown_status = row.status if phase is BackupPhase.UNKNOWN else None
    for other_row in rows[1:]:
        other_phase = parse_phase(other_row.status)
        if other_phase is BackupPhase.UNKNOWN:
            unknown_status = unknown_status or other_row.status
        elif other_phase > phase and not (
            is_listed and phase is BackupPhase.UNKNOWN
        ):  # an unknown listed status is never good
            row, phase = other_row, other_phase
    run_at = _find_first_moment(it.scheduled_for for it in rows) or _find_first_moment(
        parse_run_name(it.name) for it in rows
    )
    created_at = _find_first_moment(it.created_at for it in rows)
    if phase is BackupPhase.IN_PROGRESS and has_not_started(run_at, created_at, schedule, observed_at, grace):
        phase = BackupPhase.SCHEDULED
    moment = run_at or created_at
    captured_at = compute_capture_time(phase, moment, observed_at)
    return BackupRecord(row, phase, captured_at, run_at, is_listed, is_listed_ready, schedule, unknown_status, moment)


def _find_first_moment(moments: Iterable[datetime | None]) -> datetime | None:
    return next((it for it in moments if it is not None), None)


def has_not_started(
    run_at: datetime | None,
    created_at: datetime | None,
    schedule: Schedule | None,
    observed_at: datetime,
    grace: timedelta,
) -> bool:
    """Tell whether a run shown as under way has not begun: its time is to come, or it tells none and is young."""
    if run_at is not None:
        return run_at > observed_at
    if schedule is None or created_at is None:
        return False
    frequency = Frequency.parse(schedule.frequency)
    return frequency is not None and observed_at - created_at < frequency.interval + grace


def sort_newest_first(records: Iterable[BackupRecord]) -> list[BackupRecord]:
    """Sort dated backups by capture time, newest first; those without any time are left out."""
    sortable_records = [
        (it.reported_at or it.captured_at, it.backup.backup_id, it) for it in records if it.captured_at is not None
    ]
    return [it for _, _, it in sorted(sortable_records, key=lambda key: key[:2], reverse=True)]


def group_by_index_name(backups: Iterable[Backup]) -> Mapping[str, list[Backup]]:
    """Group backups by the name of their source index, in one pass."""
    backups_by_name: dict[str, list[Backup]] = {}
    for backup in backups:
        backups_by_name.setdefault(backup.index_name, []).append(backup)
    return backups_by_name
