"""Control `recovery-point-is-recent`."""

from datetime import timedelta

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
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.timefmt import format_lengths, format_moment, to_hours


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    backups, limit = subject.backups, subject.requirements.max_age
    newest_at = backups.recovery_points[0].captured_at if backups.recovery_points else None
    age = subject.observed_at - newest_at if newest_at is not None else None
    evidence = {
        "newest": format_moment(newest_at) if newest_at is not None else None,
        "age_hours": to_hours(age) if age is not None else None,
        "max_age_hours": to_hours(limit),
    }
    if age is not None and age <= limit:
        return compliant(_describe_age(age, limit), evidence)
    if backups.undated_recovery_points:
        raise InsufficientDataError("Some of its Ready backups tell no time at which they were taken.", evidence)
    if age is not None:
        return non_compliant(_describe_age(age, limit), evidence, depends_on_absence_in=backups.listings)
    backups.require_backup_listing()
    return not_applicable("It has no recovery point.", evidence)


def _describe_age(age: timedelta, limit: timedelta) -> str:
    age_text, limit_text = format_lengths(age, limit)
    return f"Its newest recovery point is {age_text} old, {limit_text} are allowed."


RECOVERY_POINT_IS_RECENT = Control(
    id="recovery-point-is-recent",
    title="The newest recovery point of every index is recent enough",
    fails_when="The newest recovery point is older than allowed. An index that is still being created is not judged.",
    severity=Severity.CRITICAL,
    scopes=(ResourceType.INDEX,),
    family=Family.RECOVERY,
    rationale="Everything that was written since the newest recovery point is lost in a restore.",
    remediation="Take a backup of {name} now, in the console under the index's Backups tab or by"
    " POST /indexes/{name}/backups; then find out why no schedule made one:"
    " GET /backup-schedules/{schedule_id}/history.",
    guidance=Guidance(
        looks_at="The capture time of the newest recovery point.",
        console=(
            "Open {name} and its Backups tab.",
            "Create a backup.",
            "Look at the schedule's history for failed or missing runs.",
        ),
        api=(
            "POST /indexes/{name}/backups.",
            "GET /backup-schedules/{schedule_id}/history.",
        ),
        false_positives="An index that has not changed since: let a rule allow a greater max_age.",
        frameworks=RECOVERY_FRAMEWORKS,
        corresponds_to=("AWS Config dynamodb-last-backup-recovery-point-created",),
    ),
    evaluate=evaluate,
    is_evaluated_while_initializing=False,
    parameters={
        "recovery.max_age": "how old the newest recovery point may be; null: schedule.frequency and runs.grace decide",
        "schedule.frequency": "the frequency that decides where recovery.max_age is null",
        "runs.grace": "how late a run may be, where recovery.max_age is null",
    },
)
