"""Control `index-has-schedule`."""

from backup_auditor.domain.control import BACKUP_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import Severity, Verdict, compliant, non_compliant, not_applicable
from backup_auditor.domain.text import pluralize


def _evaluate(subject: IndexContext) -> Verdict:
    if not subject.requirements.schedule.required:
        return not_applicable("The policy does not require a schedule.")
    schedule_count = len(subject.schedules.known_schedules)
    evidence = {"schedules": schedule_count}
    if schedule_count:
        return compliant(f"The index has {pluralize(schedule_count, 'backup schedule')}.", evidence)
    return non_compliant(
        "The index has no backup schedule.", evidence, depends_on_absence_in=subject.schedules.listings
    )


INDEX_HAS_SCHEDULE = Control(
    id="index-has-schedule",
    title="Every index that must be backed up has a backup schedule",
    fails_when="The policy requires a schedule, and the index has none.",
    severity=Severity.HIGH,
    family=Family.SCHEDULES,
    rationale="Without a schedule, recovery points depend on manual backups.",
    remediation="Create a schedule for {name} in the Backups tab of the index, or with POST"
    " /indexes/{name}/backup-schedules.",
    looks_at="The backup schedules of the index, including paused ones.",
    console=("Open the Backups tab of {name}.", "Create a schedule with the required frequency and retention."),
    api=(
        (
            'POST /indexes/{name}/backup-schedules with {"name": "NAME", "schedule": {"type": "time-based", '
            '"frequency": "daily"}, "retention": {"expire_after_days": DAYS}}.'
        ),
    ),
    false_positives="An index that is backed up manually or by your own job, or that can be rebuilt: add a rule"
    " with required: false.",
    frameworks=BACKUP_FRAMEWORKS,
    corresponds_to=(
        "AWS Config dynamodb-in-backup-plan",
        "AWS Config dynamodb-resources-protected-by-backup-plan",
    ),
    evaluate=_evaluate,
    parameters={"schedule.required": "whether a schedule is required"},
)
