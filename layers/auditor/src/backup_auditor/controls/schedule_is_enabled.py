"""Control `schedule-is-enabled`."""

from backup_auditor.domain.control import (
    BACKED_UP,
    Control,
    Family,
    Guidance,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_schedules import label
from backup_auditor.domain.finding import ResourceType, Severity


def judge(subject: IndexContext) -> Verdict:
    """Judge one index."""
    schedules = subject.schedules
    evidence = {"schedules": len(schedules.known), "enabled": [it.schedule_id for it in schedules.enabled]}
    if schedules.enabled:
        return compliant(f"Its schedule {label(schedules.enabled[0])} is enabled.", evidence)
    schedules.need_all()
    if not schedules.known:
        return not_applicable("It has no backup schedule.", evidence)
    first, *others = schedules.known
    none_is = f"None of its {1 + len(others):,} schedules is" if others else f"Its schedule {label(first)} is not"
    reason = f"{none_is} enabled: no new recovery point will be made."
    return non_compliant(reason, evidence, rests_on=schedules.listings)


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
        frameworks=BACKED_UP,
        corresponds_to=("AWS Config db-instance-backup-enabled",),
    ),
    judge=judge,
)
