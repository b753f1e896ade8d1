"""Control `backups-have-live-source`."""

from datetime import timedelta

from backup_auditor.domain.backup_status import BackupPhase
from backup_auditor.domain.control import Control, Family
from backup_auditor.domain.evaluation.index import DeletedIndexContext
from backup_auditor.domain.evaluation.index_schedules import create_read_failure_error
from backup_auditor.domain.finding import (
    InsufficientDataError,
    ResourceType,
    Severity,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_lengths, format_moment, to_days, to_hours


def _evaluate(subject: DeletedIndexContext) -> Verdict:
    max_age = subject.requirements.orphaned_backups.max_age
    if max_age is None:
        return not_applicable("The policy sets no limit for backups of deleted indexes.")
    backups = [it for it in subject.backups if it.phase is not BackupPhase.SCHEDULED]
    if not backups:
        if (failure := subject.project.inventory.backups.failure) is not None:
            raise create_read_failure_error("backups", failure)
        return not_applicable("The deleted index has no listed backup.")
    newest_at = max((it.captured_at for it in backups if it.captured_at is not None), default=None)
    age = max(subject.observed_at - newest_at, timedelta()) if newest_at is not None else None
    evidence = {
        "backups": len(backups),
        "newest": format_moment(newest_at) if newest_at is not None else None,
        "age_hours": to_hours(age) if age is not None else None,
        "max_age_days": to_days(max_age),
        "backup_ids": sorted(it.backup.backup_id for it in backups),
    }
    age_text, limit_text = format_lengths(max_age if age is None else age, max_age)
    count_text = f"the newest of {pluralize(len(backups), 'backup')}"
    if age is not None and age <= max_age:
        return compliant(f"{count_text.capitalize()} is {age_text} old (limit: {limit_text}).", evidence)
    if any(it.captured_at is None for it in backups):
        raise InsufficientDataError("Some backups have no capture time.", evidence)
    reason = f"The index is deleted, and {count_text} is {age_text} old (limit: {limit_text})."
    return non_compliant(reason, evidence, depends_on_absence_in=subject.listings)


BACKUPS_HAVE_LIVE_SOURCE = Control(
    id="backups-have-live-source",
    title="Backups of deleted indexes are not kept longer than the policy allows",
    fails_when="The index is deleted, and its newest backup is older than max_age_days.",
    severity=Severity.LOW,
    scopes=(ResourceType.DELETED_INDEX,),
    family=Family.RECOVERY,
    rationale="Manual backups of a deleted index never expire. They cost storage, use up the quota, and may hold data"
    " that should be deleted.",
    remediation="Decide whether {name} may still have to be restored. If not, delete the backups that the evidence"
    " names with DELETE /backups/BACKUP_ID.",
    looks_at="The backups of an index id that is not live, and the capture time of the newest.",
    console=(
        "Open Backups of the project and find backups whose source index is deleted.",
        "Delete the backups that are not needed.",
    ),
    api=("GET /backups.", "DELETE /backups/BACKUP_ID. This cannot be undone."),
    false_positives="Backups kept on purpose as an archive: exempt the name of the index.",
    evaluate=_evaluate,
    parameters={"orphaned_backups.max_age_days": "the maximum age in days of the newest backup of a deleted index"},
)
