"""When a backup is due to be deleted, as far as that is known."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from backup_auditor.domain.evaluation.index_schedules import IndexSchedules
from backup_auditor.domain.evaluation.live_index import LiveId
from backup_auditor.domain.inventory import IndexFacts, Inventory
from backup_auditor.domain.listing import Denial, Listing, known_rows
from backup_auditor.domain.model import Backup, Schedule
from backup_auditor.domain.project_state import KnownBackup, ProjectState
from backup_auditor.domain.settings_history import SettingsHistory
from backup_auditor.domain.timefmt import moment_in_run_name


@dataclass(frozen=True, slots=True)
class BackupExpiry:
    """When a backup expires, and whether it does."""

    expires: bool | None
    """`False` for a manual backup, which never does; `None` where nothing tells manual from scheduled."""
    at: datetime | None = None
    """`None` where it never expires, or where the moment is not known."""


NEVER_EXPIRES = BackupExpiry(expires=False)
UNKNOWN_EXPIRY = BackupExpiry(expires=None)


class BackupExpiries:
    """Tells which schedule made a backup, and when the backup is due: by capture time and that schedule's retention.

    A backup that no history lists is manual, unless its name is a run's: then its schedule is gone, and only what is
    remembered tells its expiry.
    """

    def __init__(
        self,
        inventory: Inventory,
        live_ids: Mapping[str, LiveId],
        refused: Denial | None,
        memory: ProjectState,
        settings: Mapping[str, SettingsHistory],
    ) -> None:
        """Look at all histories of a project once; `refused` is the answer by which its plan has no schedules."""
        self._settings = settings
        self._inventory = inventory
        self._live_ids = live_ids
        self._refused = refused
        self._remembered = memory.backups
        self._facts = {it.index.name: it for it in inventory.indexes}
        self._is_read: dict[str, bool] = {}
        self._makers: dict[str, Schedule] = {}
        self.schedules: dict[str, Schedule] = {}
        """Every known schedule of the project, by its id."""
        for facts in inventory.indexes:
            for schedule in known_rows(facts.schedules):
                self.schedules.setdefault(schedule.schedule_id, schedule)
                for run in known_rows(inventory.histories.get(schedule.schedule_id)):
                    self._makers.setdefault(run.backup_id, schedule)

    def maker(self, backup_id: str) -> Schedule | None:
        """Return the schedule that made a backup, where its history lists it, or listed it when it was last known."""
        schedule = self._makers.get(backup_id)
        if schedule is None and (remembered := self._remembered.get(backup_id)) is not None:
            return self.schedules.get(remembered.schedule_id or "")
        return schedule

    def shortened(self, known: KnownBackup) -> KnownBackup:
        """Return a remembered backup by the present retention too: a shorter one ends it earlier, a longer not later.

        What is remembered already in that way comes back as it is, and so does one that was missed before: the
        retention that was known then decides.
        """
        if known.missed_at is not None:
            return known
        maker = self.maker(known.backup_id)
        expires_at = self._due(known.captured_at, maker) if maker else None
        if expires_at is None or known.expires_at is None or known.expires_at <= expires_at:
            return known
        return replace(known, expires_at=expires_at)

    def expires(self, backup: Backup) -> bool | None:
        """Tell whether a listed backup expires at all; `None` where nothing tells manual from scheduled."""
        if backup.backup_id in self._makers or moment_in_run_name(backup.name) is not None:
            return True
        return self.of(backup, None).expires

    def of(self, backup: Backup, captured_at: datetime | None) -> BackupExpiry:
        """Return when a listed backup expires that was captured at that moment."""
        schedule = self.maker(backup.backup_id)
        if schedule is not None:
            return BackupExpiry(expires=True, at=self._due(captured_at, schedule))
        is_told = self._is_told(backup)
        remembered = self._remembered.get(backup.backup_id)
        if moment_in_run_name(backup.name) is not None or (remembered is not None and remembered.expires):
            return BackupExpiry(expires=True, at=remembered.expires_at if remembered and is_told else None)
        return NEVER_EXPIRES if is_told else UNKNOWN_EXPIRY

    def _due(self, captured_at: datetime | None, schedule: Schedule) -> datetime | None:
        """Return when what a schedule made is due; `None` where its retention or the capture time is not known."""
        if captured_at is None or schedule.retention is None:
            return None
        return self._settings[schedule.schedule_id].due(captured_at)

    def _is_told(self, backup: Backup) -> bool:
        """Tell whether every history in which a backup could be listed was read to its end."""
        facts = self._facts.get(backup.index_name)
        if facts is None:
            is_leaving = backup.index_name in self._inventory.terminating_names  # its histories were not read
            return self._inventory.indexes_unread is None and not is_leaving
        live = self._live_ids[backup.index_name]
        if live.doubt is None and live.id != backup.index_id:
            return True  # an earlier index of that name: its schedules are gone
        name = backup.index_name
        if name not in self._is_read:
            self._is_read[name] = self._are_histories_read(facts)
        return self._is_read[name]

    def _are_histories_read(self, facts: IndexFacts) -> bool:
        schedules = IndexSchedules(facts, self._refused)
        histories = (self._inventory.histories.get(it.schedule_id) for it in schedules.known)
        return schedules.unread is None and all(isinstance(it, Listing) and it.broken is None for it in histories)
