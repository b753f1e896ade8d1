"""The backups of one live index, the runs of its schedules, and how many recovery points it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from backup_auditor.domain.backup_status import (
    BackupPhase,
    BackupRecord,
    merge_backup_rows,
    newest_first,
    phase_of_status,
)
from backup_auditor.domain.control import InsufficientDataError
from backup_auditor.domain.evaluation.expiry import BackupExpiries, BackupExpiry
from backup_auditor.domain.evaluation.index_schedules import IndexSchedules, unread_error
from backup_auditor.domain.evaluation.live_index import LiveId, deleted_ids
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.inventory import IndexFacts, rows_by_id
from backup_auditor.domain.listing import BACKUP_LISTING, ListingId, ListingKind, ReadFailure, known_rows
from backup_auditor.domain.model import Backup, Schedule
from backup_auditor.domain.text import pluralize


class IndexBackups:
    """The backups of one live index, from the project's listing, the index's own, and its schedules' histories."""

    def __init__(self, project: ProjectContext, facts: IndexFacts, schedules: IndexSchedules, grace: timedelta) -> None:
        """Look at one index's backups within its project."""
        named = project.backups_by_name.get(facts.index.name, [])
        self.identity: LiveId = project.live_ids[facts.index.name]
        """The index's id, as far as it is known."""
        self.unread: ReadFailure | None = project.inventory.backups.broken
        """Why there may be more backups than are known, if there may."""
        self._schedules = schedules
        self._expiries: BackupExpiries = project.expiries
        self._expiry: dict[str, BackupExpiry] = {}
        self._histories = project.inventory.histories
        self._observed_at: datetime = project.observed_at
        self._grace = grace
        self.named: list[Backup] = list(rows_by_id([*named, *known_rows(facts.own_backups)]).values())
        """Every listed backup under the index's name, of the live index or of earlier ones."""
        own = ListingId(ListingKind.OWN_BACKUPS, facts.index.name)
        self.listings: tuple[ListingId, ...] = (
            (BACKUP_LISTING, own) if self.identity.own_listing_decides else (BACKUP_LISTING,)
        )
        """The listings in which a further backup of the live index could stand."""

    @cached_property
    def named_ready(self) -> list[Backup]:
        """Every listed backup under the index's name that is `Ready`, of the live index or of earlier ones."""
        return [it for it in self.named if phase_of_status(it.status) is BackupPhase.READY]

    @cached_property
    def others(self) -> list[BackupRecord]:
        """The listed backups under the index's name that are not certain to be its own."""
        live = self.identity.id
        rows = [it for it in self.named if live is None or it.index_id != live]
        return list(merge_backup_rows(rows, (), self._observed_at, self._grace).values())

    @cached_property
    def candidates(self) -> list[Backup]:
        """The backups under the index's name that may be recovery points, as far as status and deletion marks tell."""
        deleted = deleted_ids(self.named)
        return [it for it in self.named_ready if it.index_id == self.identity.id or it.index_id not in deleted]

    @property
    def has_none(self) -> bool:
        """Whether none that is known can be a recovery point, whichever of the ids that are known is its own."""
        return not self.candidates and not self.identity.is_unread

    def listings_lacking(self, copies: int) -> tuple[ListingId, ...]:
        """Return the listings on which it rests that the index has fewer recovery points than this."""
        return (BACKUP_LISTING,) if len(self.candidates) < copies and not self.identity.is_unread else self.listings

    @cached_property
    def certain(self) -> list[BackupRecord]:
        """What is certain to be a backup of the live index, or a run of its schedules; never raises."""
        return list(self._standings.values())

    @property
    def all(self) -> list[BackupRecord]:
        """Every backup of the live index, in whatever state, as far as listed.

        Raises `InsufficientDataError` where it is not known which backups are the live index's.
        """
        self.need_identity()
        return self.certain

    @cached_property
    def recovery_points(self) -> list[BackupRecord]:
        """The recovery points with a known capture time, newest first. Raises as `all` does, unless none can be."""
        if self.has_none:
            return []
        points = newest_first(it for it in self.all if it.is_listed_ready)
        return [it for it in points if it.captured_at is not None and it.captured_at <= self._observed_at]

    @cached_property
    def undated_recovery_points(self) -> list[BackupRecord]:
        """The backups that would be recovery points if they told any time. Raises as `recovery_points` does."""
        return [] if self.has_none else [it for it in self.all if it.is_listed_ready and it.captured_at is None]

    def need_identity(self) -> None:
        """Raise `InsufficientDataError` unless it is known which backups are the live index's."""
        if self.identity.doubt is not None:
            raise InsufficientDataError(f"{self.identity.doubt}.")

    def expiry(self, backup: BackupRecord) -> BackupExpiry:
        """Return when a backup expires, as far as that is known."""
        backup_id = backup.backup.backup_id
        if backup_id not in self._expiry:
            self._expiry[backup_id] = self._expiries.of(backup.backup, backup.captured_at)
        return self._expiry[backup_id]

    def need_listing(self) -> None:
        """Raise `InsufficientDataError` unless all backups of the project are known."""
        if self.unread is not None:
            raise unread_error("backups", self.unread)

    def need_all(self) -> None:
        """Raise `InsufficientDataError` unless all backups of the index and all runs of its schedules are known."""
        self.need_listing()
        if self.histories_unread is not None:
            raise unread_error("runs", self.histories_unread)

    def runs(self, schedule: Schedule) -> list[BackupRecord]:
        """Return what is known of a schedule's history, planned run included."""
        history = known_rows(self._histories.get(schedule.schedule_id))
        return [self._standings[it.backup_id] for it in history]

    def history_unread(self, schedule: Schedule) -> ReadFailure | None:
        """Return why a schedule's history may hold more than is known, if it may."""
        history = self._histories.get(schedule.schedule_id)
        if history is None:
            return ReadFailure(f"history of schedule {schedule.schedule_id}", "it was not read")
        return history.broken

    @cached_property
    def histories_unread(self) -> ReadFailure | None:
        """Why runs of this index may be unknown, if they may: its schedules, or the history of any of them."""
        if self._schedules.unread is not None:
            return self._schedules.unread
        return next((it for it in map(self.history_unread, self._schedules.known) if it is not None), None)

    def history_listings(self, schedules: Sequence[Schedule] | None = None) -> tuple[ListingId, ...]:
        """Return the listings in which further runs could stand, of some schedules or of all."""
        chosen = self._schedules.known if schedules is None else schedules
        return tuple(ListingId(ListingKind.HISTORY, it.schedule_id) for it in chosen)

    @cached_property
    def _standings(self) -> dict[str, BackupRecord]:
        live = self.identity.id
        listed = [it for it in self.named if live is not None and it.index_id == live]
        runs = [(it, run) for it in self._schedules.known for run in known_rows(self._histories.get(it.schedule_id))]
        return merge_backup_rows(listed, runs, self._observed_at, self._grace)


@dataclass(frozen=True, slots=True)
class RecoveryPointCount:
    """How many recovery points an index has among the backups that are known."""

    at_least: int
    at_most: int
    doubt: str
    """Why the two differ, if they do; without its stop."""

    @property
    def shown(self) -> str:
        """The number, with its noun."""
        if self.at_least == self.at_most:
            return pluralize(self.at_least, "recovery point")
        return f"{self.at_least} to {self.at_most} recovery points"

    @property
    def evidence(self) -> dict[str, object]:
        """The number as evidence; `recovery_points` is the sure ones."""
        return {"recovery_points": self.at_least, "recovery_points_at_most": self.at_most}


def count_recovery_points(backups: IndexBackups) -> RecoveryPointCount:
    """Count the recovery points: those without any time, or of an index that is in doubt, may be some or none."""
    if backups.identity.doubt is not None and not backups.has_none:
        return RecoveryPointCount(0, len(backups.candidates), backups.identity.doubt)
    sure = len(backups.recovery_points)
    undated = len(backups.undated_recovery_points)
    return RecoveryPointCount(sure, sure + undated, "some of its Ready backups tell no time at which they were taken")
