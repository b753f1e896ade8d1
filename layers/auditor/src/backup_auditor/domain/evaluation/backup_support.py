"""Whether the service can back up an index, as far as its answers show."""

from dataclasses import dataclass, field
from enum import StrEnum

from backup_auditor.domain.evaluation.index_schedules import IndexSchedules
from backup_auditor.domain.evaluation.live_index import LiveId
from backup_auditor.domain.finding import Evidence
from backup_auditor.domain.inventory import IndexFacts
from backup_auditor.domain.listing import BACKUP_LISTING, Denial, DenialReason, ListingId, ListingKind, ReadFailure
from backup_auditor.domain.model import Deployment
from backup_auditor.domain.verdict import InsufficientDataError


class Obstacle(StrEnum):
    """Why the service cannot back up an index."""

    POD = "pod"
    DENIED = "refused"
    CUSTOMER_KEY = "customer_key"


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


_SUPPORTED = BackupSupport()


def find_backup_support(
    facts: IndexFacts,
    schedules: IndexSchedules,
    live_id: LiveId,
    backups_failure: ReadFailure | None,
    *,
    has_known_backup: bool,
) -> BackupSupport:
    """Return whether an index can be backed up.

    An index that is encrypted with a customer key can be backed up only if a schedule or a backup of it is listed, or
    if a previous audit recorded a backup that should still exist.
    """
    missing_support = find_missing_support(facts)
    if missing_support is not None:
        return missing_support
    if facts.index.cmek_id is None or schedules.known_schedules or live_id.id is not None or has_known_backup:
        return _SUPPORTED
    evidence: Evidence = {"obstacle": Obstacle.CUSTOMER_KEY.value, "cmek_id": facts.index.cmek_id}
    failure = schedules.failure or backups_failure
    if failure is not None or live_id.unknown_reason is not None:
        failure_text = f"{failure.call}: {failure.error}" if failure is not None else live_id.unknown_reason
        reason = (
            "The index is encrypted with a customer key, and it is unknown whether it has a schedule or a backup:"
            f" {failure_text}."
        )
        return BackupSupport(evidence=evidence, unknown_error=InsufficientDataError(reason, evidence))
    own_listings = (ListingId(ListingKind.OWN_BACKUPS, facts.index.name),) if live_id.needs_index_listing else ()
    return BackupSupport(
        "The index cannot be backed up: it has a customer key, and no schedule or backup of it is listed.",
        evidence,
        depends_on_absence_in=(*schedules.listings, BACKUP_LISTING, *own_listings),
    )


def find_missing_support(facts: IndexFacts) -> BackupSupport | None:
    """Return why an index can never be backed up, whatever else is listed; `None` if there is no such reason."""
    if facts.index.deployment is Deployment.POD:
        evidence: Evidence = {"obstacle": Obstacle.POD.value}
        return BackupSupport("The index cannot be backed up: it is a pod index.", evidence)
    for answer in (facts.schedules, facts.own_backups):
        if isinstance(answer, Denial) and answer.kind is DenialReason.UNSUPPORTED:
            evidence = {"obstacle": Obstacle.DENIED.value, "answer": answer.message}
            return BackupSupport(f"The index cannot be backed up: Pinecone answered {answer.message}", evidence)
    return None
