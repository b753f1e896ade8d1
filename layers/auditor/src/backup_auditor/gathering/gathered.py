"""What has been read of a project so far, walk by walk; it becomes an inventory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from backup_auditor.domain.facts import Backup, Deployment, Index, Schedule
from backup_auditor.domain.identity import live_id
from backup_auditor.domain.inventory import IndexFacts, Inventory
from backup_auditor.domain.listing import (
    BACKUPS,
    Listing,
    ListingId,
    ListingKind,
    Refusal,
    RefusalKind,
    Unread,
    Walk,
    known_rows,
)
from backup_auditor.domain.standing import by_name
from backup_auditor.domain.walks import listing_of
from backup_auditor.gathering.asking import AnyWalk, unread

MOST_WALKS = 4
"""How often one listing is walked at most."""


@dataclass(slots=True)
class Gathered:
    """What has been read so far. Only one thread at a time may touch it."""

    indexes: dict[str, Index] = field(default_factory=dict)
    indexes_unread: Unread | None = None
    terminating: dict[str, Index] = field(default_factory=dict)
    """The indexes that are being deleted, by name."""
    _walks: dict[ListingId, list[AnyWalk]] = field(default_factory=dict)
    _refusals: dict[ListingId, Refusal] = field(default_factory=dict)
    _listings: dict[ListingId, Listing[Backup] | Listing[Schedule]] = field(default_factory=dict)

    def add(self, listing_id: ListingId, walk: AnyWalk) -> None:
        """Add one walk over a listing."""
        self._walks.setdefault(listing_id, []).append(walk)
        self._listings.pop(listing_id, None)

    def refuse(self, listing_id: ListingId, refusal: Refusal) -> None:
        """Add the answer that a listing will never be shown."""
        self._refusals[listing_id] = refusal

    def forget(self, listing_id: ListingId) -> None:
        """Drop what was read of a listing that is read afresh."""
        self._walks.pop(listing_id, None)
        self._listings.pop(listing_id, None)

    def forget_index(self, name: str) -> None:
        """Drop an index, and with it whatever was read of it."""
        del self.indexes[name]

    def leave_out(self, index: Index) -> None:
        """Leave out an index that is being deleted, and with it whatever was read of it."""
        self.indexes.pop(index.name, None)
        self.terminating[index.name] = index

    def has(self, listing_id: ListingId) -> bool:
        """Tell whether a listing was asked for and answered."""
        return listing_id in self._walks or listing_id in self._refusals

    def may_be_walked_again(self, listing_id: ListingId) -> bool:
        """Tell whether a further walk is worth its calls: not after one that broke off, and not for ever."""
        walks = self._walks.get(listing_id, [])
        return 0 < len(walks) < MOST_WALKS and walks[-1].broken is None

    def schedules(self, index: str) -> tuple[Schedule, ...]:
        """Return the known schedules of an index."""
        return known_rows(self._schedule_answer(index))

    def index_of_schedule(self, schedule_id: str) -> str | None:
        """Return the name of the index that a schedule was listed under."""
        names = (name for name in self.indexes if any(it.schedule_id == schedule_id for it in self.schedules(name)))
        return next(names, None)

    def in_doubt(self) -> Iterator[str]:
        """Return the names whose live id only the index's own backups would tell, and which were not asked for them."""
        named = by_name(self._backups().rows)
        for facts in self._facts():
            name = facts.index.name
            listed = named.get(name, [])
            if facts.index.deployment is Deployment.POD or self.has(ListingId(ListingKind.OWN_BACKUPS, name)):
                continue
            if _is_unsupported(facts.schedules):  # backups that are listed all the same may be the index's own
                if any(it.index_deleted_at is None for it in listed):
                    yield name
            elif live_id(facts, listed).own_listing_decides:
                yield name

    def doubt_refusals(self) -> None:
        """Count as unread the schedules of an index that, it is said, cannot be backed up, and whose backups are shown.

        Else one answer, which may be about the request, would pass over an index that has backups.
        """
        for facts in list(self._facts()):
            own = facts.own_backups
            if _is_unsupported(facts.schedules) and isinstance(own, Listing) and (own.rows or own.broken):
                listing_id = ListingId(ListingKind.SCHEDULES, facts.index.name)
                refusal = self._refusals.pop(listing_id)
                self.add(listing_id, Walk((), unread(listing_id, refusal.message)))

    def inventory(self, project: str, observed_at: datetime, requests: int) -> Inventory:
        """Return everything as one immutable inventory."""
        return Inventory(
            observed_at=observed_at,
            project=project,
            indexes=tuple(self._facts()),
            backups=self._backups(),
            histories=self._histories(),
            indexes_unread=self.indexes_unread,
            requests=requests,
            terminating=tuple(self.terminating[name] for name in sorted(self.terminating)),
        )

    def _facts(self) -> Iterator[IndexFacts]:
        for name in sorted(self.indexes):
            own = self._answer(ListingId(ListingKind.OWN_BACKUPS, name))
            yield IndexFacts(
                self.indexes[name], self._schedule_answer(name), cast("Listing[Backup] | Refusal | None", own)
            )

    def _histories(self) -> Mapping[str, Listing[Backup]]:
        listed = sorted({it.schedule_id for name in self.indexes for it in self.schedules(name)})
        answers = {it: self._answer(ListingId(ListingKind.HISTORY, it)) for it in listed}
        return {it: cast("Listing[Backup]", found) for it, found in answers.items() if isinstance(found, Listing)}

    def _backups(self) -> Listing[Backup]:
        return cast("Listing[Backup]", self._answer(BACKUPS))

    def _schedule_answer(self, index: str) -> Listing[Schedule] | Refusal | None:
        answer = self._answer(ListingId(ListingKind.SCHEDULES, index))
        return cast("Listing[Schedule] | Refusal | None", answer)

    def _answer(self, listing_id: ListingId) -> Listing[Backup] | Listing[Schedule] | Refusal | None:
        refusal = self._refusals.get(listing_id)
        if refusal is not None or listing_id not in self._walks:
            return refusal
        if listing_id not in self._listings:
            walks = self._walks[listing_id]
            self._listings[listing_id] = listing_of(cast("list[Walk[Backup]]", walks))
        return self._listings[listing_id]


def _is_unsupported(answer: object) -> bool:
    return isinstance(answer, Refusal) and answer.kind is RefusalKind.UNSUPPORTED
