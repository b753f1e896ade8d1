"""Asks for one listing, and says what the answer means for the audit."""

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
    """The answer that what a listing belongs to is not there."""

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
_SECOND_READS_LABEL = "second walks"
_DEADLINE_MESSAGE = "the time limit was reached"


class ListingRequests:
    """Asks a reader with the threads of a crew, and tells how far it has come. Answers are taken within `finish`."""

    def __init__(self, reader: ProjectReader, pool: WorkerPool, progress: Progress) -> None:
        """Ask nothing yet."""
        self._reader = reader
        self._pool = pool
        self._progress = progress

    def request_indexes(self, on_answer: Callable[[IndexesAnswer], None]) -> None:
        """Ask for the live indexes."""
        fallback: IndexesAnswer = DeadlineError(_DEADLINE_MESSAGE)
        self._submit(_INDEXES_LABEL, self._read_indexes, on_answer, fallback)

    def request_first_backups(self, on_answer: Callable[[ListingAnswer], None]) -> None:
        """Ask for the backups of the project, and tell of each page."""
        self._pool.submit(
            partial(self._reader.read_backups, self._count_page),
            on_answer,
            _make_timeout_answer(ListingId(ListingKind.BACKUPS)),
        )

    def request_listing(self, listing_id: ListingId, on_answer: Callable[[ListingAnswer], None]) -> None:
        """Ask for a listing."""
        self._submit(
            _LABELS[listing_id.kind],
            partial(self._read_listing, listing_id),
            on_answer,
            _make_timeout_answer(listing_id),
        )

    def request_second_read(self, listing_id: ListingId, on_answer: Callable[[ListingAnswer], None]) -> None:
        """Ask for a listing that was walked before."""
        self._submit(
            _SECOND_READS_LABEL, partial(self._read_listing, listing_id), on_answer, _make_timeout_answer(listing_id)
        )

    def finish(self) -> None:
        """Wait for all answers, and have them taken on this thread."""
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
    """Say that a listing could not be read, and why."""
    return ReadFailure(_CALLS[listing_id.kind].format(listing_id.key), error)


def _make_timeout_answer(listing_id: ListingId) -> ListingAnswer:
    """Stand in for an answer that did not come in time."""
    return ListingRead[Backup]((), make_read_failure(listing_id, _DEADLINE_MESSAGE))
