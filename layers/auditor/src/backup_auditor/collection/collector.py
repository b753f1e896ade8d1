"""Collect the inventory of a project, and read listings again where something seems to be missing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import cast

from backup_auditor.collection.listing_requests import (
    Answer,
    AnyWalk,
    IndexesAnswer,
    ListingRequests,
    NotFound,
    read_failure,
)
from backup_auditor.domain.backup_status import by_name
from backup_auditor.domain.evaluation.live_index import live_id
from backup_auditor.domain.inventory import IndexFacts, Inventory, merge_reads
from backup_auditor.domain.listing import (
    BACKUP_LISTING,
    Denial,
    DenialReason,
    Listing,
    ListingId,
    ListingKind,
    ListingRead,
    ReadFailure,
    known_rows,
)
from backup_auditor.domain.model import Backup, Deployment, Index, Schedule
from backup_auditor.errors import (
    BadKeyError,
    ForbiddenError,
    NotFoundError,
    PineconeError,
    PlanForbidsError,
    UnreachableError,
)
from backup_auditor.ports.pinecone import Progress, ProjectReader
from backup_auditor.worker_pool import WorkerPool

MAX_READS = 4
"""How often one listing is walked at most."""


@dataclass(slots=True)
class DraftInventory:
    """What has been read so far. Only one thread at a time may touch it."""

    indexes: dict[str, Index] = field(default_factory=dict)
    indexes_unread: ReadFailure | None = None
    terminating: dict[str, Index] = field(default_factory=dict)
    """The indexes that are being deleted, by name."""
    _walks: dict[ListingId, list[AnyWalk]] = field(default_factory=dict)
    _refusals: dict[ListingId, Denial] = field(default_factory=dict)
    _listings: dict[ListingId, Listing[Backup] | Listing[Schedule]] = field(default_factory=dict)

    def add(self, listing_id: ListingId, walk: AnyWalk) -> None:
        """Add one walk over a listing."""
        self._walks.setdefault(listing_id, []).append(walk)
        self._listings.pop(listing_id, None)

    def refuse(self, listing_id: ListingId, refusal: Denial) -> None:
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
        return 0 < len(walks) < MAX_READS and walks[-1].broken is None

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
                self.add(listing_id, ListingRead((), read_failure(listing_id, refusal.message)))

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
                self.indexes[name], self._schedule_answer(name), cast("Listing[Backup] | Denial | None", own)
            )

    def _histories(self) -> Mapping[str, Listing[Backup]]:
        listed = sorted({it.schedule_id for name in self.indexes for it in self.schedules(name)})
        answers = {it: self._answer(ListingId(ListingKind.HISTORY, it)) for it in listed}
        return {it: cast("Listing[Backup]", found) for it, found in answers.items() if isinstance(found, Listing)}

    def _backups(self) -> Listing[Backup]:
        return cast("Listing[Backup]", self._answer(BACKUP_LISTING))

    def _schedule_answer(self, index: str) -> Listing[Schedule] | Denial | None:
        answer = self._answer(ListingId(ListingKind.SCHEDULES, index))
        return cast("Listing[Schedule] | Denial | None", answer)

    def _answer(self, listing_id: ListingId) -> Listing[Backup] | Listing[Schedule] | Denial | None:
        refusal = self._refusals.get(listing_id)
        if refusal is not None or listing_id not in self._walks:
            return refusal
        if listing_id not in self._listings:
            walks = self._walks[listing_id]
            self._listings[listing_id] = merge_reads(cast("list[ListingRead[Backup]]", walks))
        return self._listings[listing_id]


def _is_unsupported(answer: object) -> bool:
    return isinstance(answer, Denial) and answer.kind is DenialReason.UNSUPPORTED


_NOTHING_AUDITED = (BadKeyError, ForbiddenError, NotFoundError, PlanForbidsError, UnreachableError)
"""What ends an audit when the very list of indexes is answered so."""


class InventoryCollector:
    """Reads one project, and walks again what seems to miss something. Answers are taken on one thread alone."""

    def __init__(self, reader: ProjectReader, crew: WorkerPool, progress: Progress) -> None:
        """Read with the threads of a crew, and tell how far it has come."""
        self.notes: list[str] = []
        """What happened meanwhile that is neither a finding nor unread."""
        self._reader = reader
        self._asking = ListingRequests(reader, crew, progress)
        self._gathered = DraftInventory()
        self._gone: dict[ListingId, ReadFailure] = {}
        """The listings that were answered by 404, until it is settled what that means."""

    def gather(self) -> None:
        """Read everything once. Raises the errors after which nothing can be audited."""
        self._asking.first_backups(partial(self._take, BACKUP_LISTING))
        self._asking.indexes(self._take_indexes)
        self._asking.finish()
        self._settle()

    def walk_again(self, doubts: Iterable[ListingId]) -> bool:
        """Walk listings once more, those for which it is worth while; tell whether there were any."""
        chosen = [it for it in sorted(doubts) if self._gathered.may_be_walked_again(it)]
        for listing_id in chosen:
            self._asking.listing_again(listing_id, partial(self._take, listing_id))
        if chosen:  # an index may lack something because it is being deleted by now
            self._asking.indexes(self._settle_terminating)
        self._asking.finish()
        self._settle()
        return bool(chosen)

    def inventory(self, project: str, observed_at: datetime) -> Inventory:
        """Return everything that was read so far."""
        return self._gathered.inventory(project, observed_at, self._reader.requests)

    def _ask(self, kind: ListingKind, key: str) -> None:
        listing_id = ListingId(kind, key)
        self._asking.listing(listing_id, partial(self._take, listing_id))

    def _take_indexes(self, answer: IndexesAnswer) -> None:
        if isinstance(answer, _NOTHING_AUDITED):
            raise answer
        if isinstance(answer, PineconeError):
            self._gathered.indexes_unread = ReadFailure("GET /indexes", str(answer))
            return
        self._gathered.indexes_unread = answer.broken
        for index in answer.rows:
            if index.is_terminating:
                self._gathered.leave_out(index)
                continue
            self._gathered.indexes[index.name] = index
            if index.deployment is not Deployment.POD:
                self._ask(ListingKind.SCHEDULES, index.name)

    def _take(self, listing_id: ListingId, answer: Answer) -> None:
        if isinstance(answer, NotFound):
            self._gone[listing_id] = answer.unread
        elif isinstance(answer, Denial) and not self._gathered.has(listing_id):
            self._gathered.refuse(listing_id, answer)
        elif isinstance(answer, Denial):
            self._gathered.add(listing_id, ListingRead((), read_failure(listing_id, answer.message)))
        else:
            self._add(listing_id, answer)

    def _add(self, listing_id: ListingId, walk: AnyWalk) -> None:
        self._gathered.add(listing_id, walk)
        if listing_id.kind is ListingKind.SCHEDULES:
            for schedule in self._gathered.schedules(listing_id.key):
                history = ListingId(ListingKind.HISTORY, schedule.schedule_id)
                if not self._gathered.has(history) and history not in self._gone:
                    self._ask(history.kind, history.key)

    def _settle(self) -> None:
        """Find out what each 404 means, and ask for the own backups of indexes whose live id is in doubt."""
        self._settle_histories()
        for name in list(self._gathered.in_doubt()):
            self._ask(ListingKind.OWN_BACKUPS, name)
        self._asking.finish()
        if self._gone:
            self._asking.indexes(self._settle_indexes)
            self._asking.finish()
        self._gathered.doubt_refusals()

    def _settle_histories(self) -> None:
        """Read the schedules of an index afresh when a history of one of them is not there."""
        lost = [it for it in self._gone if it.kind is ListingKind.HISTORY]
        for index in sorted({self._gathered.index_of_schedule(it.key) or "" for it in lost} - {""}):
            listing_id = ListingId(ListingKind.SCHEDULES, index)
            if listing_id not in self._gone:
                self._asking.listing(listing_id, partial(self._take_afresh, listing_id))
        self._asking.finish()
        for listing_id in [it for it in self._gone if it.kind is ListingKind.HISTORY]:
            self._gathered.add(
                listing_id, ListingRead((), self._gone.pop(listing_id))
            )  # counts only if it is still listed

    def _take_afresh(self, listing_id: ListingId, answer: Answer) -> None:
        if isinstance(answer, ListingRead) and answer.broken is None:
            self._gathered.forget(listing_id)
        self._take(listing_id, answer)

    def _settle_terminating(self, live: IndexesAnswer) -> None:
        """Leave out the indexes that began to be deleted meanwhile. That one is not listed proves nothing."""
        for index in live.rows if isinstance(live, ListingRead) else ():
            if index.is_terminating and index.name in self._gathered.indexes:
                self._gathered.leave_out(index)

    def _settle_indexes(self, live: IndexesAnswer) -> None:
        """Drop the indexes that were, or are being, deleted; a listing of one that is still there is unread."""
        is_known = isinstance(live, ListingRead) and live.broken is None
        rows = {it.name: it for it in live.rows} if isinstance(live, ListingRead) else {}
        self._settle_terminating(live)
        for listing_id, why in sorted(self._gone.items()):
            if listing_id.key not in self._gathered.indexes:
                continue
            if not is_known or listing_id.key in rows:
                self._gathered.add(listing_id, ListingRead((), why))
            else:
                self._gathered.forget_index(listing_id.key)
                self.notes.append(f"The index {listing_id.key} was deleted while the audit ran.")
        self._gone.clear()
