"""Every fact read about a project at one moment: nothing here is judged."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from backup_auditor.domain.facts import Backup, Index, Schedule
from backup_auditor.domain.listing import BACKUPS, Listing, ListingId, ListingKind, Refusal, Unread, known_rows


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """What was read about one live index. `own_backups` is read only where the live id is in doubt."""

    index: Index
    schedules: Listing[Schedule] | Refusal | None = None
    """`None` where no schedule can exist, so that none was asked for (pods)."""
    own_backups: Listing[Backup] | Refusal | None = None


@dataclass(frozen=True)
class Inventory:
    """Every fact read about a project at one moment."""

    observed_at: datetime
    project: str
    indexes: tuple[IndexFacts, ...]
    """The live indexes, sorted by name."""
    backups: Listing[Backup]
    histories: Mapping[str, Listing[Backup]] = field(default_factory=dict)
    """By schedule id."""
    indexes_unread: Unread | None = None
    """Why the live indexes are not known, if they are not."""
    requests: int = 0
    terminating: tuple[Index, ...] = ()
    """The indexes that are being deleted, sorted by name: they are not audited, and not gone."""

    @cached_property
    def terminating_names(self) -> frozenset[str]:
        """The names of the indexes that are being deleted."""
        return frozenset(it.name for it in self.terminating)

    def listings(self) -> dict[ListingId, Listing[Backup] | Listing[Schedule]]:
        """Return every listing that was walked, by its name."""
        found: dict[ListingId, Listing[Backup] | Listing[Schedule]] = {BACKUPS: self.backups}
        for schedule_id, history in self.histories.items():
            found[ListingId(ListingKind.HISTORY, schedule_id)] = history
        for facts in self.indexes:
            if isinstance(facts.schedules, Listing):
                found[ListingId(ListingKind.SCHEDULES, facts.index.name)] = facts.schedules
            if isinstance(facts.own_backups, Listing):
                found[ListingId(ListingKind.OWN_BACKUPS, facts.index.name)] = facts.own_backups
        return found

    def listed_backups(self) -> Iterator[Backup]:
        """Return every row of a backup listing: the project's, then those of indexes; one may come twice."""
        yield from self.backups.rows
        for facts in self.indexes:
            yield from known_rows(facts.own_backups)

    @property
    def project_ids(self) -> frozenset[str]:
        """Every id of a Pinecone project that the schedules name. Nothing else names one."""
        found = (schedule.project_id for facts in self.indexes for schedule in known_rows(facts.schedules))
        return frozenset(it for it in found if it is not None)

    @property
    def project_id(self) -> str | None:
        """The project's id; `None` when the schedules name none, or more than one."""
        ids = self.project_ids
        return next(iter(ids)) if len(ids) == 1 else None

    @property
    def unread(self) -> tuple[Unread, ...]:
        """Everything that could not be read, sorted, each once."""
        found = {self.indexes_unread} if self.indexes_unread else set()
        for listing in self.listings().values():
            found.update(listing.unread)
        return tuple(sorted(found))
