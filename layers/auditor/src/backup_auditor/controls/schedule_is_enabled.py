"""Control `schedule-is-enabled`."""

from backup_auditor.domain.control import (
    BACKUP_FRAMEWORKS,
    Control,
    Family,
    Guidance,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_schedules import label_schedule
from backup_auditor.domain.finding import ResourceType, Severity


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    schedules = subject.schedules
    evidence = {
        "schedules": len(schedules.known_schedules),
        "enabled": [it.schedule_id for it in schedules.enabled_schedules],
    }
    if schedules.enabled_schedules:
        return compliant(f"Its schedule {label_schedule(schedules.enabled_schedules[0])} is enabled.", evidence)
    schedules.require_complete()
    if not schedules.known_schedules:
        return not_applicable("It has no backup schedule.", evidence)
    first_schedule, *other_schedules = schedules.known_schedules
    subject_text = (
        f"None of its {1 + len(other_schedules):,} schedules is"
        if other_schedules
        else f"Its schedule {label_schedule(first_schedule)} is not"
    )
    reason = f"{subject_text} enabled: no new recovery point will be made."
    return non_compliant(reason, evidence, depends_on_absence_in=schedules.listings)


SCHEDULE_IS_ENABLED = Control(
    id="schedule-is-enabled",
    title="An index with backup schedules has one that is enabled",
    fails_when="The index has schedules, and none of them is enabled.",
    severity=Severity.HIGH,
    scopes=(ResourceType.INDEX,),
    family=Family.SCHEDULES,
    rationale="A paused schedule looks like protection and makes none: its recovery points age and expire.",
    remediation="Find out why the schedules of {name} are paused; then resume one: in the console under the index's"
    ' Backups tab, or by PATCH /backup-schedules/{schedule_id} with {"enabled": true}, which also takes a'
    " backup at once.",
    guidance=Guidance(
        looks_at="Whether each schedule of the index is enabled.",
        console=(
            "Open {name} and its Backups tab.",
            "Ask whoever paused the schedule whether the reason still holds.",
            "Resume it.",
        ),
        api=(
            "GET /indexes/{name}/backup-schedules for its id.",
            'PATCH /backup-schedules/{schedule_id} with {"enabled": true}.',
        ),
        false_positives="A pause is somebody's decision: exempt the index until the day on which it is to end.",
        frameworks=BACKUP_FRAMEWORKS,
        corresponds_to=("AWS Config db-instance-backup-enabled",),
    ),
    evaluate=evaluate,
)
