"""Asks for one listing, and says what the answer means for the audit."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from backup_auditor.domain.listing import Denial, DenialReason, ListingId, ListingKind, ListingRead, ReadFailure
from backup_auditor.domain.model import Backup, Index, Schedule
from backup_auditor.errors import DeadlineError, NotFoundError, PineconeError, PlanForbidsError, UnsupportedError
from backup_auditor.ports.pinecone import Progress, ProjectReader
from backup_auditor.worker_pool import WorkerPool


@dataclass(frozen=True, slots=True)
class NotFound:
    """The answer that what a listing belongs to is not there."""

    unread: ReadFailure


type AnyWalk = ListingRead[Backup] | ListingRead[Schedule]
type Answer = AnyWalk | Denial | NotFound
type IndexesAnswer = ListingRead[Index] | PineconeError

_CALLS = {
    ListingKind.BACKUPS: "GET /backups",
    ListingKind.SCHEDULES: "GET /indexes/{}/backup-schedules",
    ListingKind.OWN_BACKUPS: "GET /indexes/{}/backups",
    ListingKind.HISTORY: "GET /backup-schedules/{}/history",
}
_THINGS = {
    ListingKind.BACKUPS: "backups",
    ListingKind.SCHEDULES: "schedules",
    ListingKind.OWN_BACKUPS: "own backups",
    ListingKind.HISTORY: "histories",
}
_INDEXES = "indexes"
_SECOND_WALKS = "second walks"
_TIME_IS_UP = "the time for the whole audit was over"


class ListingRequests:
    """Asks a reader with the threads of a crew, and tells how far it has come. Answers are taken within `finish`."""

    def __init__(self, reader: ProjectReader, crew: WorkerPool, progress: Progress) -> None:
        """Ask nothing yet."""
        self._reader = reader
        self._crew = crew
        self._progress = progress

    def indexes(self, take: Callable[[IndexesAnswer], None]) -> None:
        """Ask for the live indexes."""
        instead: IndexesAnswer = DeadlineError(_TIME_IS_UP)
        self._do(_INDEXES, self._read_indexes, take, instead)

    def first_backups(self, take: Callable[[Answer], None]) -> None:
        """Ask for the backups of the project, and tell of each page."""
        self._crew.do(partial(self._reader.backups, self._turn_page), take, _timed_out(ListingId(ListingKind.BACKUPS)))

    def listing(self, listing_id: ListingId, take: Callable[[Answer], None]) -> None:
        """Ask for a listing."""
        self._do(_THINGS[listing_id.kind], partial(self._read, listing_id), take, _timed_out(listing_id))

    def listing_again(self, listing_id: ListingId, take: Callable[[Answer], None]) -> None:
        """Ask for a listing that was walked before."""
        self._do(_SECOND_WALKS, partial(self._read, listing_id), take, _timed_out(listing_id))

    def finish(self) -> None:
        """Wait for all answers, and have them taken on this thread."""
        self._crew.finish(lambda: self._reader.seconds_left)

    def _do[Result](
        self, thing: str, work: Callable[[], Result], take: Callable[[Result], None], instead: Result
    ) -> None:
        def then(result: Result) -> None:
            self._progress.done(thing)
            take(result)

        self._progress.expect(thing, 1)
        self._crew.do(work, then, instead)

    def _turn_page(self) -> None:
        self._progress.expect(_THINGS[ListingKind.BACKUPS], 1)
        self._progress.done(_THINGS[ListingKind.BACKUPS])

    def _read_indexes(self) -> IndexesAnswer:
        try:
            return self._reader.indexes()
        except PineconeError as error:
            return error

    def _read(self, listing_id: ListingId) -> Answer:
        try:
            return self._walk(listing_id)
        except PlanForbidsError as error:
            return Denial(DenialReason.PLAN, str(error))
        except UnsupportedError as error:
            return Denial(DenialReason.UNSUPPORTED, str(error))
        except NotFoundError as error:
            return NotFound(read_failure(listing_id, str(error)))

    def _walk(self, listing_id: ListingId) -> AnyWalk:
        match listing_id.kind:
            case ListingKind.BACKUPS:
                return self._reader.backups()
            case ListingKind.SCHEDULES:
                return self._reader.schedules(listing_id.key)
            case ListingKind.OWN_BACKUPS:
                return self._reader.own_backups(listing_id.key)
            case ListingKind.HISTORY:
                return self._reader.history(listing_id.key)


def read_failure(listing_id: ListingId, error: str) -> ReadFailure:
    """Say that a listing could not be read, and why."""
    return ReadFailure(_CALLS[listing_id.kind].format(listing_id.key), error)


def _timed_out(listing_id: ListingId) -> Answer:
    """Stand in for an answer that did not come in time."""
    return ListingRead[Backup]((), read_failure(listing_id, _TIME_IS_UP))
