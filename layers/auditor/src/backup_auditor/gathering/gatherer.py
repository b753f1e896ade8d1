"""Reads a project, settles what changed meanwhile, and walks again what seems to miss something."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from backup_auditor.domain.facts import Deployment, Index
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import BACKUPS, ListingId, ListingKind, Refusal, Unread, Walk
from backup_auditor.errors import BadKeyError, ForbiddenError, PineconeError, PlanForbidsError, UnreachableError
from backup_auditor.gathering.asking import AnyWalk, Gone, ask_for, ask_for_indexes, unread
from backup_auditor.gathering.crew import Crew
from backup_auditor.gathering.gathered import Gathered
from backup_auditor.ports import Progress, ProjectReader

_NOTHING_AUDITED = (BadKeyError, ForbiddenError, PlanForbidsError, UnreachableError)
"""What ends an audit when the very list of indexes is answered so."""

_THINGS = {
    ListingKind.BACKUPS: "backups",
    ListingKind.SCHEDULES: "schedules",
    ListingKind.OWN_BACKUPS: "own backups",
    ListingKind.HISTORY: "histories",
}
_INDEXES = "indexes"
_SECOND_WALKS = "second walks"


class Gatherer:
    """Reads one project, and walks again what seems to miss something. Answers are taken on one thread alone."""

    def __init__(self, reader: ProjectReader, crew: Crew, progress: Progress) -> None:
        """Read with the threads of a crew, and tell how far it has come."""
        self.notes: list[str] = []
        """What happened meanwhile that is neither a finding nor unread."""
        self._reader = reader
        self._crew = crew
        self._progress = progress
        self._gathered = Gathered()
        self._gone: dict[ListingId, Unread] = {}
        """The listings that were answered by 404, until it is settled what that means."""

    def gather(self) -> None:
        """Read everything once. Raises the errors after which nothing can be audited."""
        self._crew.do(partial(self._reader.backups, self._turn_page), self._take_backups)
        self._progress.expect(_INDEXES, 1)
        self._crew.do(partial(ask_for_indexes, self._reader), self._take_indexes)
        self._crew.finish()
        self._settle()

    def walk_again(self, doubts: Iterable[ListingId]) -> bool:
        """Walk listings once more, those for which it is worth while; tell whether there were any."""
        chosen = [it for it in sorted(doubts) if self._gathered.may_be_walked_again(it)]
        for listing_id in chosen:
            self._ask(listing_id, _SECOND_WALKS)
        self._crew.finish()
        self._settle()
        return bool(chosen)

    def inventory(self, project: str, observed_at: datetime) -> Inventory:
        """Return everything that was read so far."""
        return self._gathered.inventory(project, observed_at, self._reader.requests)

    def _turn_page(self) -> None:
        self._progress.expect(_THINGS[ListingKind.BACKUPS], 1)
        self._progress.done(_THINGS[ListingKind.BACKUPS])

    def _ask(self, listing_id: ListingId, thing: str = "") -> None:
        thing = thing or _THINGS[listing_id.kind]
        self._progress.expect(thing, 1)
        self._crew.do(partial(ask_for, self._reader, listing_id), partial(self._take, listing_id, thing))

    def _take_backups(self, walk: AnyWalk) -> None:
        self._gathered.add(BACKUPS, walk)

    def _take_indexes(self, answer: Walk[Index] | PineconeError) -> None:
        self._progress.done(_INDEXES)
        if isinstance(answer, _NOTHING_AUDITED):
            raise answer
        if isinstance(answer, PineconeError):
            self._gathered.indexes_unread = Unread("GET /indexes", str(answer))
            return
        self._gathered.indexes_unread = answer.broken
        for index in answer.rows:
            self._gathered.indexes[index.name] = index
            if index.deployment is not Deployment.POD:
                self._ask(ListingId(ListingKind.SCHEDULES, index.name))

    def _take(self, listing_id: ListingId, thing: str, answer: AnyWalk | Refusal | Gone) -> None:
        self._progress.done(thing)
        if isinstance(answer, Gone):
            self._gone[listing_id] = answer.unread
        elif isinstance(answer, Walk):
            self._add(listing_id, answer)
        elif self._gathered.has(listing_id):
            self._add(listing_id, Walk((), unread(listing_id, answer.message)))
        else:
            self._gathered.refuse(listing_id, answer)

    def _add(self, listing_id: ListingId, walk: AnyWalk) -> None:
        self._gathered.add(listing_id, walk)
        if listing_id.kind is ListingKind.SCHEDULES:
            for schedule in self._gathered.schedules(listing_id.key):
                history = ListingId(ListingKind.HISTORY, schedule.schedule_id)
                if not self._gathered.has(history) and history not in self._gone:
                    self._ask(history)

    def _settle(self) -> None:
        """Find out what each 404 means, and ask for the own backups of indexes whose live id is in doubt."""
        self._settle_histories()
        for name in list(self._gathered.in_doubt()):
            self._ask(ListingId(ListingKind.OWN_BACKUPS, name))
        self._crew.finish()
        self._settle_indexes()

    def _settle_histories(self) -> None:
        """Read the schedules of an index afresh when a history of one of them is not there."""
        lost = {it: why for it, why in self._gone.items() if it.kind is ListingKind.HISTORY}
        for index in sorted({self._gathered.index_of_schedule(it.key) or "" for it in lost} - {""}):
            listing_id = ListingId(ListingKind.SCHEDULES, index)
            if listing_id not in self._gone:
                self._progress.expect(_THINGS[listing_id.kind], 1)
                self._crew.do(partial(ask_for, self._reader, listing_id), partial(self._take_afresh, listing_id))
        self._crew.finish()
        for listing_id in [it for it in self._gone if it.kind is ListingKind.HISTORY]:
            why = self._gone.pop(listing_id)
            self._gathered.add(listing_id, Walk((), why))  # counts only while the schedule is listed

    def _take_afresh(self, listing_id: ListingId, answer: AnyWalk | Refusal | Gone) -> None:
        if isinstance(answer, Walk) and answer.broken is None:
            self._gathered.forget(listing_id)
        self._take(listing_id, _THINGS[listing_id.kind], answer)

    def _settle_indexes(self) -> None:
        """List the indexes once more when one was not there: it was deleted meanwhile, or its listing is unread."""
        if not self._gone:
            return
        live = ask_for_indexes(self._reader)
        is_known = isinstance(live, Walk) and live.broken is None
        names = {it.name for it in live.rows} if isinstance(live, Walk) else set()
        for listing_id, why in sorted(self._gone.items()):
            if not is_known or listing_id.key in names:
                self._gathered.add(listing_id, Walk((), why))
            elif listing_id.key in self._gathered.indexes:
                self._gathered.forget_index(listing_id.key)
                self.notes.append(f"The index {listing_id.key} was deleted while the audit ran.")
        self._gone.clear()
