"""The confirmation of absence: a verdict that depends on missing rows needs a second read that agrees."""

from dataclasses import replace

from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import Compliance, Verdict
from backup_auditor.domain.listing import ListingId, ListingKind


def require_confirmed_absence(
    verdict: Verdict, project: ProjectContext, index: str | None, unconfirmed_listings: set[ListingId]
) -> Verdict:
    """Return a verdict, or `INSUFFICIENT_DATA` if it depends on an absence that two reads do not confirm.

    Adds to `unconfirmed_listings` each listing that another read could confirm.
    """
    explanations = [
        _explain_unconfirmed_absence(it, project, index, unconfirmed_listings) for it in verdict.depends_on_absence_in
    ]
    first_explanation = next(filter(None, explanations), None)
    if first_explanation is None:
        return verdict
    reason = f"{verdict.reason.removesuffix('.')}; not confirmed: {first_explanation}."
    return replace(verdict, compliance=Compliance.INSUFFICIENT_DATA, reason=reason, severity=None)


def _explain_unconfirmed_absence(
    listing_id: ListingId, project: ProjectContext, index: str | None, unconfirmed_listings: set[ListingId]
) -> str | None:
    """Return why an absence from a listing is not confirmed; `None` if two complete reads agree."""
    listing = project.listings.get(listing_id)
    if listing is None:
        return f"{_describe_listing(listing_id)} was not read"
    if listing.failure is not None:
        return f"{listing.failure.call} failed ({listing.failure.error})"
    is_checked_by_name = listing_id.kind is ListingKind.BACKUPS and index is not None
    has_changed_rows = index in project.names_with_changed_rows if is_checked_by_name else bool(listing.changed_ids)
    if listing.read_count > 1 and not has_changed_rows:
        return None
    unconfirmed_listings.add(listing_id)
    if listing.confirmation_failure is not None:
        return f"the second read failed: {listing.confirmation_failure.call} ({listing.confirmation_failure.error})"
    if has_changed_rows:
        return f"two reads of {_describe_listing(listing_id)} returned different rows"
    return f"{_describe_listing(listing_id)} was read only once"


def _describe_listing(listing_id: ListingId) -> str:
    return {
        ListingKind.BACKUPS: "the backup listing",
        ListingKind.SCHEDULES: f"the schedule listing of {listing_id.key}",
        ListingKind.OWN_BACKUPS: f"the backup listing of {listing_id.key}",
        ListingKind.HISTORY: f"the history of schedule {listing_id.key}",
    }[listing_id.kind]
