"""Control `recovery-points-belong-to-index`."""

from backup_auditor.domain.control import RECOVERY_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.live_index import find_deleted_index_ids
from backup_auditor.domain.finding import (
    InsufficientDataError,
    Severity,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.listing import BACKUP_LISTING, ListingId
from backup_auditor.domain.text import pluralize


def _evaluate(subject: IndexContext) -> Verdict:
    backups, identity = subject.backups, subject.backups.live_id
    ready_backups = backups.ready_backups_under_name
    index_ids = sorted({it.index_id for it in ready_backups})
    evidence = {"live_id": identity.id, "ids": index_ids, "ready_backups": len(ready_backups)}
    if identity.is_index_listing_incomplete:
        raise InsufficientDataError(f"{identity.unknown_reason}.", evidence)
    if not ready_backups:
        backups.require_backup_listing()
        return not_applicable("There is no Ready backup under the name of the index.", evidence)
    own_count = sum(it.index_id == identity.id for it in ready_backups)
    if own_count:
        return compliant(
            f"The index owns {own_count} of {pluralize(len(ready_backups), 'Ready backup')} under its name.", evidence
        )
    listing_ids: tuple[ListingId, ...] = (BACKUP_LISTING,)
    if not find_deleted_index_ids(backups.backups_under_name).issuperset(index_ids):
        listing_ids = backups.listings
        if identity.unknown_reason is not None:
            raise InsufficientDataError(f"{identity.unknown_reason}.", evidence)
    owner_text = "an earlier index" if len(index_ids) == 1 else f"{len(index_ids)} earlier indexes"
    reason = f"{pluralize(len(ready_backups), 'Ready backup')} under the name of the index, all from {owner_text}."
    return non_compliant(reason, evidence, depends_on_absence_in=listing_ids)


RECOVERY_POINTS_BELONG_TO_INDEX = Control(
    id="recovery-points-belong-to-index",
    title="The backups under the name of an index belong to it",
    fails_when="There are Ready backups under the name of the index, and all of them belong to earlier indexes of"
    " that name.",
    severity=Severity.CRITICAL,
    family=Family.RECOVERY,
    rationale="An index that was deleted and created again under the same name holds other data. The backups of the"
    " earlier index look like protection, but restore other data.",
    remediation="Take a backup of {name} now and create a schedule for it (a new index does not inherit one), in the"
    " Backups tab of the index or with POST /indexes/{name}/backups and POST /indexes/{name}/backup-schedules.",
    looks_at="The index ids of the Ready backups under the name, and the id of the live index.",
    console=(
        "Open the Backups tab of {name}.",
        "Create a backup.",
        "Create a schedule: the one of the earlier index was deleted with it.",
    ),
    api=(
        "POST /indexes/{name}/backups.",
        "POST /indexes/{name}/backup-schedules.",
    ),
    false_positives="An index that was deleted and restored from its own backup holds the same data. It still has"
    " no backup of its own.",
    frameworks=RECOVERY_FRAMEWORKS,
    evaluate=_evaluate,
)
