"""Control `schedule-next-run-is-planned`."""

from backup_auditor.domain.control import (
    BACKUP_FRAMEWORKS,
    Control,
    Family,
    Guidance,
    InsufficientDataError,
    Verdict,
    compliant,
    non_compliant,
)
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_schedules import build_schedule_evidence, label_schedule
from backup_auditor.domain.evaluation.schedule_checks import evaluate_enabled_schedules
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.timefmt import format_lengths, format_moment, format_to_second, to_hours


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""

    def evaluate_schedule(schedule: Schedule) -> Verdict:
        next_run = schedule.next_run
        if schedule.next_run_unreadable:
            reason = f"When the next run of its schedule {label_schedule(schedule)} is due cannot be read."
            raise InsufficientDataError(reason, build_schedule_evidence(schedule))
        evidence = {
            **build_schedule_evidence(schedule),
            "next_run": format_moment(next_run) if next_run else None,
            "grace_hours": to_hours(subject.grace),
        }
        if next_run is None:
            return non_compliant(f"Its schedule {label_schedule(schedule)} is enabled and has no next run.", evidence)
        lateness = subject.observed_at - next_run
        if lateness > subject.grace:
            lateness_text, limit_text = format_lengths(lateness, subject.grace)
            reason = (
                f"The next run of its schedule {label_schedule(schedule)} was due {lateness_text} ago,"
                f" {limit_text} are allowed."
            )
            return non_compliant(reason, evidence)
        return compliant(
            f"The next run of its schedule {label_schedule(schedule)}: {format_to_second(next_run)}.", evidence
        )

    return evaluate_enabled_schedules(subject, evaluate_schedule)


SCHEDULE_NEXT_RUN_IS_PLANNED = Control(
    id="schedule-next-run-is-planned",
    title="Enabled schedules have a next run that is not overdue",
    fails_when="An enabled schedule has no next run, or one that was due longer ago than the grace.",
    severity=Severity.HIGH,
    scopes=(ResourceType.INDEX,),
    family=Family.SCHEDULES,
    rationale="A schedule without a next run, or with one that lies in the past, is enabled in name only.",
    remediation="Pause and resume the schedule of {name}, which plans it anew: in the console under the index's Backups"
    ' tab, or by PATCH /backup-schedules/{schedule_id} with {"enabled": false}, then {"enabled": true}. If'
    " it stays so, ask"
    " Pinecone's support.",
    guidance=Guidance(
        looks_at="The next run of each enabled schedule.",
        console=(
            "Open {name} and its Backups tab.",
            "Pause the schedule.",
            "Resume it, which also takes a backup.",
        ),
        api=(
            'PATCH /backup-schedules/{schedule_id} with {"enabled": false}.',
            'PATCH /backup-schedules/{schedule_id} with {"enabled": true}.',
        ),
        false_positives="The service may be late in planning the next run after an outage of its own.",
        frameworks=BACKUP_FRAMEWORKS,
    ),
    evaluate=evaluate,
    parameters={"runs.grace": "how late a run may be"},
)
