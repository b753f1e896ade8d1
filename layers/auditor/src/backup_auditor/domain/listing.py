"""What the walks over a listing showed, or why it was not shown."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class ReadFailure:
    """A fact that could not be read: the call that should have told it, and why it did not."""

    call: str
    error: str


@dataclass(frozen=True, slots=True)
class ListingRead[Row]:
    """The rows that one walk over the pages of a listing showed, without duplicates."""

    rows: tuple[Row, ...]
    failure: ReadFailure | None = None
    """Why the walk ended before the listing did. A broken walk proves presence, never absence."""


@dataclass(frozen=True, slots=True)
class Listing[Row]:
    """What one or more walks over the same listing showed together (see `listing.listing_of`)."""

    rows: tuple[Row, ...]
    """Every row that any of the walks showed, sorted."""
    failure: ReadFailure | None = None
    """Why no walk came to its end, if none did."""
    read_count: int = 1
    """How many walks came to their end."""
    changed_ids: frozenset[str] = frozenset()
    """The ids that only one of the last two whole walks showed: rows shifted under the walk."""
    confirmation_failure: ReadFailure | None = None
    """Why a further walk, which should have confirmed an earlier one, did not come to its end."""

    @property
    def failures(self) -> tuple[ReadFailure, ...]:
        """What this listing should have told and did not."""
        return tuple(
            dict.fromkeys(failure for failure in (self.failure, self.confirmation_failure) if failure is not None)
        )


class DenialReason(StrEnum):
    """Why the service will never answer a call about backups of an index."""

    PLAN = "plan"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Denial:
    """An answer that says no: it is known, not unread."""

    kind: DenialReason
    message: str


def list_rows[Row](answer: Listing[Row] | Denial | None) -> tuple[Row, ...]:
    """Return the rows an answer holds; none where it was refused or not asked for."""
    return answer.rows if isinstance(answer, Listing) else ()


class ListingKind(StrEnum):
    """The four kinds of listing that are walked page by page."""

    BACKUPS = "backups"
    SCHEDULES = "schedules"
    OWN_BACKUPS = "own-backups"
    HISTORY = "history"


@dataclass(frozen=True, slots=True, order=True)
class ListingId:
    """Names one listing: the project's backups, an index's schedules or own backups, a schedule's history."""

    kind: ListingKind
    key: str = ""
    """The index's name, or the schedule's id; empty for the project's backups."""


BACKUP_LISTING = ListingId(ListingKind.BACKUPS)
"""The listing of all backups of the project."""
