"""Control `index-has-schedule`."""

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
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.text import pluralize


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    if not subject.requirements.schedule.required:
        return not_applicable("The policy requires no schedule for it.")
    schedule_count = len(subject.schedules.known_schedules)
    evidence = {"schedules": schedule_count}
    if schedule_count:
        return compliant(f"It has {pluralize(schedule_count, 'schedule')}.", evidence)
    return non_compliant(
        "It has no backup schedule at all.", evidence, depends_on_absence_in=subject.schedules.listings
    )


INDEX_HAS_SCHEDULE = Control(
    id="index-has-schedule",
    title="Every index that must be backed up has a backup schedule",
    fails_when="The policy requires a schedule, and the index has none at all.",
    severity=Severity.HIGH,
    scopes=(ResourceType.INDEX,),
    family=Family.SCHEDULES,
    rationale="Without a schedule no recovery point is made unless somebody remembers to.",
    remediation="Create a schedule for {name}: in the console under the index's Backups tab, or by"
    " POST /indexes/{name}/backup-schedules.",
    guidance=Guidance(
        looks_at="The backup schedules of the index, paused ones too.",
        console=(
            "Open {name} and its Backups tab.",
            "Create a schedule with the required frequency and retention.",
        ),
        api=(
            (
                'POST /indexes/{name}/backup-schedules with {"name": "NAME", "schedule": {"type": "time-based", '
                '"frequency": "daily"}, "retention": {"expire_after_days": DAYS}}.'
            ),
        ),
        false_positives="An index that is backed up by hand or by a job of your own, or that can be rebuilt: let a "
        "rule say required: false.",
        frameworks=BACKUP_FRAMEWORKS,
        corresponds_to=(
            "AWS Config dynamodb-in-backup-plan",
            "AWS Config dynamodb-resources-protected-by-backup-plan",
        ),
    ),
    evaluate=evaluate,
    parameters={"schedule.required": "whether an index must have a schedule"},
)
