"""Nothing is called missing on the strength of one walk: a verdict that rests on absence wants a second that agrees."""

from dataclasses import replace

from backup_auditor.domain.control import Verdict
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.listing import ListingId, ListingKind
from backup_auditor.domain.project_subject import ProjectSubject


def confirmed(verdict: Verdict, project: ProjectSubject, index: str | None, doubts: set[ListingId]) -> Verdict:
    """Return a verdict as it stands once absence is looked at twice, and note in `doubts` what a walk could settle."""
    reasons = [why for it in verdict.rests_on if (why := _why_unconfirmed(it, project, index, doubts))]
    if not reasons:
        return verdict
    reason = f"{verdict.reason.removesuffix('.')}, yet {reasons[0]}, so nothing can be called missing."
    return replace(verdict, compliance=Compliance.INSUFFICIENT_DATA, reason=reason, severity=None)


def _why_unconfirmed(
    listing_id: ListingId, project: ProjectSubject, index: str | None, doubts: set[ListingId]
) -> str | None:
    """Return why what is absent from a listing cannot be called missing; `None` when two whole walks agree."""
    listing = project.listings.get(listing_id)
    if listing is None:
        return f"the listing of {_described(listing_id)} was not read"
    if listing.broken is not None:
        return f"{listing.broken.what} broke off ({listing.broken.error})"
    by_name = listing_id.kind is ListingKind.BACKUPS and index is not None
    is_disputed = index in project.disputed_names if by_name else bool(listing.disputed)
    if listing.walks > 1 and not is_disputed:
        return None
    doubts.add(listing_id)
    if listing.doubt is not None:
        return f"a second walk broke off: {listing.doubt.what} ({listing.doubt.error})"
    if is_disputed:
        return f"two walks over {_described(listing_id)} showed different rows"
    return f"no second walk over {_described(listing_id)} was made"


def _described(listing_id: ListingId) -> str:
    return {
        ListingKind.BACKUPS: "the project's backups",
        ListingKind.SCHEDULES: f"the schedules of {listing_id.key}",
        ListingKind.OWN_BACKUPS: f"the backups of {listing_id.key}",
        ListingKind.HISTORY: f"the history of schedule {listing_id.key}",
    }[listing_id.kind]
