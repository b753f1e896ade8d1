"""Control `schedule-retention-within-maximum`."""

from backup_auditor.domain.control import Control, Family, Guidance, Verdict, compliant, non_compliant, not_applicable
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_schedules import retention_of, shown_retention, with_retention
from backup_auditor.domain.evaluation.schedule_checks import judge_enabled_schedules
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.timefmt import days, format_length


def judge(subject: IndexContext) -> Verdict:
    """Judge one index."""
    maximum = subject.require.schedule.retention_max
    if maximum is None:
        return not_applicable("The policy sets no maximum retention for it.")

    def judge_one(schedule: Schedule) -> Verdict:
        evidence = {**with_retention(schedule), "max_days": days(maximum)}
        reason = f"{shown_retention(schedule)}, at most {format_length(maximum)} is allowed."
        return non_compliant(reason, evidence) if retention_of(schedule) > maximum else compliant(reason, evidence)

    return judge_enabled_schedules(subject, judge_one)


SCHEDULE_RETENTION_WITHIN_MAXIMUM = Control(
    id="schedule-retention-within-maximum",
    title="Enabled schedules keep backups no longer than the policy allows",
    fails_when="The retention of an enabled schedule is longer than the maximum.",
    severity=Severity.MEDIUM,
    scopes=(ResourceType.INDEX,),
    family=Family.SCHEDULES,
    rationale="Backups that are kept too long cost storage, fill the project's quota, and hold what should be gone.",
    remediation="Shorten the retention of the schedule of {name}, after making sure that the older backups, which this"
    " deletes, are not needed: in the console under the index's Backups tab, or by PATCH"
    " /backup-schedules/{schedule_id} with"
    ' {"retention": {"expire_after_days": {max_days}}}.',
    guidance=Guidance(
        looks_at="The retention of each enabled schedule.",
        console=(
            "Open {name} and its Backups tab.",
            "Make sure that the backups older than the maximum are not needed.",
            "Edit the schedule and shorten its retention.",
        ),
        api=('PATCH /backup-schedules/{schedule_id} with {"retention": {"expire_after_days": {max_days}}}.',),
        false_positives="An index under a legal hold: exempt it until the hold ends.",
    ),
    judge=judge,
    parameters={"schedule.retention_days.max": "the most days that backups may be kept"},
)
