"""When backups expire, as far as that is known."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from backup_auditor.domain.evaluation.index_schedules import IndexSchedules
from backup_auditor.domain.evaluation.live_index import LiveId
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import Denial, list_rows
from backup_auditor.domain.model import Backup, Schedule
from backup_auditor.domain.project_state import KnownBackup, ProjectState
from backup_auditor.domain.settings_history import SettingsHistory
from backup_auditor.domain.timefmt import parse_run_name


@dataclass(frozen=True, slots=True)
class BackupExpiry:
    """When a backup expires, and whether it does."""

    expires: bool | None
    """`False` for a manual backup; `None` if it is unknown whether the backup is manual or scheduled."""
    expires_at: datetime | None = None
    """`None` if it never expires, or if the time is unknown."""


NEVER_EXPIRES = BackupExpiry(expires=False)
UNKNOWN_EXPIRY = BackupExpiry(expires=None)


@dataclass(frozen=True, slots=True)
class ExpirySummary:
    """When the recovery points of an index expire."""

    point_count: int
    never_expiring_count: int
    unknown_count: int
    last_known: datetime | None
    """The latest known expiry."""

    @property
    def last_expires_at(self) -> datetime | None:
        """When the last recovery point expires; `None` if there is none, one never expires, or that is unknown."""
        return None if self.never_expiring_count or self.unknown_count else self.last_known


class BackupExpiries:
    """The schedule that made each backup, and the backup's expiry: capture time plus the retention of that schedule.

    A backup that no history lists is manual, unless its name is a run's name. Then its schedule is deleted, and only
    the state knows its expiry.
    """

    def __init__(
        self,
        inventory: Inventory,
        live_ids: Mapping[str, LiveId],
        plan_denial: Denial | None,
        state: ProjectState,
        settings_histories: Mapping[str, SettingsHistory],
    ) -> None:
        """Read all histories of a project once; `plan_denial` is the answer that its plan has no schedules."""
        self._settings_histories = settings_histories
        self.inventory = inventory
        self.live_ids = live_ids
        self._plan_denial = plan_denial
        self._known_backups = state.backups
        self._facts_by_name = {it.index.name: it for it in inventory.indexes}
        self._completeness_by_name: dict[str, bool] = {}
        self._schedules_by_backup_id: dict[str, Schedule] = {}
        self.schedules: dict[str, Schedule] = {}
        """Every known schedule of the project, by its id."""
        for facts in inventory.indexes:
            for schedule in list_rows(facts.schedules):
                self.schedules.setdefault(schedule.schedule_id, schedule)
                for run in list_rows(inventory.histories.get(schedule.schedule_id)):
                    self._schedules_by_backup_id.setdefault(run.backup_id, schedule)

    def find_schedule(self, backup_id: str) -> Schedule | None:
        """Return the schedule that made a backup: whose history lists it, or listed it in a previous audit."""
        schedule = self._schedules_by_backup_id.get(backup_id)
        if schedule is None and (known_backup := self._known_backups.get(backup_id)) is not None:
            return self.schedules.get(known_backup.schedule_id or "")
        return schedule

    def with_current_retention(self, backup: KnownBackup) -> KnownBackup:
        """Return a recorded backup with its expiry by the current retention, if that is earlier.

        A backup that was missed in a previous audit is unchanged: the retention known then decides.
        """
        if backup.missed_at is not None:
            return backup
        schedule = self.find_schedule(backup.backup_id)
        expires_at = self._find_due_time(backup.captured_at, schedule) if schedule else None
        if expires_at is None or backup.expires_at is None or backup.expires_at <= expires_at:
            return backup
        return replace(backup, expires_at=expires_at)

    def expires(self, backup: Backup) -> bool | None:
        """Return whether a listed backup expires; `None` if it is unknown whether it is manual or scheduled."""
        if backup.backup_id in self._schedules_by_backup_id or parse_run_name(backup.name) is not None:
            return True
        return self.find_expiry(backup, None).expires

    def find_expiry(self, backup: Backup, captured_at: datetime | None) -> BackupExpiry:
        """Return the expiry of a listed backup with this capture time."""
        schedule = self.find_schedule(backup.backup_id)
        if schedule is not None:
            return BackupExpiry(expires=True, expires_at=self._find_due_time(captured_at, schedule))
        is_history_complete = self._is_history_complete(backup)
        known_backup = self._known_backups.get(backup.backup_id)
        if parse_run_name(backup.name) is not None or (known_backup is not None and known_backup.expires):
            return BackupExpiry(
                expires=True, expires_at=known_backup.expires_at if known_backup and is_history_complete else None
            )
        return NEVER_EXPIRES if is_history_complete else UNKNOWN_EXPIRY

    def _find_due_time(self, captured_at: datetime | None, schedule: Schedule) -> datetime | None:
        if captured_at is None or schedule.retention is None:
            return None
        return self._settings_histories[schedule.schedule_id].find_due_time(captured_at)

    def _is_history_complete(self, backup: Backup) -> bool:
        """Return whether every history that could list a backup was read completely."""
        facts = self._facts_by_name.get(backup.index_name)
        if facts is None:
            is_unaudited = backup.index_name in self.inventory.unaudited_names  # its histories were not read
            return self.inventory.indexes_failure is None and not is_unaudited
        live_id = self.live_ids[backup.index_name]
        if live_id.unknown_reason is None and live_id.id != backup.index_id:
            return True  # an earlier index of that name: its schedules are deleted
        name = backup.index_name
        if name not in self._completeness_by_name:
            schedules = IndexSchedules(facts, self._plan_denial)
            histories = (self.inventory.histories.get(it.schedule_id) for it in schedules.known_schedules)
            are_read = all(it is not None and it.failure is None for it in histories)
            self._completeness_by_name[name] = schedules.failure is None and are_read
        return self._completeness_by_name[name]
