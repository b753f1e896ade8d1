"""Request single listings, and interpret the answers for the audit."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from backup_auditor.domain.listing import Denial, DenialReason, ListingId, ListingKind, ListingRead, ReadFailure
from backup_auditor.domain.model import Backup, Index, Schedule
from backup_auditor.errors import DeadlineError, NotFoundError, OrganizationPlanError, PineconeError, UnsupportedError
from backup_auditor.ports.pinecone import Progress, ProjectReader
from backup_auditor.worker_pool import WorkerPool


@dataclass(frozen=True, slots=True)
class NotFound:
    """The answer that the index or the schedule of a listing was not found."""

    failure: ReadFailure


type AnyRead = ListingRead[Backup] | ListingRead[Schedule]
type ListingAnswer = AnyRead | Denial | NotFound
type IndexesAnswer = ListingRead[Index] | PineconeError

_CALLS = {
    ListingKind.BACKUPS: "GET /backups",
    ListingKind.SCHEDULES: "GET /indexes/{}/backup-schedules",
    ListingKind.OWN_BACKUPS: "GET /indexes/{}/backups",
    ListingKind.HISTORY: "GET /backup-schedules/{}/history",
}
_LABELS = {
    ListingKind.BACKUPS: "backups",
    ListingKind.SCHEDULES: "schedules",
    ListingKind.OWN_BACKUPS: "own backups",
    ListingKind.HISTORY: "histories",
}
_INDEXES_LABEL = "indexes"
_SECOND_READS_LABEL = "second reads"
_DEADLINE_MESSAGE = "the time limit was reached"


class ListingRequests:
    """Reads listings with the threads of a pool, and reports the progress. Callbacks run within `finish`."""

    def __init__(self, reader: ProjectReader, pool: WorkerPool, progress: Progress) -> None:
        """Start without a request."""
        self._reader = reader
        self._pool = pool
        self._progress = progress

    def request_indexes(self, on_answer: Callable[[IndexesAnswer], None]) -> None:
        """Request the live indexes."""
        fallback: IndexesAnswer = DeadlineError(_DEADLINE_MESSAGE)
        self._submit(_INDEXES_LABEL, self._read_indexes, on_answer, fallback)

    def request_first_backups(self, on_answer: Callable[[ListingAnswer], None]) -> None:
        """Request the backups of the project, and count each page as progress."""
        self._pool.submit(
            partial(self._reader.read_backups, self._count_page),
            on_answer,
            _make_timeout_answer(ListingId(ListingKind.BACKUPS)),
        )

    def request_listing(self, listing_id: ListingId, on_answer: Callable[[ListingAnswer], None]) -> None:
        """Request a listing."""
        self._submit(
            _LABELS[listing_id.kind],
            partial(self._read_listing, listing_id),
            on_answer,
            _make_timeout_answer(listing_id),
        )

    def request_second_read(self, listing_id: ListingId, on_answer: Callable[[ListingAnswer], None]) -> None:
        """Request a listing that was read before."""
        self._submit(
            _SECOND_READS_LABEL, partial(self._read_listing, listing_id), on_answer, _make_timeout_answer(listing_id)
        )

    def finish(self) -> None:
        """Wait for all answers; the callbacks run on this thread."""
        self._pool.finish(lambda: self._reader.seconds_left)

    def _submit[Result](
        self, label: str, work: Callable[[], Result], on_answer: Callable[[Result], None], fallback: Result
    ) -> None:
        def accept_result(result: Result) -> None:
            self._progress.advance(label)
            on_answer(result)

        self._progress.expect(label, 1)
        self._pool.submit(work, accept_result, fallback)

    def _count_page(self) -> None:
        self._progress.expect(_LABELS[ListingKind.BACKUPS], 1)
        self._progress.advance(_LABELS[ListingKind.BACKUPS])

    def _read_indexes(self) -> IndexesAnswer:
        try:
            return self._reader.read_indexes()
        except PineconeError as error:
            return error

    def _read_listing(self, listing_id: ListingId) -> ListingAnswer:
        try:
            return self._call_reader(listing_id)
        except OrganizationPlanError as error:
            return Denial(DenialReason.PLAN, str(error))
        except UnsupportedError as error:
            return Denial(DenialReason.UNSUPPORTED, str(error))
        except NotFoundError as error:
            return NotFound(make_read_failure(listing_id, str(error)))

    def _call_reader(self, listing_id: ListingId) -> AnyRead:
        match listing_id.kind:
            case ListingKind.BACKUPS:
                return self._reader.read_backups()
            case ListingKind.SCHEDULES:
                return self._reader.read_schedules(listing_id.key)
            case ListingKind.OWN_BACKUPS:
                return self._reader.read_own_backups(listing_id.key)
            case ListingKind.HISTORY:
                return self._reader.read_history(listing_id.key)


def make_read_failure(listing_id: ListingId, error: str) -> ReadFailure:
    """Return that a listing could not be read, and why."""
    return ReadFailure(_CALLS[listing_id.kind].format(listing_id.key), error)


def _make_timeout_answer(listing_id: ListingId) -> ListingAnswer:
    """Return the answer of a listing that was not read before the time limit."""
    return ListingRead[Backup]((), make_read_failure(listing_id, _DEADLINE_MESSAGE))
