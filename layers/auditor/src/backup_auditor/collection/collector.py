"""Collect the inventory of a project, and read listings again to confirm absence."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import cast

from backup_auditor.domain.backup_status import group_by_index_name
from backup_auditor.domain.evaluation.live_index import find_live_id
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
    list_rows,
)
from backup_auditor.domain.model import Backup, Deployment, Index, Schedule
from backup_auditor.errors import (
    BadKeyError,
    DeadlineError,
    ForbiddenError,
    NotFoundError,
    OrganizationPlanError,
    PineconeError,
    UnreachableError,
    UnsupportedError,
)
from backup_auditor.ports.pinecone import Progress, ProjectReader
from backup_auditor.worker_pool import WorkerPool

MAX_READS = 4
"""How often one listing is read at most."""

type AnyRead = ListingRead[Backup] | ListingRead[Schedule]
type ListingAnswer = AnyRead | Denial | NotFoundError
type IndexesAnswer = ListingRead[Index] | PineconeError

_CALLS = {
    ListingKind.BACKUPS: ("backups", "GET /backups"),
    ListingKind.SCHEDULES: ("schedules", "GET /indexes/{}/backup-schedules"),
    ListingKind.OWN_BACKUPS: ("own backups", "GET /indexes/{}/backups"),
    ListingKind.HISTORY: ("histories", "GET /backup-schedules/{}/history"),
}
"""The label of the progress, and the call."""
_DEADLINE_MESSAGE = "the time limit was reached"


def _make_failed_read(listing_id: ListingId, error: object) -> ListingRead[Backup]:
    _, call = _CALLS[listing_id.kind]
    return ListingRead((), ReadFailure(call.format(listing_id.key), str(error)))


@dataclass(slots=True)
class DraftInventory:
    """What was read so far. Not safe to use from several threads at once."""

    indexes: dict[str, Index] = field(default_factory=dict)
    indexes_failure: ReadFailure | None = None
    terminating_indexes: dict[str, Index] = field(default_factory=dict)
    """The indexes that are being deleted, by name."""
    _reads: dict[ListingId, list[AnyRead]] = field(default_factory=dict)
    denials: dict[ListingId, Denial] = field(default_factory=dict)
    _listings: dict[ListingId, Listing[Backup] | Listing[Schedule]] = field(default_factory=dict)

    def add_read(self, listing_id: ListingId, read: AnyRead) -> None:
        """Add one read of a listing."""
        self._reads.setdefault(listing_id, []).append(read)
        self._listings.pop(listing_id, None)

    def drop_reads(self, listing_id: ListingId) -> None:
        """Remove the reads of a listing that a new read replaces."""
        self._reads.pop(listing_id, None)
        self._listings.pop(listing_id, None)

    def has_answer(self, listing_id: ListingId) -> bool:
        """Tell whether a listing was read or refused."""
        return listing_id in self._reads or listing_id in self.denials

    def may_be_read_again(self, listing_id: ListingId) -> bool:
        """Tell whether another read is useful: not after an incomplete one, nor after `MAX_READS`."""
        reads = self._reads.get(listing_id, [])
        return 0 < len(reads) < MAX_READS and reads[-1].failure is None

    def list_schedules(self, index: str) -> tuple[Schedule, ...]:
        """Return the known schedules of an index."""
        return list_rows(self._find_schedule_answer(index))

    def find_indexes_with_unknown_id(self) -> Iterator[str]:
        """Yield the indexes whose live id only the listing of their own backups shows, if it was not read."""
        backups_by_name = group_by_index_name(self._find_backup_listing().rows)
        for facts in self._list_facts():
            name = facts.index.name
            backups = backups_by_name.get(name, [])
            if facts.index.deployment is Deployment.POD or self.has_answer(ListingId(ListingKind.OWN_BACKUPS, name)):
                continue
            if _is_unsupported(facts.schedules):  # backups that are listed nevertheless may be of this index
                if any(it.index_deleted_at is None for it in backups):
                    yield name
            elif find_live_id(facts, backups).needs_index_listing:
                yield name

    def recheck_denials(self) -> None:
        """Turn the refusal "cannot be backed up" of an index that has backups into a read failure.

        Otherwise one response, which may be about the request, would leave out an index that has backups.
        """
        for facts in list(self._list_facts()):
            own_answer = facts.own_backups
            if (
                _is_unsupported(facts.schedules)
                and isinstance(own_answer, Listing)
                and (own_answer.rows or own_answer.failure)
            ):
                listing_id = ListingId(ListingKind.SCHEDULES, facts.index.name)
                denial = self.denials.pop(listing_id)
                self.add_read(listing_id, _make_failed_read(listing_id, denial.message))

    def build_inventory(self, project: str, observed_at: datetime, requests: int) -> Inventory:
        """Return the immutable inventory of everything that was read."""
        schedule_ids = sorted({it.schedule_id for name in self.indexes for it in self.list_schedules(name)})
        answers = {it: self._find_answer(ListingId(ListingKind.HISTORY, it)) for it in schedule_ids}
        histories = {it: answer for it, answer in answers.items() if isinstance(answer, Listing)}
        return Inventory(
            observed_at=observed_at,
            project=project,
            indexes=tuple(self._list_facts()),
            backups=self._find_backup_listing(),
            histories=cast("dict[str, Listing[Backup]]", histories),
            indexes_failure=self.indexes_failure,
            requests=requests,
            terminating=tuple(self.terminating_indexes[name] for name in sorted(self.terminating_indexes)),
        )

    def _list_facts(self) -> Iterator[IndexFacts]:
        for name in sorted(self.indexes):
            own_answer = self._find_answer(ListingId(ListingKind.OWN_BACKUPS, name))
            yield IndexFacts(
                self.indexes[name],
                self._find_schedule_answer(name),
                cast("Listing[Backup] | Denial | None", own_answer),
            )

    def _find_backup_listing(self) -> Listing[Backup]:
        return cast("Listing[Backup]", self._find_answer(BACKUP_LISTING))

    def _find_schedule_answer(self, index: str) -> Listing[Schedule] | Denial | None:
        answer = self._find_answer(ListingId(ListingKind.SCHEDULES, index))
        return cast("Listing[Schedule] | Denial | None", answer)

    def _find_answer(self, listing_id: ListingId) -> Listing[Backup] | Listing[Schedule] | Denial | None:
        denial = self.denials.get(listing_id)
        if denial is not None or listing_id not in self._reads:
            return denial
        if listing_id not in self._listings:
            reads = self._reads[listing_id]
            self._listings[listing_id] = merge_reads(cast("list[ListingRead[Backup]]", reads))
        return self._listings[listing_id]


def _is_unsupported(answer: object) -> bool:
    return isinstance(answer, Denial) and answer.kind is DenialReason.UNSUPPORTED


_FATAL_ERRORS = (BadKeyError, ForbiddenError, NotFoundError, OrganizationPlanError, UnreachableError)
"""Errors of the list of indexes that end the audit."""


class InventoryCollector:
    """Reads one project, and reads listings again to confirm absence. All answers are accepted on one thread."""

    def __init__(self, reader: ProjectReader, pool: WorkerPool, progress: Progress) -> None:
        """Read with the threads of a pool, and report the progress."""
        self.notes: list[str] = []
        """Events during the audit that are neither findings nor read errors."""
        self._reader = reader
        self._pool = pool
        self._progress = progress
        self._draft = DraftInventory()
        self._missing_listings: dict[ListingId, NotFoundError] = {}
        """The listings that were answered with 404, until the reason is known."""

    def collect(self) -> None:
        """Read everything once. Raises the errors that end an audit."""
        fallback: ListingAnswer = _make_failed_read(BACKUP_LISTING, _DEADLINE_MESSAGE)
        read_backups = partial(self._reader.read_backups, self._count_page)
        self._pool.submit(read_backups, partial(self._accept_answer, BACKUP_LISTING), fallback)
        self._request_indexes(self._accept_indexes)
        self._finish()
        self._resolve_answers()

    def read_again(self, candidates: Iterable[ListingId]) -> bool:
        """Read listings again, as far as that is useful; tell whether there were any."""
        listing_ids = [it for it in sorted(candidates) if self._draft.may_be_read_again(it)]
        for listing_id in listing_ids:
            self._request_listing(listing_id, label="second reads")
        if listing_ids:  # something may be missing because its index is being deleted now
            self._request_indexes(self._exclude_terminating)
        self._finish()
        self._resolve_answers()
        return bool(listing_ids)

    def build_inventory(self, project: str, observed_at: datetime) -> Inventory:
        """Return the inventory of everything that was read so far."""
        return self._draft.build_inventory(project, observed_at, self._reader.requests)

    def _request_indexes(self, on_answer: Callable[[IndexesAnswer], None]) -> None:
        fallback: IndexesAnswer = DeadlineError(_DEADLINE_MESSAGE)
        self._submit("indexes", self._read_indexes, on_answer, fallback)

    def _request_listing(
        self,
        listing_id: ListingId,
        on_answer: Callable[[ListingId, ListingAnswer], None] | None = None,
        label: str | None = None,
    ) -> None:
        fallback: ListingAnswer = _make_failed_read(listing_id, _DEADLINE_MESSAGE)
        accept_answer = partial(on_answer or self._accept_answer, listing_id)
        usual_label, _ = _CALLS[listing_id.kind]
        self._submit(label or usual_label, partial(self._read_listing, listing_id), accept_answer, fallback)

    def _submit[Result](
        self, label: str, work: Callable[[], Result], on_answer: Callable[[Result], None], fallback: Result
    ) -> None:
        def accept_result(result: Result) -> None:
            self._progress.advance(label)
            on_answer(result)

        self._progress.expect(label, 1)
        self._pool.submit(work, accept_result, fallback)

    def _finish(self) -> None:
        """Wait for all answers; they are accepted on this thread."""
        self._pool.finish(lambda: self._reader.seconds_left)

    def _count_page(self) -> None:
        self._progress.expect("backups", 1)
        self._progress.advance("backups")

    def _read_indexes(self) -> IndexesAnswer:
        try:
            return self._reader.read_indexes()
        except PineconeError as error:
            return error

    def _read_listing(self, listing_id: ListingId) -> ListingAnswer:
        readers: dict[ListingKind, Callable[[str], AnyRead]] = {
            ListingKind.BACKUPS: lambda _: self._reader.read_backups(),
            ListingKind.SCHEDULES: self._reader.read_schedules,
            ListingKind.OWN_BACKUPS: self._reader.read_own_backups,
            ListingKind.HISTORY: self._reader.read_history,
        }
        try:
            return readers[listing_id.kind](listing_id.key)
        except OrganizationPlanError as error:
            return Denial(DenialReason.PLAN, str(error))
        except UnsupportedError as error:
            return Denial(DenialReason.UNSUPPORTED, str(error))
        except NotFoundError as error:
            return error

    def _accept_indexes(self, answer: IndexesAnswer) -> None:
        if isinstance(answer, _FATAL_ERRORS):
            raise answer
        if isinstance(answer, PineconeError):
            self._draft.indexes_failure = ReadFailure("GET /indexes", str(answer))
            return
        self._draft.indexes_failure = answer.failure
        for index in answer.rows:
            if index.is_terminating:
                self._draft.terminating_indexes[index.name] = index
                continue
            self._draft.indexes[index.name] = index
            if index.deployment is not Deployment.POD:
                self._request_listing(ListingId(ListingKind.SCHEDULES, index.name))

    def _accept_answer(self, listing_id: ListingId, answer: ListingAnswer) -> None:
        if isinstance(answer, NotFoundError):
            self._missing_listings[listing_id] = answer
        elif isinstance(answer, Denial) and not self._draft.has_answer(listing_id):
            self._draft.denials[listing_id] = answer
        elif isinstance(answer, Denial):
            self._draft.add_read(listing_id, _make_failed_read(listing_id, answer.message))
        else:
            self._accept_read(listing_id, answer)

    def _accept_read(self, listing_id: ListingId, read: AnyRead) -> None:
        self._draft.add_read(listing_id, read)
        if listing_id.kind is ListingKind.SCHEDULES:
            for schedule in self._draft.list_schedules(listing_id.key):
                history_id = ListingId(ListingKind.HISTORY, schedule.schedule_id)
                if not self._draft.has_answer(history_id) and history_id not in self._missing_listings:
                    self._request_listing(history_id)

    def _resolve_answers(self) -> None:
        """Find the reason of each 404, and read the own backups of indexes whose live id is unknown."""
        self._resolve_missing_histories()
        for name in list(self._draft.find_indexes_with_unknown_id()):
            self._request_listing(ListingId(ListingKind.OWN_BACKUPS, name))
        self._finish()
        if self._missing_listings:
            self._request_indexes(self._resolve_missing_indexes)
            self._finish()
        self._draft.recheck_denials()

    def _resolve_missing_histories(self) -> None:
        """Read the schedules of an index again if the history of one of them was not found."""
        missing_histories = [it for it in self._missing_listings if it.kind is ListingKind.HISTORY]
        missing_schedule_ids = {it.key for it in missing_histories}
        for index in sorted(self._draft.indexes if missing_histories else ()):
            listing_id = ListingId(ListingKind.SCHEDULES, index)
            is_affected = any(it.schedule_id in missing_schedule_ids for it in self._draft.list_schedules(index))
            if is_affected and listing_id not in self._missing_listings:
                self._request_listing(listing_id, self._accept_replacement)
        self._finish()
        for listing_id in [it for it in self._missing_listings if it.kind is ListingKind.HISTORY]:
            failed_read = _make_failed_read(listing_id, self._missing_listings.pop(listing_id))
            self._draft.add_read(listing_id, failed_read)  # counts only if the schedule is still listed

    def _accept_replacement(self, listing_id: ListingId, answer: ListingAnswer) -> None:
        if isinstance(answer, ListingRead) and answer.failure is None:
            self._draft.drop_reads(listing_id)
        self._accept_answer(listing_id, answer)

    def _exclude_terminating(self, answer: IndexesAnswer) -> None:
        """Exclude the indexes whose deletion began during the audit. An index that is not listed proves nothing."""
        for index in answer.rows if isinstance(answer, ListingRead) else ():
            if index.is_terminating and self._draft.indexes.pop(index.name, None) is not None:
                self._draft.terminating_indexes[index.name] = index

    def _resolve_missing_indexes(self, answer: IndexesAnswer) -> None:
        """Exclude the deleted indexes; a listing of an index that still exists has a read failure."""
        is_complete = isinstance(answer, ListingRead) and answer.failure is None
        indexes_by_name = {it.name: it for it in answer.rows} if isinstance(answer, ListingRead) else {}
        self._exclude_terminating(answer)
        for listing_id, error in sorted(self._missing_listings.items(), key=lambda it: it[0]):
            if listing_id.key not in self._draft.indexes:
                continue
            if not is_complete or listing_id.key in indexes_by_name:
                self._draft.add_read(listing_id, _make_failed_read(listing_id, error))
            else:
                del self._draft.indexes[listing_id.key]
                self.notes.append(f"Index {listing_id.key} was deleted during the audit.")
        self._missing_listings.clear()
