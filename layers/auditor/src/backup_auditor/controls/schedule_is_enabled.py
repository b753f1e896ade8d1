"""Control `schedule-is-enabled`."""

from backup_auditor.domain.control import BACKUP_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import Severity, Verdict, compliant, non_compliant, not_applicable


def _evaluate(subject: IndexContext) -> Verdict:
    schedules = subject.schedules
    evidence = {
        "schedules": len(schedules.known_schedules),
        "enabled": [it.schedule_id for it in schedules.enabled_schedules],
    }
    if schedules.enabled_schedules:
        return compliant(f"Schedule {schedules.enabled_schedules[0].label} is enabled.", evidence)
    schedules.require_complete()
    if not schedules.known_schedules:
        return not_applicable("The index has no backup schedule.", evidence)
    first_schedule, *other_schedules = schedules.known_schedules
    subject_text = (
        f"None of {1 + len(other_schedules):,} schedules is"
        if other_schedules
        else f"Schedule {first_schedule.label} is not"
    )
    reason = f"{subject_text} enabled, so no new recovery points are made."
    return non_compliant(reason, evidence, depends_on_absence_in=schedules.listings)


SCHEDULE_IS_ENABLED = Control(
    id="schedule-is-enabled",
    title="An index with backup schedules has an enabled one",
    fails_when="The index has schedules, and none of them is enabled.",
    severity=Severity.HIGH,
    family=Family.SCHEDULES,
    rationale="A paused schedule looks like protection but makes no backups. Its recovery points age and expire.",
    remediation="Find out why the schedules of {name} are paused. Then resume one, in the Backups tab of the index or"
    ' with PATCH /backup-schedules/{schedule_id} and {"enabled": true}; this also takes a backup immediately.',
    looks_at="Whether each schedule of the index is enabled.",
    console=(
        "Open the Backups tab of {name}.",
        "Ask the person who paused the schedule whether the reason still applies.",
        "Resume the schedule.",
    ),
    api=(
        "GET /indexes/{name}/backup-schedules for its id.",
        'PATCH /backup-schedules/{schedule_id} with {"enabled": true}.',
    ),
    false_positives="An intended pause: exempt the index until the day on which the pause ends.",
    frameworks=BACKUP_FRAMEWORKS,
    corresponds_to=("AWS Config db-instance-backup-enabled",),
    evaluate=_evaluate,
)
