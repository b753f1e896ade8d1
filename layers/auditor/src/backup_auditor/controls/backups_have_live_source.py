"""Control `backups-have-live-source`."""

from datetime import timedelta

from backup_auditor.domain.backup_status import BackupPhase
from backup_auditor.domain.control import (
    Control,
    Family,
    Guidance,
    InsufficientDataError,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.evaluation.index import DeletedIndexContext
from backup_auditor.domain.evaluation.index_schedules import unread_error
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import days, format_lengths, format_moment, hours


def judge(subject: DeletedIndexContext) -> Verdict:
    """Judge one deleted index."""
    keep = subject.require.orphans.keep
    if keep is None:
        return not_applicable("The policy sets no limit to how long backups of deleted indexes are kept.")
    backups = [it for it in subject.backups if it.phase is not BackupPhase.PLANNED]
    if not backups:
        if (unread := subject.project.inventory.backups.broken) is not None:
            raise unread_error("backups", unread)
        return not_applicable("No backup of it is listed.")
    newest = max((it.captured_at for it in backups if it.captured_at is not None), default=None)
    age = max(subject.observed_at - newest, timedelta()) if newest is not None else None
    evidence = {
        "backups": len(backups),
        "newest": format_moment(newest) if newest is not None else None,
        "age_hours": hours(age) if age is not None else None,
        "keep_days": days(keep),
        "backup_ids": sorted(it.backup.backup_id for it in backups),
    }
    told = pluralize(len(backups), "backup")
    if age is not None and age <= keep:
        return compliant(f"The newest of its {told} is no older than {days(keep)} d.", evidence)
    if any(it.captured_at is None for it in backups):
        raise InsufficientDataError("Some of its backups tell no time at which they were taken.", evidence)
    shown, allowed = format_lengths(age or keep, keep)
    reason = f"The index is gone, and the newest of its {told} is {shown} old, {allowed} are allowed."
    return non_compliant(reason, evidence, rests_on=subject.listings)


BACKUPS_HAVE_LIVE_SOURCE = Control(
    id="backups-have-live-source",
    title="Backups of deleted indexes are not kept for longer than the policy allows",
    fails_when="The index is deleted, and its newest backup is older than keep_days.",
    severity=Severity.LOW,
    scopes=(ResourceType.DELETED_INDEX,),
    family=Family.RECOVERY,
    rationale="Backups of a deleted index that were taken by hand never expire: they cost storage, fill the quota, and"
    " hold what was perhaps to be deleted.",
    remediation="Decide whether anybody may still want {name} back; if not, delete the backups that the evidence names,"
    " each by DELETE /backups/BACKUP_ID.",
    guidance=Guidance(
        looks_at="The backups of an index id that is not live, and the capture time of the newest.",
        console=(
            "Open Backups of the project, and find those whose source index is gone.",
            "Delete what is not needed.",
        ),
        api=("GET /backups.", "DELETE /backups/BACKUP_ID, which cannot be undone."),
        false_positives="Backups that are kept on purpose, as an archive: exempt the name of the index.",
    ),
    judge=judge,
    parameters={"orphans.keep_days": "how many days old the newest backup of a deleted index may be"},
)
