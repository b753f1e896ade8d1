"""Reads a project, settles what changed meanwhile, and walks again what seems to miss something."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from backup_auditor.domain.facts import Deployment
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import BACKUPS, ListingId, ListingKind, Refusal, Unread, Walk
from backup_auditor.errors import (
    BadKeyError,
    ForbiddenError,
    NotFoundError,
    PineconeError,
    PlanForbidsError,
    UnreachableError,
)
from backup_auditor.gathering.asking import Answer, AnyWalk, Asking, Gone, IndexesAnswer, unread
from backup_auditor.gathering.crew import Crew
from backup_auditor.gathering.gathered import Gathered
from backup_auditor.ports.reading import Progress, ProjectReader

_NOTHING_AUDITED = (BadKeyError, ForbiddenError, NotFoundError, PlanForbidsError, UnreachableError)
"""What ends an audit when the very list of indexes is answered so."""


class Gatherer:
    """Reads one project, and walks again what seems to miss something. Answers are taken on one thread alone."""

    def __init__(self, reader: ProjectReader, crew: Crew, progress: Progress) -> None:
        """Read with the threads of a crew, and tell how far it has come."""
        self.notes: list[str] = []
        """What happened meanwhile that is neither a finding nor unread."""
        self._reader = reader
        self._asking = Asking(reader, crew, progress)
        self._gathered = Gathered()
        self._gone: dict[ListingId, Unread] = {}
        """The listings that were answered by 404, until it is settled what that means."""

    def gather(self) -> None:
        """Read everything once. Raises the errors after which nothing can be audited."""
        self._asking.first_backups(partial(self._take, BACKUPS))
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
            self._gathered.indexes_unread = Unread("GET /indexes", str(answer))
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
        if isinstance(answer, Gone):
            self._gone[listing_id] = answer.unread
        elif isinstance(answer, Refusal) and not self._gathered.has(listing_id):
            self._gathered.refuse(listing_id, answer)
        elif isinstance(answer, Refusal):
            self._gathered.add(listing_id, Walk((), unread(listing_id, answer.message)))
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
            self._gathered.add(listing_id, Walk((), self._gone.pop(listing_id)))  # counts only if it is still listed

    def _take_afresh(self, listing_id: ListingId, answer: Answer) -> None:
        if isinstance(answer, Walk) and answer.broken is None:
            self._gathered.forget(listing_id)
        self._take(listing_id, answer)

    def _settle_terminating(self, live: IndexesAnswer) -> None:
        """Leave out the indexes that began to be deleted meanwhile. That one is not listed proves nothing."""
        for index in live.rows if isinstance(live, Walk) else ():
            if index.is_terminating and index.name in self._gathered.indexes:
                self._gathered.leave_out(index)

    def _settle_indexes(self, live: IndexesAnswer) -> None:
        """Drop the indexes that were, or are being, deleted; a listing of one that is still there is unread."""
        is_known = isinstance(live, Walk) and live.broken is None
        rows = {it.name: it for it in live.rows} if isinstance(live, Walk) else {}
        self._settle_terminating(live)
        for listing_id, why in sorted(self._gone.items()):
            if listing_id.key not in self._gathered.indexes:
                continue
            if not is_known or listing_id.key in rows:
                self._gathered.add(listing_id, Walk((), why))
            else:
                self._gathered.forget_index(listing_id.key)
                self.notes.append(f"The index {listing_id.key} was deleted while the audit ran.")
        self._gone.clear()
