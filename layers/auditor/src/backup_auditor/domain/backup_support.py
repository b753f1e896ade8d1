"""Whether the service can back an index up, as far as its answers show."""

from dataclasses import dataclass, field
from enum import StrEnum

from backup_auditor.domain.control import InsufficientDataError
from backup_auditor.domain.evaluation.index_schedules import IndexSchedules
from backup_auditor.domain.evaluation.live_index import LiveId
from backup_auditor.domain.finding import Evidence
from backup_auditor.domain.inventory import IndexFacts
from backup_auditor.domain.listing import BACKUP_LISTING, Denial, DenialReason, ListingId, ListingKind, ReadFailure
from backup_auditor.domain.model import Deployment


class Obstacle(StrEnum):
    """Why the service cannot back an index up."""

    POD = "pod"
    REFUSED = "refused"
    CUSTOMER_KEY = "customer_key"


@dataclass(frozen=True, slots=True)
class BackupSupport:
    """Whether the service can back one index up: it can, where there is neither a reason nor an unknown fact."""

    reason: str | None = None
    """Why it cannot, in a sentence."""
    evidence: Evidence = field(default_factory=dict)
    rests_on: tuple[ListingId, ...] = ()
    """The listings in which a further row would show that it can."""
    unknown: InsufficientDataError | None = None
    """Why it is not known whether it can."""


_SUPPORTED = BackupSupport()


def support_of(
    facts: IndexFacts,
    schedules: IndexSchedules,
    live: LiveId,
    backups_unread: ReadFailure | None,
    *,
    is_remembered: bool,
) -> BackupSupport:
    """Return whether an index can be backed up.

    One that is encrypted with a customer key can only where a schedule or a backup of it is listed, or where an earlier
    audit remembers a backup that should still exist.
    """
    refused = refused_support(facts)
    if refused is not None:
        return refused
    if facts.index.cmek_id is None or schedules.known or live.id is not None or is_remembered:
        return _SUPPORTED
    evidence: Evidence = {"obstacle": Obstacle.CUSTOMER_KEY.value, "cmek_id": facts.index.cmek_id}
    unread = schedules.unread or backups_unread
    if unread is not None or live.doubt is not None:
        why = f"{unread.what}: {unread.error}" if unread is not None else live.doubt
        reason = f"It is encrypted with a customer key, and whether it has a schedule or a backup is not known: {why}."
        return BackupSupport(evidence=evidence, unknown=InsufficientDataError(reason, evidence))
    own = (ListingId(ListingKind.OWN_BACKUPS, facts.index.name),) if live.own_listing_decides else ()
    return BackupSupport(
        "It is encrypted with a customer key, and Pinecone cannot back up such an index: no schedule and no backup of"
        " it is listed.",
        evidence,
        rests_on=(*schedules.listings, BACKUP_LISTING, *own),
    )


def refused_support(facts: IndexFacts) -> BackupSupport | None:
    """Return why an index can never be backed up, whatever else is listed; `None` where nothing says so."""
    if facts.index.deployment is Deployment.POD:
        evidence: Evidence = {"obstacle": Obstacle.POD.value}
        return BackupSupport("It is a pod index, and pod indexes have no backups.", evidence)
    for answer in (facts.schedules, facts.own_backups):
        if isinstance(answer, Denial) and answer.kind is DenialReason.UNSUPPORTED:
            evidence = {"obstacle": Obstacle.REFUSED.value, "answer": answer.message}
            return BackupSupport(f"Pinecone answers that it cannot be backed up: {answer.message}", evidence)
    return None
