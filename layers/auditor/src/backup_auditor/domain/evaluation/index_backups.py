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
from backup_auditor.domain.control import InsufficientDataError
from backup_auditor.domain.evaluation.expiry import BackupExpiries, BackupExpiry
from backup_auditor.domain.evaluation.index_schedules import IndexSchedules, create_read_failure_error
from backup_auditor.domain.evaluation.live_index import LiveId, find_deleted_index_ids
from backup_auditor.domain.inventory import IndexFacts, map_rows_by_id
from backup_auditor.domain.listing import BACKUP_LISTING, ListingId, ListingKind, ReadFailure, list_rows
from backup_auditor.domain.model import Backup, Schedule
from backup_auditor.domain.text import pluralize


class IndexBackups:
    """The backups of one live index, from the project's listing, the index's own, and its schedules' histories."""

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
        """The index's id, as far as it is known."""
        self.failure: ReadFailure | None = inventory.backups.failure
        """Why there may be more backups than are known, if there may."""
        self._schedules = schedules
        self._expiries = expiries
        self._expiries_by_id: dict[str, BackupExpiry] = {}
        self._histories = inventory.histories
        self._observed_at: datetime = inventory.observed_at
        self._grace = grace
        self.backups_under_name: list[Backup] = list(
            map_rows_by_id([*rows_under_name, *list_rows(facts.own_backups)]).values()
        )
        """Every listed backup under the index's name, of the live index or of earlier ones."""
        own_listing = ListingId(ListingKind.OWN_BACKUPS, facts.index.name)
        self.listings: tuple[ListingId, ...] = (
            (BACKUP_LISTING, own_listing) if self.live_id.needs_index_listing else (BACKUP_LISTING,)
        )
        """The listings in which a further backup of the live index could stand."""

    @cached_property
    def ready_backups_under_name(self) -> list[Backup]:
        """Every listed backup under the index's name that is `Ready`, of the live index or of earlier ones."""
        return [it for it in self.backups_under_name if parse_phase(it.status) is BackupPhase.READY]

    @cached_property
    def unattributed_backups(self) -> list[BackupRecord]:
        """The listed backups under the index's name that are not certain to be its own."""
        live_index_id = self.live_id.id
        rows = [it for it in self.backups_under_name if live_index_id is None or it.index_id != live_index_id]
        return list(merge_backup_rows(rows, (), self._observed_at, self._grace).values())

    @cached_property
    def possible_recovery_points(self) -> list[Backup]:
        """The backups under the index's name that may be recovery points, as far as status and deletion marks tell."""
        deleted_index_ids = find_deleted_index_ids(self.backups_under_name)
        return [
            it
            for it in self.ready_backups_under_name
            if it.index_id == self.live_id.id or it.index_id not in deleted_index_ids
        ]

    @property
    def certainly_has_none(self) -> bool:
        """Whether none that is known can be a recovery point, whichever of the ids that are known is its own."""
        return not self.possible_recovery_points and not self.live_id.is_index_listing_incomplete

    def find_absence_listings(self, min_copies: int) -> tuple[ListingId, ...]:
        """Return the listings on which it rests that the index has fewer recovery points than this."""
        return (
            (BACKUP_LISTING,)
            if len(self.possible_recovery_points) < min_copies and not self.live_id.is_index_listing_incomplete
            else self.listings
        )

    @cached_property
    def confirmed_backups(self) -> list[BackupRecord]:
        """What is certain to be a backup of the live index, or a run of its schedules; never raises."""
        return list(self._records_by_id.values())

    @property
    def all_backups(self) -> list[BackupRecord]:
        """Every backup of the live index, in whatever state, as far as listed.

        Raises `InsufficientDataError` where it is not known which backups are the live index's.
        """
        self.require_live_id()
        return self.confirmed_backups

    @cached_property
    def recovery_points(self) -> list[BackupRecord]:
        """The recovery points with a known capture time, newest first. Raises as `all` does, unless none can be."""
        if self.certainly_has_none:
            return []
        points = sort_newest_first(it for it in self.all_backups if it.is_listed_ready)
        return [it for it in points if it.captured_at is not None and it.captured_at <= self._observed_at]

    @cached_property
    def undated_recovery_points(self) -> list[BackupRecord]:
        """The backups that would be recovery points if they told any time. Raises as `recovery_points` does."""
        return (
            []
            if self.certainly_has_none
            else [it for it in self.all_backups if it.is_listed_ready and it.captured_at is None]
        )

    def require_live_id(self) -> None:
        """Raise `InsufficientDataError` unless it is known which backups are the live index's."""
        if self.live_id.unknown_reason is not None:
            raise InsufficientDataError(f"{self.live_id.unknown_reason}.")

    def find_expiry(self, backup: BackupRecord) -> BackupExpiry:
        """Return when a backup expires, as far as that is known."""
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
        """Return what is known of a schedule's history, planned run included."""
        history = list_rows(self._histories.get(schedule.schedule_id))
        return [self._records_by_id[it.backup_id] for it in history]

    def find_history_failure(self, schedule: Schedule) -> ReadFailure | None:
        """Return why a schedule's history may hold more than is known, if it may."""
        history = self._histories.get(schedule.schedule_id)
        if history is None:
            return ReadFailure(f"history of schedule {schedule.schedule_id}", "it was not read")
        return history.failure

    @cached_property
    def histories_failure(self) -> ReadFailure | None:
        """Why runs of this index may be unknown, if they may: its schedules, or the history of any of them."""
        if self._schedules.failure is not None:
            return self._schedules.failure
        return next(
            (it for it in map(self.find_history_failure, self._schedules.known_schedules) if it is not None), None
        )

    def find_history_listings(self, schedules: Sequence[Schedule] | None = None) -> tuple[ListingId, ...]:
        """Return the listings in which further runs could stand, of some schedules or of all."""
        selected_schedules = self._schedules.known_schedules if schedules is None else schedules
        return tuple(ListingId(ListingKind.HISTORY, it.schedule_id) for it in selected_schedules)

    @cached_property
    def _records_by_id(self) -> dict[str, BackupRecord]:
        live_index_id = self.live_id.id
        own_backups = [
            it for it in self.backups_under_name if live_index_id is not None and it.index_id == live_index_id
        ]
        runs = [
            (it, run)
            for it in self._schedules.known_schedules
            for run in list_rows(self._histories.get(it.schedule_id))
        ]
        return merge_backup_rows(own_backups, runs, self._observed_at, self._grace)


@dataclass(frozen=True, slots=True)
class RecoveryPointCount:
    """How many recovery points an index has among the backups that are known."""

    minimum: int
    maximum: int
    unknown_reason: str
    """Why the two differ, if they do; without its stop."""

    @property
    def text(self) -> str:
        """The number, with its noun."""
        if self.minimum == self.maximum:
            return pluralize(self.minimum, "recovery point")
        return f"{self.minimum} to {self.maximum} recovery points"

    @property
    def evidence(self) -> dict[str, object]:
        """The number as evidence; `recovery_points` is the sure ones."""
        return {"recovery_points": self.minimum, "recovery_points_at_most": self.maximum}


def count_recovery_points(backups: IndexBackups) -> RecoveryPointCount:
    """Count the recovery points: those without any time, or of an index that is in doubt, may be some or none."""
    if backups.live_id.unknown_reason is not None and not backups.certainly_has_none:
        return RecoveryPointCount(0, len(backups.possible_recovery_points), backups.live_id.unknown_reason)
    dated_count = len(backups.recovery_points)
    undated_count = len(backups.undated_recovery_points)
    return RecoveryPointCount(
        dated_count, dated_count + undated_count, "some of its Ready backups tell no time at which they were taken"
    )
