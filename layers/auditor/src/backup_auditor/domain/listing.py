"""Listings: the rows of one or more reads, or why they could not be read."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class ReadFailure:
    """A call that could not be completed, and why. Reports show it as a read error."""

    call: str
    error: str

    def __str__(self) -> str:
        """Return the call and the error for a sentence."""
        return f"{self.call}: {self.error}"


@dataclass(frozen=True, slots=True)
class ListingRead[Row]:
    """The rows of one read over the pages of a listing, without duplicates."""

    rows: tuple[Row, ...]
    failure: ReadFailure | None = None
    """Why the read ended early. An incomplete read proves presence, never absence."""


@dataclass(frozen=True, slots=True)
class Listing[Row]:
    """The rows of one or more reads of the same listing (see `inventory.merge_reads`)."""

    rows: tuple[Row, ...]
    """Every row of any read, sorted."""
    failure: ReadFailure | None = None
    """Why no read was complete; `None` if one was."""
    read_count: int = 1
    """The number of complete reads."""
    changed_ids: frozenset[str] = frozenset()
    """The ids in only one of the last two complete reads: rows moved while they were read."""
    confirmation_failure: ReadFailure | None = None
    """Why a further read, which should have confirmed an earlier one, was incomplete."""


class DenialReason(StrEnum):
    """Why the service refuses every call about backups of an index."""

    PLAN = "plan"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Denial:
    """A response that refuses a call for good. It is a known fact, not a read error."""

    kind: DenialReason
    message: str


def list_rows[Row](answer: Listing[Row] | Denial | None) -> tuple[Row, ...]:
    """Return the rows of a listing; none if the call was denied or not made."""
    return answer.rows if isinstance(answer, Listing) else ()


class ListingKind(StrEnum):
    """The four kinds of paged listing."""

    BACKUPS = "backups"
    SCHEDULES = "schedules"
    OWN_BACKUPS = "own-backups"
    HISTORY = "history"


@dataclass(frozen=True, slots=True, order=True)
class ListingId:
    """Identifies one listing: the project's backups, an index's schedules or own backups, a schedule's history."""

    kind: ListingKind
    key: str = ""
    """The index's name, or the schedule's id; empty for the project's backups."""


BACKUP_LISTING = ListingId(ListingKind.BACKUPS)
"""The listing of all backups of the project."""
