"""The live index of a name: its id, which Pinecone does not report with it, and whether it can be backed up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from backup_auditor.domain.finding import Evidence, InsufficientDataError
from backup_auditor.domain.inventory import IndexFacts
from backup_auditor.domain.listing import Denial, DenialReason, Listing, ListingId, list_rows
from backup_auditor.domain.model import Backup, Deployment


@dataclass(frozen=True, slots=True)
class LiveId:
    """The id of the live index of a name, as far as it is known."""

    id: str | None
    """`None` if no backup belongs to the live index, or if the id is unknown."""
    unknown_reason: str | None = None
    """Why the id is unknown although it would decide: a sentence without its full stop."""
    needs_index_listing: bool = False
    """Whether the id depends on the index's own backup listing."""
    is_index_listing_incomplete: bool = False
    """Whether the index's own backup listing was read only in part, and what was read does not show the id."""


def find_live_id(facts: IndexFacts, backups: Sequence[Backup]) -> LiveId:
    """Return the live id of a name, from its schedules, else from deletion marks, else from the index's own listing.

    `backups` are the rows of the project's listing under that name. A deletion mark proves that an index is deleted;
    its absence proves nothing.
    """
    schedule_index_ids = {schedule.index_id for schedule in list_rows(facts.schedules) if schedule.index_id}
    if len(schedule_index_ids) == 1:
        return LiveId(schedule_index_ids.pop())
    if isinstance(facts.own_backups, Listing):
        return _find_live_id_in_own_listing(
            facts.own_backups, find_deleted_index_ids([*backups, *facts.own_backups.rows])
        )
    name = facts.index.name
    if len(schedule_index_ids) > 1:
        return LiveId(
            None,
            f"The schedules of {name} report {len(schedule_index_ids)} different index ids",
            needs_index_listing=True,
        )
    deleted_index_ids = find_deleted_index_ids(backups)
    if all(backup.index_id in deleted_index_ids for backup in backups):
        return LiveId(None)
    return LiveId(
        None,
        f"The id of the live index {name} is unknown: its own backup listing was not read",
        needs_index_listing=True,
    )


def find_deleted_index_ids(backups: Iterable[Backup]) -> frozenset[str]:
    """Return the ids of the indexes that at least one backup marks as deleted."""
    return frozenset(it.index_id for it in backups if it.index_deleted_at is not None)


def _find_live_id_in_own_listing(own_listing: Listing[Backup], deleted_index_ids: frozenset[str]) -> LiveId:
    index_ids = {backup.index_id for backup in own_listing.rows} - deleted_index_ids
    if len(index_ids) == 1:
        return LiveId(index_ids.pop())
    if index_ids:
        return LiveId(
            None,
            f"The backup listing of the index reports {len(index_ids)} different index ids",
            needs_index_listing=True,
        )
    if own_listing.failure is not None:
        reason = f"The id of the live index is unknown: could not read its backup listing: {own_listing.failure}"
        return LiveId(None, reason, needs_index_listing=True, is_index_listing_incomplete=True)
    return LiveId(None, needs_index_listing=True)


@dataclass(frozen=True, slots=True)
class BackupSupport:
    """Whether the service can back up one index: it can, if there is neither a reason nor an unknown fact."""

    reason: str | None = None
    """Why it cannot, as a sentence."""
    evidence: Evidence = field(default_factory=dict)
    depends_on_absence_in: tuple[ListingId, ...] = ()
    """The listings in which a further row would prove that it can."""
    unknown_error: InsufficientDataError | None = None
    """Why it is unknown whether it can."""


def find_missing_support(facts: IndexFacts) -> BackupSupport | None:
    """Return why an index can never be backed up, whatever else is listed; `None` if there is no such reason."""
    if facts.index.deployment is Deployment.POD:
        evidence: Evidence = {"obstacle": "pod"}
        return BackupSupport("The index cannot be backed up: it is a pod index.", evidence)
    for answer in (facts.schedules, facts.own_backups):
        if isinstance(answer, Denial) and answer.kind is DenialReason.UNSUPPORTED:
            evidence = {"obstacle": "refused", "answer": answer.message}
            return BackupSupport(f"The index cannot be backed up: Pinecone answered {answer.message}", evidence)
    return None
