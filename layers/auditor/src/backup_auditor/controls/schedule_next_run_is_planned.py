"""Control `schedule-next-run-is-planned`."""

from backup_auditor.domain.control import BACKUP_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.index import IndexContext, for_each_enabled_schedule
from backup_auditor.domain.finding import InsufficientDataError, Severity, Verdict, compliant, non_compliant
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.timefmt import format_lengths, format_minute, format_moment, to_hours


@for_each_enabled_schedule
def _evaluate(subject: IndexContext, schedule: Schedule) -> Verdict:
    next_run = schedule.next_run
    if schedule.next_run_unreadable:
        reason = f"The next run of schedule {schedule.label} is unknown: its time is invalid."
        raise InsufficientDataError(reason, schedule.identity)
    evidence = {
        **schedule.identity,
        "next_run": format_moment(next_run) if next_run else None,
        "grace_hours": to_hours(subject.grace),
    }
    if next_run is None:
        return non_compliant(f"Schedule {schedule.label} is enabled but has no next run.", evidence)
    lateness = subject.observed_at - next_run
    if lateness > subject.grace:
        lateness_text, limit_text = format_lengths(lateness, subject.grace)
        reason = f"The next run of schedule {schedule.label} is {lateness_text} overdue (limit: {limit_text})."
        return non_compliant(reason, evidence)
    return compliant(f"The next run of schedule {schedule.label} is due on {format_minute(next_run)}.", evidence)


SCHEDULE_NEXT_RUN_IS_PLANNED = Control(
    id="schedule-next-run-is-planned",
    title="Enabled schedules have a next run that is not overdue",
    fails_when="An enabled schedule has no next run, or its next run was due more than the grace period ago.",
    severity=Severity.HIGH,
    family=Family.SCHEDULES,
    rationale="A schedule without a next run, or with a next run in the past, makes no backups although it is enabled.",
    remediation="Pause and resume the schedule of {name} to plan its next run, in the Backups tab of the index or"
    ' with PATCH /backup-schedules/{schedule_id} and {"enabled": false}, then {"enabled": true}. Contact Pinecone'
    " support if there is still no next run.",
    looks_at="The next run of each enabled schedule.",
    console=("Open the Backups tab of {name}.", "Pause the schedule.", "Resume it; this also takes a backup."),
    api=(
        'PATCH /backup-schedules/{schedule_id} with {"enabled": false}.',
        'PATCH /backup-schedules/{schedule_id} with {"enabled": true}.',
    ),
    false_positives="After an outage, the service may be late to plan the next run.",
    frameworks=BACKUP_FRAMEWORKS,
    evaluate=_evaluate,
    parameters={"runs.grace": "how late a run may be"},
)
