"""Asks for one listing, and says what the answer means for the audit."""

from dataclasses import dataclass

from backup_auditor.domain.facts import Backup, Index, Schedule
from backup_auditor.domain.listing import ListingId, ListingKind, Refusal, RefusalKind, Unread, Walk
from backup_auditor.errors import NotFoundError, PineconeError, PlanForbidsError, UnsupportedError
from backup_auditor.ports import ProjectReader

type AnyWalk = Walk[Backup] | Walk[Schedule]


@dataclass(frozen=True, slots=True)
class Gone:
    """The answer that what a listing belongs to is not there."""

    unread: Unread


_CALLS = {
    ListingKind.BACKUPS: "GET /backups",
    ListingKind.SCHEDULES: "GET /indexes/{}/backup-schedules",
    ListingKind.OWN_BACKUPS: "GET /indexes/{}/backups",
    ListingKind.HISTORY: "GET /backup-schedules/{}/history",
}


def ask_for_indexes(reader: ProjectReader) -> Walk[Index] | PineconeError:
    """Return the live indexes, or why they are not known."""
    try:
        return reader.indexes()
    except PineconeError as error:
        return error


def ask_for(reader: ProjectReader, listing_id: ListingId) -> AnyWalk | Refusal | Gone:
    """Walk a listing, whichever it is."""
    try:
        return _walk(reader, listing_id)
    except PlanForbidsError as error:
        return Refusal(RefusalKind.PLAN, str(error))
    except UnsupportedError as error:
        return Refusal(RefusalKind.UNSUPPORTED, str(error))
    except NotFoundError as error:
        return Gone(unread(listing_id, str(error)))


def unread(listing_id: ListingId, error: str) -> Unread:
    """Say that a listing could not be read, and why."""
    return Unread(_CALLS[listing_id.kind].format(listing_id.key), error)


def _walk(reader: ProjectReader, listing_id: ListingId) -> AnyWalk:
    match listing_id.kind:
        case ListingKind.BACKUPS:
            return reader.backups()
        case ListingKind.SCHEDULES:
            return reader.schedules(listing_id.key)
        case ListingKind.OWN_BACKUPS:
            return reader.own_backups(listing_id.key)
        case ListingKind.HISTORY:
            return reader.history(listing_id.key)
