"""Control `index-has-recovery-point`."""

from backup_auditor.domain.control import RECOVERY_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.index import IndexContext, compute_age, find_enabled_schedule, is_younger_than
from backup_auditor.domain.evaluation.index_backups import count_recovery_points
from backup_auditor.domain.finding import InsufficientDataError, Severity, Verdict, compliant, non_compliant
from backup_auditor.domain.timefmt import format_length, format_moment


def _evaluate(subject: IndexContext) -> Verdict:
    backups = subject.backups
    point_count = count_recovery_points(backups)
    evidence = {**point_count.evidence, "backups_under_name": len(backups.backups_under_name)}
    if point_count.minimum:
        newest_at = backups.require_recovery_points()[0].captured_at
        return compliant(
            f"The index has {point_count.text}.",
            {**evidence, "newest": format_moment(newest_at) if newest_at else None},
        )
    young_schedule = find_enabled_schedule(subject, lambda it: is_younger_than(subject, it, 1))
    if young_schedule is not None:
        age = format_length(compute_age(subject, young_schedule))
        reason = f"The first run of schedule {young_schedule.label}, created {age} ago, is not due yet."
        return compliant(reason, {**evidence, **young_schedule.identity})
    if point_count.maximum:
        raise InsufficientDataError(f"The index has {point_count.text}: {point_count.unknown_reason}.", evidence)
    reason = "The index has no recovery point, so it cannot be restored."
    return non_compliant(reason, evidence, depends_on_absence_in=backups.find_absence_listings(1))


INDEX_HAS_RECOVERY_POINT = Control(
    id="index-has-recovery-point",
    title="Every index has a recovery point",
    fails_when="The index has no recovery point. Exception: an enabled schedule was created less than its longest"
    " interval plus the grace period ago, so its first run is not due yet. Indexes that are still being created are"
    " not evaluated.",
    severity=Severity.CRITICAL,
    family=Family.RECOVERY,
    rationale="An index without a recovery point cannot be restored after a mistake.",
    remediation="Take a backup of {name} now, in the Backups tab of the index or with POST /indexes/{name}/backups.",
    looks_at="The Ready backups of the live index's own id, and the age of its enabled schedules.",
    console=("Open the Backups tab of {name}.", "Create a backup."),
    api=("POST /indexes/{name}/backups.", "GET /backups/BACKUP_ID until its status is Ready; POST returns the id."),
    false_positives="An index that was just created and is to be backed up manually.",
    frameworks=RECOVERY_FRAMEWORKS,
    corresponds_to=("AWS Config dynamodb-last-backup-recovery-point-created",),
    evaluate=_evaluate,
    is_evaluated_while_initializing=False,
    parameters={"runs.grace": "how late the first run may be"},
)
