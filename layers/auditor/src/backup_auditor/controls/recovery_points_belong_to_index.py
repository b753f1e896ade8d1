"""Control `recovery-points-belong-to-index`."""

from backup_auditor.domain.control import (
    RECOVERY_FRAMEWORKS,
    Control,
    Family,
    Guidance,
    InsufficientDataError,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.live_index import find_deleted_index_ids
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.listing import BACKUP_LISTING, ListingId
from backup_auditor.domain.text import pluralize


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    backups, identity = subject.backups, subject.backups.live_id
    ready_backups = backups.ready_backups_under_name
    index_ids = sorted({it.index_id for it in ready_backups})
    evidence = {"live_id": identity.id, "ids": index_ids, "ready_backups": len(ready_backups)}
    if identity.is_index_listing_incomplete:
        raise InsufficientDataError(f"{identity.unknown_reason}.", evidence)
    if not ready_backups:
        backups.require_backup_listing()
        return not_applicable("There is no Ready backup under its name.", evidence)
    own_count = sum(it.index_id == identity.id for it in ready_backups)
    if own_count:
        return compliant(
            f"{own_count} of the {pluralize(len(ready_backups), 'Ready backup')} under its name are its own.", evidence
        )
    listing_ids: tuple[ListingId, ...] = (BACKUP_LISTING,)
    if not find_deleted_index_ids(backups.backups_under_name).issuperset(index_ids):
        listing_ids = backups.listings
        if identity.unknown_reason is not None:
            raise InsufficientDataError(f"{identity.unknown_reason}.", evidence)
    owner_text = "an earlier index" if len(index_ids) == 1 else f"{len(index_ids)} earlier indexes"
    reason = (
        f"{pluralize(len(ready_backups), 'Ready backup')} under its name, all of {owner_text}:"
        " none can restore its data."
    )
    return non_compliant(reason, evidence, depends_on_absence_in=listing_ids)


RECOVERY_POINTS_BELONG_TO_INDEX = Control(
    id="recovery-points-belong-to-index",
    title="The backups under the name of an index are its own",
    fails_when="There are Ready backups under the name of the index, and all of them are of earlier indexes of that "
    "name.",
    severity=Severity.CRITICAL,
    scopes=(ResourceType.INDEX,),
    family=Family.RECOVERY,
    rationale="An index that was deleted and made again under the same name holds other data: the backups of the"
    " earlier one look like protection and restore something else.",
    remediation="Take a backup of {name} now, and give it a schedule, which it does not inherit: in the console under"
    " the index's Backups tab, or by POST /indexes/{name}/backups and POST /indexes/{name}/backup-schedules.",
    guidance=Guidance(
        looks_at="The index ids of the Ready backups under the name, and the id of the live index.",
        console=(
            "Open {name} and its Backups tab.",
            "Create a backup.",
            "Create a schedule: the one of the earlier index is gone.",
        ),
        api=(
            "POST /indexes/{name}/backups.",
            "POST /indexes/{name}/backup-schedules.",
        ),
        false_positives="An index that was deleted and made again from its own backup holds the same data; it still "
        "has no backup of its own.",
        frameworks=RECOVERY_FRAMEWORKS,
    ),
    evaluate=evaluate,
)
