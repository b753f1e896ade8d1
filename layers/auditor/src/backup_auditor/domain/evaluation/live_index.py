"""Works out which index id is the live one of a name: an index tells no id of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backup_auditor.domain.inventory import IndexFacts
from backup_auditor.domain.listing import Listing, known_rows
from backup_auditor.domain.model import Backup


@dataclass(frozen=True, slots=True)
class LiveId:
    """The id of the live index of a name, as far as it is known."""

    id: str | None
    """`None` when no backup belongs to the live index, or when the id is in doubt."""
    doubt: str | None = None
    """A sentence, without its stop, that says why the id is not known although it would decide."""
    own_listing_decides: bool = False
    """Whether the id hangs on what the index's own backups show, or do not."""
    is_unread: bool = False
    """Whether the index's own backups were asked for, and what was read of them does not tell."""


def live_id(facts: IndexFacts, backups: Sequence[Backup]) -> LiveId:
    """Work out the live id of a name from its schedules, then from deletion marks, then from the index's own listing.

    `backups` are the rows of the project's listing under that name. A deletion mark is evidence where it stands;
    its absence proves nothing.
    """
    told = {schedule.index_id for schedule in known_rows(facts.schedules) if schedule.index_id}
    if len(told) == 1:
        return LiveId(told.pop())
    if isinstance(facts.own_backups, Listing):
        return _told_by_own_listing(facts.own_backups, deleted_ids([*backups, *facts.own_backups.rows]))
    name = facts.index.name
    if len(told) > 1:
        return LiveId(None, f"The schedules of {name} name {len(told)} different index ids", own_listing_decides=True)
    deleted = deleted_ids(backups)
    if all(backup.index_id in deleted for backup in backups):
        return LiveId(None)
    return LiveId(
        None, f"Which backups under the name {name} are the live index's own was not read", own_listing_decides=True
    )


def deleted_ids(backups: Iterable[Backup]) -> frozenset[str]:
    """Return the ids of indexes of which any backup says that the index was deleted."""
    return frozenset(it.index_id for it in backups if it.index_deleted_at is not None)


def _told_by_own_listing(own: Listing[Backup], deleted: frozenset[str]) -> LiveId:
    ids = {backup.index_id for backup in own.rows} - deleted
    if len(ids) == 1:
        return LiveId(ids.pop())
    if ids:
        return LiveId(None, f"The index's own listing names {len(ids)} different index ids", own_listing_decides=True)
    if own.broken is not None:
        reason = f"Which backups are the live index's own could not be read: {own.broken.what}: {own.broken.error}"
        return LiveId(None, reason, own_listing_decides=True, is_unread=True)
    return LiveId(None, own_listing_decides=True)
