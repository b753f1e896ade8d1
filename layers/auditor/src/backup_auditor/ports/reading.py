"""What the use cases need of a project's place at Pinecone, as protocols."""

from collections.abc import Callable
from typing import Protocol

from backup_auditor.domain.facts import Backup, Index, Schedule
from backup_auditor.domain.listing import Walk


class ProjectReader(Protocol):
    """Reads one Pinecone project. Safe to call from many threads at once, and never writes.

    A walk that breaks off is returned with the rows it showed and the reason; what each call raises is said there.
    Only `indexes` raises what concerns the project as a whole.
    """

    @property
    def ceiling(self) -> int:
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

    def indexes(self) -> Walk[Index]:
        """List the live indexes. Raises any `PineconeError`; broken where some of the rows could not be understood."""

    def backups(self, on_page: Callable[[], None] | None = None) -> Walk[Backup]:
        """Walk the backups of the project, and tell of each page. Raises nothing that the service answers."""

    def schedules(self, index: str) -> Walk[Schedule]:
        """Walk the schedules of an index. Raises `PlanForbidsError`, `UnsupportedError` and `NotFoundError`."""

    def own_backups(self, index: str) -> Walk[Backup]:
        """Walk the backups of the live index of a name. Raises `UnsupportedError` and `NotFoundError`."""

    def history(self, schedule_id: str) -> Walk[Backup]:
        """Walk the runs of a schedule. Raises `NotFoundError`."""


class Progress(Protocol):
    """Is told, from any thread, how far an audit has come.

    The things are `indexes` (one listing), `backups` (pages), `schedules` and `own backups` (indexes), `histories`
    (schedules) and `second walks` (listings).
    """

    def expect(self, what: str, count: int) -> None:
        """Say that so many more of a thing are to be read."""

    def done(self, what: str) -> None:
        """Say that one of them was read."""
