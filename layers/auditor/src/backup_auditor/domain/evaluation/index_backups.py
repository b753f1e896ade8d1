"""The backups of one live index, the runs of its schedules, and how many recovery points it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from backup_auditor.domain.backup_status import (
    BackupPhase,
    BackupRecord,
    merge_backup_rows,
    parse_phase,
    sort_newest_first,
)
from backup_auditor.domain.evaluation.expiry import BackupExpiries, BackupExpiry, ExpirySummary
from backup_auditor.domain.evaluation.index_schedules import IndexSchedules, create_read_failure_error
from backup_auditor.domain.evaluation.live_index import LiveId, find_deleted_index_ids
from backup_auditor.domain.finding import InsufficientDataError
from backup_auditor.domain.inventory import IndexFacts, map_rows_by_id
from backup_auditor.domain.listing import BACKUP_LISTING, ListingId, ListingKind, ReadFailure, list_rows
from backup_auditor.domain.model import Backup, Schedule
from backup_auditor.domain.text import pluralize

UNDATED_POINTS_REASON = "Some Ready backups have no capture time."
NO_RECOVERY_POINT_REASON = "The index has no recovery point."


class IndexBackups:
    """The backups of one live index, from the project's listing, the index's own, and its schedules' histories.

    ======================================  ========================================================  ================
    Set                                     Holds                                                     Raises
    ======================================  ========================================================  ================
    `backups_under_name`                    listed backups under the index's name, of earlier         never
                                            indexes too
    `ready_backups_under_name`              those of them that are `Ready`                            never
    `possible_recovery_points`              those of them that no deletion mark excludes              never
    `unattributed_backups`                  those under the name that may belong to an earlier index  never
    `confirmed_backups`                     backups certainly of the live index, and known runs       never
    `require_backups()`                     the same, if they are all that is listed                  live id unknown
    `require_recovery_points()`             recovery points with a capture time, newest first         live id unknown,
                                                                                                      unless none can be
    `require_undated_recovery_points()`     recovery points without a capture time                    likewise
    ======================================  ========================================================  ================

    `require_backup_listing()` and `require_complete()` raise if further backups may exist that were not read.
    Everything that raises raises `InsufficientDataError`.
    """

    def __init__(
        self,
        facts: IndexFacts,
        schedules: IndexSchedules,
        rows_under_name: Sequence[Backup],
        expiries: BackupExpiries,
        grace: timedelta,
    ) -> None:
        """Select the backups of one index; `rows_under_name` are the rows of the project's listing under its name."""
        inventory = expiries.inventory
        self.live_id: LiveId = expiries.live_ids[facts.index.name]
        """The id of the index, as far as it is known."""
        self.failure: ReadFailure | None = inventory.backups.failure
        """Why there may be unknown backups, if there may."""
        self._schedules = schedules
        self._expiries = expiries
        self._expiries_by_id: dict[str, BackupExpiry] = {}
        self._histories = inventory.histories
        self._observed_at: datetime = inventory.observed_at
        self._grace = grace
        self.backups_under_name: list[Backup] = list(
            map_rows_by_id([*rows_under_name, *list_rows(facts.own_backups)]).values()
        )
        own_listing = ListingId(ListingKind.OWN_BACKUPS, facts.index.name)
        self.listings: tuple[ListingId, ...] = (
            (BACKUP_LISTING, own_listing) if self.live_id.needs_index_listing else (BACKUP_LISTING,)
        )
        """The listings that could contain a further backup of the live index."""

    @cached_property
    def ready_backups_under_name(self) -> list[Backup]:
        """The listed `Ready` backups under the index's name."""
        return [it for it in self.backups_under_name if parse_phase(it.status) is BackupPhase.READY]

    @cached_property
    def unattributed_backups(self) -> list[BackupRecord]:
        """The listed backups under the index's name that are not certainly its own."""
        rows = [it for it in self.backups_under_name if not self._is_own(it)]
        return list(merge_backup_rows(rows, (), self._observed_at, self._grace).values())

    @cached_property
    def possible_recovery_points(self) -> list[Backup]:
        """The `Ready` backups under the index's name that no deletion mark excludes from being recovery points."""
        deleted_index_ids = find_deleted_index_ids(self.backups_under_name)
        return [
            it
            for it in self.ready_backups_under_name
            if it.index_id == self.live_id.id or it.index_id not in deleted_index_ids
        ]

    @property
    def certainly_has_none(self) -> bool:
        """Whether no known backup can be a recovery point, whichever known id is the live one."""
        return not self.possible_recovery_points and not self.live_id.is_index_listing_incomplete

    def find_absence_listings(self, min_copies: int) -> tuple[ListingId, ...]:
        """Return the listings that must confirm that the index has fewer recovery points than this."""
        return (
            (BACKUP_LISTING,)
            if len(self.possible_recovery_points) < min_copies and not self.live_id.is_index_listing_incomplete
            else self.listings
        )

    @cached_property
    def confirmed_backups(self) -> list[BackupRecord]:
        """The backups that certainly belong to the live index, and the known runs of its schedules."""
        return list(self._records_by_id.values())

    def require_backups(self) -> list[BackupRecord]:
        """Return every listed backup of the live index, in any state; raise if its id is unknown."""
        self.require_live_id()
        return self.confirmed_backups

    def require_recovery_points(self) -> list[BackupRecord]:
        """Return the recovery points with a capture time, newest first; raise if the live id is unknown and decides."""
        return self._require_ready_backups()[0]

    def require_newest_capture_time(self) -> datetime | None:
        """Return the capture time of the newest recovery point, if any; raise as `require_recovery_points` does."""
        return next((it.captured_at for it in self.require_recovery_points()), None)

    def require_undated_recovery_points(self) -> list[BackupRecord]:
        """Return the recovery points without a capture time; raise if the live id is unknown and decides."""
        return self._require_ready_backups()[1]

    def _require_ready_backups(self) -> tuple[list[BackupRecord], list[BackupRecord]]:
        if self.certainly_has_none:
            return [], []
        self.require_live_id()
        return self._ready_backups

    @cached_property
    def _ready_backups(self) -> tuple[list[BackupRecord], list[BackupRecord]]:
        """The listed `Ready` backups of the live index: those with a capture time, and those without."""
        backups = [it for it in self.confirmed_backups if it.is_listed_ready]
        dated_backups = [
            it
            for it in sort_newest_first(backups)
            if it.captured_at is not None and it.captured_at <= self._observed_at
        ]
        return dated_backups, [it for it in backups if it.captured_at is None]

    def require_expiry_summary(self) -> ExpirySummary:
        """Return when the recovery points expire, as far as that is known; raise as `require_recovery_points` does."""
        dated_points, undated_points = self._require_ready_backups()
        expiries = [self.find_expiry(it) for it in (*dated_points, *undated_points)]
        return ExpirySummary(
            point_count=len(expiries),
            never_expiring_count=sum(it.expires is False for it in expiries),
            unknown_count=sum(it.expires is not False and it.expires_at is None for it in expiries),
            last_known=max((it.expires_at for it in expiries if it.expires_at is not None), default=None),
        )

    def require_live_id(self) -> None:
        """Raise `InsufficientDataError` unless it is known which backups belong to the live index."""
        if self.live_id.unknown_reason is not None:
            raise InsufficientDataError(f"{self.live_id.unknown_reason}.")

    def find_expiry(self, backup: BackupRecord) -> BackupExpiry:
        """Return the expiry of a backup, as far as it is known."""
        backup_id = backup.backup.backup_id
        if backup_id not in self._expiries_by_id:
            self._expiries_by_id[backup_id] = self._expiries.find_expiry(backup.backup, backup.captured_at)
        return self._expiries_by_id[backup_id]

    def require_backup_listing(self) -> None:
        """Raise `InsufficientDataError` unless all backups of the project are known."""
        if self.failure is not None:
            raise create_read_failure_error("backups", self.failure)

    def require_complete(self) -> None:
        """Raise `InsufficientDataError` unless all backups of the index and all runs of its schedules are known."""
        self.require_backup_listing()
        if self.histories_failure is not None:
            raise create_read_failure_error("runs", self.histories_failure)

    def find_runs(self, schedule: Schedule) -> list[BackupRecord]:
        """Return the known history of a schedule, including the planned run."""
        history = list_rows(self._histories.get(schedule.schedule_id))
        return [self._records_by_id[it.backup_id] for it in history]

    def find_history_failure(self, schedule: Schedule) -> ReadFailure | None:
        """Return why the history of a schedule may be incomplete, if it may."""
        history = self._histories.get(schedule.schedule_id)
        if history is None:
            return ReadFailure(f"history of schedule {schedule.schedule_id}", "not read")
        return history.failure

    @cached_property
    def histories_failure(self) -> ReadFailure | None:
        """Why runs of this index may be unknown, if they may: its schedules, or a history, could not be read."""
        if self._schedules.failure is not None:
            return self._schedules.failure
        return next(
            (it for it in map(self.find_history_failure, self._schedules.known_schedules) if it is not None), None
        )

    def find_history_listings(self, schedules: Sequence[Schedule] | None = None) -> tuple[ListingId, ...]:
        """Return the listings that could contain further runs, of some schedules or of all."""
        selected_schedules = self._schedules.known_schedules if schedules is None else schedules
        return tuple(ListingId(ListingKind.HISTORY, it.schedule_id) for it in selected_schedules)

    def _is_own(self, backup: Backup) -> bool:
        return self.live_id.id is not None and backup.index_id == self.live_id.id

    @cached_property
    def _records_by_id(self) -> dict[str, BackupRecord]:
        own_backups = [it for it in self.backups_under_name if self._is_own(it)]
        runs = [
            (it, run)
            for it in self._schedules.known_schedules
            for run in list_rows(self._histories.get(it.schedule_id))
        ]
        return merge_backup_rows(own_backups, runs, self._observed_at, self._grace)


@dataclass(frozen=True, slots=True)
class RecoveryPointCount:
    """The number of recovery points among the known backups."""

    minimum: int
    maximum: int
    unknown_reason: str
    """Why the two differ, if they do, without a full stop."""

    @property
    def text(self) -> str:
        """The number with its noun."""
        if self.minimum == self.maximum:
            return pluralize(self.minimum, "recovery point")
        return f"{self.minimum} to {self.maximum} recovery points"

    @property
    def evidence(self) -> dict[str, object]:
        """The number as evidence; `recovery_points` counts the certain ones."""
        return {"recovery_points": self.minimum, "possible_recovery_points": self.maximum}


def count_recovery_points(backups: IndexBackups) -> RecoveryPointCount:
    """Count the recovery points: those without a capture time, or of an unknown live id, are only possible."""
    if backups.live_id.unknown_reason is not None and not backups.certainly_has_none:
        reason = backups.live_id.unknown_reason
        return RecoveryPointCount(0, len(backups.possible_recovery_points), reason[0].lower() + reason[1:])
    dated_count = len(backups.require_recovery_points())
    undated_count = len(backups.require_undated_recovery_points())
    return RecoveryPointCount(dated_count, dated_count + undated_count, "some Ready backups have no capture time")
