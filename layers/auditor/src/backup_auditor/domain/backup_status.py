"""The status of one backup at the time of the audit, merged from all listings that contain it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from backup_auditor.domain.listing import ReadFailure
from backup_auditor.domain.model import Backup, Frequency, Schedule
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE, format_moment, parse_run_name


class BackupPhase(IntEnum):
    """The phases of a backup, in the order in which it passes through them."""

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
"""The most frequent status as Pinecone writes it; it makes the lookup faster."""


def parse_phase(status: str) -> BackupPhase:
    """Return the phase of a status, in any case. Pinecone may add statuses; those are `UNKNOWN`."""
    return _COMMON_PHASES.get(status) or _PHASES.get(status.casefold(), BackupPhase.UNKNOWN)


def find_run_moment(backup: Backup) -> datetime | None:
    """Return the time for which a run is or was scheduled; `None` if the row has none."""
    return backup.scheduled_for or parse_run_name(backup.name)


def compute_capture_time(phase: BackupPhase, moment: datetime | None, observed_at: datetime) -> datetime | None:
    """Return the capture time of a backup by the auditor's clock; `moment` is the time in its rows.

    A finished backup cannot be from the future: a time within `CLOCK_TOLERANCE` after the audit counts as now.
    """
    if moment is None or moment <= observed_at or phase not in _FINAL_PHASES:
        return moment
    return observed_at if moment - observed_at <= CLOCK_TOLERANCE else moment


def is_scheduled_run(backup: Backup, observed_at: datetime) -> bool:
    """Return whether a row is a planned run. Before its time it may already have the status `Initializing`."""
    phase = parse_phase(backup.status)
    if phase is BackupPhase.IN_PROGRESS:
        run_at = find_run_moment(backup)
        return run_at is not None and run_at > observed_at
    return phase is BackupPhase.SCHEDULED


@dataclass(frozen=True, slots=True)
class BackupRecord:
    """A backup with its status at the time of the audit."""

    backup: Backup
    """The row with the most advanced phase."""
    phase: BackupPhase
    captured_at: datetime | None
    """When the data was or will be taken; `None` if no row has a time.

    For a finished backup, a time slightly after the audit counts as the time of the audit: clocks differ.
    """
    run_at: datetime | None
    """The time for which its run was scheduled; `None` if no row has one."""
    is_listed: bool
    """Whether a backup listing contains it; a row found only in a history is a run, not a recovery point."""
    is_listed_ready: bool
    """Whether its row in a backup listing has the status `Ready`."""
    schedule: Schedule | None
    """The schedule whose history contains it; the first, if there are several."""
    unknown_status: str | None = None
    """The first unknown status among its rows."""
    reported_at: datetime | None = None
    """The capture time in its rows, by the service's clock. Backups are sorted by it."""

    @property
    def evidence(self) -> dict[str, object]:
        """The id, the status and the capture time as evidence."""
        return {
            "backup_id": self.backup.backup_id,
            "status": self.backup.status,
            "captured_at": format_moment(self.captured_at) if self.captured_at else None,
        }

    def may_be_scheduled(self, histories_failure: ReadFailure | None) -> bool:
        """Return whether it is in progress but could be a planned run, because its schedule is not fully known."""
        if self.phase is not BackupPhase.IN_PROGRESS or self.run_at is not None or self.captured_at is None:
            return False
        if self.schedule is None:
            return histories_failure is not None
        return Frequency.parse(self.schedule.frequency) is None


def merge_backup_rows(
    listed_backups: Iterable[Backup], runs: Iterable[tuple[Schedule, Backup]], observed_at: datetime, grace: timedelta
) -> dict[str, BackupRecord]:
    """Merge the rows of backup listings and of histories, by backup id."""
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
        ):  # a listed unknown status is never overridden
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
    """Return whether a run in progress has not started: its time is in the future, or it has none and is recent."""
    if run_at is not None:
        return run_at > observed_at
    if schedule is None or created_at is None:
        return False
    frequency = Frequency.parse(schedule.frequency)
    return frequency is not None and observed_at - created_at < frequency.interval + grace


def sort_newest_first(records: Iterable[BackupRecord]) -> list[BackupRecord]:
    """Return the backups with a capture time, newest first."""
    sortable_records = [
        (it.reported_at or it.captured_at, it.backup.backup_id, it) for it in records if it.captured_at is not None
    ]
    return [it for _, _, it in sorted(sortable_records, key=lambda key: key[:2], reverse=True)]


def group_by_index_name(backups: Iterable[Backup]) -> Mapping[str, list[Backup]]:
    """Group backups by the name of their index."""
    backups_by_name: dict[str, list[Backup]] = {}
    for backup in backups:
        backups_by_name.setdefault(backup.index_name, []).append(backup)
    return backups_by_name
