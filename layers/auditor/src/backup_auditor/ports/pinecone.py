"""What use cases require of Pinecone: a reader, a writer and the progress of a read."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

from backup_auditor.domain.listing import ListingRead
from backup_auditor.domain.model import Backup, Frequency, Index, Schedule, ScheduleSettings


class ProjectReader(Protocol):
    """Reads one Pinecone project. Safe to call from many threads at once, and never writes.

    A walk that breaks off is returned with the rows it showed and the reason; what each call raises is said there.
    Only `indexes` raises what concerns the project as a whole.
    """

    @property
    def max_concurrency(self) -> int:
        """How many calls it will ever have in flight at once."""

    @property
    def seconds_left(self) -> float:
        """How long to wait, at most, for what was asked of it; what has not come by then is unread."""

    @property
    def requests(self) -> int:
        """How many requests were sent so far, retries included."""

    @property
    def throttles(self) -> int:
        """How many of them were answered that the service is called too often."""

    def read_indexes(self) -> ListingRead[Index]:
        """List the live indexes. Raises any `PineconeError`; broken where some of the rows could not be understood."""

    def read_backups(self, on_page: Callable[[], None] | None = None) -> ListingRead[Backup]:
        """Walk the backups of the project, and tell of each page. Raises nothing that the service answers."""

    def read_schedules(self, index: str) -> ListingRead[Schedule]:
        """Walk the schedules of an index. Raises `PlanForbidsError`, `UnsupportedError` and `NotFoundError`."""

    def read_own_backups(self, index: str) -> ListingRead[Backup]:
        """Walk the backups of the live index of a name. Raises `UnsupportedError` and `NotFoundError`."""

    def read_history(self, schedule_id: str) -> ListingRead[Backup]:
        """Walk the runs of a schedule. Raises `NotFoundError`."""


class Progress(Protocol):
    """Is told, from any thread, how far an audit has come.

    The things are `indexes` (one listing), `backups` (pages), `schedules` and `own backups` (indexes), `histories`
    (schedules) and `second walks` (listings).
    """

    def expect(self, label: str, count: int) -> None:
        """Say that so many more of a thing are to be read."""

    def advance(self, label: str) -> None:
        """Say that one of them was read."""


class ProjectWriter(Protocol):
    """Looks at single indexes of a project, and changes them. Safe to call from many threads; deletes nothing.

    Every call raises any `PineconeError`; a listing that could not be read to its end is an error too. Each change is
    sent once. One whose answer was lost is settled by reading, and `OutcomeUnknownError` says that this failed.
    """

    @property
    def max_concurrency(self) -> int:
        """How many calls it will ever have in flight at once."""

    @property
    def seconds_left(self) -> float:
        """How long to wait, at most, for what was asked of it."""

    def read_index(self, name: str) -> Index:
        """Return one index, as it was within the last second."""

    def read_schedules(self, index: str) -> tuple[Schedule, ...]:
        """Read all schedules of an index."""

    def read_backups(self, index: str) -> tuple[Backup, ...]:
        """Read all backups of the live index of a name."""

    def create_schedule(
        self, index: str, name: str, frequency: Frequency, retention: timedelta, existing: Sequence[Schedule]
    ) -> Schedule:
        """Create an enabled schedule beside those that were just read. `ConflictError`: one is enabled by now."""

    def update_schedule(self, schedule_id: str, changes: ScheduleSettings) -> Schedule:
        """Change what the settings speak of, and leave the rest."""

    def create_backup(self, index: str, name: str, existing: Sequence[Backup]) -> Backup:
        """Begin a backup beside those that were just read."""

    def wait(self, seconds: float) -> None:
        """Wait for what was asked for to show. Raises `DeadlineError` when the time would be over by then."""


class NoProgress:
    """A `Progress` that says nothing."""

    def expect(self, label: str, count: int) -> None:
        """Say nothing."""

    def advance(self, label: str) -> None:
        """Say nothing."""
