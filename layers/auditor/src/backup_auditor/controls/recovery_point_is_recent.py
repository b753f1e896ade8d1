"""Control `recovery-point-is-recent`."""

from backup_auditor.domain.control import RECOVERY_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_backups import NO_RECOVERY_POINT_REASON, UNDATED_POINTS_REASON
from backup_auditor.domain.finding import (
    InsufficientDataError,
    Severity,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.timefmt import format_lengths, format_moment, to_hours


def _evaluate(subject: IndexContext) -> Verdict:
    backups, limit = subject.backups, subject.requirements.max_age
    newest_at = backups.require_newest_capture_time()
    age = subject.observed_at - newest_at if newest_at is not None else None
    evidence = {
        "newest": format_moment(newest_at) if newest_at is not None else None,
        "age_hours": to_hours(age) if age is not None else None,
        "max_age_hours": to_hours(limit),
    }
    age_text, limit_text = format_lengths(limit if age is None else age, limit)
    reason = f"Newest recovery point is {age_text} old (limit: {limit_text})."
    if age is not None and age <= limit:
        return compliant(reason, evidence)
    if backups.require_undated_recovery_points():
        raise InsufficientDataError(UNDATED_POINTS_REASON, evidence)
    if age is not None:
        return non_compliant(reason, evidence, depends_on_absence_in=backups.listings)
    backups.require_backup_listing()
    return not_applicable(NO_RECOVERY_POINT_REASON, evidence)


RECOVERY_POINT_IS_RECENT = Control(
    id="recovery-point-is-recent",
    title="The newest recovery point of every index is recent",
    fails_when="The newest recovery point is older than the limit. Indexes that are still being created are not"
    " evaluated.",
    severity=Severity.CRITICAL,
    family=Family.RECOVERY,
    rationale="A restore loses everything that was written after the newest recovery point.",
    remediation="Take a backup of {name} now, in the Backups tab of the index or with POST /indexes/{name}/backups."
    " Then check with GET /backup-schedules/{schedule_id}/history why no schedule made one.",
    looks_at="The capture time of the newest recovery point.",
    console=(
        "Open the Backups tab of {name}.",
        "Create a backup.",
        "Check the schedule's history for failed or missing runs.",
    ),
    api=(
        "POST /indexes/{name}/backups.",
        "GET /backup-schedules/{schedule_id}/history.",
    ),
    false_positives="An index that has not changed since: add a rule with a longer max_age.",
    frameworks=RECOVERY_FRAMEWORKS,
    corresponds_to=("AWS Config dynamodb-last-backup-recovery-point-created",),
    evaluate=_evaluate,
    is_evaluated_while_initializing=False,
    parameters={
        "recovery.max_age": "the maximum age of the newest recovery point; null: the interval of schedule.frequency"
        " plus runs.grace",
        "schedule.frequency": "the frequency that sets the limit if recovery.max_age is null",
        "runs.grace": "how late a run may be, if recovery.max_age is null",
    },
)
