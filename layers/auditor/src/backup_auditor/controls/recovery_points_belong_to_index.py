"""Control `recovery-points-belong-to-index`."""

from backup_auditor.domain.control import (
    RECOVERABLE,
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
from backup_auditor.domain.evaluation.live_index import deleted_ids
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.listing import BACKUP_LISTING, ListingId
from backup_auditor.domain.text import pluralize


def judge(subject: IndexContext) -> Verdict:
    """Judge one index."""
    backups, live = subject.backups, subject.backups.identity
    ready = backups.named_ready
    ids = sorted({it.index_id for it in ready})
    evidence = {"live_id": live.id, "ids": ids, "ready_backups": len(ready)}
    if live.is_unread:
        raise InsufficientDataError(f"{live.doubt}.", evidence)
    if not ready:
        backups.need_listing()
        return not_applicable("There is no Ready backup under its name.", evidence)
    own = sum(it.index_id == live.id for it in ready)
    if own:
        return compliant(f"{own} of the {pluralize(len(ready), 'Ready backup')} under its name are its own.", evidence)
    rests_on: tuple[ListingId, ...] = (BACKUP_LISTING,)
    if not deleted_ids(backups.named).issuperset(ids):
        rests_on = backups.listings
        if live.doubt is not None:
            raise InsufficientDataError(f"{live.doubt}.", evidence)
    whose = "an earlier index" if len(ids) == 1 else f"{len(ids)} earlier indexes"
    reason = f"{pluralize(len(ready), 'Ready backup')} under its name, all of {whose}: none can restore its data."
    return non_compliant(reason, evidence, rests_on=rests_on)


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
        frameworks=RECOVERABLE,
    ),
    judge=judge,
)
