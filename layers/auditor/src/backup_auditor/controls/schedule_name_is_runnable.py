"""Control `schedule-name-is-runnable`."""

from backup_auditor.domain.control import BACKED_UP, Control, Family, Guidance, Verdict, compliant, non_compliant
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_schedules import evidence_of, name_of
from backup_auditor.domain.evaluation.schedule_checks import judge_enabled_schedules
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.model import Schedule

LONGEST_NAME = 28
"""Characters: the name of a run adds 17, and the service allows 45."""


def judge(subject: IndexContext) -> Verdict:
    """Judge one index."""

    def judge_one(schedule: Schedule) -> Verdict:
        length = len(name_of(schedule))
        evidence = {**evidence_of(schedule), "length": length, "max_length": LONGEST_NAME}
        reason = f"The name of its schedule {schedule.name} has {length} characters, {LONGEST_NAME} are allowed"
        if length > LONGEST_NAME:
            return non_compliant(f"{reason}: every run fails.", evidence)
        return compliant(f"{reason}.", evidence)

    return judge_enabled_schedules(subject, judge_one)


SCHEDULE_NAME_IS_RUNNABLE = Control(
    id="schedule-name-is-runnable",
    title="Enabled schedules have a name short enough to run",
    fails_when="The name of an enabled schedule is longer than 28 characters.",
    severity=Severity.CRITICAL,
    scopes=(ResourceType.INDEX,),
    family=Family.SCHEDULES,
    rationale=f"Pinecone accepts a schedule whose name is longer than {LONGEST_NAME} characters, and then every run of"
    " it fails.",
    remediation="A schedule cannot be renamed: delete that of {name} (its backups stay) and create it anew with a"
    " shorter name: in the console under the index's Backups tab, or by DELETE /backup-schedules/{schedule_id}, then"
    " POST /indexes/{name}/backup-schedules.",
    guidance=Guidance(
        looks_at="The length of the name of each enabled schedule.",
        console=(
            "Open {name} and its Backups tab.",
            (
                "Create a schedule with the same settings and a name of at most 28 characters, and pause the "
                "old one first."
            ),
            "Delete the old one; its backups stay.",
        ),
        api=(
            "DELETE /backup-schedules/{schedule_id}.",
            "POST /indexes/{name}/backup-schedules with a shorter name.",
        ),
        false_positives="None are known: every run of such a schedule fails.",
        frameworks=BACKED_UP,
    ),
    judge=judge,
)
