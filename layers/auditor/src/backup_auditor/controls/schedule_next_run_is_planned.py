"""Control `schedule-next-run-is-planned`."""

from backup_auditor.domain.control import (
    BACKED_UP,
    Control,
    Family,
    Guidance,
    InsufficientDataError,
    Verdict,
    compliant,
    non_compliant,
)
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_schedules import evidence_of, label
from backup_auditor.domain.evaluation.schedule_checks import judge_enabled_schedules
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.timefmt import format_lengths, format_moment, format_to_second, hours


def judge(subject: IndexContext) -> Verdict:
    """Judge one index."""

    def judge_one(schedule: Schedule) -> Verdict:
        planned = schedule.next_run
        if schedule.next_run_unreadable:
            reason = f"When the next run of its schedule {label(schedule)} is due cannot be read."
            raise InsufficientDataError(reason, evidence_of(schedule))
        evidence = {
            **evidence_of(schedule),
            "next_run": format_moment(planned) if planned else None,
            "grace_hours": hours(subject.grace),
        }
        if planned is None:
            return non_compliant(f"Its schedule {label(schedule)} is enabled and has no next run.", evidence)
        late = subject.observed_at - planned
        if late > subject.grace:
            shown, allowed = format_lengths(late, subject.grace)
            reason = f"The next run of its schedule {label(schedule)} was due {shown} ago, {allowed} are allowed."
            return non_compliant(reason, evidence)
        return compliant(f"The next run of its schedule {label(schedule)}: {format_to_second(planned)}.", evidence)

    return judge_enabled_schedules(subject, judge_one)


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
        frameworks=BACKED_UP,
    ),
    judge=judge,
    parameters={"runs.grace": "how late a run may be"},
)
