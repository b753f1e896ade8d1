"""The interfaces to Pinecone: readers of a project and of an organization, a writer, and the progress of an audit."""

from collections.abc import Callable, Container
from datetime import datetime
from typing import Protocol

from backup_auditor.domain.listing import ListingRead
from backup_auditor.domain.model import Backup, Index, Schedule
from backup_auditor.domain.organization import Organization, OrganizationProject
from backup_auditor.domain.remediation.plan import Action


class ProjectReader(Protocol):
    """Reads one Pinecone project. Safe to use from many threads; it never writes.

    A read that ends early returns the rows that it got and the reason. Each method names what it raises; only
    `read_indexes` raises errors that concern the whole project.
    """

    @property
    def max_concurrency(self) -> int:
        """How many calls are in flight at most."""

    @property
    def seconds_left(self) -> float:
        """How many seconds to wait for responses at most; what is missing after that was not read."""

    @property
    def requests(self) -> int:
        """How many requests were sent, retries included."""

    @property
    def throttles(self) -> int:
        """How many requests were throttled."""

    def read_indexes(self) -> ListingRead[Index]:
        """Return the live indexes, with a failure if some rows could not be parsed. Raises any `PineconeError`."""

    def read_backups(self, on_page: Callable[[], None] | None = None) -> ListingRead[Backup]:
        """Read the backups of the project, and call `on_page` for each page. Raises no `PineconeError`."""

    def read_schedules(self, index: str) -> ListingRead[Schedule]:
        """Read the schedules of an index. Raises `OrganizationPlanError`, `UnsupportedError` and `NotFoundError`."""

    def read_own_backups(self, index: str) -> ListingRead[Backup]:
        """Read the backups of the live index with this name. Raises `UnsupportedError` and `NotFoundError`."""

    def read_history(self, schedule_id: str) -> ListingRead[Backup]:
        """Read the runs of a schedule. Raises `NotFoundError`."""


class TimedReader(ProjectReader, Protocol):
    """A reader that also knows the time of the service."""

    @property
    def service_time(self) -> datetime | None:
        """The time of the service at its last response; `None` if no response had a valid one."""


class OrganizationReader(Protocol):
    """Reads what a service account may see of an organization. Its methods raise any `PineconeError`."""

    def read_projects(self) -> ListingRead[OrganizationProject]:
        """Return the projects, with a failure if some rows could not be parsed. A project may be listed twice."""

    def read_organizations(self) -> ListingRead[Organization]:
        """Return the organizations, with a failure if some rows could not be parsed."""

    def read_project(self, project_id: str) -> OrganizationProject:
        """Return a project by its id."""


class Progress(Protocol):
    """Shows how far an audit has come. Methods are called from any thread.

    The labels are `indexes` (one listing), `backups` (pages), `schedules` and `own backups` (indexes), `histories`
    (schedules) and `second reads` (listings).
    """

    def expect(self, label: str, count: int) -> None:
        """Add to the number of units that will be read."""

    def advance(self, label: str) -> None:
        """Count one unit as read."""


class ProjectWriter(Protocol):
    """Reads and changes single indexes of a project. Safe to use from many threads; it deletes nothing.

    Every method raises any `PineconeError`; an incomplete listing is an error, too.
    """

    @property
    def max_concurrency(self) -> int:
        """How many calls are in flight at most."""

    @property
    def seconds_left(self) -> float:
        """How many seconds to wait for responses at most."""

    def read_index(self, name: str) -> Index:
        """Return an index as it was within the last second."""

    def read_schedules(self, index: str) -> tuple[Schedule, ...]:
        """Return all schedules of an index."""

    def read_backups(self, index: str) -> tuple[Backup, ...]:
        """Return all backups of the live index with this name."""

    def send(self, action: Action, existing_ids: Container[str]) -> Schedule | Backup:
        """Send the call of an action and return the schedule or the backup that it created or changed.

        `existing_ids` are the ids of the schedules or backups of the index that were just read. The call is sent once,
        and repeated only if it was throttled. A lost response is settled by reading: the new resource is the result.
        Raises `ConflictError` if the index has an enabled schedule now, and `OutcomeUnknownError` if reading does
        not settle the outcome.
        """

    def wait(self, seconds: float) -> None:
        """Wait until a change can be listed. Raises `DeadlineError` if the deadline is earlier."""


class NoProgress:
    """A `Progress` that shows nothing."""

    def expect(self, label: str, count: int) -> None:
        """Do nothing."""

    def advance(self, label: str) -> None:
        """Do nothing."""
