"""Control `index-has-schedule`."""

from backup_auditor.domain.control import Control, Family, Verdict, compliant, non_compliant, not_applicable
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.index_subject import IndexSubject
from backup_auditor.domain.wording import counted


def judge(subject: IndexSubject) -> Verdict:
    """Judge one index."""
    if not subject.require.schedule.required:
        return not_applicable("The policy requires no schedule for it.")
    schedules = len(subject.schedules.known)
    evidence = {"schedules": schedules}
    if schedules:
        return compliant(f"It has {counted(schedules, 'schedule')}.", evidence)
    return non_compliant("It has no backup schedule at all.", evidence, rests_on=subject.schedules.listings)


INDEX_HAS_SCHEDULE = Control(
    id="index-has-schedule",
    title="Every index that must be backed up has a backup schedule",
    fails_when="The policy requires a schedule, and the index has none at all.",
    severity=Severity.HIGH,
    scope=ResourceType.INDEX,
    family=Family.SCHEDULES,
    rationale="Without a schedule no recovery point is made unless somebody remembers to.",
    remediation="Create a schedule for {name}: in the console under the index's Backups tab, or by"
    " POST /indexes/{name}/backup-schedules.",
    judge=judge,
    parameters={"schedule.required": "whether an index must have a schedule"},
)
